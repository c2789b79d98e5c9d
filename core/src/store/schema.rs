//! The SQLite schema. Migrations are numbered by position, forward only, and never edited.

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, Kind, Result};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE grants (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        client_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        status TEXT NOT NULL DEFAULT 'active',
        generation INTEGER NOT NULL DEFAULT 0,
        data_key BLOB NOT NULL,
        client_endpoint TEXT NOT NULL DEFAULT '',
        authorization_server TEXT NOT NULL DEFAULT '',
        scope TEXT NOT NULL DEFAULT '',
        application_status TEXT,
        UNIQUE (client_id, member_id, user_id)
    ) STRICT;

    CREATE TABLE chains (
        grant_id INTEGER NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        lineage BLOB NOT NULL UNIQUE,
        access BLOB NOT NULL,
        refresh BLOB NOT NULL,
        access_expires_at INTEGER NOT NULL,
        refresh_expires_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'idle',
        attempt BLOB,
        held_until INTEGER NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (grant_id, role)
    ) STRICT, WITHOUT ROWID;

    -- Code exchanges that were installed: an answer found in the spool later is not installed twice.
    CREATE TABLE consents (
        attempt BLOB PRIMARY KEY,
        installed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// Brings the schema up to date. Several processes may start at once: one migrates, the others wait.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(super::sqlite::failed)?;
    let version: i64 = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(super::sqlite::failed)?;
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(Error::new(Kind::Store, "the store was written by a newer evergrant")
            .with("schema", version.to_string())
            .advise("Update evergrant in this program."));
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration).map_err(super::sqlite::failed)?;
    }
    if version < known {
        transaction.pragma_update(None, "user_version", known).map_err(super::sqlite::failed)?;
        transaction
            .execute(
                "INSERT OR IGNORE INTO meta (name, value) VALUES ('environment', randomblob(16))",
                [],
            )
            .map_err(super::sqlite::failed)?;
    }
    transaction.commit().map_err(super::sqlite::failed)
}
