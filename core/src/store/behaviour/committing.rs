//! Successors: bound to lineage alone.

use super::world::*;
use super::*;

pub(in crate::store) async fn a_commit_replaces_the_pair(world: &World) {
    let (grant, chain) = world.grant().await;
    let before = world.row(grant).await;
    let start = world.send(chain).await;
    let answer = world.answer(&start).await;
    let committed = world.store.commit(&answer).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!(committed, Committed::Current(row.generation));
    assert!(row.generation > before.generation);
    assert!(row.chain.pair == answer.pair);
    assert_eq!(row.endpoints, endpoints("answered"));
    assert_eq!((row.chain.state, row.chain.holder), (ChainState::Idle, None));
    assert_eq!((row.chain.held_for, row.chain.tries), (Duration::ZERO, 0));
    // The next one may begin at once.
    world.begin(chain).await;
}

pub(in crate::store) async fn a_commit_again_is_current(world: &World) {
    let (grant, chain) = world.grant().await;
    let answer = world.rotate(chain).await;
    let before = world.row(grant).await;
    assert_eq!(
        world.another().await.commit(&answer).await.unwrap(),
        Committed::Current(before.generation)
    );
    let after = world.row(grant).await;
    assert_eq!(after.generation, before.generation);
    assert!(after.chain.pair == before.chain.pair);
    // Sealed anew, it is still the same pair.
    let mut resealed = answer.clone();
    resealed.pair.refresh = b"another nonce".to_vec();
    assert_eq!(world.store.commit(&resealed).await.unwrap(), Committed::Current(before.generation));
}

pub(in crate::store) async fn a_commit_needs_no_lease(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    let answer = world.answer(&start).await;
    world.wait(10 * HOUR);
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    assert!(world.chain(chain).await.pair == answer.pair);
}

pub(in crate::store) async fn a_commit_wins_over_another_holder(world: &World) {
    let (_, chain) = world.grant().await;
    let slow = world.send(chain).await;
    let answer = world.answer(&slow).await;
    world.wait(HOUR);
    let taker = Start { node: stranger(), ..world.start(chain).await };
    assert!(world.store.take_over(&taker, slow.attempt).await.unwrap());
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    let row = world.chain(chain).await;
    assert!(row.pair == answer.pair);
    assert_eq!((row.state, row.holder), (ChainState::Idle, None));
    assert!(!world.store.confirm(chain, taker.attempt, Duration::ZERO).await.unwrap());
    assert!(!world.store.settle(chain, taker.attempt, Verdict::Refused).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Idle);
}

pub(in crate::store) async fn a_commit_cures_every_state(world: &World) {
    for state in ["idle", "intent", "ambiguous", "doubted", "dead"] {
        let (_, chain) = world.grant().await;
        let start = world.start(chain).await;
        let answer = world.answer(&start).await;
        match state {
            "intent" => drop(world.begin(chain).await),
            "ambiguous" => world.fail(chain, Verdict::Ambiguous(HOUR)).await,
            "doubted" => world.fail(chain, Verdict::Refused).await,
            "dead" => world.kill(chain).await,
            _ => {}
        }
        let committed = world.store.commit(&answer).await.unwrap();
        assert!(matches!(committed, Committed::Current(_)), "{state}");
        let cured = world.chain(chain).await;
        assert_eq!(cured.state, ChainState::Idle, "{state}");
        assert_eq!(cured.held_for, Duration::ZERO, "{state}");
        assert!(cured.pair == answer.pair, "{state}");
    }
}

pub(in crate::store) async fn a_commit_heals_the_status(world: &World) {
    for status in [Status::NeedsReauthorization, Status::Suspended] {
        let (grant, chain) = world.grant().await;
        let answer = world.answer(&world.start(chain).await).await;
        world.fail(chain, Verdict::Status(status, Duration::ZERO)).await;
        assert_eq!(world.row(grant).await.status, status);
        world.store.commit(&answer).await.unwrap();
        assert_eq!(world.row(grant).await.status, Status::Active, "{status:?}");
    }
}

pub(in crate::store) async fn a_commit_leaves_an_uninstalled_grant(world: &World) {
    let (grant, chain) = world.grant().await;
    let answer = world.answer(&world.start(chain).await).await;
    world.fail(chain, Verdict::Status(Status::Uninstalled, Duration::ZERO)).await;
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    let row = world.row(grant).await;
    assert_eq!(row.status, Status::Uninstalled);
    assert!(row.chain.pair == answer.pair);
}

pub(in crate::store) async fn a_commit_of_a_spare_changes_no_generation(world: &World) {
    let (grant, primary) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let before = world.row(grant).await;
    let start = world.send(spare).await;
    let answer = world.answer(&start).await;
    let committed = world.store.commit(&answer).await.unwrap();
    assert_eq!(committed, Committed::Current(before.generation));
    let after = world.row(grant).await;
    assert_eq!((after.generation, after.chain.id), (before.generation, primary));
    let spare = world.chain(spare).await;
    assert!(spare.pair == answer.pair);
    assert_eq!(spare.role, Role::Spare);
}

pub(in crate::store) async fn a_late_commit_revives_a_retired_chain_as_a_spare(world: &World) {
    let (grant, first) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let start = world.send(first).await;
    let answer = world.answer(&start).await;
    world.wait(HOUR);
    world.store.promote(grant, first).await.unwrap().unwrap();
    assert_eq!(world.chain(first).await.role, Role::Retired);
    let before = world.row(grant).await;
    let committed = world.store.commit(&answer).await.unwrap();
    assert_eq!(committed, Committed::Current(before.generation));
    let revived = world.chain(first).await;
    assert_eq!((revived.role, revived.state), (Role::Spare, ChainState::Idle));
    assert!(revived.pair == answer.pair);
    assert_eq!(world.row(grant).await.chain.id, spare);
    // It is as good as any other.
    world.rotate(first).await;
}

pub(in crate::store) async fn a_late_commit_brings_back_a_grant_that_was_given_up(world: &World) {
    let (grant, first) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let answer = world.answer(&world.send(first).await).await;
    world.wait(HOUR);
    world.store.promote(grant, first).await.unwrap().unwrap();
    world.kill(spare).await;
    let given_up = world.row(grant).await;
    assert_eq!(given_up.status, Status::NeedsReauthorization);
    let committed = world.store.commit(&answer).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.id), (Status::Active, first));
    assert!(row.chain.pair == answer.pair);
    assert!(row.generation > given_up.generation);
    assert_eq!(committed, Committed::Current(row.generation));
    assert_eq!(world.chain(spare).await.role, Role::Retired);
    world.rotate(first).await;
}

pub(in crate::store) async fn a_spare_whose_doubt_ends_brings_its_grant_back(world: &World) {
    let (grant, primary) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let start = world.send(spare).await;
    let answer = world.answer(&start).await;
    world.store.settle(spare, start.attempt, Verdict::Refused).await.unwrap();
    world.kill(primary).await;
    assert_eq!(world.row(grant).await.status, Status::NeedsReauthorization);
    world.store.commit(&answer).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.id), (Status::Active, spare));
}

pub(in crate::store) async fn an_answer_without_its_parent_is_kept(world: &World) {
    let (grant, chain) = world.grant().await;
    let first = world.rotate(chain).await;
    let current = world.row(grant).await;
    let mut late = world.answer(&start(chain, first.parent)).await;
    late.spent = Some(pair().refresh_hash);
    for _ in 0..2 {
        assert_eq!(world.store.commit(&late).await.unwrap(), Committed::Orphan);
    }
    assert!(
        world.store.is_known(&late.spent.unwrap()).await.unwrap(),
        "whoever delivers it is late"
    );
    let after = world.row(grant).await;
    assert_eq!(after.generation, current.generation);
    assert!(after.chain.pair == current.chain.pair);
    let orphan = world.store.orphan(chain, current.chain.pair.lineage).await.unwrap();
    assert!(orphan.is_none(), "it does not succeed this pair");
}

pub(in crate::store) async fn an_orphan_waits_for_its_parent(world: &World) {
    let (_, chain) = world.grant().await;
    let first = world.answer(&world.start(chain).await).await;
    let mut second = world.answer(&start(chain, first.pair.lineage)).await;
    second.spent = Some(first.pair.refresh_hash);
    assert_eq!(world.store.commit(&second).await.unwrap(), Committed::Orphan);
    let parent = first.pair.lineage;
    assert!(world.store.orphan(chain, parent).await.unwrap().is_none());
    world.store.commit(&first).await.unwrap();
    let kept = world.another().await.orphan(chain, parent).await.unwrap().unwrap();
    assert!(kept.pair == second.pair);
    assert_eq!((kept.grant, kept.chain, kept.parent), (second.grant, chain, parent));
    assert_eq!((kept.spent, kept.endpoints.clone()), (second.spent, second.endpoints.clone()));
    assert!(matches!(world.store.commit(&kept).await.unwrap(), Committed::Current(_)));
    assert!(world.chain(chain).await.pair == second.pair);
    assert!(world.store.orphan(chain, parent).await.unwrap().is_none());
}

pub(in crate::store) async fn an_orphan_of_an_unknown_grant_is_kept(world: &World) {
    let (_, chain) = world.grant().await;
    let mut answer = world.answer(&start(chain, pair().lineage)).await;
    (answer.grant, answer.chain) = (4711, 4712);
    assert_eq!(world.store.commit(&answer).await.unwrap(), Committed::Orphan);
    assert!(world.store.audit(4711, 0).await.unwrap().is_empty());
}

pub(in crate::store) async fn an_answer_may_leave_the_refresh_token_in_force(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    let mut answer = world.answer(&start).await;
    answer.pair.refresh_hash = answer.spent.take().unwrap();
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    assert!(world.store.is_known(&answer.pair.refresh_hash).await.unwrap());
    let next = world.rotate(chain).await;
    assert_eq!(next.spent, Some(answer.pair.refresh_hash));
}

pub(in crate::store) async fn generations_grow_under_concurrency(world: &World) {
    let (grant, chain) = world.grant().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = world.another().await;
        tasks.spawn(async move {
            let mut given = Vec::new();
            while given.len() < 5 {
                let row = store.grant(grant).await.unwrap().unwrap();
                let start = start(chain, row.chain.pair.lineage);
                if !store.begin(&start).await.unwrap() {
                    tokio::task::yield_now().await;
                    continue;
                }
                assert!(store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
                let mut pair = pair();
                pair.lineage = start.attempt.lineage();
                let spent = Some(row.chain.pair.refresh_hash);
                let endpoints = endpoints("answered");
                let parent = start.parent;
                let answer = Commit { grant, chain, parent, spent, endpoints, pair };
                match store.commit(&answer).await.unwrap() {
                    Committed::Current(generation) => given.push(generation),
                    Committed::Orphan => panic!("nobody else had the chain"),
                }
            }
            assert!(given.is_sorted());
            given
        });
    }
    let first = world.row(grant).await.generation;
    let mut given: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 20, "each pair has a generation of its own");
    assert!(given[0] > 0 && first <= given[19]);
    assert_eq!(world.row(grant).await.generation, given[19]);
}
