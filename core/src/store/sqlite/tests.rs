use std::sync::Arc;

use async_trait::async_trait;
use once_cell::sync::OnceCell;

use super::SqliteStore;
use crate::{
    Clock,
    store::{
        Store,
        behaviour::{Place, behaviour},
    },
};

mod file {
    use super::*;

    struct File(tempfile::TempDir);

    #[async_trait]
    impl Place for File {
        async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
            let path = self.0.path().join("grants.db");
            let store = SqliteStore::file(path.to_str().unwrap(), clock.clone()).unwrap();
            store.prepare().await.unwrap();
            Arc::new(store)
        }
    }

    async fn place() -> Option<File> {
        Some(File(tempfile::tempdir().unwrap()))
    }

    behaviour!(place);
}

mod memory {
    use super::*;

    /// One process has one handle.
    #[derive(Default)]
    struct Memory(OnceCell<Arc<SqliteStore>>);

    #[async_trait]
    impl Place for Memory {
        async fn open(&self, clock: &Clock) -> Arc<dyn Store> {
            self.0.get_or_init(|| Arc::new(SqliteStore::memory(clock.clone()))).clone()
        }
    }

    async fn place() -> Option<Memory> {
        Some(Memory::default())
    }

    behaviour!(place);
}
