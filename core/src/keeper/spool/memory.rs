//! What a node remembers outside the store: committed answers for two days, and the highest
//! generation of each grant. A store that was rolled back is recognised, and brought forward again.

use std::{path::Path, sync::Mutex, sync::PoisonError, time::Duration};

use once_cell::sync::OnceCell;
use rusqlite::{Connection, OptionalExtension, Params};

use super::label::Label;
use crate::{
    Error, Kind, Result,
    process::PerProcess,
    store::{ChainId, GrantId, Lineage, NodeId},
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS node (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;
    INSERT OR IGNORE INTO node (one, id) VALUES (1, randomblob(16));
    CREATE TABLE IF NOT EXISTS answers (
        chain INTEGER NOT NULL, parent BLOB NOT NULL, at INTEGER NOT NULL, label TEXT NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (chain, parent, at)) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS marks (
        environment BLOB NOT NULL, grant_id INTEGER NOT NULL, generation INTEGER NOT NULL,
        PRIMARY KEY (environment, grant_id)) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS epochs (environment BLOB PRIMARY KEY, epoch BLOB NOT NULL)
        STRICT, WITHOUT ROWID;";

/// Stands for a chain where an answer begins one.
const CONSENT: ChainId = 0;

/// A small database beside the slots.
pub(super) struct Memory {
    path: std::path::PathBuf,
    connection: PerProcess<OnceCell<Mutex<Connection>>>,
}

impl Memory {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join("node.db"), connection: PerProcess::new() }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let failed = |error: rusqlite::Error| {
            Error::new(Kind::Store, "the node's memory beside the spool cannot be used")
                .with("file", self.path.display().to_string())
                .advise("Check the disk and the folder's rights. A damaged file may be removed while nothing runs.")
                .with_source(error)
        };
        let connection = self
            .connection
            .get()
            .get_or_try_init(|| open(&self.path).map(Mutex::new))
            .map_err(failed)?;
        work(&connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(failed)
    }

    pub(super) fn node(&self) -> Result<NodeId> {
        self.with(|db| db.query_row("SELECT id FROM node", [], |row| row.get(0)).map(NodeId))
    }

    /// Keeps an answer: to a rotation under its chain and parent, else under its own attempt.
    pub(super) fn keep(&self, label: &Label, sealed: &[u8], now: i64) -> Result<()> {
        let (chain, parent) = match (label.parent(), label.attempt()) {
            (Some(parent), _) => (parent.chain, parent.lineage.0),
            (None, Some(attempt)) => (CONSENT, attempt.0),
            (None, None) => return Ok(()),
        };
        let text = serde_json::to_string(label).unwrap_or_default();
        self.with(|db| {
            db.prepare_cached(
                "INSERT OR REPLACE INTO answers (chain, parent, at, label, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((chain, parent, now, text, sealed))
            .map(|_| ())
        })
    }

    /// The kept answers to the token of one pair.
    pub(super) fn successors(
        &self,
        chain: ChainId,
        parent: Lineage,
    ) -> Result<Vec<(Label, Vec<u8>)>> {
        self.answers("chain = ?1 AND parent = ?2 ORDER BY at DESC", (chain, parent.0))
    }

    /// The kept answers to codes and deliveries, oldest first.
    pub(super) fn consents(&self) -> Result<Vec<(Label, Vec<u8>)>> {
        self.answers("chain = ?1 ORDER BY at", [CONSENT])
    }

    fn answers(&self, which: &str, values: impl Params) -> Result<Vec<(Label, Vec<u8>)>> {
        let found: Vec<(String, Vec<u8>)> = self.with(|db| {
            db.prepare_cached(&format!("SELECT label, sealed FROM answers WHERE {which}"))?
                .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let read = |(text, sealed): (String, _)| Some((serde_json::from_str(&text).ok()?, sealed));
        Ok(found.into_iter().filter_map(read).collect())
    }

    pub(super) fn mark(&self, environment: &[u8], grant: GrantId, generation: i64) -> Result<()> {
        self.with(|db| {
            db.prepare_cached(
                "INSERT INTO marks (environment, grant_id, generation) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET generation = max(generation, excluded.generation)",
            )?
            .execute((environment, grant, generation))
            .map(|_| ())
        })
    }

    pub(super) fn accept(&self, environment: &[u8], grant: GrantId, generation: i64) -> Result<()> {
        self.with(|db| {
            db.execute(
                "INSERT OR REPLACE INTO marks (environment, grant_id, generation) VALUES (?1, ?2, ?3)",
                (environment, grant, generation),
            )
            .map(|_| ())
        })
    }

    pub(super) fn marks(&self, environment: &[u8]) -> Result<Vec<(GrantId, i64)>> {
        self.with(|db| {
            db.prepare("SELECT grant_id, generation FROM marks WHERE environment = ?1")?
                .query_map([environment], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    pub(super) fn marked(&self, environment: &[u8], grant: GrantId) -> Result<Option<i64>> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT generation FROM marks WHERE environment = ?1 AND grant_id = ?2",
            )?
            .query_row((environment, grant), |row| row.get(0))
            .optional()
        })
    }

    pub(super) fn epoch(&self, environment: &[u8]) -> Result<Option<Vec<u8>>> {
        self.with(|db| {
            db.query_row("SELECT epoch FROM epochs WHERE environment = ?1", [environment], |row| {
                row.get(0)
            })
            .optional()
        })
    }

    pub(super) fn set_epoch(&self, environment: &[u8], epoch: &[u8]) -> Result<()> {
        self.with(|db| {
            db.execute(
                "INSERT OR REPLACE INTO epochs (environment, epoch) VALUES (?1, ?2)",
                (environment, epoch),
            )
            .map(|_| ())
        })
    }

    pub(super) fn forget_before(&self, when: i64) -> Result<()> {
        self.with(|db| db.execute("DELETE FROM answers WHERE at < ?1", [when]).map(|_| ()))
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(10))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may take the last entries; by then they are in the store, durably.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.execute_batch(SCHEMA)?;
    Ok(db)
}
