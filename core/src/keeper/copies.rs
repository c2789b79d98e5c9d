//! Copies of a grant, sealed as its own rows would be: for benchmarks that need a store with very many
//! grants; see the feature `faults`.

use std::ops::Range;

use super::Keeper;
use crate::{
    GrantId, Result,
    store::{AttemptId, Column, Place},
};

/// What the rows of one more grant would hold.
#[derive(Clone)]
pub struct SealedCopy {
    /// The grant's number.
    pub grant: GrantId,
    /// Its only chain's.
    pub chain: i64,
    /// The sealed data key.
    pub data_key: Vec<u8>,
    /// The pair's name.
    pub lineage: [u8; 16],
    /// The access token, sealed.
    pub access: Vec<u8>,
    /// The refresh token, sealed.
    pub refresh: Vec<u8>,
    /// Of the refresh token, under which it would be known.
    pub refresh_hash: [u8; 32],
    /// Unix seconds.
    pub access_expires_at: i64,
    /// Unix seconds.
    pub refresh_expires_at: i64,
}

impl Keeper {
    /// Both tokens of `template`, sealed for each of `grants`. The hashes are random: a token stands for
    /// one chain.
    pub(crate) async fn copies(
        &self,
        template: GrantId,
        grants: Range<GrantId>,
    ) -> Result<Vec<SealedCopy>> {
        let row = self.row(template).await?;
        let pair = &row.chain.pair;
        let open =
            |column| self.0.vault.open_token(&row.data_key, template, row.chain.id, column, pair);
        let (access, refresh) = (open(Column::Access)?, open(Column::Refresh)?);
        grants
            .map(|grant| {
                let chain = rand::random_range(1..i64::MAX);
                let lineage = AttemptId::random().lineage();
                let place = Place { grant, chain, lineage };
                let seal =
                    |column, token| self.0.vault.seal_token(&row.data_key, place, column, token);
                Ok(SealedCopy {
                    grant,
                    chain,
                    data_key: row.data_key.clone(),
                    lineage: lineage.0,
                    access: seal(Column::Access, &access)?,
                    refresh: seal(Column::Refresh, &refresh)?,
                    refresh_hash: rand::random(),
                    access_expires_at: pair.access_expires_at,
                    refresh_expires_at: pair.refresh_expires_at,
                })
            })
            .collect()
    }
}
