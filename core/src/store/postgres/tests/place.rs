//! A database per test.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::NoTls;

use crate::{
    Clock,
    store::{Store, behaviour::Place, postgres::PostgresStore},
};

/// One database of a server.
pub(super) struct Database {
    /// Straight to the server, with rights to create databases.
    server: String,
    name: String,
    /// What stores are opened with.
    pub(super) url: String,
}

/// Straight to the server.
pub(super) async fn direct() -> Option<Database> {
    Database::make(&variable("EVERGRANT_TEST_POSTGRES")?).await
}

/// Through a pooler that gives each transaction another session; what listens goes around it.
pub(super) async fn pooled() -> Option<Database> {
    let pooler = variable("EVERGRANT_TEST_PGBOUNCER")?;
    Database::make(&pooler).await
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        eprintln!("skipped: {name} is not set; run tools/servers postgres start");
    }
    value
}

impl Database {
    pub(super) async fn make(through: &str) -> Option<Self> {
        let server = variable("EVERGRANT_TEST_POSTGRES")?;
        let name = format!("test_{:032x}", rand::random::<u128>());
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        let in_database = |url: &str| url.replace("/postgres", &format!("/{name}"));
        let around = in_database(&server).replace("//", "%2F%2F").replace(':', "%3A");
        let url = format!("{}?pool_size=3&listen={around}", in_database(through));
        Some(Self { server, name, url })
    }

    /// Says something to this database, around any pooler.
    pub(super) async fn tell(&self, statement: &str) -> Vec<String> {
        execute(&self.server.replace("/postgres", &format!("/{}", self.name)), statement).await
    }
}

/// Runs statements; answers the first column of what they return.
pub(super) async fn execute(url: &str, statements: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statements).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[async_trait]
impl Place for Database {
    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&self.url, clock.clone()).await.unwrap())
    }

    async fn close(&self) {
        execute(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}
