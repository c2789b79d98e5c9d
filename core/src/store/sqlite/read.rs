//! Reading grants and chains.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, types::Type};

use serde::de::DeserializeOwned;

use super::Now;
use crate::store::{
    AttemptId, Chain, ChainState, Endpoints, GrantId, GrantRow, Identity, Lineage, NodeId, Role,
    SealedPair, Status, TokenHash,
};

type Done<T> = rusqlite::Result<T>;

/// The columns of a chain, first in every row.
const CHAIN: &str = "
    c.id, c.grant_id, c.role, c.state, c.lineage, c.access, c.refresh, c.refresh_hash,
    c.access_expires_at, c.refresh_expires_at, c.due_at, c.attempt, c.node, c.held_until,
    c.held_boot, c.tries, c.epoch <> (SELECT value FROM meta WHERE name = 'epoch')";

const GRANT: &str = "
    g.client_id, g.member_id, g.user_id, g.status, g.generation, g.data_key,
    g.client_endpoint, g.authorization_server, g.scope, g.application_status";

const PRIMARY: &str = "grants g JOIN chains c ON c.grant_id = g.id AND c.role = 'primary'";

pub(super) fn grant(db: &Connection, now: &Now, grant: GrantId) -> Done<Option<GrantRow>> {
    db.prepare_cached(&format!("SELECT {CHAIN}, {GRANT} FROM {PRIMARY} WHERE g.id = ?1"))?
        .query_row([grant], |row| grant_row(row, now))
        .optional()
}

pub(super) fn grants(
    db: &Connection,
    now: &Now,
    after: GrantId,
    limit: u32,
) -> Done<Vec<GrantRow>> {
    db.prepare_cached(&format!(
        "SELECT {CHAIN}, {GRANT} FROM {PRIMARY} WHERE g.id > ?1 ORDER BY g.id LIMIT ?2"
    ))?
    .query_map((after, limit), |row| grant_row(row, now))?
    .collect()
}

pub(super) fn chains(db: &Connection, now: &Now, grant: GrantId) -> Done<Vec<Chain>> {
    db.prepare_cached(&format!(
        "SELECT {CHAIN} FROM chains c WHERE c.grant_id = ?1 ORDER BY c.role = 'primary' DESC, c.role = 'spare' DESC, c.id"
    ))?
    .query_map([grant], |row| chain_row(row, now))?
    .collect()
}

fn chain_row(row: &Row<'_>, now: &Now) -> Done<Chain> {
    let attempt: Option<[u8; 16]> = row.get(11)?;
    let node: Option<[u8; 16]> = row.get(12)?;
    let held_until: i64 = row.get(13)?;
    let same_boot = row.get_ref(14)?.as_str()? == now.boot_id;
    let left = if same_boot { held_until.saturating_sub(now.boot) } else { 0 };
    Ok(Chain {
        id: row.get(0)?,
        role: word(row, 2, Role::parse)?,
        state: word(row, 3, ChainState::parse)?,
        pair: pair(row, 4)?,
        holder: attempt.zip(node).map(|(attempt, node)| (AttemptId(attempt), NodeId(node))),
        held_for: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
        tries: row.get(15)?,
        quarantined: row.get(16)?,
    })
}

/// Lineage, access, refresh, hash, two expiries and the due time, from column `at` on.
pub(super) fn pair(row: &Row<'_>, at: usize) -> Done<SealedPair> {
    Ok(SealedPair {
        lineage: Lineage(row.get(at)?),
        access: row.get(at + 1)?,
        refresh: row.get(at + 2)?,
        refresh_hash: TokenHash(row.get(at + 3)?),
        access_expires_at: row.get(at + 4)?,
        refresh_expires_at: row.get(at + 5)?,
        due_at: row.get(at + 6)?,
    })
}

fn grant_row(row: &Row<'_>, now: &Now) -> Done<GrantRow> {
    Ok(GrantRow {
        id: row.get(1)?,
        identity: Identity {
            client_id: row.get(17)?,
            member_id: row.get(18)?,
            user_id: row.get(19)?,
        },
        status: word(row, 20, Status::parse)?,
        generation: row.get(21)?,
        data_key: row.get(22)?,
        endpoints: Endpoints {
            client_endpoint: row.get(23)?,
            authorization_server: row.get(24)?,
            scope: json(row, 25)?,
            application_status: row.get(26)?,
        },
        chain: chain_row(row, now)?,
    })
}

/// A value that is kept as JSON text.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> Done<T> {
    serde_json::from_str(row.get_ref(at)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

pub(super) fn word<T>(row: &Row<'_>, at: usize, parse: fn(&str) -> Option<T>) -> Done<T> {
    parse(row.get_ref(at)?.as_str()?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, "an unknown word".into())
    })
}
