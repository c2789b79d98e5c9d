//! SQLite: the embedded default, on one host. Also `memory`, which is the same without a file.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use once_cell::sync::OnceCell;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{
    AttemptId, Begun, ChainState, Committed, Endpoints, GrantId, GrantRow, Identity, Lineage, Meta,
    SealedPair, Status, Store, Verdict, schema,
};
use crate::{
    Clock, Error, Kind, Result,
    process::{PerProcess, blocking},
};

const SELECT: &str = "
    SELECT g.id, g.client_id, g.member_id, g.user_id, g.status, g.generation, g.data_key,
           g.client_endpoint, g.authorization_server, g.scope, g.application_status,
           c.lineage, c.access, c.refresh, c.access_expires_at, c.refresh_expires_at, c.state, c.tries
    FROM grants g JOIN chains c ON c.grant_id = g.id AND c.role = 'primary'";

/// One connection per process, opened on first use.
pub(crate) struct SqliteStore(Arc<Inner>);

struct Inner {
    /// `None` for a store in memory.
    path: Option<PathBuf>,
    clock: Clock,
    connection: PerProcess<OnceCell<Mutex<Connection>>>,
}

impl SqliteStore {
    pub(crate) fn memory(clock: Clock) -> Self {
        Self(Arc::new(Inner { path: None, clock, connection: PerProcess::new() }))
    }

    pub(crate) fn file(path: &str, clock: Clock) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| {
            Error::invalid_input("store", "the store's path cannot be used").with_source(error)
        })?;
        Ok(Self(Arc::new(Inner { path: Some(path), clock, connection: PerProcess::new() })))
    }

    /// Opens and migrates, so that an unreadable store is an error at the start.
    pub(crate) async fn prepare(&self) -> Result<()> {
        self.with(|_, _| Ok(())).await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let connection =
                inner.connection.get().get_or_try_init(|| inner.open().map(Mutex::new))?;
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection, inner.clock.now())
                .map_err(|error| failed(error).with("store", inner.address()))
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

    fn open(&self) -> Result<Connection> {
        let Some(path) = &self.path else {
            let mut connection = Connection::open_in_memory().map_err(failed)?;
            schema::migrate(&mut connection)?;
            return Ok(connection);
        };
        self.open_file(path).map_err(|error| {
            error.with("store", self.address()).advise(
                "Check that the path names a store of evergrant in a folder that this user may write to.",
            )
        })
    }

    fn open_file(&self, path: &Path) -> Result<Connection> {
        // SQLite gives its journal files the mode of the database, so the mode is set before it looks.
        fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| {
                Error::new(Kind::Store, "the store cannot be opened").with_source(error)
            })?;
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
        schema::migrate(&mut connection)?;
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

    async fn meta(&self) -> Result<Meta> {
        self.with(|connection, _| {
            let value = |name: &str| {
                connection
                    .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                    .optional()
            };
            Ok(Meta {
                environment: value("environment")?.unwrap_or_default(),
                key_check: value("key_check")?,
            })
        })
        .await
    }

    async fn keep_key_check(&self, check: Vec<u8>) -> Result<Vec<u8>> {
        self.with(move |connection, _| {
            connection.execute(
                "INSERT OR IGNORE INTO meta (name, value) VALUES ('key_check', ?1)",
                [check],
            )?;
            connection
                .query_row("SELECT value FROM meta WHERE name = 'key_check'", [], |row| row.get(0))
        })
        .await
    }

    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)> {
        let Identity { client_id, member_id, user_id } = identity.clone();
        self.with(move |connection, _| {
            connection.execute(
                "INSERT OR IGNORE INTO grants (client_id, member_id, user_id, data_key) VALUES (?1, ?2, ?3, ?4)",
                params![client_id, member_id, user_id, data_key],
            )?;
            connection.query_row(
                "SELECT id, data_key FROM grants WHERE client_id = ?1 AND member_id = ?2 AND user_id = ?3",
                params![client_id, member_id, user_id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }

    async fn install(
        &self,
        grant: GrantId,
        attempt: AttemptId,
        endpoints: &Endpoints,
        pair: &SealedPair,
    ) -> Result<Committed> {
        let (endpoints, pair) = (endpoints.clone(), pair.clone());
        self.with(move |connection, now| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let first = transaction.execute(
                "INSERT OR IGNORE INTO consents (attempt, installed_at) VALUES (?1, ?2)",
                params![attempt.0, now],
            )?;
            if first == 0 {
                return Ok(Committed::Orphan);
            }
            transaction.execute(
                "INSERT OR REPLACE INTO chains (grant_id, role, lineage, access, refresh,
                     access_expires_at, refresh_expires_at, received_at)
                 VALUES (?1, 'primary', ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    grant,
                    pair.lineage.0,
                    pair.access,
                    pair.refresh,
                    pair.access_expires_at,
                    pair.refresh_expires_at,
                    now
                ],
            )?;
            let generation = next_generation(&transaction, grant, &endpoints)?;
            transaction.commit()?;
            Ok(Committed::Current(generation))
        })
        .await
    }

    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>> {
        self.with(move |connection, _| {
            connection
                .prepare_cached(&format!("{SELECT} WHERE g.id = ?1"))?
                .query_row([grant], grant_row)
                .optional()
        })
        .await
    }

    async fn grants(&self) -> Result<Vec<GrantRow>> {
        self.with(|connection, _| {
            connection
                .prepare_cached(&format!("{SELECT} ORDER BY g.id"))?
                .query_map([], grant_row)?
                .collect()
        })
        .await
    }

    async fn begin(
        &self,
        grant: GrantId,
        parent: Lineage,
        attempt: AttemptId,
        lease: Duration,
    ) -> Result<Begun> {
        self.with(move |connection, now| {
            let taken = connection.execute(
                "UPDATE chains SET state = 'intent', attempt = ?3, held_until = ?4 + ?5,
                     tries = tries + (state <> 'idle')
                 WHERE grant_id = ?1 AND role = 'primary' AND lineage = ?2 AND state <> 'dead'
                   AND held_until <= ?4
                   AND EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND status IN ('active', 'suspended'))",
                params![grant, parent.0, attempt.0, now, seconds(lease)],
            )?;
            if taken == 1 {
                return Ok(Begun::Acquired);
            }
            let held_until: Option<i64> = connection
                .query_row(
                    "SELECT held_until FROM chains WHERE grant_id = ?1 AND role = 'primary'
                     AND lineage = ?2 AND state <> 'dead' AND held_until > ?3",
                    params![grant, parent.0, now],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(held_until.map_or(Begun::Moved, |until| {
                Begun::Busy(Duration::from_secs(u64::try_from(until - now).unwrap_or(0)))
            }))
        })
        .await
    }

    async fn commit(
        &self,
        grant: GrantId,
        parent: Lineage,
        endpoints: &Endpoints,
        pair: &SealedPair,
    ) -> Result<Committed> {
        let (endpoints, pair) = (endpoints.clone(), pair.clone());
        self.with(move |connection, now| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let replaced = transaction.execute(
                "UPDATE chains SET lineage = ?3, access = ?4, refresh = ?5, access_expires_at = ?6,
                     refresh_expires_at = ?7, received_at = ?8, state = 'idle', attempt = NULL,
                     held_until = 0, tries = 0
                 WHERE grant_id = ?1 AND role = 'primary' AND lineage = ?2",
                params![
                    grant,
                    parent.0,
                    pair.lineage.0,
                    pair.access,
                    pair.refresh,
                    pair.access_expires_at,
                    pair.refresh_expires_at,
                    now
                ],
            )?;
            if replaced == 0 {
                return Ok(Committed::Orphan);
            }
            let generation = next_generation(&transaction, grant, &endpoints)?;
            transaction.commit()?;
            Ok(Committed::Current(generation))
        })
        .await
    }

    async fn settle(&self, grant: GrantId, attempt: AttemptId, verdict: Verdict) -> Result<()> {
        self.with(move |connection, now| {
            let (state, pause, status) = match verdict {
                Verdict::Released => (ChainState::Idle, 0, None),
                Verdict::Ambiguous(pause) => (ChainState::Ambiguous, seconds(pause), None),
                Verdict::Status(status, pause) => (ChainState::Idle, seconds(pause), Some(status)),
                Verdict::Dead => (ChainState::Dead, 0, Some(Status::NeedsReauthorization)),
            };
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let ended = transaction.execute(
                "UPDATE chains SET state = ?3, held_until = ?4
                 WHERE grant_id = ?1 AND role = 'primary' AND attempt = ?2 AND state = 'intent'",
                params![grant, attempt.0, state.as_str(), now + pause],
            )?;
            if let (1, Some(status)) = (ended, status) {
                transaction.execute(
                    "UPDATE grants SET status = ?2 WHERE id = ?1",
                    params![grant, status.as_str()],
                )?;
            }
            transaction.commit()
        })
        .await
    }
}

fn next_generation(
    connection: &Connection,
    grant: GrantId,
    endpoints: &Endpoints,
) -> rusqlite::Result<i64> {
    connection.query_row(
        "UPDATE grants SET generation = generation + 1, status = 'active', client_endpoint = ?2,
             authorization_server = ?3, scope = ?4, application_status = ?5
         WHERE id = ?1 RETURNING generation",
        params![
            grant,
            endpoints.client_endpoint,
            endpoints.authorization_server,
            endpoints.scope.join(","),
            endpoints.application_status
        ],
        |row| row.get(0),
    )
}

fn grant_row(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    let unknown = |index: usize| {
        rusqlite::Error::InvalidColumnType(index, "status".into(), rusqlite::types::Type::Text)
    };
    let scope: String = row.get(9)?;
    Ok(GrantRow {
        id: row.get(0)?,
        identity: Identity { client_id: row.get(1)?, member_id: row.get(2)?, user_id: row.get(3)? },
        status: Status::parse(row.get_ref(4)?.as_str()?).ok_or_else(|| unknown(4))?,
        generation: row.get(5)?,
        data_key: row.get(6)?,
        endpoints: Endpoints {
            client_endpoint: row.get(7)?,
            authorization_server: row.get(8)?,
            scope: scope.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            application_status: row.get(10)?,
        },
        pair: SealedPair {
            lineage: Lineage(row.get(11)?),
            access: row.get(12)?,
            refresh: row.get(13)?,
            access_expires_at: row.get(14)?,
            refresh_expires_at: row.get(15)?,
        },
        chain: ChainState::parse(row.get_ref(16)?.as_str()?).ok_or_else(|| unknown(16))?,
        tries: row.get(17)?,
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}

pub(crate) fn failed(error: rusqlite::Error) -> Error {
    let message = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => "the store's file is not a database",
        Some(rusqlite::ErrorCode::DiskFull) => "the disk under the store is full",
        Some(rusqlite::ErrorCode::DatabaseBusy) => "the store is locked by another program",
        Some(rusqlite::ErrorCode::ReadOnly) => "the store cannot be written to",
        _ => "the store did not do as asked",
    };
    Error::new(Kind::Store, message).with_source(error)
}

/// Makes a new name in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}
