//! Making an answer durable: into the spool, then into the store, then to the readers.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{Keeper, Token, fault::fault, rotation::at, spool::Slot};
use crate::{
    Error, Kind, Result, Secret,
    oauth::{TokenAnswer, refresh_expires_at},
    portal::rest_endpoint,
    process::detach,
    store::{
        AttemptId, Column, Commit, Committed, Endpoints, GrantId, GrantRow, Lineage, Place, Role,
        SealedPair, Status,
    },
};

const DAY: i64 = 86_400;
/// How long a caller waits for a store that does not take a pair, where nothing goes on without it.
const STAY: Duration = Duration::from_secs(20);

/// Where in the store a new pair goes.
pub(super) type Bound = Place;

impl Keeper {
    /// Commits the pair that a rotation brought. `None` if the chain has moved on without it.
    pub(super) async fn keep_rotated(
        &self,
        row: &GrantRow,
        token: &TokenAnswer,
        commit: Commit,
        slot: Slot,
        spooled: Result<()>,
    ) -> Result<Option<Arc<Token>>> {
        let mut committed = self.0.store.commit(&commit).await;
        if committed.is_err() && !self.0.settings.background {
            // Nothing may run when the caller has its token: it stays while the store may come back.
            let stored = tokio::time::timeout(STAY, self.commit_until_stored(&commit)).await;
            committed = stored.map_or(committed, Ok);
        }
        let committed = match committed {
            Err(error) if spooled.is_ok() => {
                tracing::error!(grant = row.id, %error, "the store does not take a rotated pair; serving it from memory");
                let served = (row.chain.role == Role::Primary)
                    .then(|| self.0.remember(unstored(row, token, &commit)));
                self.commit_later(commit, slot)?;
                return served.map_or_else(|| Err(at(row, error)), |token| Ok(Some(token)));
            }
            // Neither on disk nor in the store: nobody may have it yet.
            Err(_) => self.commit_until_stored(&commit).await,
            Ok(committed) => committed,
        };
        fault("committed").await;
        let told = async {
            match committed {
                Committed::Orphan => Ok(None),
                Committed::Current(_) => self.announce(row.id).await.map(Some),
            }
        };
        // The pair is durable: readers need not wait for what the node keeps besides.
        let (settled, told) = tokio::join!(self.settled(&commit, committed, slot), told);
        settled.and(told)
    }

    /// Takes a grant's durable state over for this process's readers, then tells its listeners.
    pub(super) async fn announce(&self, grant: GrantId) -> Result<Arc<Token>> {
        let row = self.row(grant).await?;
        let token = self.0.remember(self.open(&row)?);
        self.tell(grant, row.generation, row.status);
        fault("told").await;
        Ok(token)
    }

    /// After the pair is durable: the node's memory, then the spool.
    async fn settled(&self, commit: &Commit, committed: Committed, slot: Slot) -> Result<()> {
        match committed {
            Committed::Current(generation) => {
                self.0.counters.rotations.add(1);
                slot.committed(commit.grant, generation).await
            }
            Committed::Orphan => {
                self.0.counters.orphaned.add(1);
                slot.done().await
            }
        }
    }

    /// Seals the pair that succeeds the current one of `row`'s chain.
    pub(super) fn successor(
        &self,
        row: &GrantRow,
        attempt: AttemptId,
        sent: &Secret,
        token: &TokenAnswer,
    ) -> Result<Commit> {
        let foreign = token.member_id.as_ref().is_some_and(|id| *id != row.identity.member_id)
            || token
                .user_id
                .is_some_and(|id| row.identity.user_id != 0 && id != row.identity.user_id);
        if foreign {
            let error =
                Error::new(Kind::UnexpectedAnswer, "the answer belongs to another portal or user");
            return Err(at(row, error)
                .advise("Nothing was overwritten; the answer stays in the spool for two days."));
        }
        // A pair is not lost over a malformed address: the known one stays.
        let endpoint = match token.client_endpoint.as_deref().map(rest_endpoint) {
            Some(Ok(endpoint)) => endpoint,
            _ => rest_endpoint(&row.endpoints.client_endpoint)?,
        };
        let server = self.0.credentials.server.resolve(Some(&row.endpoints.authorization_server));
        let mut endpoints = self.endpoints(token, &endpoint, &server);
        if endpoints.scope.is_empty() {
            endpoints.scope.clone_from(&row.endpoints.scope);
        }
        // An answer without a refresh token, or with the same one, leaves the old one in force.
        let refresh_token = token.refresh_token.as_ref().unwrap_or(sent);
        let bound = Bound { grant: row.id, chain: row.chain.id, lineage: attempt.lineage() };
        let pair = self.seal(bound, &row.data_key, token, refresh_token)?;
        let spent = (pair.refresh_hash != row.chain.pair.refresh_hash)
            .then_some(row.chain.pair.refresh_hash);
        Ok(Commit {
            grant: row.id,
            chain: row.chain.id,
            parent: row.chain.pair.lineage,
            spent,
            endpoints,
            pair,
        })
    }

    async fn commit_until_stored(&self, commit: &Commit) -> Committed {
        let mut pause = Duration::from_millis(200);
        loop {
            match self.0.store.commit(commit).await {
                Ok(committed) => return committed,
                Err(error) => {
                    tracing::error!(grant = commit.grant, %error, "a rotated pair is not stored yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
    }

    fn commit_later(&self, commit: Commit, slot: Slot) -> Result<()> {
        let keeper = self.clone();
        detach(async move {
            let committed = keeper.commit_until_stored(&commit).await;
            let grant = commit.grant;
            let told = match keeper.settled(&commit, committed, slot).await {
                Ok(()) => keeper.announce(grant).await.map(|_| ()),
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::warn!(grant, %error, "a late commit could not be finished");
            }
        })
    }

    /// Writes a raw answer to the spool before anything looks at it.
    pub(super) async fn spool(
        &self,
        slot: &mut Slot,
        attempt: AttemptId,
        status: u16,
        body: &[u8],
    ) -> Result<()> {
        let written = match self.0.vault.seal_answer(attempt, body) {
            Ok(sealed) => slot.write(status, sealed).await,
            Err(error) => Err(error),
        };
        written.inspect_err(|error| tracing::error!(%error, "an answer could not be spooled"))
    }

    pub(super) fn seal(
        &self,
        bound: Bound,
        data_key: &[u8],
        token: &TokenAnswer,
        refresh: &Secret,
    ) -> Result<SealedPair> {
        // An answer that waited in the spool is as old as it is.
        let now = token.received_at.unwrap_or_else(|| self.0.clock.now());
        let seal = |column, secret| self.0.vault.seal_token(data_key, bound, column, secret);
        let refresh_expires_at = refresh_expires_at(refresh, now);
        Ok(SealedPair {
            lineage: bound.lineage,
            access: seal(Column::Access, &token.access_token)?,
            refresh: seal(Column::Refresh, refresh)?,
            refresh_hash: self.0.vault.hash(refresh)?,
            access_expires_at: token.access_expires_at(now),
            refresh_expires_at,
            due_at: match self.0.settings.interval {
                Some(interval) => {
                    now.saturating_add(i64::try_from(interval.as_secs()).unwrap_or(DAY))
                }
                None => keep_alive_at(now, refresh_expires_at, bound.lineage),
            },
        })
    }

    pub(super) fn endpoints(&self, token: &TokenAnswer, endpoint: &Url, server: &Url) -> Endpoints {
        let named = token
            .server_endpoint
            .as_deref()
            .map(|claim| self.0.credentials.server.resolve(Some(claim)));
        Endpoints {
            client_endpoint: endpoint.to_string(),
            authorization_server: named.as_ref().unwrap_or(server).to_string(),
            scope: token.scope.clone(),
            application_status: token.status.clone(),
        }
    }

    /// Tells this process's listeners what is durable by now.
    pub(super) fn tell(&self, grant: GrantId, generation: i64, status: Status) {
        self.0.listeners.get().tell(super::Change { grant, generation, status });
    }
}

/// Eighteen to twenty-two days after `now`, the same for the same pair, or earlier where the refresh
/// token looks as if it lived shorter.
fn keep_alive_at(now: i64, refresh_expires_at: i64, lineage: Lineage) -> i64 {
    let spread = i64::from(u16::from_be_bytes([lineage.0[0], lineage.0[1]])) * 4 * DAY / 65_536;
    let life = refresh_expires_at.saturating_sub(now);
    now + (18 * DAY + spread).min(life * 2 / 3)
}

fn unstored(row: &GrantRow, token: &TokenAnswer, commit: &Commit) -> Token {
    Token {
        grant: row.id,
        access_token: token.access_token.clone(),
        expires_at: commit.pair.access_expires_at,
        generation: row.generation + 1,
        client_endpoint: commit.endpoints.client_endpoint.clone(),
        member_id: row.identity.member_id.clone(),
        user_id: row.identity.user_id,
        scope: commit.endpoints.scope.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_alive_is_spread_and_early_enough() {
        let now = 1_771_940_028;
        let month = now + 30 * DAY;
        let at = |first: u8| (keep_alive_at(now, month, Lineage([first; 16])) - now) / DAY;
        assert_eq!((at(0), at(128), at(255)), (18, 20, 20));
        let all: Vec<i64> = (0..=255).map(at).collect();
        assert!(all.iter().all(|day| (18..=22).contains(day)));
        let week = now + 7 * DAY;
        assert!(keep_alive_at(now, week, Lineage([9; 16])) < week - 2 * DAY);
        let year = now + 180 * DAY;
        assert_eq!((keep_alive_at(now, year, Lineage([255; 16])) - now) / DAY, 21);
    }
}
