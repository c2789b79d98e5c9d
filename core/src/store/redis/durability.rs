//! A server is a store of record only if it forgets nothing that it acknowledged.

use std::collections::HashMap;

use redis::{RedisError, Value, aio::MultiplexedConnection, cmd};

use super::failure::{failed, spoils};
use crate::{Error, Kind, Result, Retry};

const SETTINGS: &[(&str, &str)] = &[
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    // Otherwise `always` has holes whenever the log is rewritten.
    ("no-appendfsync-on-rewrite", "no"),
    ("maxmemory-policy", "noeviction"),
];

pub(super) async fn check(connection: &mut MultiplexedConnection) -> Result<()> {
    let role: Vec<Value> = cmd("ROLE").query_async(connection).await.map_err(unknown)?;
    if !matches!(role.first(), Some(Value::BulkString(role)) if role == b"master") {
        return Err(unfit(
            "the server is a replica: what it knows may be old, and it takes no changes",
        )
        .with_retry(Retry::Safe)
        .advise("Point the store's URL to the master."));
    }
    for (name, wanted) in SETTINGS {
        let answer: HashMap<String, String> =
            cmd("CONFIG").arg("GET").arg(name).query_async(connection).await.map_err(unknown)?;
        if answer.get(*name).map(String::as_str) != Some(*wanted) {
            let found = answer.get(*name).cloned().unwrap_or_default();
            return Err(unfit("the server may forget what it acknowledged, so that it cannot be a store of record")
                .with("setting", *name)
                .with("found", found)
                .with("wanted", *wanted)
                .advise(
                    "Set appendonly yes, appendfsync always, no-appendfsync-on-rewrite no and maxmemory-policy noeviction in its configuration, or keep grants in sqlite or postgres: as it is, this server can still serve as cache and lock.",
                ));
        }
    }
    Ok(())
}

/// A server that hides its settings may be anything.
fn unknown(error: RedisError) -> Error {
    if spoils(&error) || matches!(error.code(), Some("LOADING" | "NOAUTH")) {
        return failed(error);
    }
    unfit("the server does not say whether it keeps what it acknowledged, so that it cannot be a store of record")
        .advise("Allow this user the commands CONFIG GET and ROLE. Managed services often forbid them: there, keep grants in postgres; the server can still serve as cache and lock.")
        .with_source(error)
}

fn unfit(message: &'static str) -> Error {
    Error::new(Kind::Store, message)
}
