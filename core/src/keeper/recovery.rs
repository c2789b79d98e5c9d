//! What a chain needs before it can be rotated again: a holder that fell silent, an answer that was
//! left behind, a token of unknown fate, a store that was rolled back.

use std::{sync::Arc, time::Duration};

use super::{
    Keeper, RetrySpent, Token,
    consent::Origin,
    needs_reauthorization,
    oracle::{self, Word},
    rotation::at,
    spool::{Fate, Label, Slot},
    verdict::Doubt,
};
use crate::{
    Error, Kind, Result, Retry,
    oauth::Answer,
    store::{AttemptId, ChainState, Column, Commit, Committed, GrantRow, Status, keep},
};

/// A token of unknown fate is sent again so many times before a spare chain takes over.
const TRIES: u32 = 2;
/// How often a holder's progress is looked at.
const POLL: Duration = Duration::from_millis(100);
/// When to ask again about something that others must do first.
pub(super) const LATER: Duration = Duration::from_secs(30);

impl Keeper {
    /// Does the next thing that `row`'s chain needs. `None`: look again.
    pub(super) async fn rotate(&self, row: &GrantRow) -> Result<Option<Arc<Token>>> {
        if !self.is_trusted(row).await? {
            return Ok(None);
        }
        let paused_for = row.chain.held_for;
        match row.chain.state {
            ChainState::Idle if paused_for.is_zero() => self.spend(row, None).await,
            ChainState::Idle => Err(paused(row, paused_for)),
            ChainState::Intent | ChainState::Sent => self.meet_holder(row).await,
            ChainState::Ambiguous => self.meet_ambiguity(row).await,
            ChainState::Doubted => match self.meet_doubt(row).await? {
                Doubt::Over => Ok(None),
                Doubt::AwaitedHere | Doubt::AwaitedElsewhere => Err(unknown_fate(row, LATER)),
            },
            ChainState::Dead => {
                if self.replay(row).await? || self.promote(row).await? {
                    return Ok(None);
                }
                Err(needs_reauthorization(row))
            }
        }
    }

    async fn meet_holder(&self, row: &GrantRow) -> Result<Option<Arc<Token>>> {
        let Some((attempt, node)) = row.chain.holder else {
            return Err(at(row, Error::new(Kind::Store, "a chain is held by nobody")));
        };
        let ours = node == self.0.spool.node();
        let looked = if ours { self.look_after(row, attempt).await } else { Ok(false) };
        match looked {
            Ok(true) => return Ok(None),
            Ok(false) => {}
            // What was left cannot be brought in: a spare need not wait until somebody mends that.
            Err(error) => {
                let is_free = row.chain.held_for.is_zero();
                return if is_free && self.promote(row).await? { Ok(None) } else { Err(error) };
            }
        }
        if !row.chain.held_for.is_zero() {
            return self.wait_for_holder(row).await.map(|()| None);
        }
        if row.chain.state == ChainState::Sent {
            if self.promote(row).await? {
                return Ok(None);
            }
            if ours {
                // Stopped between its confirmation and its write, it would send when it goes on.
                return Err(unknown_fate(row, LATER).advise(
                    "A stopped process of this machine holds the exchange: let it go on, or kill it.",
                ));
            }
        }
        // Who began to give up a token of unknown fate has sent nothing, but somebody before it has.
        let may_be_spent = row.chain.state == ChainState::Sent || row.chain.tries > 0;
        if may_be_spent && self.0.settings.retry_spent == RetrySpent::Never {
            self.give_up(row, Some(attempt)).await?;
            return Ok(None);
        }
        self.0.counters.taken_over.add(1);
        match self.spend(row, Some(attempt)).await? {
            // What a silent holder sent is not sent again before the hold-back is over.
            None if row.chain.state == ChainState::Sent => Err(unknown_fate(row, LATER)),
            token => Ok(token),
        }
    }

    /// Finds out what became of an attempt of this machine. False while its process lives.
    async fn look_after(&self, row: &GrantRow, attempt: AttemptId) -> Result<bool> {
        match self.0.spool.fate(attempt).await? {
            Fate::Held => Ok(false),
            // A pair has one number only if nobody takes over from whoever hands it out unstored.
            Fate::Answered(label, sealed) => match self.read_answer(row, &label, &sealed) {
                Ok(Some(commit)) => self.bring_in(&commit).await,
                _ => Ok(false),
            },
            Fate::Left(slot) => self.salvage(*slot).await.map(|()| true),
            Fate::Gone => {
                tracing::warn!(grant = row.id, "a process died while it rotated");
                self.0.store.testify(row.chain.id, attempt).await?;
                Ok(true)
            }
        }
    }

    async fn meet_ambiguity(&self, row: &GrantRow) -> Result<Option<Arc<Token>>> {
        if self.replay(row).await? {
            return Ok(None);
        }
        let exhausted = row.chain.tries >= TRIES;
        if exhausted && self.promote(row).await? {
            return Ok(None);
        }
        if !row.chain.held_for.is_zero() {
            return Err(unknown_fate(row, row.chain.held_for));
        }
        match self.0.settings.retry_spent {
            RetrySpent::Always => self.spend(row, None).await,
            RetrySpent::AfterOracle => {
                let probably_spent = self.ask_oracle(row).await == Word::Refused;
                if probably_spent && self.promote(row).await? {
                    return Ok(None);
                }
                self.spend(row, None).await
            }
            RetrySpent::Never => {
                if !self.promote(row).await? {
                    self.give_up(row, None).await?;
                }
                Ok(None)
            }
        }
    }

    /// Makes a spare the primary in place of `row`'s chain, if there is one.
    pub(super) async fn promote(&self, row: &GrantRow) -> Result<bool> {
        let Some(generation) = self.0.store.promote(row.id, row.chain.id).await? else {
            return Ok(false);
        };
        tracing::warn!(grant = row.id, generation, "a spare chain took over");
        self.0.counters.promoted.add(1);
        self.announce(row.id).await?;
        Ok(true)
    }

    /// Waits until the chain that somebody else holds has changed, or the lease is over.
    async fn wait_for_holder(&self, row: &GrantRow) -> Result<()> {
        let until = tokio::time::Instant::now() + row.chain.held_for;
        let mut wakes = self.0.store.wakes();
        while tokio::time::Instant::now() < until {
            match &mut wakes {
                Some(wakes) => {
                    let _ = tokio::time::timeout(POLL * 10, wakes.changed()).await;
                }
                None => tokio::time::sleep(POLL).await,
            }
            let now = self.row(row.id).await?;
            if now.chain.pair.lineage != row.chain.pair.lineage || !now.chain.is_held() {
                return Ok(());
            }
            if row.chain.holder.is_some_and(|(_, node)| node == self.0.spool.node()) {
                // Its process may have died meanwhile.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Brings in answers that processes of this machine left in the spool. One that cannot be used is
    /// left where it is and does not stop the others.
    pub(super) async fn recover(&self) -> Result<()> {
        for slot in self.0.spool.left().await? {
            if slot.label().client_id != self.0.credentials.client_id {
                continue;
            }
            let attempt = slot.label().attempt.clone();
            if let Err(error) = self.salvage(slot).await {
                tracing::warn!(attempt, %error, "a spooled answer could not be brought into the store");
            }
        }
        Ok(())
    }

    async fn salvage(&self, slot: Slot) -> Result<()> {
        let label = slot.label().clone();
        let attempt = label.attempt().ok_or_else(damaged_label)?;
        match label.parent() {
            Some(parent) => {
                let rows = self.rows_of_chain(parent.grant, parent.chain).await?;
                if rows.is_empty() {
                    // The store has forgotten the chain: the answer waits until it is back.
                    return Ok(());
                }
                for row in rows {
                    if row.chain.pair.lineage == parent.lineage {
                        if let Some(commit) = self.read_answer(&row, &label, slot.sealed())? {
                            self.bring_in(&commit).await?;
                        }
                    } else if row.chain.pair.lineage != attempt.lineage() {
                        tracing::warn!(
                            grant = row.id,
                            "a spooled answer succeeds a pair that is not current"
                        );
                    }
                }
            }
            None => {
                self.install_answer(&label, slot.sealed(), Origin::Fresh).await?;
            }
        }
        slot.done().await
    }

    /// The pair in a spooled or kept answer to the current pair of `row`'s chain, if there is one.
    fn read_answer(&self, row: &GrantRow, label: &Label, sealed: &[u8]) -> Result<Option<Commit>> {
        let attempt = label.attempt().ok_or_else(damaged_label)?;
        let body = self.0.vault.open_answer(attempt, sealed)?;
        let Answer::Token(mut token) = Answer::read(label.status.unwrap_or_default(), &body) else {
            return Ok(None);
        };
        token.received_at = label.received_at();
        let sent = self.0.vault.open_token(
            &row.data_key,
            row.id,
            row.chain.id,
            Column::Refresh,
            &row.chain.pair,
        )?;
        self.successor(row, attempt, &sent, &token).map(Some)
    }

    async fn bring_in(&self, commit: &Commit) -> Result<bool> {
        let Committed::Current(generation) = self.0.store.commit(commit).await? else {
            return Ok(false);
        };
        self.0.counters.salvaged.add(1);
        tracing::warn!(grant = commit.grant, generation, "salvaged a rotated pair");
        self.0.spool.mark(commit.grant, generation).await?;
        self.announce(commit.grant).await?;
        Ok(true)
    }

    /// Brings the chain forward as far as known answers go: orphans in the store, answers of the last
    /// two days on this machine.
    pub(super) async fn replay(&self, row: &GrantRow) -> Result<bool> {
        let mut moved = false;
        let mut row = row.clone();
        loop {
            let parent = row.chain.pair.lineage;
            let mut found = match self.0.store.orphan(row.chain.id, parent).await? {
                Some(commit) => self.bring_in(&commit).await?,
                None => false,
            };
            let kept = if found {
                Vec::new()
            } else {
                self.0.spool.successors(row.chain.id, parent).await?
            };
            for (label, sealed) in kept {
                match self.read_answer(&row, &label, &sealed) {
                    // A store that does not take it now may do so later: it is not "no answer".
                    Ok(Some(commit)) => found = self.bring_in(&commit).await?,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(grant = row.id, attempt = label.attempt, %error, "a kept answer cannot be read");
                    }
                }
                if found {
                    break;
                }
            }
            if !found {
                return Ok(moved);
            }
            moved = true;
            match self.rows_of_chain(row.id, row.chain.id).await?.pop() {
                Some(now) if now.chain.pair.lineage != parent => row = now,
                _ => return Ok(moved),
            }
        }
    }

    /// The grant with one of its chains in the primary's place.
    pub(super) async fn rows_of_chain(
        &self,
        grant: crate::GrantId,
        chain: crate::store::ChainId,
    ) -> Result<Vec<GrantRow>> {
        let row = self.row(grant).await?;
        let chains = self.0.store.chains(grant).await?;
        Ok(chains
            .into_iter()
            .filter(|found| found.id == chain)
            .map(|found| GrantRow { chain: found, ..row.clone() })
            .collect())
    }

    pub(super) async fn ask_oracle(&self, row: &GrantRow) -> Word {
        let pair = &row.chain.pair;
        if pair.access_expires_at <= self.0.clock.now() {
            return Word::Blind;
        }
        let server = self.0.credentials.server.resolve(Some(&row.endpoints.authorization_server));
        let token =
            self.0.vault.open_token(&row.data_key, row.id, row.chain.id, Column::Access, pair);
        match token {
            Ok(token) => oracle::ask(&server, &token).await,
            Err(_) => Word::Blind,
        }
    }
}

fn damaged_label() -> Error {
    Error::new(Kind::Store, "the spooled answer's label is damaged")
}

/// The chain is free, but not yet.
fn paused(row: &GrantRow, remaining: Duration) -> Error {
    let error = if row.status == Status::Suspended {
        Error::new(Kind::Suspended, "the portal's subscription does not cover the application")
            .advise("Renew the subscription; the grant resumes by itself afterwards.")
    } else {
        Error::new(Kind::RateLimited, "the grant's renewal is pausing").with_retry(Retry::Safe)
    };
    at(row, error).with_retry_after(remaining)
}

pub(super) fn unknown_fate(row: &GrantRow, retry_after: Duration) -> Error {
    let error = Error::new(Kind::Ambiguous, "the last answer of the authorization server was lost")
        .with_retry(Retry::Safe)
        .with_retry_after(retry_after.min(keep::HOLD_BACK))
        .advise("The refresh token is tried again after a pause.");
    at(row, error)
}
