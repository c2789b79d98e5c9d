//! SQLite: the embedded default, on one host. Also `memory`, which is the same without a file.

mod audit;
mod bucket;
mod pairs;
mod place;
mod read;
mod rotation;
mod schema;
#[cfg(test)]
mod tests;
mod together;
mod watch;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use once_cell::sync::OnceCell;
use rusqlite::{Connection, OptionalExtension};

pub(crate) use place::{on_network, sync_folder};
use together::Writes;

use super::{
    AttemptId, AuditRow, Budget, Chain, ChainId, Changed, Commit, Committed, GrantId, GrantRow,
    Identity, Install, Installed, Lineage, NodeId, Start, Store, Summons, Take, Taken, TokenHash,
    Verdict,
};
use crate::{
    Clock, Error, Kind, Result, Retry,
    process::{PerProcess, blocking},
};

/// One connection per process, opened on first use.
pub(crate) struct SqliteStore(Arc<Inner>);

struct Inner {
    /// `None` for a store in memory.
    path: Option<PathBuf>,
    clock: Clock,
    connection: PerProcess<OnceCell<Mutex<Connection>>>,
    writes: PerProcess<Writes>,
}

/// The store's clock: wall time for what outlives a boot, boot time for leases and pauses, which a
/// wall clock that jumps must not shorten.
struct Now {
    /// Milliseconds since 1970.
    wall: i64,
    /// Milliseconds since the boot.
    boot: i64,
    /// Which boot. A pause of another boot is over.
    boot_id: &'static str,
}

impl SqliteStore {
    pub(crate) fn memory(clock: Clock) -> Self {
        Self::new(None, clock)
    }

    pub(crate) fn file(path: &str, clock: Clock) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| {
            Error::invalid_input("store", "the store's path cannot be used").with_source(error)
        })?;
        place::refuse_network(&path)?;
        Ok(Self::new(Some(path), clock))
    }

    fn new(path: Option<PathBuf>, clock: Clock) -> Self {
        let (connection, writes) = (PerProcess::new(), PerProcess::new());
        Self(Arc::new(Inner { path, clock, connection, writes }))
    }

    /// Opens and migrates, so that an unreadable store is an error at the start.
    pub(crate) async fn prepare(&self) -> Result<()> {
        self.read(|_, _| Ok(())).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Now) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let mut connection = inner.connection()?;
            work(&mut connection, &inner.now()).map_err(|error| inner.failed(error))
        })
        .await
    }

    /// A transaction, durable when this returns. Others may be in it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Now) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            // Opened before it is asked for: nobody does later what has failed here.
            inner.open_once()?;
            let writes = inner.writes.get();
            let answer = writes.ask(work);
            let done = writes.perform(&mut *inner.connection()?, || inner.now(), &answer);
            done.map_err(|error| inner.failed(error))
        })
        .await
    }
}

impl Inner {
    fn address(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| "memory".to_owned(), |path| format!("sqlite:{}", path.display()))
    }

    fn now(&self) -> Now {
        Now {
            wall: self.clock.now_millis(),
            boot: millis(self.clock.boot()),
            boot_id: place::boot_id(),
        }
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        failed(error).with("store", self.address())
    }

    fn open_once(&self) -> Result<&Mutex<Connection>> {
        self.connection.get().get_or_try_init(|| self.open().map(Mutex::new))
    }

    fn connection(&self) -> Result<MutexGuard<'_, Connection>> {
        Ok(self.open_once()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self) -> Result<Connection> {
        let Some(path) = &self.path else {
            let mut connection = Connection::open_in_memory().map_err(failed)?;
            schema::migrate(&mut connection)?;
            return Ok(connection);
        };
        let connection = place::open(path).map_err(|error| {
            error.with("store", self.address()).advise(
                "Check that the path names a store of evergrant in a folder that this user may write to.",
            )
        })?;
        rotation::adopt_leases(&connection, &self.now()).map_err(|error| self.failed(error))?;
        Ok(connection)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn address(&self) -> String {
        self.0.address()
    }

    fn path(&self) -> Option<PathBuf> {
        self.0.path.clone()
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn installation(&self) -> Result<Option<String>> {
        let path = self.0.path.clone();
        blocking(move || Ok(path.as_deref().and_then(place::installation))).await
    }

    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read(move |db, _| meta(db, &name)).await
    }

    async fn set_meta(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<Vec<u8>> {
        let (name, expected, value) =
            (name.to_owned(), expected.map(<[u8]>::to_vec), value.to_vec());
        self.write(move |db, _| {
            let is = meta(db, &name)?;
            if is != expected {
                return Ok(is.unwrap_or_default());
            }
            db.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
                (&name, &value),
            )?;
            Ok(value)
        })
        .await
    }

    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)> {
        let identity = identity.clone();
        self.write(move |db, _| pairs::ensure_grant(db, &identity, &data_key)).await
    }

    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>> {
        let row = self.read(move |db, now| read::grant(db, now, grant)).await;
        row.map_err(|error| error.with("grant", grant.to_string()))
    }

    async fn grants(&self, after: GrantId, limit: u32) -> Result<Vec<GrantRow>> {
        self.read(move |db, now| read::grants(db, now, after, limit)).await
    }

    async fn chains(&self, grant: GrantId) -> Result<Vec<Chain>> {
        let chains = self.read(move |db, now| read::chains(db, now, grant)).await;
        chains.map_err(|error| error.with("grant", grant.to_string()))
    }

    async fn install(&self, install: &Install) -> Result<Installed> {
        let install = install.clone();
        self.write(move |db, now| pairs::install(db, now, &install)).await
    }

    async fn begin(&self, start: &Start) -> Result<bool> {
        let start = *start;
        self.write(move |db, now| rotation::acquire(db, now, &start, None)).await
    }

    async fn take_over(&self, start: &Start, silent: AttemptId) -> Result<bool> {
        let start = *start;
        self.write(move |db, now| rotation::acquire(db, now, &start, Some(silent))).await
    }

    async fn budget_wait(&self, chain: ChainId, budget: Budget) -> Result<Duration> {
        self.read(move |db, now| rotation::budget_wait(db, now, chain, budget)).await
    }

    async fn confirm(&self, chain: ChainId, attempt: AttemptId, least: Duration) -> Result<bool> {
        self.write(move |db, now| rotation::confirm(db, now, chain, attempt, least)).await
    }

    async fn extend(&self, chain: ChainId, attempt: AttemptId, lease: Duration) -> Result<bool> {
        self.write(move |db, now| rotation::extend(db, now, chain, attempt, lease)).await
    }

    async fn testify(&self, chain: ChainId, attempt: AttemptId) -> Result<bool> {
        self.write(move |db, now| rotation::testify(db, now, chain, attempt)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed> {
        let commit = commit.clone();
        self.write(move |db, now| pairs::commit(db, now, &commit)).await
    }

    async fn orphan(&self, chain: ChainId, parent: Lineage) -> Result<Option<Commit>> {
        self.read(move |db, _| pairs::orphan(db, chain, parent)).await
    }

    async fn settle(&self, chain: ChainId, attempt: AttemptId, verdict: Verdict) -> Result<bool> {
        self.write(move |db, now| rotation::settle(db, now, chain, attempt, verdict)).await
    }

    async fn bury(&self, chain: ChainId, parent: Lineage, node: NodeId) -> Result<bool> {
        self.write(move |db, now| rotation::bury(db, now, chain, parent, node)).await
    }

    async fn promote(&self, grant: GrantId, failed: ChainId) -> Result<Option<i64>> {
        self.write(move |db, now| pairs::promote(db, now, grant, failed)).await
    }

    async fn is_known(&self, hash: &TokenHash) -> Result<bool> {
        let hash = *hash;
        self.read(move |db, _| pairs::is_known(db, &hash)).await
    }

    async fn claim(&self, hash: &TokenHash) -> Result<bool> {
        let hash = *hash;
        self.write(move |db, now| pairs::claim(db, now, hash)).await
    }

    async fn transfer(&self, user_id: i64, install: &Install) -> Result<Option<i64>> {
        let install = install.clone();
        self.write(move |db, now| pairs::transfer(db, now, user_id, &install)).await
    }

    async fn release(&self, chain: ChainId, parent: Lineage) -> Result<bool> {
        self.write(move |db, now| pairs::release(db, now, chain, parent)).await
    }

    async fn heartbeat(
        &self,
        node: NodeId,
        depth: u32,
        attended: i64,
    ) -> Result<(Vec<Summons>, i64)> {
        self.write(move |db, now| watch::heartbeat(db, now, node, depth, attended)).await
    }

    async fn due(&self, client_id: &str, limit: u32, again: Duration) -> Result<Vec<Summons>> {
        let client_id = client_id.to_owned();
        self.write(move |db, now| watch::due(db, now, &client_id, limit, again)).await
    }

    async fn changes(&self, since: i64) -> Result<(Vec<Changed>, i64)> {
        self.read(move |db, now| watch::changes(db, now, since)).await
    }

    async fn rewrap(&self, grant: GrantId, old: &[u8], new: &[u8]) -> Result<bool> {
        let (old, new) = (old.to_vec(), new.to_vec());
        self.write(move |db, _| {
            let changed = db.execute(
                "UPDATE grants SET data_key = ?3 WHERE id = ?1 AND data_key = ?2",
                (grant, &old, &new),
            )?;
            Ok(changed == 1)
        })
        .await
    }

    async fn audit(&self, grant: GrantId, after: i64) -> Result<Vec<AuditRow>> {
        self.read(move |db, _| audit::read(db, grant, after)).await
    }

    async fn prune(&self) -> Result<()> {
        self.write(watch::prune).await
    }

    async fn take_permits(&self, portal: &str, take: Take) -> Result<Taken> {
        let portal = portal.to_owned();
        self.write(move |db, now| bucket::take(db, now, &portal, take)).await
    }
}

fn meta(db: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::{Error as Cause, ErrorCode};
    let damaged = matches!(
        error,
        Cause::FromSqlConversionFailure(..)
            | Cause::IntegralValueOutOfRange(..)
            | Cause::InvalidColumnType(..)
            | Cause::Utf8Error(..)
    );
    let copy = "Restore it from a copy; nothing was changed.";
    let (message, advice) = match error.sqlite_error_code() {
        _ if damaged => ("a row of the store is damaged", copy),
        Some(ErrorCode::NotADatabase) => (
            "the store's file is not a database",
            "Check that the path names a store of evergrant.",
        ),
        Some(ErrorCode::DatabaseCorrupt) => ("the store's file is damaged", copy),
        Some(ErrorCode::DiskFull) => ("the disk under the store is full", "Make room on it."),
        Some(ErrorCode::DatabaseBusy) => (
            "the store is locked by another program",
            "Try again; if it lasts, find the program that holds the file.",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure) => (
            "the store's file cannot be read or written",
            "Check that its disk works, and that this user may write to the file and its folder.",
        ),
        _ => ("the store did not do as asked", "Check the file, its folder and the disk."),
    };
    let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let failed = Error::new(Kind::Store, message).advise(advice).with_source(error);
    if busy { failed.with_retry(Retry::Safe) } else { failed }
}
