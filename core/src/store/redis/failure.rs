//! What went wrong, in words for people.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::{Error, Kind, Retry};

/// Whether the connection must not be used again: lost, late, or no longer a master's.
pub(super) fn spoils(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_timeout()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Parse
                | ErrorKind::AuthenticationFailed
                | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
        )
}

/// All changes may be repeated, so that what was lost on the way is simply asked again.
pub(super) fn failed(error: RedisError) -> Error {
    let code = error.code().unwrap_or_default().to_owned();
    let store = |message: &'static str| Error::new(Kind::Store, message);
    let safe = |message: &'static str| store(message).with_retry(Retry::Safe);
    if let Some((_, ours)) = error.detail().unwrap_or_default().split_once("EVERGRANT ") {
        return refused(ours);
    }
    let shown = match (code.as_str(), error.kind()) {
        (_, ErrorKind::AuthenticationFailed) | ("NOAUTH" | "WRONGPASS", _) => {
            store("the store refused the user or the password")
                .advise("Check user and password in the store's URL.")
        }
        ("NOPERM", _) => store("the store's user may not do what evergrant needs").advise(
            "Allow it all keys and channels under the prefix, scripts, CONFIG GET, ROLE and WAIT.",
        ),
        ("MISCONF", _) => safe("the store cannot write its log").advise(
            "Look into the server's log: its disk may be full or broken. Nothing was changed.",
        ),
        ("OOM", _) => safe("the store's memory is full")
            .advise("Give it more memory (maxmemory). Nothing was changed."),
        ("LOADING", _) => safe("the store is still reading its log"),
        ("READONLY" | "MASTERDOWN", _) => {
            safe("the store is a replica now").advise("Point the store's URL to the master.")
        }
        ("BUSY", _) => safe("the store is busy with another program's script"),
        ("WRONGTYPE", _) => store("a key of the store has the wrong type")
            .advise("Another program may have written under this prefix, or data were damaged."),
        _ if error.is_timeout() => safe("the store did not answer in time"),
        _ if error.is_connection_refusal() => safe("the store cannot be reached")
            .advise("Check that the server runs, and host and port in the store's URL."),
        _ if error.is_io_error() || error.is_unrecoverable_error() => {
            safe("the connection to the store failed").advise(
                "It is tried anew with the next call. If it never succeeds: rediss:// is for TLS, redis:// for none, and SSL_CERT_FILE names the certificate of an authority of your own.",
            )
        }
        _ => store("the store refused a command"),
    };
    shown.with_source(error)
}

/// What our own scripts refuse: see `fail` in the prelude.
fn refused(detail: &str) -> Error {
    let words: Vec<&str> = detail.split(" script: ").next().unwrap_or("").split(' ').collect();
    let word = |place: usize| words.get(place).copied().unwrap_or("-");
    match word(0) {
        "damaged" => {
            let mut error = Error::new(Kind::Store, "the store holds damaged data");
            if word(2) != "-" {
                error = error.with("grant", word(2));
            }
            if word(3) != "-" {
                error = error.with("chain", word(3));
            }
            error
                .with("field", word(1))
                .advise("Nothing was overwritten. Restore the row from a backup, or consent again.")
        }
        "unknown" => {
            Error::new(Kind::UnknownGrant, "the store has no such grant").with("grant", word(1))
        }
        "taken" => Error::new(Kind::Store, "there is such a chain already").with("chain", word(1)),
        "schema" => other_schema(word(1)),
        _ => Error::new(Kind::Internal, "a script failed").with("detail", detail),
    }
}

/// The schema is not the one that this program knows.
pub(super) fn other_schema(found: &str) -> Error {
    let error = match found {
        "none" => Error::new(Kind::Store, "the store is empty: its data are gone")
            .advise("Look why the server lost them, restore a backup, then start again."),
        _ => Error::new(Kind::Store, "the store was written by another version of evergrant")
            .advise("Update evergrant in this program."),
    };
    error.with("schema", found)
}
