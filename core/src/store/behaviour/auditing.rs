//! The audit.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::world::*;
use super::*;

/// The words of a grant's audit.
async fn events(world: &World, grant: GrantId) -> Vec<String> {
    let rows = world.store.audit(grant, 0).await.unwrap();
    rows.into_iter().map(|row| row.event).collect()
}

/// Computes every hash again.
async fn verify(world: &World, grant: GrantId) -> Vec<AuditRow> {
    let rows = world.store.audit(grant, 0).await.unwrap();
    let mut before = String::new();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!((row.grant, row.number), (grant, index as i64 + 1));
        // Redis's scripts know SHA-1 alone; the length tells which it is.
        let expected = match row.hash.len() {
            40 => hex(&Sha1::digest(row.hashed(&before))),
            _ => hex(&Sha256::digest(row.hashed(&before))),
        };
        assert_eq!(row.hash, expected, "{row:?}");
        before.clone_from(&row.hash);
    }
    assert!(rows.is_sorted_by_key(|row| (row.at, row.generation)));
    rows
}

pub(in crate::store) async fn every_change_is_audited(world: &World) {
    let (grant, chain) = world.grant().await;
    let sent = world.send(chain).await;
    let answer = world.answer(&sent).await;
    world.store.commit(&answer).await.unwrap();
    world.store.commit(&answer).await.unwrap();
    let words = ["installed", "intent", "sent", "committed"];
    assert_eq!(events(world, grant).await, words);
    let rows = verify(world, grant).await;
    assert_eq!(rows[0].chain, chain);
    assert_eq!(rows[1].attempt, hex(&sent.attempt.0));
    assert_eq!(rows[1].node, hex(&sent.node.0));
    assert_eq!(rows[2].attempt, rows[1].attempt);
    assert_eq!(rows[3].attempt, rows[1].attempt);
    assert_eq!(rows[3].generation, world.row(grant).await.generation);
    assert_eq!(rows[2].generation, rows[0].generation);

    let late = world.answer(&start(chain, sent.parent)).await;
    world.store.commit(&late).await.unwrap();
    let silent = world.begin(chain).await;
    world.wait(HOUR);
    let taker = world.start(chain).await;
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
    world.store.testify(chain, taker.attempt).await.unwrap();
    world.fail(chain, Verdict::Released(Duration::ZERO)).await;
    world.fail(chain, Verdict::Ambiguous(Duration::ZERO)).await;
    world.fail(chain, Verdict::Status(Status::Suspended, Duration::ZERO)).await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    world.kill(chain).await;
    world.store.promote(grant, chain).await.unwrap().unwrap();
    let epoch = world.store.meta("epoch").await.unwrap();
    world.store.set_meta("epoch", epoch.as_deref(), &[9; 16]).await.unwrap();
    world.store.release(spare, world.chain(spare).await.pair.lineage).await.unwrap();
    let moved = install(grant, Role::Primary, pair());
    world.store.transfer(70, &moved).await.unwrap().unwrap();
    let found = events(world, grant).await;
    assert_eq!(
        found[4..],
        [
            "orphaned",
            "intent",
            "taken_over",
            "testified",
            "intent",
            "sent",
            "released",
            "intent",
            "sent",
            "ambiguous",
            "intent",
            "sent",
            "suspended",
            "installed",
            "intent",
            "sent",
            "refused",
            "dead",
            "promoted",
            "unquarantined",
            "transferred",
        ]
    );
    verify(world, grant).await;
}

pub(in crate::store) async fn the_audit_is_a_chain(world: &World) {
    let (grant, chain) = world.grant().await;
    for _ in 0..3 {
        world.rotate(chain).await;
    }
    let (other, _) = world.grant().await;
    assert_eq!(verify(world, grant).await.len(), 10);
    assert_eq!(verify(world, other).await.len(), 1);
}

pub(in crate::store) async fn two_chains_share_one_audit(world: &World) {
    let (grant, primary) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for chain in [primary, spare] {
        let store = world.another().await;
        let parent = world.chain(chain).await.pair.lineage;
        tasks.spawn(async move {
            for _ in 0..10 {
                let start = start(chain, parent);
                assert!(store.begin(&start).await.unwrap());
                let freed = Verdict::Released(Duration::ZERO);
                assert!(store.settle(chain, start.attempt, freed).await.unwrap());
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(verify(world, grant).await.len(), 2 + 40);
}

pub(in crate::store) async fn the_audit_is_read_from_any_number(world: &World) {
    let (grant, chain) = world.grant().await;
    world.rotate(chain).await;
    let all = world.store.audit(grant, 0).await.unwrap();
    assert_eq!(world.store.audit(grant, 2).await.unwrap(), all[2..]);
    assert!(world.store.audit(grant, 4).await.unwrap().is_empty());
    assert!(world.store.audit(4711, 0).await.unwrap().is_empty());
}
