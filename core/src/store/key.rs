//! Finding the master key.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::Store;
use crate::{Error, Kind, Result, Secret};

/// The variable that holds the master key itself.
const KEY_VARIABLE: &str = "EVERGRANT_KEY";
/// The variable that names a file with the master key.
const FILE_VARIABLE: &str = "EVERGRANT_KEY_FILE";

/// Where the master key comes from: 32 bytes, as 64 hexadecimal digits or as base64.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// `EVERGRANT_KEY`, else the file that `EVERGRANT_KEY_FILE` names, else `<store>.key`, which is
    /// made on first use. A store in memory gets a key that dies with it.
    #[default]
    Default,
    /// The key itself.
    Key(Secret),
    /// A file that holds it.
    File(PathBuf),
}

pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

impl KeySource {
    /// Finds the key for `store`. `fresh` says that nothing was ever sealed in it: only then may a
    /// key be made.
    pub(crate) fn find(&self, store: &dyn Store, fresh: bool) -> Result<MasterKey> {
        match self {
            KeySource::Key(text) => decode(text.expose(), "key"),
            KeySource::File(path) => read(path),
            KeySource::Default => {
                if let Some(text) = std::env::var_os(KEY_VARIABLE) {
                    let text = Zeroizing::new(text.to_string_lossy().into_owned());
                    return decode(&text, KEY_VARIABLE);
                }
                if let Some(path) = std::env::var_os(FILE_VARIABLE) {
                    return read(Path::new(&path));
                }
                match store.path() {
                    Some(path) => beside(&path, fresh),
                    None => Ok(Zeroizing::new(rand::random())),
                }
            }
        }
    }
}

fn beside(store: &Path, fresh: bool) -> Result<MasterKey> {
    let mut name = store.as_os_str().to_owned();
    name.push(".key");
    let path = PathBuf::from(name);
    match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && fresh => create(&path),
        _ => read(&path),
    }
}

/// Makes the key file in one step, so that two processes starting together end with one key.
fn create(path: &Path) -> Result<MasterKey> {
    let key: MasterKey = Zeroizing::new(rand::random());
    let text = Zeroizing::new(BASE64_STANDARD.encode(*key));
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", rand::random::<u64>()));
    let draft = PathBuf::from(name);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            writeln!(file, "{}", *text)?;
            file.sync_all()
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        })
        .and_then(|()| super::sqlite::sync_folder(path));
    // Whatever happened, the draft is of no further use.
    let _ = fs::remove_file(&draft);
    written.map_err(|error| {
        Error::new(Kind::Key, "the key file could not be made")
            .with("file", path.display().to_string())
            .with_source(error)
    })?;
    tracing::warn!(
        file = %path.display(),
        "made a new master key beside the store: back it up, and keep it apart from the store's backups"
    );
    read(path)
}

fn read(path: &Path) -> Result<MasterKey> {
    let file = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| {
        Error::new(Kind::Key, "the key file cannot be read").with("file", file.clone()).with_source(error).advise(
            "Without the key the store's tokens cannot be opened: restore the file, or start with an empty store.",
        )
    })?;
    if metadata.mode() & 0o077 != 0 {
        tracing::warn!(file, "the key file can be read by others: chmod 600 it");
    }
    if metadata.len() > 4096 {
        return Err(
            Error::new(Kind::Key, "the key file is too long to be a key").with("file", file)
        );
    }
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        Error::new(Kind::Key, "the key file cannot be read")
            .with("file", file.clone())
            .with_source(error)
    })?;
    decode(&text, "key_file").map_err(|error| error.with("file", file))
}

fn decode(text: &str, field: &'static str) -> Result<MasterKey> {
    let text = text.trim();
    let bytes = Zeroizing::new(match text.len() {
        64 => (0..32)
            .map(|i| text.get(2 * i..2 * i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect(),
        _ => BASE64_STANDARD.decode(text).ok(),
    });
    let key: [u8; 32] = bytes.as_deref().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Error::new(Kind::Key, "the master key is malformed")
            .with("field", field)
            .advise("A key is 32 bytes, as 64 hexadecimal digits or as base64: `openssl rand -hex 32` makes one.")
    })?;
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_and_base64_and_names_the_field_otherwise() {
        let hex = "00ff".repeat(16);
        assert_eq!(decode(&format!(" {hex}\n"), "key").unwrap()[..2], [0, 255]);
        assert_eq!(*decode(&BASE64_STANDARD.encode([7_u8; 32]), "key").unwrap(), [7; 32]);
        for bad in ["", "secretsecret", &"zz".repeat(32), &"ff".repeat(31), &"é".repeat(32)] {
            let error = decode(bad, "key").unwrap_err();
            assert_eq!(error.kind(), Kind::Key);
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad));
        }
    }
}
