//! Secrets that come on standard input.

use std::io::{IsTerminal, Read};

use evergrant::{Error, Kind, Result};

use crate::output;

/// Longer than any token or address.
const LONGEST: u64 = 16 << 10;

/// The only line of standard input, without spaces around it.
pub(crate) async fn line(field: &'static str) -> Result<String> {
    // Not on this thread: it also watches for signals.
    tokio::task::spawn_blocking(move || read(field)).await.map_err(|error| {
        Error::new(Kind::Internal, "standard input was not read").with_source(error)
    })?
}

fn read(field: &'static str) -> Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        output::note(format!("Paste the {}:", field.replace('_', " ")));
        let mut text = String::new();
        return match stdin.read_line(&mut text) {
            Ok(_) => one(field, &text),
            Err(error) => Err(unreadable(field, error)),
        };
    }
    let mut text = String::new();
    stdin.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(field, error))?;
    one(field, &text)
}

fn one(field: &'static str, text: &str) -> Result<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (None, _) => Err(Error::invalid_input(field, "nothing came on standard input")),
        _ => Err(Error::invalid_input(field, "more than one line came on standard input")),
    }
}

fn unreadable(field: &'static str, error: std::io::Error) -> Error {
    Error::invalid_input(field, "standard input cannot be read").with_source(error)
}
