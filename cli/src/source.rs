//! Texts that a command is given: in a file or on standard input, whole or not at all.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use evergrant::{Error, Kind, Result};
use serde_json::Value;

/// The text in a file, or on standard input where the path is `-`.
///
/// # Errors
/// Name the field, the file and the reason. What is longer than `longest` bytes is refused: a text that
/// was cut would be run in part where it was cut between two lines.
pub(crate) async fn read(field: &'static str, path: &Path, longest: u64) -> Result<String> {
    let file = path.to_owned();
    // Not on this thread: it also watches for signals.
    let bytes = tokio::task::spawn_blocking(move || whole(&file, longest))
        .await
        .map_err(|error| Error::new(Kind::Internal, "the file was not read").with_source(error))?;
    let refuse = |why: &'static str| {
        Error::invalid_input(field, why).with("file", path.display().to_string())
    };
    let bytes = match bytes {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return Err(refuse("the file is too long").with("most bytes", longest.to_string()));
        }
        Err(error) => {
            return Err(refuse("the file cannot be read")
                .with("reason", error.to_string())
                .with_source(error));
        }
    };
    String::from_utf8(bytes).map_err(|error| {
        refuse("the file is not UTF-8").with("byte", error.utf8_error().valid_up_to().to_string())
    })
}

fn whole(path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    if path == Path::new("-") {
        return bytes(io::stdin().lock(), longest);
    }
    let file = File::open(path)?;
    let size = file.metadata()?;
    // Known beforehand: nothing needs to be read of it.
    if size.is_file() && size.len() > longest { Ok(None) } else { bytes(file, longest) }
}

/// All of it; `None` where that is too much.
fn bytes(from: impl Read, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= longest))
}

/// A text as JSON; `what` begins the error: "the parameters are".
pub(crate) fn json(field: &'static str, what: &str, text: &str) -> Result<Value> {
    parse(what, text).map_err(|why| Error::invalid_input(field, why))
}

/// A text as JSON, or why it is not taken.
pub(crate) fn parse(what: &str, text: &str) -> std::result::Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| why_not_json(what, &error))?;
    if is_exact(&value) { Ok(value) } else { Err(format!("{what} {NOT_EXACT}")) }
}

/// What is wrong with a value that is not exact.
pub(crate) const NOT_EXACT: &str =
    "not exact: a whole number in it is longer than 64 bits, write it in quotes";

/// Whether every whole number was read with all its digits. What 64 bits do not hold was rounded, and
/// another number than the one that was written would reach the portal.
pub(crate) fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().is_none_or(|number| number.abs() < (1_u64 << 63) as f64)
        }
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        _ => true,
    }
}

/// Why a text cannot be read as JSON, and where.
pub(crate) fn why_not_json(what: &str, error: &serde_json::Error) -> String {
    let why = if error.to_string().starts_with("recursion limit exceeded") {
        "nested too deep"
    } else {
        "not JSON"
    };
    format!("{what} {why} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_be_rounded_is_refused() {
        let long = "99999999999999999999999";
        for text in [long, &format!("-{long}"), &format!(r#"{{"a": [1, {long}]}}"#)] {
            let error = json("params", "the parameters are", text).unwrap_err().to_string();
            assert!(error.contains("the parameters are not exact"), "{error}");
            assert!(!error.contains("999"), "{error}");
        }
        for text in ["18446744073709551615", "-9223372036854775808", "0.1", "1e9", "\"9e99\""] {
            json("params", "the parameters are", text).unwrap();
        }
    }

    #[test]
    fn what_is_too_long_is_not_read_in_part() {
        let text = b"{}\n{}\n";
        assert_eq!(bytes(&text[..], 6).unwrap().unwrap(), text);
        // Cut behind a line it would still be JSON.
        assert_eq!(bytes(&text[..], 3).unwrap(), None);
    }

    #[test]
    fn what_is_no_json_and_what_is_too_deep_are_told_apart() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let error = json("params", "the parameters are", &deep).unwrap_err();
        assert!(error.message().starts_with("the parameters are nested too deep"), "{error}");
        let error = json("params", "the parameters are", "{\n  5}").unwrap_err();
        assert_eq!(error.message(), "the parameters are not JSON (line 2, column 3)");
    }
}
