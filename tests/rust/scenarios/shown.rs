//! Values of the core as the scenarios' patterns see them.

use std::collections::BTreeSet;

use evergrant::{AuditEntry, Change, Error, Grant, Token};
use serde_json::{Value, json};

pub(crate) fn grant_json(grant: &Grant) -> Value {
    json!({
        "id": grant.id, "portal": grant.portal, "member_id": grant.member_id, "user_id": grant.user_id,
        "status": grant.status.as_str(), "scope": grant.scope, "generation": grant.generation,
        "access_expires_at": grant.access_expires_at, "refresh_expires_at": grant.refresh_expires_at,
    })
}

pub(crate) fn token_json(token: &Token) -> Value {
    json!({
        "grant": token.grant, "access_token": token.access_token.expose(), "expires_at": token.expires_at,
        "generation": token.generation, "client_endpoint": token.client_endpoint,
        "member_id": token.member_id, "user_id": token.user_id, "scope": token.scope,
    })
}

pub(crate) fn entry_json(entry: &AuditEntry) -> Value {
    json!({
        "number": entry.number, "event": entry.event, "generation": entry.generation,
        "hash": entry.hash,
    })
}

pub(crate) fn change_json(change: &Change) -> Value {
    json!({"grant": change.grant, "generation": change.generation, "status": change.status.as_str()})
}

pub(crate) fn error_json(error: &Error) -> Value {
    json!({
        "kind": error.kind().as_str(), "code": error.code(), "status": error.status(),
        "retryable": error.is_retryable(), "message": error.to_string(),
        "retry_after": error.retry_after().map(|pause| pause.as_secs_f64()),
    })
}

pub(crate) fn count(rows: &[Value], by: &str) -> Value {
    let parts =
        rows.iter().map(|part| part.as_array().map_or(std::slice::from_ref(part), Vec::as_slice));
    let keys: Vec<&str> = parts.flatten().map(|row| row[by].as_str().unwrap()).collect();
    let numbers: Vec<i64> = keys.iter().map(|key| key.parse().unwrap()).collect();
    json!({
        "count": keys.len(), "unique": keys.iter().collect::<BTreeSet<_>>().len(),
        "ascending": numbers.is_sorted(), "first": keys.first(), "last": keys.last(),
    })
}
