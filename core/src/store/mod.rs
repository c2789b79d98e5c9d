//! Where grants live. A store is dumb: it keeps sealed bytes and answers with every condition
//! inside one statement; what the bytes mean is the keeper's business.

#[cfg(test)]
mod behaviour;
mod bucket;
mod key;
mod postgres;
mod redis;
mod rows;
mod seal;
mod sqlite;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

pub(crate) use bucket::{Take, Taken};
pub use key::KeySource;
use postgres::PostgresStore;
use redis::RedisStore;
pub(crate) use rows::*;
pub use rows::{GrantId, Status};
pub(crate) use seal::{Column, Place, Vault};
pub(crate) use sqlite::{SqliteStore, on_network};

use crate::{Clock, Error, Result};

/// How long a spent token's hash, a retired chain, an orphan and a silent node are remembered.
pub(crate) mod keep {
    use std::time::Duration;

    const DAY: u64 = 24 * 3600;
    /// Longer than any refresh token lives (180 days by the vendor's word).
    pub(crate) const SPENT: Duration = Duration::from_secs(200 * DAY);
    /// A late answer may revive a chain that was given up.
    pub(crate) const RETIRED: Duration = Duration::from_secs(30 * DAY);
    /// As long as nodes keep their answers.
    pub(crate) const ANSWERS: Duration = Duration::from_secs(2 * DAY);
    /// A node that is silent for longer than this no longer holds up a verdict or a takeover.
    pub(crate) const HOLD_BACK: Duration = Duration::from_secs(600);
    /// The longest lease: an exchange is listened to for less.
    pub(crate) const LEASE: Duration = Duration::from_secs(180);
    /// Spare chains per grant.
    pub(crate) const SPARES: u32 = 2;
}

/// A place for grants.
///
/// Every method that changes something is one transaction, durable when it returns, with all its
/// conditions in its statements, and safe to repeat after a lost acknowledgement. Durations are
/// counted on the store's own clock (`clock_timestamp()` and the like, never a transaction's
/// start; on one host the boot-time clock). Each change of a grant or chain also appends to the
/// audit and moves the grant's place in the change feed, in the same transaction.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    /// How a person would name it, such as `sqlite:grants.db`; never with a password.
    fn address(&self) -> String;

    /// The file of a store that has one: key and spool lie beside it.
    fn path(&self) -> Option<PathBuf>;

    /// Whether other machines may use it too.
    fn is_shared(&self) -> bool;

    /// Which installation of the database this is, if it can tell (system id and timeline; machine and
    /// file): a copy answers otherwise.
    async fn installation(&self) -> Result<Option<String>>;

    /// A named value about the store as a whole: `environment` (16 random bytes, made with the
    /// schema), `epoch` (16 bytes; a chain of another epoch is quarantined), `key_check`,
    /// `hash_key`, `installation`.
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Sets `name` to `value` if it is `expected` now; answers what it is afterwards.
    async fn set_meta(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<Vec<u8>>;

    /// The number and data key of a grant; a new row without a chain where there is none.
    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)>;

    /// One grant. `None` where it does not exist or has no primary chain.
    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>>;

    /// Up to `limit` grants with numbers above `after`, by number.
    async fn grants(&self, after: GrantId, limit: u32) -> Result<Vec<GrantRow>>;

    /// A grant's chains: the primary first, then spares and retired ones.
    async fn chains(&self, grant: GrantId) -> Result<Vec<Chain>>;

    /// Takes a new consent's pair in; see [`Install`]. A new primary raises the generation and
    /// makes the grant active. A spare too many replaces the one whose refresh token dies first.
    async fn install(&self, install: &Install) -> Result<Installed>;

    /// Takes a free chain for one attempt: state idle or ambiguous, pause over, `parent` still its
    /// pair, grant active or suspended, chain not quarantined, budgets not used up. When it answers
    /// true, state `intent` and the lease are durable. From ambiguous, `tries` grows by one.
    async fn begin(&self, start: &Start) -> Result<bool>;

    /// As `begin`, from `silent`, an attempt whose lease is over: at once in state intent (it never
    /// sent and never will: `confirm` would refuse), else when the lease has been over for
    /// [`keep::HOLD_BACK`].
    async fn take_over(&self, start: &Start, silent: AttemptId) -> Result<bool>;

    /// How long the budgets forbid to send; zero if they do not.
    async fn budget_wait(&self, chain: ChainId, budget: Budget) -> Result<Duration>;

    /// Intent becomes sent, if `attempt` still has more than `least` of its lease and the chain is
    /// not quarantined: a store that was rolled back meanwhile may have forgotten a later attempt. Only after this
    /// answered true may the token be written. Counts against the budgets.
    async fn confirm(&self, chain: ChainId, attempt: AttemptId, least: Duration) -> Result<bool>;

    /// Makes the lease of a living attempt last `lease` from now. False if it is not the holder.
    async fn extend(&self, chain: ChainId, attempt: AttemptId, lease: Duration) -> Result<bool>;

    /// Ends an attempt of which its node knows that no process of it lives and no answer is kept:
    /// intent becomes what it was before, sent becomes ambiguous with what is left of the lease as the
    /// pause.
    async fn testify(&self, chain: ChainId, attempt: AttemptId) -> Result<bool>;

    /// Replaces the pair `parent`. Bound to lineage alone, whatever state the chain is in and whoever
    /// holds it: a slow holder may carry the only living token. The chain is idle afterwards. A
    /// primary raises the generation, and a grant that needed reauthorization or payment is active
    /// again; a retired chain becomes a spare. What is not the primary takes a dead primary's place, as
    /// by `promote`. `spent` is remembered for [`keep::SPENT`].
    async fn commit(&self, commit: &Commit) -> Result<Committed>;

    /// An answer that found no pair to succeed when it came, and whose parent is now this pair.
    async fn orphan(&self, chain: ChainId, parent: Lineage) -> Result<Option<Commit>>;

    /// Ends an attempt without a pair. A chain that was ambiguous before an attempt that was released is
    /// so again, with its `tries` if nothing was sent. False, and nothing changed, if `attempt` is not
    /// the holder.
    async fn settle(&self, chain: ChainId, attempt: AttemptId, verdict: Verdict) -> Result<bool>;

    /// Doubted becomes dead, if `parent` is still the pair, no orphan succeeds it, and every other
    /// node seen within [`keep::ANSWERS`] has been seen since the doubt, or the doubt is older than
    /// [`keep::HOLD_BACK`]. A grant whose primary is dead needs reauthorization when no spare of it may
    /// live.
    async fn bury(&self, chain: ChainId, parent: Lineage, node: NodeId) -> Result<bool>;

    /// Makes the spare that lives longest the primary, in place of `failed`: dead, doubted,
    /// ambiguous, or held by an attempt whose lease is over. The former primary is retired. The
    /// generation grows and the grant is active. `None` if `failed` is not such a primary, there is no
    /// idle spare, or the application was uninstalled: only a person brings that back.
    async fn promote(&self, grant: GrantId, failed: ChainId) -> Result<Option<i64>>;

    /// Whether the hash is some chain's current token, or was spent before.
    async fn is_known(&self, hash: &TokenHash) -> Result<bool>;

    /// Marks a delivered token as spent, durably. False if it was known: somebody else has spent it,
    /// or is about to. Kept for [`keep::SPENT`].
    async fn claim(&self, hash: &TokenHash) -> Result<bool>;

    /// Gives `grant` to another user of the same portal and application, with the pair of
    /// `install` (a primary). All its other chains are deleted. `None` if that user has a grant of
    /// their own.
    async fn transfer(&self, user_id: i64, install: &Install) -> Result<Option<i64>>;

    /// Releases a chain from quarantine.
    async fn release(&self, chain: ChainId, parent: Lineage) -> Result<bool>;

    /// Says that `node` is alive, has `depth` answers that are not committed yet, and has brought in
    /// what it could for every doubted chain that it was summoned to by the call that answered the mark
    /// `attended` (0 for none). Answers up to 1,000 chains to look after, doubted ones and those that an
    /// attempt of this node holds with a lease that is over; and this call's mark.
    async fn heartbeat(
        &self,
        node: NodeId,
        depth: u32,
        attended: i64,
    ) -> Result<(Vec<Summons>, i64)>;

    /// Up to `limit` chains of the application whose keep-alive is due, the most urgent first, each
    /// moved `again` into the future so that no other process takes it too: primary or spare, grant
    /// active; neither doubted nor dead; pause or lease over. An ambiguous chain is due when its
    /// pause is over.
    async fn due(&self, client_id: &str, limit: u32, again: Duration) -> Result<Vec<Summons>>;

    /// Grants that changed at or after `since` (store's clock, milliseconds), oldest first, at most
    /// 1,000; and the clock now. A reader overlaps its polls by some seconds: transactions may
    /// become visible late.
    async fn changes(&self, since: i64) -> Result<(Vec<Changed>, i64)>;

    /// Wakes when some grant may have changed; `None` where the store cannot wake anybody.
    fn wakes(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        None
    }

    /// Replaces a grant's sealed data key if it is still `old`.
    async fn rewrap(&self, grant: GrantId, old: &[u8], new: &[u8]) -> Result<bool>;

    /// A grant's audit, entries above `after`, at most 1,000.
    async fn audit(&self, grant: GrantId, after: i64) -> Result<Vec<AuditRow>>;

    /// Forgets what is past keeping.
    async fn prune(&self) -> Result<()>;

    /// Takes room in the leaky bucket of the portal at this host, from what all processes of the
    /// store have together. Need not be durable: a bucket that is forgotten has leaked by then.
    async fn take_permits(&self, portal: &str, take: Take) -> Result<Taken>;
}

/// Opens the store that `url` names: `memory`, `sqlite:<path>`, `postgres://...` or `redis://...`.
///
/// # Errors
/// [`crate::Kind::InvalidInput`] naming the field `store`, or [`crate::Kind::Store`] if it cannot be opened.
pub(crate) async fn open(url: &str, clock: &Clock) -> Result<Arc<dyn Store>> {
    let store = match url.split_once(':') {
        None if url == "memory" => SqliteStore::memory(clock.clone()),
        Some(("sqlite", path)) if !path.trim_matches('/').is_empty() => {
            SqliteStore::file(path.strip_prefix("//").unwrap_or(path), clock.clone())?
        }
        Some(("postgres" | "postgresql", _)) => {
            return Ok(Arc::new(PostgresStore::open(url, clock.clone()).await?));
        }
        Some(("redis" | "rediss", _)) => {
            return Ok(Arc::new(RedisStore::open(url, clock.clone()).await?));
        }
        _ => {
            return Err(Error::invalid_input(
                "store",
                "the store address is not one that is known",
            )
            .with("store", scheme(url))
            .advise("Use memory, sqlite:<path to a file>, postgres://... or redis://..."));
        }
    };
    store.prepare().await?;
    Ok(Arc::new(store))
}

/// What an address is called in an error: not more of it than is certainly no password.
fn scheme(url: &str) -> &str {
    if url.contains('@') { url.split(':').next().unwrap_or_default() } else { url }
}
