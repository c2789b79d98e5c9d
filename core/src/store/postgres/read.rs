//! Rows as the keeper sees them.

use std::time::Duration;

use tokio_postgres::Row;

use super::call::{corrupted, get};
use crate::{
    Result,
    store::{
        AttemptId, Chain, ChainId, ChainState, Commit, Endpoints, GrantId, GrantRow, Identity,
        Lineage, NodeId, Role, SealedPair, Status, Summons, TokenHash,
    },
};

/// A chain's columns; `now` has to be a column too.
macro_rules! chain_columns {
    () => {
        "c.id, c.grant_id, c.role, c.state, c.lineage, c.access, c.refresh, c.refresh_hash,
         c.access_expires_at, c.refresh_expires_at, c.due_at, c.attempt, c.node,
         greatest(c.held_until - now, 0), c.tries, c.epoch <> store.epoch "
    };
}

/// The clock and the epoch, read once for all rows.
macro_rules! now {
    () => {
        "(SELECT evergrant.now_ms($1) AS now, evergrant.epoch() AS epoch OFFSET 0) AS store "
    };
}

/// Grants with their primary chains; a condition on `g` follows.
macro_rules! grants {
    () => {
        concat!(
            "SELECT ",
            chain_columns!(),
            ", g.client_id, g.member_id, g.user_id, g.status, g.generation, g.data_key,
              g.client_endpoint, g.authorization_server, g.scope, g.application_status
             FROM ",
            now!(),
            ", evergrant.grants g
             JOIN evergrant.chains c ON c.grant_id = g.id AND c.role = 'primary' "
        )
    };
}

pub(super) use {chain_columns, grants, now};

pub(super) fn chain(row: &Row) -> Result<Chain> {
    let id: ChainId = get(row, 0)?;
    let attempt = optional_array(row, 11, "attempt", id)?.map(AttemptId);
    let node = optional_array(row, 12, "node", id)?.map(NodeId);
    let held_for: i64 = get(row, 13)?;
    let tries: i32 = get(row, 14)?;
    Ok(Chain {
        id,
        role: Role::parse(get(row, 2)?).ok_or_else(|| corrupted("role", id))?,
        state: ChainState::parse(get(row, 3)?).ok_or_else(|| corrupted("state", id))?,
        pair: pair(row, 4, id)?,
        holder: attempt.zip(node),
        held_for: millis(held_for),
        tries: u32::try_from(tries).map_err(|_| corrupted("tries", id))?,
        quarantined: get(row, 15)?,
    })
}

pub(super) fn grant(row: &Row) -> Result<GrantRow> {
    let chain = chain(row)?;
    let id = get(row, 1)?;
    Ok(GrantRow {
        id,
        identity: Identity {
            client_id: get(row, 16)?,
            member_id: get(row, 17)?,
            user_id: get(row, 18)?,
        },
        status: status(row, 19, id)?,
        generation: get(row, 20)?,
        data_key: get(row, 21)?,
        endpoints: endpoints(row, 22)?,
        chain,
    })
}

/// The columns of an orphan from `lineage` on, in the order of [`super::PostgresStore`]'s query.
pub(super) fn orphan(row: &Row, chain: ChainId, parent: Lineage) -> Result<Commit> {
    Ok(Commit {
        grant: get(row, 0)?,
        chain,
        parent,
        spent: optional_array(row, 1, "spent", chain)?.map(TokenHash),
        endpoints: endpoints(row, 2)?,
        pair: pair(row, 6, chain)?,
    })
}

pub(super) fn summons(row: &Row) -> Result<Summons> {
    Ok(Summons { grant: get(row, 0)?, chain: get(row, 1)? })
}

pub(super) fn status(row: &Row, index: usize, grant: GrantId) -> Result<Status> {
    Status::parse(get(row, index)?).ok_or_else(|| corrupted("status", grant))
}

pub(super) fn millis(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

fn endpoints(row: &Row, first: usize) -> Result<Endpoints> {
    Ok(Endpoints {
        client_endpoint: get(row, first)?,
        authorization_server: get(row, first + 1)?,
        scope: get(row, first + 2)?,
        application_status: get(row, first + 3)?,
    })
}

fn pair(row: &Row, first: usize, chain: ChainId) -> Result<SealedPair> {
    Ok(SealedPair {
        lineage: Lineage(array(get(row, first)?, "lineage", chain)?),
        access: get(row, first + 1)?,
        refresh: get(row, first + 2)?,
        refresh_hash: TokenHash(array(get(row, first + 3)?, "refresh_hash", chain)?),
        access_expires_at: get(row, first + 4)?,
        refresh_expires_at: get(row, first + 5)?,
        due_at: get(row, first + 6)?,
    })
}

fn array<const SIZE: usize>(value: &[u8], column: &'static str, id: i64) -> Result<[u8; SIZE]> {
    value.try_into().map_err(|_| corrupted(column, id))
}

fn optional_array<const SIZE: usize>(
    row: &Row,
    index: usize,
    column: &'static str,
    id: i64,
) -> Result<Option<[u8; SIZE]>> {
    get::<Option<&[u8]>>(row, index)?.map(|value| array(value, column, id)).transpose()
}
