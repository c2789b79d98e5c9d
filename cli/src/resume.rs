//! A file that says how far a list was printed, so that the next run goes on behind it.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::PathBuf,
};

use evergrant::{Error, Kind, Result};

/// A cursor is shorter than this.
const LONGEST: u64 = 64 << 10;

/// The file. It is there while a list is unfinished.
pub(crate) struct Resume(PathBuf);

impl Resume {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where the last run stood; `None` at the beginning.
    pub(crate) fn cursor(&self) -> Result<Option<String>> {
        let mut text = String::new();
        let read =
            File::open(&self.0).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        match read {
            Ok(_) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("the file cannot be read", error)),
        }
    }

    /// Replaces it whole: a crash leaves the old one or the new one.
    pub(crate) fn keep(&self, cursor: &str) -> Result<()> {
        let mut beside = self.0.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(cursor.as_bytes())?;
            file.sync_data()?;
            fs::rename(&beside, &self.0)
        });
        written.map_err(|error| self.failed("the file cannot be written", error))
    }

    /// The list is whole.
    pub(crate) fn done(&self) -> Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(self.failed("the file cannot be removed", error))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, why: &'static str, error: std::io::Error) -> Error {
        Error::new(Kind::InvalidInput, why)
            .with("field", "resume")
            .with("file", self.0.display().to_string())
            .with_source(error)
    }
}
