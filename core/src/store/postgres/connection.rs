//! The pool: one per process, made again after a fork.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use once_cell::sync::OnceCell;
use tokio::time::timeout;
use tokio_postgres::Row;

use super::{
    address::Address,
    call::{Call, failed, lost, replica},
    listen::{Listener, Notifier},
    schema,
};
use crate::{
    Error, Kind, Result, Retry,
    process::{self, PerProcess},
};

/// Longest wait for a free connection, and for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// PostgreSQL 13 is the oldest that the vendor of PostgreSQL cared for when this was written.
const OLDEST: i32 = 130_000;

pub(super) struct Connections {
    pub(super) address: Address,
    live: PerProcess<OnceCell<Live>>,
}

/// What cannot be carried over a fork.
pub(super) struct Live {
    pool: Pool,
    pub(super) notifier: Notifier,
    pub(super) listener: Option<Listener>,
}

impl Connections {
    pub(super) fn new(address: Address) -> Arc<Self> {
        Arc::new(Self { address, live: PerProcess::new() })
    }

    pub(super) fn live(&self) -> Result<&Live> {
        self.live.get().get_or_try_init(|| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let manager = Manager::from_config(
                self.address.config.clone(),
                self.address.tls.clone(),
                recycling,
            );
            let pool = Pool::builder(manager)
                .max_size(self.address.pool_size)
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(PATIENCE))
                .create_timeout(Some(PATIENCE))
                .build()
                .map_err(|error| {
                    Error::new(Kind::Internal, "the pool of connections could not be made")
                        .with_source(error)
                })?;
            let listener = match &self.address.listen {
                Some(address) => Some(Listener::start(Address::clone(address))?),
                None => None,
            };
            Ok(Live { notifier: Notifier::start(pool.clone())?, pool, listener })
        })
    }

    /// Looks at the server before the first use, and brings the schema up to date.
    pub(super) async fn prepare(self: &Arc<Self>) -> Result<()> {
        let connections = Arc::clone(self);
        process::run(async move {
            let mut client = connections.client().await?;
            let asked = client
                .query_typed_one(
                    "SELECT pg_is_in_recovery(), current_setting('fsync'),
                        current_setting('server_version_num')::integer",
                    &[],
                )
                .await
                .map_err(failed)?;
            usable(asked.get(0), asked.get(1), asked.get(2))?;
            schema::migrate(&mut client).await
        })
        .await
        .map_err(|error| error.with("store", self.address.shown.clone()))
    }

    /// Sends one statement, on the runtime that the connections belong to.
    pub(super) async fn rows(self: &Arc<Self>, call: Call) -> Result<Vec<Row>> {
        let connections = Arc::clone(self);
        process::run(async move { connections.send(call).await })
            .await
            .map_err(|error| error.with("store", self.address.shown.clone()))
    }

    async fn send(&self, mut call: Call) -> Result<Vec<Row>> {
        match self.attempt(&call).await {
            Err(Failure::Lost(_)) if call.repeatable => {
                call.second_time();
                self.attempt(&call).await
            }
            answer => answer,
        }
        .map_err(|failure| match failure {
            Failure::Lost(error) | Failure::Other(error) => error,
        })
    }

    async fn attempt(&self, call: &Call) -> Result<Vec<Row>, Failure> {
        let client = self.client().await.map_err(Failure::Other)?;
        let answer = timeout(PATIENCE, client.query_typed(call.statement, &call.values())).await;
        match answer {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) if lost(&error) => Err(Failure::Lost(failed(error))),
            Ok(Err(error)) => Err(Failure::Other(failed(error))),
            Err(_) => {
                // Its answer may still come: nobody else may get this connection.
                drop(Client::take(client));
                Err(Failure::Other(slow()))
            }
        }
    }

    async fn client(&self) -> Result<Client> {
        self.live()?.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => failed(error),
            PoolError::Timeout(TimeoutType::Wait) => busy(),
            PoolError::Timeout(_) => slow(),
            error => Error::new(Kind::Store, "no connection to the store's database came about")
                .with_retry(Retry::Safe)
                .with_source(error),
        })
    }
}

/// Whether a server can be trusted with tokens.
fn usable(is_replica: bool, fsync: &str, version: i32) -> Result<()> {
    if is_replica {
        return Err(replica());
    }
    if fsync == "off" {
        return Err(Error::new(
            Kind::Store,
            "the store's database does not wait for its disk: fsync is off",
        )
        .advise("Switch fsync on: a token that the disk forgets is lost for good."));
    }
    if version < OLDEST {
        return Err(Error::new(Kind::Store, "the store's database is older than PostgreSQL 13"));
    }
    Ok(())
}

enum Failure {
    /// Nobody knows whether the statement was executed.
    Lost(Error),
    Other(Error),
}

fn busy() -> Error {
    Error::new(Kind::Store, "all connections to the store's database were in use for too long")
        .with_retry(Retry::Safe)
        .advise("Raise pool_size in the address.")
}

fn slow() -> Error {
    Error::new(Kind::Store, "the store's database did not answer in time").with_retry(Retry::Safe)
}
