//! The SQLite schema. Migrations are numbered by position, forward only, and never edited once released.

use rusqlite::{Connection, TransactionBehavior};

use crate::{Error, Kind, Result};

pub(super) const MIGRATIONS: &[&str] = &[
    "
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
        scope TEXT NOT NULL DEFAULT '[]',
        application_status TEXT,
        changed_at INTEGER NOT NULL DEFAULT 0,
        audit_number INTEGER NOT NULL DEFAULT 0,
        audit_hash TEXT NOT NULL DEFAULT '',
        UNIQUE (client_id, member_id, user_id)
    ) STRICT;
    CREATE INDEX grants_changed ON grants (changed_at);

    CREATE TABLE chains (
        id INTEGER PRIMARY KEY,
        grant_id INTEGER NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'idle',
        epoch BLOB NOT NULL,
        lineage BLOB NOT NULL,
        access BLOB NOT NULL,
        refresh BLOB NOT NULL,
        refresh_hash BLOB NOT NULL,
        access_expires_at INTEGER NOT NULL,
        refresh_expires_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempt BLOB,
        node BLOB,
        -- Lease or pause, in milliseconds of the boot-time clock of the boot that is named.
        held_until INTEGER NOT NULL DEFAULT 0,
        held_boot TEXT NOT NULL DEFAULT '',
        tries INTEGER NOT NULL DEFAULT 0,
        doubted_at INTEGER NOT NULL DEFAULT 0,
        retired_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX chains_primary ON chains (grant_id) WHERE role = 'primary';
    CREATE INDEX chains_grant ON chains (grant_id);
    CREATE INDEX chains_hash ON chains (refresh_hash);
    CREATE INDEX chains_due ON chains (due_at) WHERE role <> 'retired';
    CREATE INDEX chains_watched ON chains (state) WHERE state IN ('intent', 'sent', 'doubted');

    -- Consents and deliveries that were installed: an answer found in the spool later is not
    -- installed twice.
    CREATE TABLE consents (lineage BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE spent (hash BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE orphans (
        chain INTEGER NOT NULL,
        parent BLOB NOT NULL,
        lineage BLOB NOT NULL,
        grant_id INTEGER NOT NULL,
        spent BLOB,
        endpoints TEXT NOT NULL,
        access BLOB NOT NULL,
        refresh BLOB NOT NULL,
        refresh_hash BLOB NOT NULL,
        access_expires_at INTEGER NOT NULL,
        refresh_expires_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (chain, parent)
    ) STRICT, WITHOUT ROWID;

    -- Refresh tokens that were sent, for the budgets.
    CREATE TABLE spends (chain INTEGER NOT NULL, at INTEGER NOT NULL, attempt BLOB NOT NULL,
        PRIMARY KEY (chain, at, attempt)) STRICT, WITHOUT ROWID;
    CREATE TABLE application_spends (client_id TEXT NOT NULL, minute INTEGER NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (client_id, minute)) STRICT, WITHOUT ROWID;

    CREATE TABLE nodes (id BLOB PRIMARY KEY, last_seen INTEGER NOT NULL,
        -- It has brought in what it could for what it was summoned to until then.
        heard INTEGER NOT NULL DEFAULT 0, spool_depth INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;

    CREATE TABLE audit (
        grant_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        event TEXT NOT NULL,
        chain INTEGER NOT NULL,
        attempt TEXT NOT NULL,
        node TEXT NOT NULL,
        generation INTEGER NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (grant_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END;
    CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END;
",
    "
    -- What is past keeping is found without a look at everything else.
    CREATE INDEX chains_retired ON chains (retired_at) WHERE role = 'retired';
    CREATE INDEX consents_at ON consents (at);
    CREATE INDEX spent_at ON spent (at);
",
    "
    -- The leaky buckets of portals, by the boot-time clock of the boot that is named.
    CREATE TABLE buckets (portal TEXT PRIMARY KEY, level REAL NOT NULL, at INTEGER NOT NULL,
        boot TEXT NOT NULL, granted INTEGER NOT NULL) STRICT, WITHOUT ROWID;
",
    "
    -- The pause after a lost answer outlives a reboot, too.
    DROP INDEX chains_watched;
    CREATE INDEX chains_watched ON chains (state)
        WHERE state IN ('intent', 'sent', 'ambiguous', 'doubted');
",
];

/// Brings the schema up to date. Several processes may start at once: one migrates, the others wait.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(super::failed)?;
    let version: i64 = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(super::failed)?;
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(Error::new(Kind::Store, "the store was written by a newer evergrant")
            .with("schema", version.to_string())
            .advise("Update evergrant in this program."));
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration).map_err(super::failed)?;
    }
    if version < known {
        transaction.pragma_update(None, "user_version", known).map_err(super::failed)?;
        transaction
            .execute(
                "INSERT OR IGNORE INTO meta (name, value)
                 VALUES ('environment', randomblob(16)), ('epoch', randomblob(16))",
                [],
            )
            .map_err(super::failed)?;
    }
    transaction.commit().map_err(super::failed)
}
