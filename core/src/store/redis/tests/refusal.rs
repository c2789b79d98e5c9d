//! Servers that cannot be a store of record, and stores that are not ours to touch.

use redis::Commands;

use super::*;
use crate::{Error, Kind};

async fn refused(url: &str) -> Error {
    match RedisStore::open(url, Clock::system()).await {
        Ok(_) => panic!("{url} was accepted"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_that_may_forget() {
    for (settings, setting, found) in [
        (&["--appendonly", "no"][..], "appendonly", "found no"),
        (&["--appendonly", "yes", "--appendfsync", "everysec"], "appendfsync", "found everysec"),
        (
            &[DURABLE, &["--no-appendfsync-on-rewrite", "yes"]].concat(),
            "no-appendfsync-on-rewrite",
            "found yes",
        ),
        (
            &[DURABLE, &["--maxmemory-policy", "allkeys-lru"]].concat(),
            "maxmemory-policy",
            "found allkeys-lru",
        ),
    ] {
        let Some(server) = Server::start(settings) else { return };
        let error = refused(&server.url(0)).await;
        let shown = error.to_string();
        assert_eq!(error.kind(), Kind::Store);
        for word in [setting, found, "appendfsync always", "cache and lock"] {
            assert!(shown.contains(word), "{word} in {shown}");
        }
        assert_eq!(server.admin().keys::<_, Vec<String>>("*").unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn a_replica() {
    let Some(master) = Server::start(DURABLE) else { return };
    let of = ["--replicaof", "127.0.0.1", &master.port.to_string()].map(str::to_owned);
    let of: Vec<&str> = of.iter().map(String::as_str).collect();
    let replica = Server::start(&[DURABLE, &of].concat()).unwrap();
    let error = refused(&replica.url(0)).await;
    assert!(error.to_string().contains("to the master"), "{error}");
}

#[tokio::test]
async fn a_server_that_hides_its_settings() {
    let Some(server) = Server::start(DURABLE) else { return };
    let rules = ["SETUSER", "app", "on", ">hush", "~*", "&*", "+@all", "-config"];
    redis::cmd("ACL").arg(&rules).exec(&mut server.admin()).unwrap();
    let error = refused(&format!("redis://app:hush@127.0.0.1:{}?replicas=0", server.port)).await;
    let shown = format!("{error:?}");
    assert!(shown.contains("CONFIG GET") && !shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn a_wrong_password_stays_hidden() {
    let Some(server) = Server::start(&[DURABLE, &["--requirepass", "right"]].concat()) else {
        return;
    };
    let error = refused(&format!("redis://:swordfish@127.0.0.1:{}", server.port)).await;
    let shown = format!("{error:?}");
    assert!(shown.contains("refused the user or the password"), "{shown}");
    assert!(!shown.contains("swordfish"), "{shown}");
    let error = refused(&format!("redis://127.0.0.1:{}", server.port)).await;
    assert!(error.to_string().contains("password"), "{error}");
    let url = format!("redis://:right@127.0.0.1:{}?replicas=0", server.port);
    let store = RedisStore::open(&url, Clock::system()).await.unwrap();
    assert_eq!(store.address(), format!("redis://127.0.0.1:{}", server.port));
}

#[tokio::test]
async fn nobody_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let error = refused(&format!("redis://127.0.0.1:{port}")).await;
    assert!(error.is_retryable() && error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_newer_schema() {
    let Some((store, mut admin, keys)) = store().await else { return };
    let (grant, chain, lineage) = granted(&store).await;
    let () = admin.set(format!("{keys}schema"), 99).unwrap();
    let url = format!("{}?prefix={}", shared().unwrap(), &keys[1..keys.len() - 2]);
    let error = refused(&url).await;
    assert!(error.to_string().contains("Update evergrant"), "{error}");
    // A program that runs already stops too, in the middle of whatever it does.
    let error = store.begin(&start(chain, lineage, AttemptId::random())).await.unwrap_err();
    assert!(error.to_string().contains("schema 99"), "{error}");
    let () = admin.set(format!("{keys}schema"), "rubbish").unwrap();
    assert!(refused(&url).await.to_string().contains("field schema"));
    let () = admin.set(format!("{keys}schema"), 1).unwrap();
    assert_eq!(store.grant(grant).await.unwrap().unwrap().chain.pair.lineage, lineage);
}

#[tokio::test]
async fn many_start_at_once_and_one_makes_the_schema() {
    let Some(url) = shared() else { return };
    let url = format!("{url}?prefix=start-{:016x}", rand::random::<u64>());
    let starting: Vec<_> = (0..12)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let store = RedisStore::open(&url, Clock::system()).await.unwrap();
                store.meta("environment").await.unwrap().unwrap()
            })
        })
        .collect();
    let mut found = Vec::new();
    for started in starting {
        found.push(started.await.unwrap());
    }
    found.dedup();
    assert_eq!((found.len(), found[0].len()), (1, 16));
}

#[tokio::test]
async fn another_store_at_the_same_address() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let store = RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    let (_, chain, lineage) = granted(&store).await;
    redis::cmd("FLUSHALL").exec(&mut server.admin()).unwrap();
    let error = store.begin(&start(chain, lineage, AttemptId::random())).await.unwrap_err();
    assert!(error.to_string().contains("its data are gone"), "{error}");
    RedisStore::open(&server.url(0), Clock::system()).await.unwrap();
    server.kill();
    server.resume();
    let mut error = store.meta("environment").await.err();
    if error.as_ref().is_some_and(Error::is_retryable) {
        error = store.meta("environment").await.err();
    }
    assert!(error.unwrap().to_string().contains("another store"));
}
