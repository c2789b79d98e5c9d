//! PostgreSQL: a copy of the same tables without their triggers; each transaction one prepared
//! statement, on as many sessions as our pool has.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Statement};

use super::Step;

/// As many as the keeper's pool has unless its address says otherwise.
const SESSIONS: usize = 8;

const BEGIN: &str = "
    WITH chain AS (
        UPDATE floor.chains SET state = 'intent', attempt = $4, node = $4, held_until = $3, tries = 0
        WHERE id = $2
    ), owner AS (
        UPDATE floor.grants SET audit_number = $3, audit_hash = sha256($4) WHERE id = $1
    )
    INSERT INTO floor.audit VALUES ($1, $3, $3, 'intent', $2, $4, $4, 1, sha256($4))";

const CONFIRM: &str = "
    WITH chain AS (
        UPDATE floor.chains SET state = 'sent' WHERE id = $2
    ), spend AS (
        INSERT INTO floor.spends VALUES ($2, $3)
    ), count AS (
        INSERT INTO floor.application_spends AS counted VALUES ('local.bench', 1, $2 % 8, 1)
        ON CONFLICT (client_id, minute, stripe) DO UPDATE SET count = counted.count + 1
    ), owner AS (
        UPDATE floor.grants SET audit_number = $3, audit_hash = sha256($4) WHERE id = $1
    )
    INSERT INTO floor.audit VALUES ($1, $3, $3, 'sent', $2, $4, $4, 1, sha256($4))";

const COMMIT: &str = "
    WITH chain AS (
        UPDATE floor.chains SET state = 'idle', attempt = NULL, node = NULL, held_until = 0,
            lineage = $4, access = overlay(access PLACING $4 FROM 1), refresh = overlay(refresh PLACING $4 FROM 1),
            refresh_hash = sha256($4), access_expires_at = $3, refresh_expires_at = $3, due_at = $3,
            due_next = $3
        WHERE id = $2
    ), spent AS (
        INSERT INTO floor.spent VALUES (sha256($4), $3)
    ), owner AS (
        UPDATE floor.grants SET audit_number = $3, audit_hash = sha256($4), generation = generation + 1
        WHERE id = $1
    )
    INSERT INTO floor.audit VALUES ($1, $3, $3, 'committed', $2, $4, $4, 1, sha256($4))";

/// The tables, and their grants.
pub struct Plain {
    sessions: Vec<Mutex<Session>>,
    /// Grants with their chains.
    rows: Vec<(i64, i64)>,
    count: AtomicI64,
}

struct Session {
    client: Client,
    steps: [Statement; 3],
}

/// The address of a new database.
pub async fn database(server: &str) -> String {
    let name = format!("bench_{}", std::process::id());
    let client = connect(server).await;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{}?sslmode=disable", server.replace("/postgres", &format!("/{name}")))
}

async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Plain {
    pub async fn beside(ours: &str) -> Self {
        let client = connect(ours).await;
        client.batch_execute("CREATE SCHEMA floor").await.unwrap();
        for table in ["grants", "chains", "audit", "spent", "spends", "application_spends"] {
            client
                .batch_execute(&format!(
                    "CREATE TABLE floor.{table} (LIKE evergrant.{table} INCLUDING ALL EXCLUDING IDENTITY);
                     INSERT INTO floor.{table} SELECT * FROM evergrant.{table}"
                ))
                .await
                .unwrap();
        }
        let rows = client
            .query("SELECT grant_id, id FROM floor.chains ORDER BY grant_id", &[])
            .await
            .unwrap();
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            let client = connect(ours).await;
            let mut steps = Vec::new();
            for step in [BEGIN, CONFIRM, COMMIT] {
                steps.push(client.prepare(step).await.unwrap());
            }
            let steps = steps.try_into().ok().unwrap();
            sessions.push(Mutex::new(Session { client, steps }));
        }
        Self {
            sessions,
            rows: rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
            count: AtomicI64::new(1000),
        }
    }

    pub async fn step(self: &Arc<Self>, worker: usize, step: Step) {
        let (grant, chain) = self.rows[worker];
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let text = (u128::from(count as u64) << 64 | u128::from(chain as u64)).to_be_bytes();
        let session = self.sessions[worker % SESSIONS].lock().await;
        let statement = &session.steps[step as usize];
        let done = session.client.execute(statement, &[&grant, &chain, &count, &&text[..]]).await;
        assert_eq!(done.unwrap(), 1);
    }
}
