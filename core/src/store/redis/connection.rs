//! Connections: a few per process, each used by one script at a time, so that `WAIT` speaks of
//! that script; checked anew whenever one is opened, because another server may answer by then.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{AsyncConnectionConfig, RedisResult, Value, aio::MultiplexedConnection, cmd};
use tokio::sync::Semaphore;

use super::{
    Inner, durability,
    failure::{failed, spoils},
    schema,
    script::{Answer, Call},
};
use crate::{Error, Kind, Result, Retry, process};

/// Enough that the server joins their fsyncs; few enough for a server with many processes.
const CONNECTIONS: usize = 8;
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(5);
/// One that was idle for longer may have died unnoticed, and is asked first.
const FRESH: Duration = Duration::from_secs(1);

/// The connections of one process.
pub(super) struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<(MultiplexedConnection, Instant)>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { permits: Semaphore::new(CONNECTIONS), idle: Mutex::default() }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<(MultiplexedConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn living(&self) -> Option<MultiplexedConnection> {
        let (mut connection, used) = self.idle().pop()?;
        if used.elapsed() < FRESH {
            return Some(connection);
        }
        let pong: RedisResult<Value> = cmd("PING").query_async(&mut connection).await;
        if pong.is_err() {
            // The others are as old.
            self.idle().clear();
            return None;
        }
        Some(connection)
    }
}

impl Inner {
    /// Runs a script to its end: executed, fsynced, and known to enough replicas.
    ///
    /// It is never repeated here. A caller may, since every script bears it.
    pub(super) async fn call(&self, call: &Call) -> Result<Vec<Value>> {
        self.converse(call).await.map_err(|error| error.with("store", self.address.shown.clone()))
    }

    async fn converse(&self, call: &Call) -> Result<Vec<Value>> {
        let pool = self.pool.get();
        let _permit = pool.permits.acquire().await.map_err(|error| {
            Error::new(Kind::Internal, "the store was closed").with_source(error)
        })?;
        let mut connection = match pool.living().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        // A caller that stops waiting drops the connection: its answer would come to the next one.
        let answer = self.evaluate(&mut connection, call).await;
        if !answer.as_ref().is_err_and(spoils) {
            pool.idle().push((connection, Instant::now()));
        }
        let (values, replicas) = answer.map_err(failed)?;
        self.check_replicas(replicas)?;
        Ok(values)
    }

    async fn evaluate(
        &self,
        connection: &mut MultiplexedConnection,
        call: &Call,
    ) -> RedisResult<(Vec<Value>, Option<u32>)> {
        let mut invocation = call.script.prepare_invoke();
        invocation.key(&self.address.keys);
        invocation.arg(self.clock.offset_millis()).arg(schema::KNOWN);
        for argument in &call.arguments {
            invocation.arg(argument);
        }
        let answer = Answer::split(invocation.invoke_async(connection).await?);
        let replicas = match answer.is_change {
            true => self.wait(connection).await?,
            false => None,
        };
        Ok((answer.values, replicas))
    }

    /// How many replicas have everything that this connection wrote; `None` if nobody asks.
    pub(super) async fn wait(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Option<u32>> {
        if self.address.replicas == 0 {
            return Ok(None);
        }
        let wait = u64::try_from(self.address.wait.as_millis()).unwrap_or(u64::MAX);
        cmd("WAIT").arg(self.address.replicas).arg(wait).query_async(connection).await.map(Some)
    }

    pub(super) fn check_replicas(&self, replicas: Option<u32>) -> Result<()> {
        match replicas {
            Some(count) if count < self.address.replicas => Err(Error::new(
                Kind::Store,
                "the change is not replicated: too few replicas confirmed it in time",
            )
            .with("confirmed", count.to_string())
            .with("replicas", self.address.replicas.to_string())
            .with_retry(Retry::Safe)
            .advise(
                "Look after the server's replicas, then try again. A single server on purpose is replicas=0 in the store's URL.",
            )),
            _ => Ok(()),
        }
    }

    /// A new connection to a server that may be a store of record.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection> {
        process::choose_cryptography();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER + self.address.wait));
        let client = &self.address.client;
        let mut connection =
            client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)?;
        durability::check(&mut connection).await?;
        self.recognise(&mut connection).await?;
        Ok(connection)
    }
}
