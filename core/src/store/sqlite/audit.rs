//! What happened to a grant, each entry bound to the one before by a hash.

use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use super::Now;
use crate::store::{AttemptId, AuditRow, ChainId, GrantId, NodeId, hex};

/// An entry to be.
pub(super) struct Entry {
    grant: GrantId,
    chain: ChainId,
    event: &'static str,
    attempt: String,
    node: String,
}

impl Entry {
    pub(super) fn of(grant: GrantId, chain: ChainId, event: &'static str) -> Self {
        Self { grant, chain, event, attempt: String::new(), node: String::new() }
    }

    pub(super) fn by(mut self, attempt: AttemptId, node: Option<NodeId>) -> Self {
        self.attempt = hex(&attempt.0);
        match node {
            Some(node) => self.at_node(node),
            None => self,
        }
    }

    pub(super) fn at_node(mut self, node: NodeId) -> Self {
        self.node = hex(&node.0);
        self
    }
}

/// Appends the entry; the grant takes its place at the end of the change feed.
pub(super) fn append(db: &Connection, now: &Now, entry: &Entry) -> rusqlite::Result<()> {
    let (number, before, generation): (i64, String, i64) = db
        .prepare_cached("SELECT audit_number, audit_hash, generation FROM grants WHERE id = ?1")?
        .query_row([entry.grant], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let row = AuditRow {
        grant: entry.grant,
        number: number + 1,
        at: now.wall,
        event: entry.event.to_owned(),
        chain: entry.chain,
        attempt: entry.attempt.clone(),
        node: entry.node.clone(),
        generation,
        hash: String::new(),
    };
    let hash = hex(&Sha256::digest(row.hashed(&before)));
    db.prepare_cached(
        "INSERT INTO audit (grant_id, number, at, event, chain, attempt, node, generation, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        row.grant,
        row.number,
        row.at,
        &row.event,
        row.chain,
        &row.attempt,
        &row.node,
        row.generation,
        &hash,
    ))?;
    db.prepare_cached(
        "UPDATE grants SET audit_number = ?2, audit_hash = ?3, changed_at = ?4 WHERE id = ?1",
    )?
    .execute((row.grant, row.number, &hash, now.wall))?;
    Ok(())
}

pub(super) fn read(db: &Connection, grant: GrantId, after: i64) -> rusqlite::Result<Vec<AuditRow>> {
    db.prepare_cached(
        "SELECT grant_id, number, at, event, chain, attempt, node, generation, hash
         FROM audit WHERE grant_id = ?1 AND number > ?2 ORDER BY number LIMIT 1000",
    )?
    .query_map((grant, after), audit_row)?
    .collect()
}

fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        grant: row.get(0)?,
        number: row.get(1)?,
        at: row.get(2)?,
        event: row.get(3)?,
        chain: row.get(4)?,
        attempt: row.get(5)?,
        node: row.get(6)?,
        generation: row.get(7)?,
        hash: row.get(8)?,
    })
}
