//! Damaged rows: named, never overwritten, and no obstacle to other grants.

use std::collections::BTreeMap;

use redis::Commands;

use super::*;
use crate::{Kind, store::Verdict};

/// Everything under the prefix that is a hash.
fn hashes(admin: &mut Connection, keys: &str) -> BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>> {
    let names: Vec<String> = admin.keys(format!("{keys}*:*")).unwrap();
    let mut found = BTreeMap::new();
    for name in names {
        if let Ok(fields) = admin.hgetall(&name) {
            found.insert(name, fields);
        }
    }
    found
}

#[tokio::test]
async fn a_damaged_field_is_named() {
    let Some((store, mut admin, keys)) = store().await else { return };
    let (_, other_chain, other) = granted(&store).await;
    for (kind, field, value) in [
        ("chain", "lineage", "0a0b"),
        ("chain", "lineage", "NOT HEXADECIMAL DIGITS, BUT 32 !"),
        ("chain", "state", "asleep"),
        ("chain", "role", ""),
        ("chain", "held_until", "soon"),
        ("chain", "tries", "-"),
        ("chain", "hash", "00"),
        ("chain", "attempt", "00"),
        ("grant", "status", "ACTIVE"),
        ("grant", "generation", "1e9"),
        ("grant", "primary", "x y"),
    ] {
        let (grant, chain, lineage) = granted(&store).await;
        let id = if kind == "chain" { chain } else { grant };
        let () = admin.hset(format!("{keys}{kind}:{id}"), field, value).unwrap();
        let before = hashes(&mut admin, &keys);
        let attempt = AttemptId::random();
        let errors = [
            store.begin(&start(chain, lineage, attempt)).await.map(drop),
            store.commit(&successor(grant, chain, lineage, attempt)).await.map(drop),
            store.settle(chain, attempt, Verdict::Refused).await.map(drop),
            store.grant(grant).await.map(drop),
        ];
        for error in errors.map(Result::unwrap_err) {
            let shown = error.to_string();
            assert_eq!(error.kind(), Kind::Store, "{kind} {field}: {shown}");
            let named = [format!("grant {grant}"), format!("field {field}")];
            assert!(named.iter().all(|name| shown.contains(name)), "{kind} {field}: {shown}");
        }
        assert_eq!(hashes(&mut admin, &keys), before, "{kind} {field}");
    }
    // The others go on.
    assert!(store.begin(&start(other_chain, other, AttemptId::random())).await.unwrap());
    assert!(
        store.due("local.1", 100, LEASE).await.is_ok() && store.heartbeat(NODE, 0, 0).await.is_ok()
    );
    let (changes, _) = store.changes(0).await.unwrap();
    assert_eq!(changes.len(), 10, "those whose grants are sound");
    store.prune().await.unwrap();
}

#[tokio::test]
async fn a_missing_or_foreign_row() {
    let Some((store, mut admin, keys)) = store().await else { return };
    let (grant, chain, lineage) = granted(&store).await;
    let () = admin.del(format!("{keys}grant:{grant}")).unwrap();
    let error = store.begin(&start(chain, lineage, AttemptId::random())).await.unwrap_err();
    assert!(error.to_string().contains("field grant"), "{error}");
    let () = admin.set(format!("{keys}grant:{grant}"), "text").unwrap();
    let error = store.begin(&start(chain, lineage, AttemptId::random())).await.unwrap_err();
    assert!(error.to_string().contains("wrong type"), "{error}");
}

#[tokio::test]
async fn a_broken_audit_does_not_keep_a_pair_out() {
    let Some((store, mut admin, keys)) = store().await else { return };
    let (grant, chain, lineage) = granted(&store).await;
    let () = admin.rpush(format!("{keys}audit:{grant}"), "rubbish").unwrap();
    let attempt = AttemptId::random();
    store.commit(&successor(grant, chain, lineage, attempt)).await.unwrap();
    let error = store.audit(grant, 0).await.unwrap_err();
    assert!(error.to_string().contains("entry 2"), "{error}");
    assert_eq!(store.audit(grant, 2).await.unwrap()[0].event, "committed");
}

#[tokio::test]
async fn a_damaged_spare_does_not_keep_the_primary_out() {
    let Some((store, mut admin, keys)) = store().await else { return };
    let (grant, chain, lineage) = granted(&store).await;
    let spare = chain_number();
    let install = Install {
        grant,
        chain: spare,
        role: Role::Spare,
        former: Role::Retired,
        endpoints: endpoints(),
        pair: pair(AttemptId::random()),
    };
    assert_eq!(store.install(&install).await.unwrap(), Installed::Spare);
    let () = admin.hset(format!("{keys}grant:{grant}"), "status", "suspended").unwrap();
    let () = admin.hset(format!("{keys}chain:{spare}"), "role", "queen").unwrap();
    store.commit(&successor(grant, chain, lineage, AttemptId::random())).await.unwrap();
    let error = store.chains(grant).await.err().unwrap();
    assert!(error.to_string().contains("field role"), "{error}");
}
