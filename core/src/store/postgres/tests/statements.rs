//! What only a database can be tried with: locks, rights, tampering, notifications.

use std::time::{Duration, Instant};

use super::place::{Database, direct};
use crate::{
    Clock, Kind, Retry,
    store::{
        AttemptId, Budget, Identity, Install, Installed, Lineage, NodeId, Role, SealedPair, Start,
        Store, TokenHash,
        behaviour::Place,
        postgres::{PostgresStore, schema::MIGRATIONS},
    },
};

pub(super) async fn open(database: &Database) -> PostgresStore {
    PostgresStore::open(&database.url, Clock::system()).await.unwrap()
}

/// A grant with a pair, and the attempt that would rotate it.
pub(super) async fn start(store: &PostgresStore) -> (Install, Start) {
    let user_id = rand::random::<u32>().into();
    let whose = Identity { client_id: "app".into(), member_id: "portal".into(), user_id };
    let (grant, _) = store.ensure_grant(&whose, b"key".to_vec()).await.unwrap();
    let pair = SealedPair {
        lineage: Lineage(rand::random()),
        access: vec![1; 115],
        refresh: vec![2; 115],
        refresh_hash: TokenHash(rand::random()),
        access_expires_at: 1,
        refresh_expires_at: 2,
        due_at: i64::from(u32::MAX),
    };
    let endpoints = crate::store::Endpoints {
        client_endpoint: "https://portal.example/rest/".into(),
        authorization_server: "https://oauth.bitrix.info/".into(),
        scope: vec!["crm".into()],
        application_status: None,
    };
    let chain = rand::random::<i64>() & i64::MAX;
    let (role, former) = (Role::Primary, Role::Retired);
    let install = Install { grant, chain, role, former, endpoints, pair };
    assert!(matches!(store.install(&install).await.unwrap(), Installed::Current(_)));
    let attempt = AttemptId::random();
    let parent = install.pair.lineage;
    let budget = Budget { hour: 3, day: 30, application_hour: 0 };
    let lease = Duration::from_secs(2);
    (install, Start { chain, parent, attempt, node: NodeId([1; 16]), lease, budget })
}

#[tokio::test]
async fn a_lease_is_not_born_expired() {
    for table in ["chains", "grants"] {
        let Some(database) = direct().await else { return };
        let store = open(&database).await;
        let (install, start) = start(&store).await;
        let id = if table == "chains" { install.chain } else { install.grant };
        let lock = format!(
            "BEGIN; SELECT 1 FROM evergrant.{table} WHERE id = {id} FOR UPDATE; SELECT pg_sleep(3); COMMIT"
        );
        let held = async {
            database.tell(&lock).await;
        };
        let begun = async {
            // Not before the lock is there.
            let waits = format!(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%{id} FOR UPDATE; SELECT pg_sleep%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()"
            );
            while database.tell(&waits).await.is_empty() {}
            let asked = Instant::now();
            assert!(store.begin(&start).await.unwrap());
            assert!(asked.elapsed() > Duration::from_secs(2), "it waited longer than the lease");
        };
        tokio::join!(held, begun);
        let left = store.grant(install.grant).await.unwrap().unwrap().chain.held_for;
        assert!(left > Duration::from_secs(1), "{left:?} is left of two seconds");
        assert!(store.confirm(install.chain, start.attempt, Duration::ZERO).await.unwrap());
        database.close().await;
    }
}

#[tokio::test]
async fn the_audit_cannot_be_changed() {
    let Some(database) = direct().await else { return };
    let store = open(&database).await;
    let (install, _) = start(&store).await;
    let before = store.audit(install.grant, 0).await.unwrap();
    for tampering in [
        "UPDATE evergrant.audit SET event = 'x'",
        "DELETE FROM evergrant.audit",
        "TRUNCATE evergrant.audit",
    ] {
        let refused = format!(
            "DO $$ BEGIN {tampering}; EXCEPTION WHEN restrict_violation THEN
             RAISE NOTICE 'refused'; RETURN; END $$; SELECT 1"
        );
        database.tell(&refused).await;
        assert_eq!(store.audit(install.grant, 0).await.unwrap(), before, "{tampering}");
    }
    database.close().await;
}

#[tokio::test]
async fn a_store_of_any_earlier_schema_is_brought_up_with_what_is_in_it() {
    for version in 1..MIGRATIONS.len() {
        let Some(database) = direct().await else { return };
        let store = open(&database).await;
        let (install, start) = start(&store).await;
        let before = store.grant(install.grant).await.unwrap().unwrap();
        drop(store);
        database
            .tell(&format!(
                "ALTER SCHEMA evergrant RENAME TO later; CREATE SCHEMA evergrant;
                 CREATE TABLE evergrant.migrations (LIKE later.migrations INCLUDING ALL);
                 {}
                 INSERT INTO evergrant.migrations (version) VALUES ({version});
                 INSERT INTO evergrant.meta SELECT * FROM later.meta;
                 INSERT INTO evergrant.grants OVERRIDING SYSTEM VALUE SELECT * FROM later.grants;
                 INSERT INTO evergrant.chains SELECT * FROM later.chains;
                 DROP SCHEMA later CASCADE",
                MIGRATIONS[..version].concat()
            ))
            .await;
        let store = open(&database).await;
        let after = store.grant(install.grant).await.unwrap().unwrap();
        assert_eq!(after.generation, before.generation, "schema {version}");
        assert!(after.chain.pair == before.chain.pair && after.data_key == before.data_key);
        assert!(store.begin(&start).await.unwrap(), "schema {version}");
        drop(store);
        database.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(database) = direct().await else { return };
    open(&database).await;
    database.tell("INSERT INTO evergrant.migrations (version) VALUES (4711)").await;
    let error = PostgresStore::open(&database.url, Clock::system()).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (Kind::Store, Retry::Never));
    assert!(error.to_string().contains("4711") && error.to_string().contains("Update"), "{error}");
    database.close().await;
}

#[tokio::test]
async fn a_started_schema_needs_no_rights_to_change_it() {
    let Some(database) = direct().await else { return };
    open(&database).await;
    let role = format!("reader_{:032x}", rand::random::<u128>());
    database
        .tell(&format!(
            "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA evergrant TO {role};
             GRANT ALL ON ALL TABLES IN SCHEMA evergrant TO {role}"
        ))
        .await;
    let url = database.url.replacen("evergrant@", &format!("{role}@"), 1);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let (_, start) = start(&store).await;
    assert!(store.begin(&start).await.unwrap());
    drop(store);
    database.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    database.close().await;
}

#[tokio::test]
async fn a_lost_notification_is_found_by_polling() {
    let Some(database) = direct().await else { return };
    let (listening, silent) = (open(&database).await, {
        let url = database.url.split("&listen").next().unwrap().to_owned();
        PostgresStore::open(&url, Clock::system()).await.unwrap()
    });
    assert!(silent.wakes().is_none(), "nothing to listen on");
    let mut wakes = listening.wakes().unwrap();
    wakes.wait_for(|count| *count > 0).await.unwrap();
    // The listener's connection breaks, and a change falls into the gap.
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    let before = *wakes.borrow_and_update();
    database.tell(kill).await;
    let (install, _) = start(&silent).await;
    let (changes, _) = listening.changes(0).await.unwrap();
    assert_eq!(changes[0].grant, install.grant);
    // It is woken when it hears again, whatever was told meanwhile.
    let limit = Duration::from_secs(10);
    let woken = tokio::time::timeout(limit, wakes.wait_for(|count| *count > before)).await;
    woken.expect("a wake after the reconnection").unwrap();
    let (second, _) = start(&silent).await;
    let again = tokio::time::timeout(limit, wakes.changed()).await;
    again.expect("a wake for a new change").unwrap();
    assert_eq!(listening.changes(0).await.unwrap().0.last().unwrap().grant, second.grant);
    database.close().await;
}

#[tokio::test]
async fn tls_is_as_strict_as_asked() {
    let Some(database) = direct().await else { return };
    let url = |more: &str| format!("{}&{more}", database.url.split("&listen").next().unwrap());
    let mut certificate = super::place::variable("EVERGRANT_TEST_POSTGRES_HOME").unwrap();
    certificate.push_str("/cert.pem");
    let trusted = format!("sslmode=verify-full&sslrootcert={certificate}");
    for (more, encrypted) in [("sslmode=disable", "f"), ("sslmode=require", "t"), (&trusted, "t")] {
        let name = format!("tls_{:032x}", rand::random::<u128>());
        let url = url(&format!("{more}&application_name={name}"));
        let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
        let ask = format!(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{name}'"
        );
        assert_eq!(database.tell(&ask).await, [encrypted], "{more}");
        drop(store);
    }
    let error =
        PostgresStore::open(&url("sslmode=verify-full"), Clock::system()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.to_string().contains("sslrootcert"), "{error:?}");
    database.close().await;
}
