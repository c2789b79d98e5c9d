//! What a program is told of a grant.

use crate::store::{GrantId, GrantRow, Status};

/// A grant, without its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its number in the store.
    pub id: GrantId,
    /// The portal's host.
    pub portal: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose right it is; 0 if the vendor did not say.
    pub user_id: i64,
    /// Whether it can be renewed.
    pub status: Status,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Counts the pairs that readers have been given.
    pub generation: i64,
    /// When the current access token dies, in Unix seconds.
    pub access_expires_at: i64,
    /// When the refresh token probably dies, in Unix seconds.
    pub refresh_expires_at: i64,
}

impl From<GrantRow> for Grant {
    fn from(row: GrantRow) -> Self {
        let portal = url::Url::parse(&row.endpoints.client_endpoint).map_or_else(
            |_| row.endpoints.client_endpoint.clone(),
            |url| crate::portal::authority(&url),
        );
        Self {
            id: row.id,
            portal,
            member_id: row.identity.member_id,
            user_id: row.identity.user_id,
            status: row.status,
            scope: row.endpoints.scope,
            generation: row.generation,
            access_expires_at: row.chain.pair.access_expires_at,
            refresh_expires_at: row.chain.pair.refresh_expires_at,
        }
    }
}
