//! What is particular to scripts: ids beyond 53 bits, one at a time, hashes over the audit.

use redis::Script;

use super::*;
use crate::store::{Committed, Status, Verdict};

#[tokio::test]
async fn ids_keep_all_their_bits() {
    let Some((store, ..)) = store().await else { return };
    let (grant, _, _) = granted(&store).await;
    let chain = i64::MAX - 1;
    let attempt = AttemptId::random();
    let mut pair = pair(attempt);
    (pair.access_expires_at, pair.due_at) = (i64::MAX, i64::MAX);
    let install = Install {
        grant,
        chain,
        role: Role::Primary,
        former: Role::Retired,
        endpoints: endpoints(),
        pair: pair.clone(),
    };
    assert_eq!(store.install(&install).await.unwrap(), Installed::Current(2));
    let row = store.grant(grant).await.unwrap().unwrap();
    assert_eq!(row.chain.id, chain);
    assert!(row.chain.pair == pair);
    assert_eq!(row.endpoints, endpoints());
    assert_eq!(store.audit(grant, 1).await.unwrap()[0].chain, chain);
    assert!(store.begin(&start(chain, pair.lineage, AttemptId::random())).await.unwrap());
    assert!(!store.begin(&start(chain - 1, pair.lineage, AttemptId::random())).await.unwrap());
}

#[tokio::test]
async fn one_of_many_begins() {
    let Some((store, _, keys)) = store().await else { return };
    let (_, chain, lineage) = granted(&store).await;
    let url = format!("{}?prefix={}", shared().unwrap(), &keys[1..keys.len() - 2]);
    let mut running = Vec::new();
    for _ in 0..4 {
        let store = std::sync::Arc::new(RedisStore::open(&url, Clock::system()).await.unwrap());
        for _ in 0..16 {
            let store = std::sync::Arc::clone(&store);
            running.push(tokio::spawn(async move {
                store.begin(&start(chain, lineage, AttemptId::random())).await.unwrap()
            }));
        }
    }
    let mut won = 0;
    for one in running {
        won += u32::from(one.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn the_audit_is_chained_by_hashes() {
    let Some((store, ..)) = store().await else { return };
    let (grant, chain, lineage) = granted(&store).await;
    let attempt = AttemptId::random();
    assert!(store.begin(&start(chain, lineage, attempt)).await.unwrap());
    assert!(store.confirm(chain, attempt, Duration::ZERO).await.unwrap());
    let commit = successor(grant, chain, lineage, attempt);
    assert_eq!(store.commit(&commit).await.unwrap(), Committed::Current(2));
    let pause = Duration::from_secs(1);
    let other = AttemptId::random();
    assert!(store.begin(&start(chain, attempt.lineage(), other)).await.unwrap());
    assert!(store.settle(chain, other, Verdict::Status(Status::Suspended, pause)).await.unwrap());
    let rows = store.audit(grant, 0).await.unwrap();
    let events: Vec<&str> = rows.iter().map(|row| row.event.as_str()).collect();
    assert_eq!(events, ["installed", "intent", "sent", "committed", "intent", "suspended"]);
    let mut before = String::new();
    for (number, row) in (1..).zip(&rows) {
        assert_eq!(row.number, number);
        let text = format!(
            "{before}|{grant}|{number}|{}|{}|{}|{}|{}|{}",
            row.at, row.event, row.chain, row.attempt, row.node, row.generation
        );
        // The library's name for a script is its SHA-1.
        assert_eq!(row.hash, Script::new(&text).get_hash());
        before.clone_from(&row.hash);
    }
    assert_eq!(rows[3].node, "07".repeat(16));
}
