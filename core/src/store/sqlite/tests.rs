use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use once_cell::sync::OnceCell;

use rusqlite::Connection;

use super::{SqliteStore, schema::MIGRATIONS};
use crate::{
    Clock,
    store::{
        Store,
        behaviour::{Place, World, behaviour},
        keep,
    },
};

mod file {
    use super::*;

    pub(super) struct File(pub(super) tempfile::TempDir);

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

#[tokio::test]
async fn a_store_of_any_earlier_schema_is_brought_up_with_what_is_in_it() {
    for version in 1..MIGRATIONS.len() {
        let (now, earlier) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = now.path().join("grants.db");
        let world = World::new(file::File(now)).await;
        let (grant, chain) = world.grant().await;
        let before = world.another().await.grant(grant).await.unwrap().unwrap();

        let old = Connection::open(earlier.path().join("grants.db")).unwrap();
        old.execute_batch(&MIGRATIONS[..version].concat()).unwrap();
        old.pragma_update(None, "user_version", version as i64).unwrap();
        old.execute("ATTACH ? AS later", [file.to_str().unwrap()]).unwrap();
        for table in ["meta", "grants", "chains", "audit"] {
            old.execute_batch(&format!("INSERT INTO {table} SELECT * FROM later.{table}")).unwrap();
        }
        drop(old);

        let world = World::new(file::File(earlier)).await;
        let store = world.another().await;
        let after = store.grant(grant).await.unwrap().unwrap();
        assert_eq!(after.generation, before.generation, "schema {version}");
        assert!(after.chain.pair == before.chain.pair && after.data_key == before.data_key);
        assert_eq!(store.audit(grant, 0).await.unwrap().len(), 1, "schema {version}");
        world.begin(chain).await;
    }
}

/// The server may still be at work on what was sent before a short reboot.
#[tokio::test]
async fn the_pause_after_a_lost_answer_outlives_a_reboot() {
    let folder = tempfile::tempdir().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("grants.db")).unwrap();
    let world = World::new(file::File(folder)).await;
    let (_, chain) = world.grant().await;
    let sent = world.begin(chain).await;
    let store = world.another().await;
    store.confirm(chain, sent.attempt, Duration::ZERO).await.unwrap();
    let verdict = crate::store::Verdict::Ambiguous(Duration::from_secs(90));
    store.settle(chain, sent.attempt, verdict).await.unwrap();
    file.execute("UPDATE chains SET held_boot = 'another'", ()).unwrap();
    let up = i64::try_from(world.clock.boot().as_secs()).unwrap();
    world.clock.turn(20 - up);
    let store = world.another().await;
    let again = world.start(chain).await;
    assert!(!store.begin(&again).await.unwrap());
    world.wait(keep::LEASE);
    assert!(store.begin(&again).await.unwrap());
}

#[tokio::test]
async fn a_lease_of_another_boot_lasts_until_this_boot_is_as_old_as_a_lease() {
    let folder = tempfile::tempdir().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("grants.db")).unwrap();
    let world = World::new(file::File(folder)).await;
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    // The file comes from a machine that has been up for long.
    file.execute("UPDATE chains SET held_boot = 'another', held_until = 1000000000000", ())
        .unwrap();
    let up = i64::try_from(world.clock.boot().as_secs()).unwrap();
    world.clock.turn(60 - up);
    let store = world.another().await;
    let taker = world.start(chain).await;
    assert!(!store.take_over(&taker, silent.attempt).await.unwrap());
    world.wait(keep::LEASE - Duration::from_secs(50));
    assert!(store.take_over(&taker, silent.attempt).await.unwrap());
}
