//! A list that goes on where it was stopped: a file says how far it was printed.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::PathBuf,
};

use evergrant::{Error, Kind, Result};
use serde::{Deserialize, Serialize};

use crate::output::{self, Output};

/// A note is shorter than this.
const LONGEST: u64 = 64 << 10;

/// What the file holds. It is there while a list is unfinished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// Where the list stands behind the rows that were printed.
    cursor: String,
    /// How many these are.
    rows: u64,
    /// The bytes of the rows that were about to be printed next; 0 while none are.
    under_way: u64,
    /// The file that standard output was.
    output: Option<Printed>,
}

/// How far a file was written. Its device is not noted: that changes when a machine starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    inode: u64,
    length: u64,
}

/// Prints the rows of a list, and keeps how far.
pub(crate) struct Resume {
    path: PathBuf,
    output: Output,
    /// `None` until there is something to go on from.
    note: Option<Note>,
}

impl Resume {
    /// Reads what the last run noted. Nothing is changed yet.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let mut resume = Self { path, output: Output::standard()?, note: None };
        let mut text = String::new();
        let read =
            File::open(&resume.path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        match read {
            Ok(_) => {
                let note = serde_json::from_str(&text);
                resume.note = Some(note.map_err(|_| {
                    resume
                        .refuse("this file does not say how far a list was printed")
                        .advise("Name another file, or remove this one to begin at the first row.")
                })?);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(resume.failed("the file cannot be read", error)),
        }
        Ok(resume)
    }

    /// Where the last run stood; `None` at the beginning.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.note.as_ref().map(|note| note.cursor.as_str())
    }

    /// How many rows the runs before have printed.
    pub(crate) fn rows(&self) -> u64 {
        self.note.as_ref().map_or(0, |note| note.rows)
    }

    /// Before the first row: takes back what was printed behind the note, and writes the note, so that
    /// nothing is printed where no note can be kept.
    pub(crate) fn begin(&mut self, cursor: String) -> Result<()> {
        let mut note =
            self.note.clone().unwrap_or(Note { cursor, rows: 0, under_way: 0, output: None });
        if self.note.is_some() {
            self.take_back(&note)?;
        }
        note.under_way = 0;
        note.output = self.output.end()?.map(|(inode, length)| Printed { inode, length });
        self.keep(note)
    }

    /// Prints rows, behind which the list stands at `cursor`.
    pub(crate) fn print(&mut self, lines: &str, rows: usize, cursor: String) -> Result<()> {
        let Some(mut note) = self.note.clone() else {
            return Err(Error::new(Kind::Internal, "rows were printed before a list was begun"));
        };
        // Said beforehand, so that the next run knows what it may take back.
        note.under_way = lines.len() as u64;
        self.keep(note.clone())?;
        output::text(lines)?;
        // The note must not outlive the rows.
        self.output.sync()?;
        note.cursor = cursor;
        note.rows += rows as u64;
        if let Some(printed) = &mut note.output {
            printed.length += note.under_way;
        }
        note.under_way = 0;
        self.keep(note)
    }

    /// The list is whole.
    pub(crate) fn done(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(self.failed("the file cannot be removed", error))
            }
            _ => Ok(()),
        }
    }

    /// Says which file holds a cursor that a list does not take.
    pub(crate) fn of_another_list(&self, error: Error) -> Error {
        if self.note.is_none() || !error.context().contains(&("field", "after".to_owned())) {
            return error;
        }
        error.with("file", self.path.display().to_string()).advise(
            "Give the method, parameters and order that the list was begun with, or another file.",
        )
    }

    /// A file loses what is behind the note; nothing can be taken back from a pipe, where a line that
    /// may have been torn is ended.
    fn take_back(&self, note: &Note) -> Result<()> {
        let now = self.output.end()?;
        let Some(before) = note.output else {
            let torn = note.under_way > 0 && now.is_none_or(|(_, length)| length > 0);
            return if torn { output::text("\n") } else { Ok(()) };
        };
        let again = "or remove the file of --resume to begin at the first row";
        let Some((_, length)) = now.filter(|(inode, _)| *inode == before.inode) else {
            return Err(self
                .refuse("the list was begun in another file than the output is now")
                .advise(format!("Append to that file with >>, {again}.")));
        };
        if length < before.length {
            return Err(self
                .refuse("the output has lost rows that were printed to it")
                .with("bytes", length.to_string())
                .with("printed", before.length.to_string())
                .advise(format!("Append with >>, for > empties the file; restore it, {again}.")));
        }
        if length > before.length + note.under_way {
            return Err(self
                .refuse("something else was written to the output behind the rows")
                .with("bytes", length.to_string())
                .with("printed", before.length.to_string())
                .advise(format!("Cut the file to {} bytes, {again}.", before.length)));
        }
        self.output.cut(before.length)
    }

    /// Replaces the file whole: a crash leaves the old one or the new one.
    fn keep(&mut self, note: Note) -> Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(serde_json::to_string(&note)?.as_bytes())?;
            file.sync_data()?;
            fs::rename(&beside, &self.path)
        });
        written.map_err(|error| self.failed("the file cannot be written", error))?;
        self.note = Some(note);
        Ok(())
    }

    fn refuse(&self, why: &'static str) -> Error {
        Error::invalid_input("resume", why).with("file", self.path.display().to_string())
    }

    fn failed(&self, why: &'static str, error: std::io::Error) -> Error {
        self.refuse(why).with("reason", error.to_string()).with_source(error)
    }
}
