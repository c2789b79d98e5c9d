//! Which refresh tokens are kept, without showing one: for tests alone, see the feature `faults`.

use sha2::{Digest, Sha256};

use super::Keeper;
use crate::{
    GrantId, Result, Secret,
    oauth::Answer,
    store::{Chain, Column, GrantRow, SealedPair, hex},
};

/// A chain of a grant and the refresh tokens that are kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The chain's number.
    pub chain: i64,
    /// `primary`, `spare` or `retired`.
    pub role: &'static str,
    /// `idle`, `intent`, `sent`, `ambiguous`, `doubted` or `dead`.
    pub state: &'static str,
    /// The current refresh token: the first 16 hexadecimal digits of its SHA-256.
    pub current: String,
    /// Answers to it that wait as orphans in the store, or in this machine's spool.
    pub successors: Vec<String>,
}

impl Keeper {
    pub(crate) async fn fingerprints(&self, grant: GrantId) -> Result<Vec<Fingerprint>> {
        let row = self.row(grant).await?;
        let mut found = Vec::new();
        for chain in self.0.store.chains(grant).await? {
            found.push(self.fingerprint(&row, &chain).await?);
        }
        Ok(found)
    }

    async fn fingerprint(&self, row: &GrantRow, chain: &Chain) -> Result<Fingerprint> {
        let open = |pair: &SealedPair| {
            self.0.vault.open_token(&row.data_key, row.id, chain.id, Column::Refresh, pair)
        };
        let mut successors = Vec::new();
        if let Some(orphan) = self.0.store.orphan(chain.id, chain.pair.lineage).await? {
            successors.push(digest(&open(&orphan.pair)?));
        }
        for (label, sealed) in self.0.spool.successors(chain.id, chain.pair.lineage).await? {
            let Some(attempt) = label.attempt() else { continue };
            let body = self.0.vault.open_answer(attempt, &sealed)?;
            if let Answer::Token(token) = Answer::read(label.status.unwrap_or_default(), &body) {
                successors.extend(token.refresh_token.as_ref().map(digest));
            }
        }
        Ok(Fingerprint {
            chain: chain.id,
            role: chain.role.as_str(),
            state: chain.state.as_str(),
            current: digest(&open(&chain.pair)?),
            successors,
        })
    }
}

fn digest(token: &Secret) -> String {
    hex(&Sha256::digest(token.expose())[..8])
}
