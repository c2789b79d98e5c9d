//! Lost connections, killed servers, missing replicas.

use super::*;
use crate::{
    Kind, Retry,
    store::{Committed, Status},
};

#[tokio::test]
async fn too_few_replicas_is_an_error_and_repeating_heals_it() {
    let Some(master) = Server::start(DURABLE) else { return };
    let port = master.port.to_string();
    let settings = [DURABLE, &["--replicaof", "127.0.0.1", &port]].concat();
    let mut replica = Server::start(&settings).unwrap();
    let store = {
        let url = master.url(1);
        persist(|| RedisStore::open(&url, Clock::system())).await
    };
    let (grant, chain, lineage) = granted(&store).await;

    replica.kill();
    let attempt = AttemptId::random();
    let start = start(chain, lineage, attempt);
    let error = store.begin(&start).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Store, Retry::Safe));
    assert!(error.to_string().contains("not replicated"), "{error}");
    // What nobody waits for is answered at once.
    assert!(!store.begin(&super::start(chain, lineage, AttemptId::random())).await.unwrap());
    // Repeating is no way around: the first time, the replica did not get it.
    assert!(store.begin(&start).await.is_err());
    replica.resume();
    assert!(persist(|| store.begin(&start)).await);
    // A replica that has just come back may still be slow to answer.
    assert!(persist(|| store.confirm(chain, attempt, Duration::ZERO)).await);

    replica.kill();
    let commit = successor(grant, chain, lineage, attempt);
    assert!(store.commit(&commit).await.is_err());
    replica.resume();
    assert_eq!(persist(|| store.commit(&commit)).await, Committed::Current(2));
    let mut there = replica.admin();
    let kept: String = redis::cmd("HGET")
        .arg(format!("{{evergrant}}:chain:{chain}"))
        .arg("lineage")
        .query(&mut there)
        .unwrap();
    assert_eq!(kept, crate::store::hex(&attempt.0));
}

#[tokio::test]
async fn a_killed_server_has_all_that_it_acknowledged() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let store = RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    let (grant, chain, mut lineage) = granted(&store).await;
    for round in 0..5 {
        let url = server.url(0);
        let rotating = tokio::spawn(async move {
            let store = RedisStore::open(&url, Clock::system()).await.unwrap();
            let mut acknowledged = lineage;
            loop {
                let attempt = AttemptId::random();
                let commit = successor(grant, chain, acknowledged, attempt);
                match store.commit(&commit).await {
                    Ok(_) => acknowledged = attempt.lineage(),
                    // Whether it was done is not known: both may be.
                    Err(error) => return (acknowledged, attempt.lineage(), error),
                }
            }
        });
        let before = store.grant(grant).await.unwrap().unwrap().generation;
        while store.grant(grant).await.unwrap().unwrap().generation < before + 20 {}
        server.kill();
        let (acknowledged, unknown, error) = rotating.await.unwrap();
        assert_eq!((error.kind(), error.retry()), (Kind::Store, Retry::Safe), "{error:?}");
        let error = persist_error(&store, grant).await;
        assert!(error.contains("cannot be reached"), "{error}");
        server.resume();
        let row = persist(|| store.grant(grant)).await.unwrap();
        lineage = row.chain.pair.lineage;
        assert!([acknowledged, unknown].contains(&lineage), "round {round}");
        assert_eq!(row.status, Status::Active);
    }
}

/// What a call says while the server is down; the first may find its connection dead.
async fn persist_error(store: &RedisStore, grant: GrantId) -> String {
    let first = store.grant(grant).await.err();
    assert!(first.is_some_and(|error| error.is_retryable()));
    store.grant(grant).await.err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again() {
    let Some(server) = Server::start(DURABLE) else { return };
    let store = RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    let (grant, chain, lineage) = granted(&store).await;
    let attempt = AttemptId::random();
    let mut admin = server.admin();
    let mut flush = || redis::cmd("SCRIPT").arg("FLUSH").exec(&mut admin).unwrap();
    flush();
    assert!(store.begin(&start(chain, lineage, attempt)).await.unwrap());
    flush();
    assert!(store.confirm(chain, attempt, Duration::ZERO).await.unwrap());
    flush();
    let done = store.commit(&successor(grant, chain, lineage, attempt)).await.unwrap();
    assert_eq!(done, Committed::Current(2));
}

#[tokio::test]
async fn connections_that_were_closed_meanwhile_are_replaced() {
    let Some(server) = Server::start(DURABLE) else { return };
    let store = RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    let (grant, ..) = granted(&store).await;
    let kill = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
    redis::cmd("CLIENT").arg(&kill).exec(&mut server.admin()).unwrap();
    assert!(persist(|| store.grant(grant)).await.is_some());
}

#[tokio::test]
async fn readers_are_woken_also_after_a_break() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let store = RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    let mut wakes = store.wakes().unwrap();
    let patience = Duration::from_secs(20);
    let mut woken = async |why: &str| {
        tokio::time::timeout(patience, wakes.changed()).await.expect(why).unwrap();
        *wakes.borrow_and_update()
    };
    woken("listening").await;
    let (grant, chain, lineage) = granted(&store).await;
    woken("installed").await;
    server.kill();
    server.resume();
    woken("listening again").await;
    let commit = successor(grant, chain, lineage, AttemptId::random());
    persist(|| store.commit(&commit)).await;
    woken("committed").await;
}
