//! What every store promises.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::store::behaviour::{Place, behaviour};

/// A prefix of its own on the shared server.
struct Prefix(String);

#[async_trait]
impl Place for Prefix {
    async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
        Arc::new(RedisStore::open(&self.0, clock.clone()).await.unwrap())
    }
}

async fn place() -> Option<Prefix> {
    shared().map(|url| Prefix(format!("{url}?prefix=test-{:016x}", rand::random::<u64>())))
}

behaviour!(place);
