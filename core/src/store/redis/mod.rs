//! Redis: a store of record where the server keeps what it acknowledges.
//!
//! One Lua script per method makes it one transaction; its conditions are in `lua/`. The server
//! writes its log to disk before it answers (`appendfsync always`), and after each change enough
//! replicas have to confirm it. Where that is not so, the server is refused.

mod address;
mod bucket;
mod connection;
mod durability;
mod failure;
mod rows;
mod schema;
mod script;
#[cfg(test)]
mod tests;
mod wake;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use once_cell::sync::OnceCell;
use redis::Value;
use tokio::sync::watch;

use self::{
    address::Address,
    connection::Pool,
    script::{
        AUDIT, BEGIN, BUDGET_WAIT, BURY, CHAINS, CHANGES, CLAIM, COMMIT, CONFIRM, Call, DUE,
        ENSURE_GRANT, EXTEND, GRANTS, HEARTBEAT, INSTALL, IS_KNOWN, META, ORPHAN, PROMOTE, PRUNE,
        RELEASE, REWRAP, SET_META, SETTLE, TAKE_OVER, TESTIFY, TRANSFER,
    },
};
use super::{
    AttemptId, AuditRow, Budget, Chain, ChainId, Changed, Commit, Committed, GrantId, GrantRow,
    Identity, Install, Installed, Lineage, NodeId, Role, Start, Store, Summons, Take, Taken,
    TokenHash, Verdict,
};
use crate::{
    Clock, Result,
    process::{self, PerProcess},
};

/// At most so many rows in one answer.
const PAGE: i64 = 1000;
/// So many chains are forgotten by one script: the server does nothing else meanwhile.
const PRUNED_AT_ONCE: i64 = 500;

/// A Redis server, or one that speaks its protocol.
pub(crate) struct RedisStore(Arc<Inner>);

struct Inner {
    address: Address,
    clock: Clock,
    pool: PerProcess<Pool>,
    wakes: PerProcess<OnceCell<watch::Receiver<u64>>>,
    /// Which store was found first at the address.
    environment: OnceCell<Vec<u8>>,
}

impl RedisStore {
    /// Connects, checks that the server can be a store of record, and brings the schema up to date.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for the URL; [`Kind::Store`] where the server cannot be reached, may
    /// forget, or was written by a newer evergrant.
    pub(crate) async fn open(url: &str, clock: Clock) -> Result<Self> {
        let inner = Arc::new(Inner {
            address: Address::parse(url)?,
            clock,
            pool: PerProcess::new(),
            wakes: PerProcess::new(),
            environment: OnceCell::new(),
        });
        let store = Self(inner);
        store.meta("environment").await?;
        Ok(store)
    }

    /// The connections live on the shared runtime, whoever calls.
    fn ask(&self, call: Call) -> impl Future<Output = Result<Vec<Value>>> + Send + use<> {
        let inner = Arc::clone(&self.0);
        process::run(async move { inner.call(&call).await })
    }

    async fn one(&self, call: Call) -> Result<Value> {
        let [value] = rows::exactly(self.ask(call).await?)?;
        Ok(value)
    }

    async fn flag(&self, call: Call) -> Result<bool> {
        rows::flag(self.one(call).await?)
    }

    /// A generation, or an empty text for none.
    async fn generation(&self, call: Call) -> Result<Option<i64>> {
        match self.one(call).await? {
            Value::BulkString(text) if text.is_empty() => Ok(None),
            value => rows::number(value).map(Some),
        }
    }

    async fn rows(&self, call: Call) -> Result<Vec<GrantRow>> {
        let [now, epoch, found] = rows::exactly(self.ask(call).await?)?;
        let seen = rows::Seen::new(now, epoch)?;
        rows::list(found)?.into_iter().map(|row| rows::grant(&seen, row)).collect()
    }
}

#[async_trait]
impl Store for RedisStore {
    fn address(&self) -> String {
        self.0.address.shown.clone()
    }

    fn path(&self) -> Option<PathBuf> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// Nothing that Redis says of itself fits: `run_id` and `master_replid` change at every restart
    /// and promotion, so that each would look like a clone. Another store at the same address is
    /// noticed by its `environment`.
    async fn installation(&self) -> Result<Option<String>> {
        Ok(None)
    }

    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.one(Call::new(&META).bytes(name)).await? {
            Value::Nil => Ok(None),
            value => rows::bytes(value).map(Some),
        }
    }

    async fn set_meta(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<Vec<u8>> {
        let call = Call::new(&SET_META)
            .bytes(name)
            .number(i64::from(expected.is_some()))
            .bytes(expected.unwrap_or_default())
            .bytes(value);
        rows::bytes(self.one(call).await?)
    }

    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)> {
        let call = Call::new(&ENSURE_GRANT)
            .bytes(identity.client_id.as_str())
            .bytes(identity.member_id.as_str())
            .number(identity.user_id)
            .bytes(data_key);
        let [id, key] = rows::exactly(self.ask(call).await?)?;
        Ok((rows::number(id)?, rows::bytes(key)?))
    }

    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>> {
        Ok(self.rows(Call::new(&GRANTS).bytes("one").number(grant)).await?.pop())
    }

    async fn grants(&self, after: GrantId, limit: u32) -> Result<Vec<GrantRow>> {
        self.rows(Call::new(&GRANTS).bytes("page").number(after).number(limit)).await
    }

    async fn chains(&self, grant: GrantId) -> Result<Vec<Chain>> {
        let call = Call::new(&CHAINS).number(grant);
        let [now, epoch, found] = rows::exactly(self.ask(call).await?)?;
        let seen = rows::Seen::new(now, epoch)?;
        let one = |value| {
            let [id, flat] = rows::exactly(rows::list(value)?)?;
            rows::chain(&seen, grant, rows::number(id)?, flat)
        };
        let mut chains = rows::list(found)?.into_iter().map(one).collect::<Result<Vec<Chain>>>()?;
        chains.sort_by_key(|chain| {
            let rank = match chain.role {
                Role::Primary => 0,
                Role::Spare => 1,
                Role::Retired => 2,
            };
            (rank, std::cmp::Reverse(chain.pair.refresh_expires_at), chain.id)
        });
        Ok(chains)
    }

    async fn install(&self, install: &Install) -> Result<Installed> {
        let call = Call::new(&INSTALL)
            .number(install.grant)
            .number(install.chain)
            .bytes(install.role.as_str())
            .bytes(install.former.as_str())
            .endpoints(&install.endpoints)?
            .pair(&install.pair);
        let mut values = self.ask(call).await?.into_iter();
        let word = rows::text(values.next().unwrap_or_default())?;
        match word.as_str() {
            "spare" => Ok(Installed::Spare),
            "before" => Ok(Installed::Before),
            "known" => Ok(Installed::Known),
            _ => rows::number(values.next().unwrap_or_default()).map(Installed::Current),
        }
    }

    async fn begin(&self, start: &Start) -> Result<bool> {
        self.flag(Call::new(&BEGIN).start(start)).await
    }

    async fn take_over(&self, start: &Start, silent: AttemptId) -> Result<bool> {
        self.flag(Call::new(&TAKE_OVER).start(start).attempt(silent)).await
    }

    async fn budget_wait(&self, chain: ChainId, budget: Budget) -> Result<Duration> {
        let call = Call::new(&BUDGET_WAIT)
            .number(chain)
            .number(budget.hour)
            .number(budget.day)
            .number(budget.application_hour);
        let wait = rows::number(self.one(call).await?)?;
        Ok(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }

    async fn confirm(&self, chain: ChainId, attempt: AttemptId, least: Duration) -> Result<bool> {
        self.flag(Call::new(&CONFIRM).number(chain).attempt(attempt).millis(least)).await
    }

    async fn extend(&self, chain: ChainId, attempt: AttemptId, lease: Duration) -> Result<bool> {
        self.flag(Call::new(&EXTEND).number(chain).attempt(attempt).millis(lease)).await
    }

    async fn testify(&self, chain: ChainId, attempt: AttemptId) -> Result<bool> {
        self.flag(Call::new(&TESTIFY).number(chain).attempt(attempt)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed> {
        let call = Call::new(&COMMIT)
            .number(commit.grant)
            .number(commit.chain)
            .lineage(commit.parent)
            .hash(commit.spent.as_ref())
            .endpoints(&commit.endpoints)?
            .pair(&commit.pair);
        let mut values = self.ask(call).await?.into_iter();
        match rows::text(values.next().unwrap_or_default())?.as_str() {
            "orphan" => Ok(Committed::Orphan),
            _ => rows::number(values.next().unwrap_or_default()).map(Committed::Current),
        }
    }

    async fn orphan(&self, chain: ChainId, parent: Lineage) -> Result<Option<Commit>> {
        let call = Call::new(&ORPHAN).number(chain).lineage(parent);
        rows::orphan(chain, parent, self.one(call).await?)
    }

    async fn settle(&self, chain: ChainId, attempt: AttemptId, verdict: Verdict) -> Result<bool> {
        // The word is also the audit's.
        let (word, pause, status) = match verdict {
            Verdict::Released(pause) => ("released", pause, ""),
            Verdict::Ambiguous(pause) => ("ambiguous", pause, ""),
            Verdict::Status(status, pause) => ("status", pause, status.as_str()),
            Verdict::Refused => ("refused", Duration::ZERO, ""),
        };
        let call = Call::new(&SETTLE).number(chain).attempt(attempt);
        self.flag(call.bytes(word).millis(pause).bytes(status)).await
    }

    async fn bury(&self, chain: ChainId, parent: Lineage, node: NodeId) -> Result<bool> {
        self.flag(Call::new(&BURY).number(chain).lineage(parent).node(node)).await
    }

    async fn promote(&self, grant: GrantId, failed: ChainId) -> Result<Option<i64>> {
        self.generation(Call::new(&PROMOTE).number(grant).number(failed)).await
    }

    async fn is_known(&self, hash: &TokenHash) -> Result<bool> {
        self.flag(Call::new(&IS_KNOWN).hash(Some(hash))).await
    }

    async fn claim(&self, hash: &TokenHash) -> Result<bool> {
        self.flag(Call::new(&CLAIM).hash(Some(hash))).await
    }

    async fn transfer(&self, user_id: i64, install: &Install) -> Result<Option<i64>> {
        let call = Call::new(&TRANSFER)
            .number(install.grant)
            .number(install.chain)
            .number(user_id)
            .bytes("")
            .endpoints(&install.endpoints)?
            .pair(&install.pair);
        self.generation(call).await
    }

    async fn release(&self, chain: ChainId, parent: Lineage) -> Result<bool> {
        self.flag(Call::new(&RELEASE).number(chain).lineage(parent)).await
    }

    async fn heartbeat(
        &self,
        node: NodeId,
        depth: u32,
        attended: i64,
    ) -> Result<(Vec<Summons>, i64)> {
        let call = Call::new(&HEARTBEAT).node(node).number(depth).number(PAGE).number(attended);
        let [found, mark] = rows::exactly(self.ask(call).await?)?;
        Ok((rows::summons(found)?, rows::number(mark)?))
    }

    async fn due(&self, client_id: &str, limit: u32, again: Duration) -> Result<Vec<Summons>> {
        rows::summons(self.one(Call::new(&DUE).bytes(client_id).number(limit).millis(again)).await?)
    }

    async fn changes(&self, since: i64) -> Result<(Vec<Changed>, i64)> {
        let call = Call::new(&CHANGES).number(since).number(PAGE);
        let [now, found] = rows::exactly(self.ask(call).await?)?;
        let changed = rows::list(found)?.into_iter().filter_map(rows::changed).collect();
        Ok((changed, rows::number(now)?))
    }

    fn wakes(&self) -> Option<watch::Receiver<u64>> {
        self.0.wakes()
    }

    async fn rewrap(&self, grant: GrantId, old: &[u8], new: &[u8]) -> Result<bool> {
        self.flag(Call::new(&REWRAP).number(grant).bytes(old).bytes(new)).await
    }

    async fn audit(&self, grant: GrantId, after: i64) -> Result<Vec<AuditRow>> {
        let after = after.max(0);
        let call = Call::new(&AUDIT).number(grant).number(after).number(PAGE);
        let entries = rows::list(self.one(call).await?)?;
        (after + 1..).zip(entries).map(|(place, entry)| rows::audit(grant, place, entry)).collect()
    }

    async fn prune(&self) -> Result<()> {
        loop {
            let pruned = rows::number(self.one(Call::new(&PRUNE).number(PRUNED_AT_ONCE)).await?)?;
            if pruned < PRUNED_AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn take_permits(&self, portal: &str, take: Take) -> Result<Taken> {
        bucket::take(self, portal, take).await
    }
}
