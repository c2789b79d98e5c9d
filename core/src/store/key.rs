//! Finding the master key: one line per version, the newest seals, the others still open.

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

/// Where the master key comes from: 32 bytes, as 64 hexadecimal digits or as base64. To change it,
/// add a line `2:<new key>` below the old one, restart, re-seal, and remove the old line two days
/// later, when no spooled answer needs it any more.
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

/// A key, of the master or of a grant's data.
pub(crate) type SealingKey = Zeroizing<[u8; 32]>;

/// The versions of the master key, oldest first; never empty.
pub(crate) struct KeyRing(Vec<(u32, SealingKey)>);

impl KeyRing {
    /// What new texts are sealed with.
    pub(crate) fn current(&self) -> (u32, &SealingKey) {
        let newest = self.0.iter().max_by_key(|(version, _)| version);
        #[expect(clippy::expect_used, reason = "a ring is made with at least one key")]
        let (version, key) = newest.expect("a key");
        (*version, key)
    }

    pub(crate) fn version(&self, wanted: u32) -> Option<&SealingKey> {
        self.0.iter().find(|(version, _)| *version == wanted).map(|(_, key)| key)
    }
}

impl KeySource {
    /// What `Default` stands for with this store; the others stand for themselves.
    pub(crate) fn resolve(&self, store: &dyn Store) -> Result<KeySource> {
        if !matches!(self, KeySource::Default) {
            return Ok(self.clone());
        }
        if let Some(text) = std::env::var_os(KEY_VARIABLE) {
            return Ok(KeySource::Key(Secret::new(text.to_string_lossy().into_owned())));
        }
        if let Some(path) = std::env::var_os(FILE_VARIABLE) {
            return Ok(KeySource::File(path.into()));
        }
        match store.path() {
            Some(store) => {
                let mut name = store.into_os_string();
                name.push(".key");
                Ok(KeySource::File(name.into()))
            }
            None if store.is_shared() => Err(Error::new(Kind::Key, "a shared store needs a master key")
                .with("store", store.address())
                .advise("Name a file with EVERGRANT_KEY_FILE, or give the key in EVERGRANT_KEY, on every machine the same.")),
            None => Ok(KeySource::Key(Secret::new(BASE64_STANDARD.encode(rand::random::<[u8; 32]>())))),
        }
    }

    /// The key file that is made on first use, if this source is that.
    pub(crate) fn make_beside(&self, store: &dyn Store) -> Result<()> {
        match (self.resolve(store)?, self) {
            (KeySource::File(path), KeySource::Default)
                if store.path().is_some() && std::env::var_os(FILE_VARIABLE).is_none() =>
            {
                match fs::metadata(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => create(&path),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Reads the key; the source must be resolved.
    pub(crate) fn read(&self) -> Result<KeyRing> {
        match self {
            KeySource::Key(text) => decode(text.expose(), "key"),
            KeySource::File(path) => read(path),
            KeySource::Default => Err(malformed("key")),
        }
    }
}

/// Makes the key file in one step, so that two processes starting together end with one key.
fn create(path: &Path) -> Result<()> {
    let key: SealingKey = Zeroizing::new(rand::random());
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
    Ok(())
}

fn read(path: &Path) -> Result<KeyRing> {
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

/// Lines of `<version>:<key>`; a key alone is version 1.
fn decode(text: &str, field: &'static str) -> Result<KeyRing> {
    let mut keys: Vec<(u32, SealingKey)> = Vec::new();
    for line in text.split([',', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
        let (version, key) = match line.split_once(':') {
            None => (1, line),
            Some((version, key)) => {
                let version = version.trim().parse().map_err(|_| malformed(field))?;
                (version, key.trim())
            }
        };
        if keys.iter().any(|(known, _)| *known == version) {
            return Err(Error::new(Kind::Key, "two lines give the same version of the master key")
                .with("field", field)
                .with("version", version.to_string()));
        }
        keys.push((version, decode_key(key).ok_or_else(|| malformed(field))?));
    }
    if keys.is_empty() { Err(malformed(field)) } else { Ok(KeyRing(keys)) }
}

fn decode_key(text: &str) -> Option<SealingKey> {
    let bytes = Zeroizing::new(match text.len() {
        64 => (0..32)
            .map(|i| text.get(2 * i..2 * i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()?,
        _ => BASE64_STANDARD.decode(text).ok()?,
    });
    bytes.as_slice().try_into().map(Zeroizing::new).ok()
}

fn malformed(field: &'static str) -> Error {
    Error::new(Kind::Key, "the master key is malformed").with("field", field).advise(
        "A key is 32 bytes, as 64 hexadecimal digits or as base64: `openssl rand -hex 32` makes one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_and_base64_and_names_the_field_otherwise() {
        let hex = "00ff".repeat(16);
        assert_eq!(decode(&format!(" {hex}\n"), "key").unwrap().current().1[..2], [0, 255]);
        let base64 = BASE64_STANDARD.encode([7_u8; 32]);
        assert_eq!(**decode(&base64, "key").unwrap().current().1, [7; 32]);
        let two = decode(&format!("2:{hex}\n1:{base64}\n"), "key").unwrap();
        assert_eq!((two.current().0, two.current().1[1]), (2, 255));
        assert_eq!(two.version(1).unwrap()[0], 7);
        assert!(two.version(3).is_none());
        assert!(decode(&format!("{hex}\n{hex}"), "key").is_err(), "version 1 twice");
        for bad in ["", "secretsecret", &"zz".repeat(32), &"ff".repeat(31), &"é".repeat(32)] {
            let error = decode(bad, "key").err().unwrap();
            assert_eq!(error.kind(), Kind::Key);
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad));
        }
    }
}
