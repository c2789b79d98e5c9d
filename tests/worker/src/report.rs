//! What goes to standard output.

use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use evergrant::{Error, Result, Token};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One line. Whoever reads it may be gone: then there is nobody to tell.
pub(crate) fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

pub(crate) fn answer(id: &Value, outcome: Result<Value>) {
    match outcome {
        Ok(value) => say(&json!({"id": id, "ok": value})),
        Err(error) => say(&json!({"id": id, "error": failure(&error)})),
    }
}

pub(crate) fn failure(error: &Error) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "message": error.to_string(),
        "retryable": error.is_retryable(),
        "retry_after": error.retry_after().map(|wait| wait.as_secs_f64()),
    })
}

/// A token that was handed out: to a task that asked at `asked` and had it at `got`, in microseconds.
pub(crate) fn token(token: &Token, asked: u64) -> Value {
    json!({
        "grant": token.grant,
        "generation": token.generation,
        "token": fingerprint(token.access_token.expose()),
        "expires_at": token.expires_at,
        "asked": asked,
        "got": now(),
    })
}

/// The first 16 hexadecimal digits of its SHA-256.
fn fingerprint(token: &str) -> String {
    Sha256::digest(token)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Microseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
