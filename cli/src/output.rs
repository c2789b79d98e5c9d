//! What a person or another program reads.

use std::{
    fs::File,
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    os::{fd::AsFd, unix::fs::MetadataExt},
};

use evergrant::{Error, Kind, Result};
use serde_json::Value;

/// Writes one line to standard output.
///
/// # Errors
/// If the other end has gone: the program then stops, as `head` expects it to. If the disk is full.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref()).map_err(unwritable)
}

/// Writes text as it is.
pub(crate) fn text(text: &str) -> Result<()> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return Error::new(Kind::Cancelled, "nobody reads the output").with_source(error);
    }
    Error::invalid_input("output", "the output cannot be written")
        .with("reason", error.to_string())
        .with_source(error)
}

/// Standard output, where it may be a file that was written before.
pub(crate) struct Output(File);

impl Output {
    pub(crate) fn standard() -> Result<Self> {
        let output = io::stdout().as_fd().try_clone_to_owned().map_err(unwritable)?;
        Ok(Self(output.into()))
    }

    /// The file's inode and length, where it is one. What is written next comes at its end, however it
    /// was opened.
    pub(crate) fn end(&self) -> Result<Option<(u64, u64)>> {
        let data = self.0.metadata().map_err(unwritable)?;
        if !data.is_file() {
            return Ok(None);
        }
        let length = (&self.0).seek(SeekFrom::End(0)).map_err(unwritable)?;
        Ok(Some((data.ino(), length)))
    }

    /// Takes away what a file has behind `length`.
    pub(crate) fn cut(&self, length: u64) -> Result<()> {
        self.0.set_len(length).map_err(unwritable)
    }

    /// Waits until a file is on its disk.
    pub(crate) fn sync(&self) -> Result<()> {
        let data = self.0.metadata().map_err(unwritable)?;
        if data.is_file() { self.0.sync_data().map_err(unwritable) } else { Ok(()) }
    }
}

/// Writes a value as indented JSON.
pub(crate) fn json(value: &Value) -> Result<()> {
    line(format!("{value:#}"))
}

/// Writes one line to standard error.
pub(crate) fn note(text: impl AsRef<str>) {
    // Nothing can be done for a person whose screen is gone.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Tells a person what went wrong; with its causes if they asked for more.
pub(crate) fn complain(error: &Error, with_causes: bool) {
    if with_causes {
        note(format!("error: {error:?}"));
    } else {
        note(format!("error: {error}"));
    }
}

/// 10000 as 10,000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table with columns as wide as they need to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let show = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(padded.join("  ").trim_end())
    };
    show(head.to_vec())?;
    rows.iter().try_for_each(|row| show(row.iter().map(String::as_str).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 999, 1000, 10_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "10,000", "1,234,567"]);
    }
}
