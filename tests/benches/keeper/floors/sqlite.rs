//! SQLite: a copy of the same tables without their triggers, one connection, the same settings.

use std::{path::Path, sync::Mutex, sync::atomic::AtomicI64, sync::atomic::Ordering};

use rusqlite::{Connection, TransactionBehavior};

use super::Step;

/// The tables, and their grants.
pub struct Plain {
    connection: Mutex<Connection>,
    /// Grants with their chains.
    rows: Vec<(i64, i64)>,
    count: AtomicI64,
}

impl Plain {
    pub fn beside(ours: &Path) -> Self {
        let db = Connection::open(ours.with_extension("floor")).unwrap();
        db.set_prepared_statement_cache_capacity(64);
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.pragma_update(None, "foreign_keys", true).unwrap();
        db.pragma_update(None, "secure_delete", true).unwrap();
        db.execute("ATTACH ?1 AS ours", [ours.to_str().unwrap()]).unwrap();
        let schema = "SELECT sql FROM ours.sqlite_schema
            WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
            ORDER BY type DESC";
        for sql in column::<String>(&db, schema) {
            db.execute_batch(&sql).unwrap();
        }
        for table in ["meta", "grants", "chains", "audit"] {
            db.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM ours.{table}"))
                .unwrap();
        }
        db.execute_batch("DETACH ours").unwrap();
        let chains: Vec<i64> = column(&db, "SELECT id FROM chains ORDER BY grant_id");
        let grants: Vec<i64> = column(&db, "SELECT grant_id FROM chains ORDER BY grant_id");
        let rows = grants.into_iter().zip(chains).collect();
        Self { connection: Mutex::new(db), rows, count: AtomicI64::new(1000) }
    }

    pub fn step(&self, worker: usize, step: Step) {
        let (grant, chain) = self.rows[worker];
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut db = self.connection.lock().unwrap();
        let db = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let event = match step {
            Step::Begin => {
                run(
                    &db,
                    "UPDATE chains SET state = 'intent', attempt = randomblob(16), node = randomblob(16),
                        held_until = ?2, held_boot = hex(randomblob(18)) WHERE id = ?1",
                    (chain, count),
                );
                "intent"
            }
            Step::Confirm => {
                run(&db, "UPDATE chains SET state = 'sent' WHERE id = ?1", [chain]);
                run(&db, "INSERT INTO spends VALUES (?1, ?2, randomblob(16))", (chain, count));
                run(
                    &db,
                    "INSERT INTO application_spends VALUES ('local.bench', 1, 1)
                     ON CONFLICT DO UPDATE SET count = count + 1",
                    [],
                );
                "sent"
            }
            Step::Commit => {
                run(
                    &db,
                    "UPDATE chains SET lineage = randomblob(16), access = randomblob(length(access)),
                        refresh = randomblob(length(refresh)), refresh_hash = randomblob(32),
                        access_expires_at = ?2, refresh_expires_at = ?2, due_at = ?2, state = 'idle',
                        attempt = NULL, node = NULL, held_until = 0 WHERE id = ?1",
                    (chain, count),
                );
                run(&db, "INSERT INTO spent VALUES (randomblob(32), ?1)", [count]);
                "committed"
            }
        };
        run(
            &db,
            "INSERT INTO audit VALUES (?1, ?2, ?2, ?3, ?4, hex(randomblob(16)), hex(randomblob(16)), 1, hex(randomblob(32)))",
            (grant, count, event, chain),
        );
        run(
            &db,
            "UPDATE grants SET audit_number = ?2, audit_hash = hex(randomblob(32)), changed_at = ?2,
                generation = generation + 1 WHERE id = ?1",
            (grant, count),
        );
        db.commit().unwrap();
    }
}

fn run(db: &Connection, sql: &str, values: impl rusqlite::Params) {
    assert_eq!(db.prepare_cached(sql).unwrap().execute(values).unwrap(), 1);
}

fn column<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> Vec<T> {
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
