//! PostgreSQL: the store of many machines.
//!
//! What has to happen together is one function of the schema, so each operation is one statement
//! and one round trip, in a transaction of its own, on any session: a pooler may stand between.

mod address;
mod bucket;
mod call;
mod connection;
mod listen;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod tls;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_postgres::{Row, types::FromSqlOwned};

use self::{
    address::Address,
    call::{Call, get, once, repeatable},
    connection::Connections,
    read::{chain_columns, grants, millis, now},
};
use super::*;
use crate::{Clock, Error, Kind, Result};

/// Grants in the schema `evergrant` of a PostgreSQL database.
#[derive(Clone)]
pub(crate) struct PostgresStore {
    connections: Arc<Connections>,
    clock: Clock,
}

impl PostgresStore {
    /// Connects, and makes the schema where there is none.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for an address that cannot be used, [`Kind::Store`] for a server that cannot:
    /// a replica, one that does not wait for its disk, a schema newer than this program.
    pub(crate) async fn open(url: &str, clock: Clock) -> Result<Self> {
        let connections = Connections::new(Address::parse(url)?);
        connections.prepare().await?;
        // Listens from the start, so that the first wake is not missed.
        connections.live()?;
        let store = Self { connections, clock };
        if store.installation().await?.is_none() {
            let store = &store.connections.address.shown;
            tracing::warn!(
                store,
                "a copy of this database would not be noticed: its user may not execute pg_control_system"
            );
        }
        Ok(store)
    }

    async fn rows(&self, call: Call) -> Result<Vec<Row>> {
        self.connections.rows(call).await
    }

    /// The first column of the only row.
    async fn value<T: FromSqlOwned>(&self, call: Call) -> Result<T> {
        match self.rows(call).await?.first() {
            Some(row) => get(row, 0),
            None => Err(silent()),
        }
    }

    /// A function that is told the time.
    fn timed(&self, call: Call) -> Call {
        call.int(self.clock.offset_millis())
    }

    /// Lets others know, and answers whether there was a change at all.
    fn told(&self, grant: Option<GrantId>) -> Result<bool> {
        if grant.is_some() {
            self.connections.live()?.notifier.tell();
        }
        Ok(grant.is_some())
    }

    async fn acquire(&self, start: &Start, silent: Option<AttemptId>) -> Result<bool> {
        let call =
            repeatable("SELECT evergrant.acquire($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
        let call = self
            .timed(call)
            .int(start.chain)
            .bytes(start.parent.0)
            .bytes(start.attempt.0)
            .bytes(start.node.0)
            .duration(start.lease)
            .int(start.budget.hour)
            .int(start.budget.day)
            .int(start.budget.application_hour)
            .maybe_bytes(silent.map(|attempt| attempt.0))
            .duration(keep::HOLD_BACK);
        self.value(call).await
    }
}

fn silent() -> Error {
    Error::new(Kind::Internal, "the store's database answered nothing")
}

fn no_grant(grant: GrantId) -> Error {
    Error::new(Kind::UnknownGrant, "the store has no such grant").with("grant", grant.to_string())
}

#[async_trait]
impl Store for PostgresStore {
    fn address(&self) -> String {
        self.connections.address.shown.clone()
    }

    fn path(&self) -> Option<PathBuf> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn installation(&self) -> Result<Option<String>> {
        let call = repeatable(
            // The log's own name knows of a promotion at once, the control file after a checkpoint.
            "SELECT concat(system_identifier, ':', oid, '/',
                 substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
             FROM pg_control_system(), pg_database WHERE datname = current_database()",
        );
        match self.value(call).await {
            // These functions can be forbidden.
            Err(error) if error.code() == Some("42501") => Ok(None),
            answer => answer.map(Some),
        }
    }

    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        // As a function of the clock, so that a replica refuses.
        let call = repeatable(
            "SELECT (SELECT value FROM evergrant.meta WHERE name = $2) WHERE evergrant.now_ms($1) > 0",
        );
        self.value(self.timed(call).text(name)).await
    }

    async fn set_meta(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<Vec<u8>> {
        let call = repeatable("SELECT evergrant.set_meta($1, $2, $3)");
        let call = call.text(name).maybe_bytes(expected).bytes(value);
        Ok(self.value::<Option<Vec<u8>>>(call).await?.unwrap_or_default())
    }

    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)> {
        let call = repeatable("SELECT grant_id, key FROM evergrant.ensure_grant($1, $2, $3, $4)")
            .text(&identity.client_id)
            .text(&identity.member_id)
            .int(identity.user_id)
            .bytes(data_key);
        let rows = self.rows(call).await?;
        let row = rows.first().ok_or_else(silent)?;
        Ok((get(row, 0)?, get(row, 1)?))
    }

    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>> {
        let call = repeatable("SELECT * FROM evergrant.grant_by_id($1, $2)");
        self.rows(self.timed(call).int(grant)).await?.first().map(read::grant).transpose()
    }

    async fn grants(&self, after: GrantId, limit: u32) -> Result<Vec<GrantRow>> {
        let call = repeatable(concat!(grants!(), "WHERE g.id > $2 ORDER BY g.id LIMIT $3"));
        let rows = self.rows(self.timed(call).int(after).int(limit)).await?;
        rows.iter().map(read::grant).collect()
    }

    async fn chains(&self, grant: GrantId) -> Result<Vec<Chain>> {
        let call = repeatable(concat!(
            "SELECT ",
            chain_columns!(),
            "FROM ",
            now!(),
            ", evergrant.chains c WHERE c.grant_id = $2
             ORDER BY array_position(ARRAY['primary', 'spare', 'retired'], c.role), c.id"
        ));
        self.rows(self.timed(call).int(grant)).await?.iter().map(read::chain).collect()
    }

    async fn install(&self, install: &Install) -> Result<Installed> {
        let call = repeatable(
            "SELECT outcome, generation FROM evergrant.install($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
             $11, $12, $13, $14, $15, $16, $17, $18)",
        );
        let call = self
            .timed(call)
            .again()
            .int(keep::SPARES)
            .int(install.grant)
            .int(install.chain)
            .text(install.role.as_str())
            .text(install.former.as_str())
            .endpoints(&install.endpoints)
            .pair(&install.pair);
        let rows = self.rows(call).await?;
        let row = rows.first().ok_or_else(|| no_grant(install.grant))?;
        self.told(Some(install.grant))?;
        match get(row, 0)? {
            "primary" => Ok(Installed::Current(get(row, 1)?)),
            "spare" => Ok(Installed::Spare),
            "before" => Ok(Installed::Before),
            "known" => Ok(Installed::Known),
            _ => Err(no_grant(install.grant)),
        }
    }

    async fn begin(&self, start: &Start) -> Result<bool> {
        self.acquire(start, None).await
    }

    async fn take_over(&self, start: &Start, silent: AttemptId) -> Result<bool> {
        self.acquire(start, Some(silent)).await
    }

    async fn budget_wait(&self, chain: ChainId, budget: Budget) -> Result<Duration> {
        let call = repeatable("SELECT evergrant.budget_wait(evergrant.now_ms($1), $2, $3, $4, $5)");
        let call = self
            .timed(call)
            .int(chain)
            .int(budget.hour)
            .int(budget.day)
            .int(budget.application_hour);
        self.value(call).await.map(millis)
    }

    async fn confirm(&self, chain: ChainId, attempt: AttemptId, least: Duration) -> Result<bool> {
        let call = repeatable("SELECT evergrant.confirm($1, $2, $3, $4)");
        self.value(self.timed(call).int(chain).bytes(attempt.0).duration(least)).await
    }

    async fn extend(&self, chain: ChainId, attempt: AttemptId, lease: Duration) -> Result<bool> {
        let call = repeatable("SELECT evergrant.extend($1, $2, $3, $4)");
        self.value(self.timed(call).int(chain).bytes(attempt.0).duration(lease)).await
    }

    async fn testify(&self, chain: ChainId, attempt: AttemptId) -> Result<bool> {
        let call = once("SELECT evergrant.testify($1, $2, $3)");
        self.told(self.value(self.timed(call).int(chain).bytes(attempt.0)).await?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed> {
        let call = repeatable(
            "SELECT evergrant.commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        );
        let call = self
            .timed(call)
            .int(keep::SPARES)
            .int(commit.grant)
            .int(commit.chain)
            .bytes(commit.parent.0)
            .maybe_bytes(commit.spent.map(|hash| hash.0))
            .endpoints(&commit.endpoints)
            .pair(&commit.pair);
        let generation: Option<i64> = self.value(call).await?;
        self.told(Some(commit.grant))?;
        Ok(generation.map_or(Committed::Orphan, Committed::Current))
    }

    async fn orphan(&self, chain: ChainId, parent: Lineage) -> Result<Option<Commit>> {
        let call = repeatable(
            "SELECT o.grant_id, o.spent, o.client_endpoint, o.authorization_server, o.scope,
                o.application_status, o.lineage, o.access, o.refresh, o.refresh_hash,
                o.access_expires_at, o.refresh_expires_at, o.due_at
             FROM evergrant.orphans o JOIN evergrant.chains c ON c.id = o.chain_id
             WHERE o.chain_id = $2 AND o.parent = $3 AND c.lineage = $3 AND evergrant.now_ms($1) > 0
             ORDER BY o.at DESC LIMIT 1",
        );
        let rows = self.rows(self.timed(call).int(chain).bytes(parent.0)).await?;
        rows.first().map(|row| read::orphan(row, chain, parent)).transpose()
    }

    async fn settle(&self, chain: ChainId, attempt: AttemptId, verdict: Verdict) -> Result<bool> {
        let (event, state, pause, status) = match verdict {
            Verdict::Released(pause) => ("released", ChainState::Idle, pause, None),
            Verdict::Ambiguous(pause) => ("ambiguous", ChainState::Ambiguous, pause, None),
            Verdict::Status(status, pause) => {
                (status.as_str(), ChainState::Idle, pause, Some(status))
            }
            Verdict::Refused => ("refused", ChainState::Doubted, Duration::ZERO, None),
        };
        let call = once("SELECT evergrant.settle($1, $2, $3, $4, $5, $6, $7)");
        let call = self
            .timed(call)
            .int(chain)
            .bytes(attempt.0)
            .text(event)
            .text(state.as_str())
            .duration(pause)
            .maybe_text(status.map(Status::as_str));
        self.told(self.value(call).await?)
    }

    async fn bury(&self, chain: ChainId, parent: Lineage, node: NodeId) -> Result<bool> {
        let call = once("SELECT evergrant.bury($1, $2, $3, $4, $5, $6)");
        let call = self
            .timed(call)
            .int(chain)
            .bytes(parent.0)
            .bytes(node.0)
            .duration(keep::ANSWERS)
            .duration(keep::HOLD_BACK);
        self.told(self.value(call).await?)
    }

    async fn promote(&self, grant: GrantId, failed: ChainId) -> Result<Option<i64>> {
        let call = once("SELECT evergrant.promote($1, $2, $3)");
        let generation: Option<i64> = self.value(self.timed(call).int(grant).int(failed)).await?;
        self.told(generation.map(|_| grant))?;
        Ok(generation)
    }

    async fn is_known(&self, hash: &TokenHash) -> Result<bool> {
        let call = repeatable("SELECT evergrant.is_known($2) WHERE evergrant.now_ms($1) > 0");
        self.value(self.timed(call).bytes(hash.0)).await
    }

    async fn claim(&self, hash: &TokenHash) -> Result<bool> {
        let call = once("SELECT evergrant.claim($1, $2)");
        self.value(self.timed(call).bytes(hash.0)).await
    }

    async fn transfer(&self, user_id: i64, install: &Install) -> Result<Option<i64>> {
        let call = once(
            "SELECT evergrant.transfer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        );
        let call = self
            .timed(call)
            .int(user_id)
            .int(install.grant)
            .int(install.chain)
            .endpoints(&install.endpoints)
            .pair(&install.pair);
        let generation: Option<i64> = self.value(call).await?;
        self.told(generation.map(|_| install.grant))?;
        Ok(generation)
    }

    async fn release(&self, chain: ChainId, parent: Lineage) -> Result<bool> {
        let call = once("SELECT evergrant.release($1, $2, $3)");
        self.told(self.value(self.timed(call).int(chain).bytes(parent.0)).await?)
    }

    async fn heartbeat(
        &self,
        node: NodeId,
        depth: u32,
        attended: i64,
    ) -> Result<(Vec<Summons>, i64)> {
        let call =
            once("SELECT grant_ids, chain_ids, mark FROM evergrant.heartbeat($1, $2, $3, $4, $5)");
        let call = self.timed(call).bytes(node.0).int(depth).int(attended).int(1000);
        let rows = self.rows(call).await?;
        let row = rows.first().ok_or_else(silent)?;
        let (grants, chains): (Vec<i64>, Vec<i64>) = (get(row, 0)?, get(row, 1)?);
        let summons = grants.into_iter().zip(chains);
        let summons = summons.map(|(grant, chain)| Summons { grant, chain }).collect();
        Ok((summons, get(row, 2)?))
    }

    async fn due(&self, client_id: &str, limit: u32, again: Duration) -> Result<Vec<Summons>> {
        let call = once("SELECT grant_id, chain_id FROM evergrant.due($1, $2, $3, $4)");
        let call = self.timed(call).text(client_id).int(limit).duration(again);
        self.rows(call).await?.iter().map(read::summons).collect()
    }

    async fn changes(&self, since: i64) -> Result<(Vec<Changed>, i64)> {
        // The clock first: what commits while this runs belongs to the next poll.
        let call = repeatable(
            "SELECT now, changed.* FROM (SELECT evergrant.now_ms($1) AS now OFFSET 0) AS store
             LEFT JOIN LATERAL (
                SELECT g.id, g.generation, g.status, a.at
                FROM evergrant.audit a
                JOIN evergrant.grants g ON g.id = a.grant_id AND g.audit_number = a.number
                WHERE a.at >= $2 ORDER BY a.at, g.id LIMIT 1000
             ) changed ON true ORDER BY at, id",
        );
        let rows = self.rows(self.timed(call).int(since)).await?;
        let now = rows.first().map_or(Ok(since), |row| get(row, 0))?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(grant) = get(row, 1)? {
                let status = read::status(row, 3, grant)?;
                changes.push(Changed { grant, generation: get(row, 2)?, status, at: get(row, 4)? });
            }
        }
        Ok((changes, now))
    }

    fn wakes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.connections.live().ok()?.listener.as_ref()?.wakes())
    }

    async fn rewrap(&self, grant: GrantId, old: &[u8], new: &[u8]) -> Result<bool> {
        self.value(once("SELECT evergrant.rewrap($1, $2, $3)").int(grant).bytes(old).bytes(new))
            .await
    }

    async fn audit(&self, grant: GrantId, after: i64) -> Result<Vec<AuditRow>> {
        let call = repeatable(
            "SELECT grant_id, number, at, event, chain_id, coalesce(encode(attempt, 'hex'), ''),
                coalesce(encode(node, 'hex'), ''), generation, encode(hash, 'hex')
             FROM evergrant.audit WHERE grant_id = $1 AND number > $2 ORDER BY number LIMIT 1000",
        );
        let rows = self.rows(call.int(grant).int(after)).await?;
        rows.iter()
            .map(|row| {
                Ok(AuditRow {
                    grant: get(row, 0)?,
                    number: get(row, 1)?,
                    at: get(row, 2)?,
                    event: get(row, 3)?,
                    chain: get(row, 4)?,
                    attempt: get(row, 5)?,
                    node: get(row, 6)?,
                    generation: get(row, 7)?,
                    hash: get(row, 8)?,
                })
            })
            .collect()
    }

    async fn prune(&self) -> Result<()> {
        let call = repeatable("SELECT evergrant.prune($1, $2, $3, $4)");
        let call =
            self.timed(call).duration(keep::SPENT).duration(keep::RETIRED).duration(keep::ANSWERS);
        self.rows(call).await.map(drop)
    }

    async fn take_permits(&self, portal: &str, take: Take) -> Result<Taken> {
        bucket::take(self, portal, take).await
    }
}
