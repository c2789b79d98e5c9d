//! Rows of very many grants, straight into a store's tables.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use evergrant::{GrantId, SealedCopy};
use rusqlite::Connection;
use tokio_postgres::{Client, NoTls};

/// A store, from behind.
pub enum Store {
    Sqlite(PathBuf),
    Postgres(String, Box<Client>),
}

/// When a copy's keep-alive is due, in seconds from now: spread over the days that it is spread over.
fn due(grant: GrantId) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + 86_400 + grant.wrapping_mul(7919) % (20 * 86_400)
}

impl Store {
    pub fn sqlite(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }

    /// In a new database.
    pub async fn postgres(server: &str) -> Self {
        let name = format!("million_{}", std::process::id());
        let maintenance = connect(server).await;
        maintenance.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let address = server.replace("/postgres", &format!("/{name}"));
        let client = connect(&address).await;
        Self::Postgres(format!("{address}?sslmode=disable"), Box::new(client))
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(..) => "postgres",
        }
    }

    pub fn address(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(address, _) => address.clone(),
        }
    }

    /// Adds grants that are all like `template` but for what is sealed, and their users.
    pub async fn add(&mut self, template: GrantId, copies: Vec<SealedCopy>) {
        match self {
            Self::Sqlite(path) => add_sqlite(&open(path), template, &copies),
            Self::Postgres(_, client) => add_postgres(client, template, &copies).await,
        }
    }

    /// As it would look after a while.
    pub async fn settle(&self) {
        match self {
            Self::Sqlite(path) => {
                open(path).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            }
            Self::Postgres(_, client) => client.batch_execute("VACUUM ANALYZE").await.unwrap(),
        }
    }

    /// In bytes.
    pub async fn size(&self) -> i64 {
        match self {
            Self::Sqlite(path) => i64::try_from(path.metadata().unwrap().len()).unwrap(),
            Self::Postgres(_, client) => {
                let sum = "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
                    JOIN pg_namespace n ON n.oid = relnamespace
                    WHERE nspname = 'evergrant' AND relkind = 'r'";
                client.query_one(sum, &[]).await.unwrap().get(0)
            }
        }
    }

    pub async fn make_due(&self, grants: Range<GrantId>) {
        match self {
            Self::Sqlite(path) => {
                let update = "UPDATE chains SET due_at = 1 WHERE grant_id >= ?1 AND grant_id < ?2";
                open(path).execute(update, (grants.start, grants.end)).unwrap();
            }
            Self::Postgres(_, client) => {
                let update = "UPDATE evergrant.chains SET due_next = 1 WHERE grant_id >= $1 AND grant_id < $2";
                client.execute(update, &[&grants.start, &grants.end]).await.unwrap();
            }
        }
    }
}

fn open(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    db
}

fn add_sqlite(db: &Connection, template: GrantId, copies: &[SealedCopy]) {
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    for copy in copies {
        db.prepare_cached(
            "INSERT INTO grants SELECT ?2, client_id, member_id, ?2, status, generation, ?3,
                client_endpoint, authorization_server, scope, application_status, changed_at, audit_number,
                audit_hash FROM grants WHERE id = ?1",
        )
        .unwrap()
        .execute((template, copy.grant, &copy.data_key))
        .unwrap();
        db.prepare_cached(
            "INSERT INTO chains (id, grant_id, role, epoch, lineage, access, refresh, refresh_hash,
                access_expires_at, refresh_expires_at, due_at)
             SELECT ?1, ?2, 'primary', value, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM meta WHERE name = 'epoch'",
        )
        .unwrap()
        .execute((
            copy.chain,
            copy.grant,
            copy.lineage,
            &copy.access,
            &copy.refresh,
            copy.refresh_hash,
            copy.access_expires_at,
            copy.refresh_expires_at,
            due(copy.grant),
        ))
        .unwrap();
        db.prepare_cached(
            "INSERT INTO audit SELECT ?2, number, at, event, ?3, attempt, node, generation, hash
             FROM audit WHERE grant_id = ?1 AND number = 1",
        )
        .unwrap()
        .execute((template, copy.grant, copy.chain))
        .unwrap();
        db.prepare_cached(
            "INSERT INTO consents SELECT ?2, at FROM audit WHERE grant_id = ?1 AND number = 1",
        )
        .unwrap()
        .execute((template, copy.lineage))
        .unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
}

async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    // Neither triggers nor foreign keys, and no wait for the disk.
    let quick = "SET session_replication_role = replica; SET synchronous_commit = off";
    client.batch_execute(quick).await.unwrap();
    client
}

async fn add_postgres(client: &mut Client, template: GrantId, copies: &[SealedCopy]) {
    let numbers = |of: fn(&SealedCopy) -> i64| copies.iter().map(of).collect::<Vec<i64>>();
    let bytes = |of: fn(&SealedCopy) -> &[u8]| copies.iter().map(of).collect::<Vec<&[u8]>>();
    let (grants, chains) = (numbers(|copy| copy.grant), numbers(|copy| copy.chain));
    let lineages = bytes(|copy| &copy.lineage);
    let transaction = client.transaction().await.unwrap();
    transaction
        .execute(
            "INSERT INTO evergrant.grants OVERRIDING SYSTEM VALUE
             SELECT n.id, client_id, member_id, n.id, status, generation, n.key,
                client_endpoint, authorization_server, scope, application_status, audit_number, audit_hash
             FROM evergrant.grants g, unnest($2::bigint[], $3::bytea[]) n (id, key) WHERE g.id = $1",
            &[&template, &grants, &bytes(|copy| &copy.data_key)],
        )
        .await
        .unwrap();
    transaction
        .execute(
            "INSERT INTO evergrant.chains (id, grant_id, role, epoch, lineage, access, refresh, refresh_hash,
                access_expires_at, refresh_expires_at, due_at, due_next)
             SELECT n.id, n.grant_id, 'primary', evergrant.epoch(), lineage, access, refresh, hash, access_dies,
                refresh_dies, due, due * 1000
             FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[],
                $7::bigint[], $8::bigint[], $9::bigint[])
                n (id, grant_id, lineage, access, refresh, hash, access_dies, refresh_dies, due)",
            &[
                &chains,
                &grants,
                &lineages,
                &bytes(|copy| &copy.access),
                &bytes(|copy| &copy.refresh),
                &bytes(|copy| &copy.refresh_hash),
                &numbers(|copy| copy.access_expires_at),
                &numbers(|copy| copy.refresh_expires_at),
                &numbers(|copy| due(copy.grant)),
            ],
        )
        .await
        .unwrap();
    transaction
        .execute(
            "INSERT INTO evergrant.audit
             SELECT n.id, number, at, event, n.chain, attempt, node, generation, hash
             FROM evergrant.audit a, unnest($2::bigint[], $3::bigint[]) n (id, chain)
             WHERE a.grant_id = $1 AND number = 1",
            &[&template, &grants, &chains],
        )
        .await
        .unwrap();
    transaction
        .execute(
            "INSERT INTO evergrant.consents
             SELECT n.attempt, n.chain, at
             FROM evergrant.audit a, unnest($2::bytea[], $3::bigint[]) n (attempt, chain)
             WHERE a.grant_id = $1 AND number = 1",
            &[&template, &lineages, &chains],
        )
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}
