//! What is done while nobody waits: keep-alive, refresh-ahead, looking after silent chains.

use std::{
    sync::{Weak, atomic::Ordering},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{Inner, Keeper, spool::Parent, token::Need, verdict::Doubt};
use crate::{
    Error, Kind, Result, Token,
    process::{detach, shield},
    store::{Chain, ChainState, Changed, GrantRow, Role, Status, Summons},
};

/// How often tokens that die soon are looked for.
const TICK: Duration = Duration::from_secs(15);
/// Chains per tick whose keep-alive is due: after an outage they are spread, and one process keeps two
/// million chains alive.
const DUE: u32 = 64;
/// As many changes come at once.
const CHANGES: usize = 1000;
/// Chains that are looked after at a time: fewer than may rotate, so that readers are not held up.
const AT_ONCE: usize = 8;
/// A claimed chain is due again after this, in case the claimant dies.
const CLAIM: Duration = Duration::from_secs(3600);
/// Refresh-ahead is for grants that were read this recently, in seconds.
const RECENT: i64 = 600;
/// So close to its end a refresh token that cannot be rotated is an alarm, in seconds.
const LAST_CHANCE: i64 = 3 * 86_400;

impl Keeper {
    /// Starts the background work; it ends with the last clone of the keeper.
    pub(super) fn start_background(&self) -> Result<()> {
        let keeper = std::sync::Arc::downgrade(&self.0);
        detach(async move {
            let mut round: u64 = 0;
            loop {
                tokio::time::sleep(TICK).await;
                let Some(keeper) = alive(&keeper) else { return };
                // A task of its own: a defect ends one round, not all of them.
                let work = shield(async move { keeper.maintain(round.is_multiple_of(240)).await });
                if let Err(error) = work.await {
                    tracing::warn!(%error, "a round of background work failed");
                }
                round += 1;
            }
        })
    }

    /// One round of all that.
    pub(crate) async fn maintain(&self, prune: bool) -> Result<()> {
        // One that fails does not keep the others from being done.
        let mut first = self.recover().await;
        first = first.and(self.report().await);
        first = first.and(self.follow_changes().await);
        self.refresh_ahead();
        first = first.and(self.keep_alive().await);
        if prune {
            first = first.and(self.0.store.prune().await);
            first = first.and(self.0.spool.prune().await);
        }
        first
    }

    /// Says that this node is alive and looks after the chains that it is summoned to.
    pub(super) async fn report(&self) -> Result<()> {
        let depth = self.0.spool.depth().await?;
        self.recognise().await?;
        self.meet_epoch().await?;
        let (node, attended) = (self.0.spool.node(), self.0.attended.load(Ordering::Relaxed));
        let (summons, mark) = self.0.store.heartbeat(node, depth, attended).await?;
        let is_news = !summons.is_empty();
        if !self.each(summons, |keeper, one| async move { keeper.attend(one).await }).await {
            // A process of this machine may still have what was asked for: the doubts go on waiting.
            return Ok(());
        }
        self.0.attended.store(mark, Ordering::Relaxed);
        if is_news {
            self.0.store.heartbeat(node, depth, mark).await?;
        }
        Ok(())
    }

    /// Does `work` for each chain, some at a time: one that hangs does not hold up the others. False if
    /// one of them failed.
    async fn each<F>(
        &self,
        summons: Vec<Summons>,
        work: impl Fn(Keeper, Summons) -> F + Copy + Send + Sync + 'static,
    ) -> bool
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut done = true;
        for one in summons {
            if tasks.len() == AT_ONCE {
                done &= matches!(tasks.join_next().await, Some(Ok(true)));
            }
            tasks.spawn(work(self.clone(), one));
        }
        while let Some(ended) = tasks.join_next().await {
            done &= ended.is_ok_and(|done| done);
        }
        done
    }

    /// Looks after a chain. False if this machine may have a successor that the store has not.
    async fn attend(&self, one: Summons) -> bool {
        let rows = match self.rows_of_chain(one.grant, one.chain).await {
            Ok(rows) => rows,
            // Another application's chains are for its own keeper.
            Err(error) if error.kind() == Kind::UnknownGrant => {
                return !self.has_part_in(one).await.unwrap_or(true);
            }
            Err(_) => return false,
        };
        let mut attended = true;
        for row in rows {
            let settled = match row.chain.state {
                ChainState::Doubted => self.meet_doubt(&row).await.map(|doubt| {
                    attended &= doubt != Doubt::AwaitedHere;
                }),
                _ => self.rotate(&row).await.map(|_| ()),
            };
            if let Err(error) = settled {
                attended &= row.chain.state != ChainState::Doubted;
                tracing::debug!(grant = row.id, %error, "a chain cannot be settled yet");
            }
        }
        attended
    }

    /// Whether something on this machine may succeed another application's doubted chain.
    async fn has_part_in(&self, one: Summons) -> Result<bool> {
        let chains = self.0.store.chains(one.grant).await?;
        let doubted = |chain: &&Chain| chain.id == one.chain && chain.state == ChainState::Doubted;
        let Some(chain) = chains.iter().find(doubted) else { return Ok(false) };
        let lineage = chain.pair.lineage;
        let parent = Parent { grant: one.grant, chain: one.chain, lineage };
        Ok(self.0.spool.may_bring(parent).await?
            || !self.0.spool.successors(one.chain, lineage).await?.is_empty())
    }

    /// Reads what other processes changed, and tells this one's listeners.
    async fn follow_changes(&self) -> Result<()> {
        /// Transactions may become visible so much later than they began.
        const OVERLAP: i64 = 10_000;
        loop {
            let since = self.0.seen_changes.load(Ordering::Relaxed);
            let (changes, now) = self.0.store.changes(since).await?;
            let more = changes.last().map(|last| last.at);
            let more = more.filter(|last| changes.len() == CHANGES && *last > since);
            self.0.seen_changes.store(more.unwrap_or(now - OVERLAP), Ordering::Relaxed);
            for change in changes {
                self.follow(change).await;
            }
            if more.is_none() {
                return Ok(());
            }
        }
    }

    async fn follow(&self, change: Changed) {
        let Some(known) = self.0.tokens.generation(change.grant) else { return };
        if known < change.generation {
            // One that cannot be read must not hide the others.
            if let Err(error) = self.announce(change.grant).await {
                tracing::warn!(grant = change.grant, %error, "a change could not be followed");
            }
        } else if self.0.listeners.get().is_news(change.grant, change.status) {
            self.tell(change.grant, change.generation, change.status);
        }
    }

    /// Renews tokens that are in use and die within their margin; their readers do not wait.
    fn refresh_ahead(&self) {
        let now = self.0.clock.now();
        let soon = |token: &Token| {
            let left = token.expires_at.saturating_sub(now);
            left > 0 && left <= margin(token.grant, token.generation)
        };
        for (grant, generation) in self.0.tokens.wanted(now.saturating_sub(RECENT), soon) {
            let keeper = self.clone();
            let renewed = detach(async move {
                match keeper.obtain(grant, Need::NewerThan(generation)).await {
                    Err(error) if !is_outage(&error) => {
                        tracing::warn!(grant, %error, "a token could not be renewed ahead");
                    }
                    _ => {}
                }
            });
            if renewed.is_err() {
                return;
            }
        }
    }

    /// Rotates chains that nobody has used for so long that their refresh token would die.
    async fn keep_alive(&self) -> Result<()> {
        let due = self.0.store.due(&self.0.credentials.client_id, DUE, CLAIM).await?;
        let kept = |keeper: Keeper, one: Summons| async move {
            for row in keeper.rows_of_chain(one.grant, one.chain).await.unwrap_or_default() {
                keeper.keep_chain_alive(&row).await;
            }
            true
        };
        self.each(due, kept).await;
        Ok(())
    }

    async fn keep_chain_alive(&self, row: &GrantRow) {
        let kept = match row.chain.role {
            Role::Primary => self.obtain(row.id, Need::NewerThan(row.generation)).await.map(|_| ()),
            _ if row.status != Status::Active => Ok(()),
            _ => self.rotate(row).await.map(|_| ()),
        };
        let Err(error) = kept else { return };
        let left = row.chain.pair.refresh_expires_at.saturating_sub(self.0.clock.now());
        if left < LAST_CHANCE {
            tracing::error!(grant = row.id, days_left = left / 86_400, %error, "a refresh token is about to die and cannot be rotated");
        } else if !is_outage(&error) {
            tracing::warn!(grant = row.id, %error, "keep-alive failed");
        }
    }
}

/// A server that cannot be reached is said once, by its breaker, and not for each grant.
fn is_outage(error: &Error) -> bool {
    error.kind() == Kind::Network
}

/// How long before its end a token is renewed ahead: one to three minutes, the same in every
/// process.
pub(super) fn margin(grant: i64, generation: i64) -> i64 {
    let mixed =
        (grant ^ generation.rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed());
    60 + i64::from((mixed >> 48) as u8) * 120 / 255
}

fn alive(keeper: &Weak<Inner>) -> Option<Keeper> {
    keeper.upgrade().map(Keeper)
}

#[cfg(test)]
mod tests {
    use super::margin;

    #[test]
    fn margins_lie_between_one_and_three_minutes_and_differ() {
        let margins: Vec<i64> = (0..1000).map(|grant| margin(grant, 5)).collect();
        assert!(margins.iter().all(|margin| (60..=180).contains(margin)));
        assert!(margins.iter().collect::<std::collections::HashSet<_>>().len() > 50);
    }
}
