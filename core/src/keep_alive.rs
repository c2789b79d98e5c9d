//! When refresh tokens that nobody uses have to be rotated.

use crate::{
    Result, Status,
    keeper::Keeper,
    store::{ChainState, Role},
};

/// When the refresh tokens of an application need attention, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeepAlive {
    /// From then on [`crate::Application::maintain`] rotates the first of them.
    pub due_at: i64,
    /// When the first of them probably dies unless it is rotated.
    pub expires_at: i64,
}

/// Of all chains that may still be rotated: primaries and spares of active grants.
pub(crate) async fn next(keeper: &Keeper) -> Result<Option<KeepAlive>> {
    let mut next: Option<KeepAlive> = None;
    for row in keeper.grants().await? {
        if row.status != Status::Active {
            continue;
        }
        for chain in keeper.store().chains(row.id).await? {
            if chain.role == Role::Retired || chain.state == ChainState::Dead {
                continue;
            }
            let pair = chain.pair;
            let soonest = next.get_or_insert(KeepAlive {
                due_at: pair.due_at,
                expires_at: pair.refresh_expires_at,
            });
            soonest.due_at = soonest.due_at.min(pair.due_at);
            soonest.expires_at = soonest.expires_at.min(pair.refresh_expires_at);
        }
    }
    Ok(next)
}
