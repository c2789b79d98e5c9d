//! The schema. Migrations are numbered by position, forward only, and never edited.

use deadpool_postgres::Client;
use tokio_postgres::{
    GenericClient,
    types::{ToSql, Type},
};

use super::call::failed;
use crate::{Error, Kind, Result};

pub(super) const MIGRATIONS: &[&str] = &[
    concat!(
        include_str!("sql/1_tables.sql"),
        include_str!("sql/2_ground.sql"),
        include_str!("sql/3_rotation.sql"),
        include_str!("sql/4_pairs.sql"),
        include_str!("sql/5_care.sql"),
    ),
    include_str!("sql/6_grant.sql"),
    include_str!("sql/7_buckets.sql"),
    include_str!("sql/8_revival.sql"),
    include_str!("sql/9_failover.sql"),
    include_str!("sql/10_uninstalled.sql"),
];

/// Any number, the same for all: whoever holds it migrates this database.
const LOCK: i64 = 0x6576_6572_6772_616e;

/// Brings the schema up to date. Processes that start at once queue: the first one migrates. Where
/// nothing is to be done, no right to change the schema is needed.
pub(super) async fn migrate(client: &mut Client) -> Result<()> {
    let there = "SELECT to_regclass('evergrant.migrations') IS NOT NULL";
    let found: bool = client.query_typed_one(there, &[]).await.map_err(failed)?.get(0);
    if found && known(version(&***client).await?)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(failed)?;
    transaction
        .query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)])
        .await
        .map_err(failed)?;
    transaction
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS evergrant;
             CREATE TABLE IF NOT EXISTS evergrant.migrations (
                 version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()
             )",
        )
        .await
        .map_err(failed)?;
    let applied = known(version(&*transaction).await?)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(applied) {
        transaction.batch_execute(migration).await.map_err(failed)?;
        let number = i32::try_from(index + 1).unwrap_or(i32::MAX);
        let insert = "INSERT INTO evergrant.migrations (version) VALUES ($1)";
        transaction.query_typed(insert, &[(&number, Type::INT4)]).await.map_err(failed)?;
    }
    for name in ["environment", "epoch"] {
        let value = rand::random::<[u8; 16]>().to_vec();
        let insert = "INSERT INTO evergrant.meta VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let values: [(&(dyn ToSql + Sync), Type); 2] = [(&name, Type::TEXT), (&value, Type::BYTEA)];
        transaction.query_typed(insert, &values).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn version(client: &impl GenericClient) -> Result<i32> {
    let select = "SELECT coalesce(max(version), 0) FROM evergrant.migrations";
    Ok(client.query_typed(select, &[]).await.map_err(failed)?.first().map_or(0, |row| row.get(0)))
}

fn known(version: i32) -> Result<usize> {
    usize::try_from(version).ok().filter(|version| *version <= MIGRATIONS.len()).ok_or_else(|| {
        Error::new(
            Kind::Store,
            format!(
                "the store has schema {version}, this program knows none above {}",
                MIGRATIONS.len()
            ),
        )
        .advise("Update evergrant on this machine: a newer one has used this store.")
    })
}
