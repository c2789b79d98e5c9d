//! A grant's history, and the proof that nothing in it was changed.

use sha2::{Digest, Sha256};

use crate::{
    Error, GrantId, Kind, Result,
    store::{AuditRow, Store, hex},
};

/// One thing that happened to a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Counts the grant's entries from 1.
    pub number: i64,
    /// The store's clock, in milliseconds since 1970.
    pub at: i64,
    /// What happened: `installed`, `intent`, `sent`, `committed`, `ambiguous`, `refused`, `dead` ...
    pub event: String,
    /// The chain's number.
    pub chain: i64,
    /// The attempt's id, in hexadecimal digits; empty if none.
    pub attempt: String,
    /// The machine's id, in hexadecimal digits; empty if none.
    pub node: String,
    /// The grant's generation afterwards.
    pub generation: i64,
    /// Hash over this entry and the one before it.
    pub hash: String,
}

/// All entries of a grant. Whoever keeps the last hash elsewhere can prove later that nothing before
/// it was changed or taken out.
pub(crate) async fn read(store: &dyn Store, grant: GrantId) -> Result<Vec<AuditEntry>> {
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |last| last.number);
        let rows = store.audit(grant, after).await?;
        if rows.is_empty() {
            return Ok(entries);
        }
        for row in rows {
            let before = entries.last();
            let expected = before.map_or(1, |before| before.number + 1);
            if row.number != expected || !fits(&row, before.map_or("", |before| &before.hash)) {
                return Err(Error::new(Kind::Store, "the audit was changed")
                    .with("grant", grant.to_string())
                    .with("entry", row.number.to_string())
                    .advise("Compare with a backup: somebody wrote to the store's audit."));
            }
            entries.push(row.into());
        }
    }
}

/// Stores that can hash with SHA-256 do; Redis scripts have SHA-1 alone.
fn fits(row: &AuditRow, before: &str) -> bool {
    let text = row.hashed(before);
    let hash = match row.hash.len() {
        40 => hex(&sha1::Sha1::digest(&text)),
        _ => hex(&Sha256::digest(&text)),
    };
    hash == row.hash
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        let AuditRow { number, at, event, chain, attempt, node, generation, hash, .. } = row;
        Self { number, at, event, chain, attempt, node, generation, hash }
    }
}
