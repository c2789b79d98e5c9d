//! `begin` and `take_over`, condition by condition.

use super::world::*;
use super::*;

const HELD: Duration = Duration::from_secs(180);

pub(in crate::store) async fn begin_takes_a_free_chain(world: &World) {
    let (grant, chain) = world.grant().await;
    let start = world.begin(chain).await;
    // Durable, and seen by all.
    let seen = world.another().await.chains(grant).await.unwrap();
    assert_eq!(seen[0].state, ChainState::Intent);
    assert_eq!(seen[0].holder, Some((start.attempt, start.node)));
    about(seen[0].held_for, HELD);
    assert!(seen[0].is_held());
    assert_eq!(seen[0].tries, 0);
}

pub(in crate::store) async fn begin_again_is_true(world: &World) {
    let (grant, chain) = world.grant().await;
    let start = world.begin(chain).await;
    assert!(world.store.begin(&start).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((start.attempt, start.node)));
    world.store.settle(chain, start.attempt, Verdict::Ambiguous(Duration::ZERO)).await.unwrap();
    let retry = world.begin(chain).await;
    assert!(world.store.begin(&retry).await.unwrap());
    assert_eq!(world.chain(chain).await.tries, 1, "one attempt counts once");
    assert_eq!(world.row(grant).await.chain.holder, Some((retry.attempt, retry.node)));
}

pub(in crate::store) async fn begin_needs_the_current_pair(world: &World) {
    let (_, chain) = world.grant().await;
    let old = world.start(chain).await;
    world.rotate(chain).await;
    assert!(!world.store.begin(&old).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Idle);
}

pub(in crate::store) async fn begin_needs_a_free_chain(world: &World) {
    let (_, chain) = world.grant().await;
    let first = world.begin(chain).await;
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    world.store.confirm(chain, first.attempt, Duration::ZERO).await.unwrap();
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((first.attempt, first.node)));
}

pub(in crate::store) async fn begin_waits_for_the_pause_to_end(world: &World) {
    let (_, chain) = world.grant().await;
    world.fail(chain, Verdict::Released(10 * MINUTE)).await;
    world.wait(9 * MINUTE);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    world.wait(MINUTE);
    assert!(world.store.begin(&world.start(chain).await).await.unwrap());
}

pub(in crate::store) async fn begin_takes_an_ambiguous_chain_and_counts(world: &World) {
    let (_, chain) = world.grant().await;
    for tries in 0..3 {
        world.fail(chain, Verdict::Ambiguous(MINUTE)).await;
        assert_eq!(world.chain(chain).await.tries, tries);
        assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
        world.wait(MINUTE);
    }
    world.rotate(chain).await;
    assert_eq!(world.chain(chain).await.tries, 0, "a new pair was never tried");
}

pub(in crate::store) async fn begin_refuses_a_doubted_chain(world: &World) {
    let (_, chain) = world.grant().await;
    world.fail(chain, Verdict::Refused).await;
    world.wait(HOUR);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Doubted);
}

pub(in crate::store) async fn begin_refuses_a_dead_chain(world: &World) {
    let (grant, chain) = world.grant().await;
    // The grant stays active: it has a spare.
    world.install(grant, Role::Spare, pair()).await;
    world.kill(chain).await;
    world.wait(HOUR);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Dead);
}

pub(in crate::store) async fn begin_refuses_an_inactive_grant(world: &World) {
    for status in [Status::NeedsReauthorization, Status::Uninstalled] {
        let (_, chain) = world.grant().await;
        world.fail(chain, Verdict::Status(status, Duration::ZERO)).await;
        assert_eq!(world.chain(chain).await.state, ChainState::Idle);
        assert!(!world.store.begin(&world.start(chain).await).await.unwrap(), "{status:?}");
    }
}

pub(in crate::store) async fn begin_takes_a_suspended_grant(world: &World) {
    let (grant, chain) = world.grant().await;
    world.fail(chain, Verdict::Status(Status::Suspended, Duration::ZERO)).await;
    assert_eq!(world.row(grant).await.status, Status::Suspended);
    world.begin(chain).await;
}

pub(in crate::store) async fn begin_refuses_a_lease_that_is_over(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    world.wait(HELD);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    world.store.confirm(chain, silent.attempt, Duration::ZERO).await.unwrap();
    assert_eq!(world.chain(chain).await.holder, Some((silent.attempt, silent.node)));
}

pub(in crate::store) async fn begin_of_an_unknown_chain_is_false(world: &World) {
    world.grant().await;
    assert!(!world.store.begin(&start(4711, pair().lineage)).await.unwrap());
    assert!(!world.store.confirm(4711, AttemptId::random(), Duration::ZERO).await.unwrap());
    assert!(!world.store.extend(4711, AttemptId::random(), HELD).await.unwrap());
}

/// How many of sixteen tasks on four handles are told true.
async fn winners<F: Future<Output = bool> + Send + 'static>(
    world: &World,
    ask: impl Fn(Arc<dyn Store>) -> F,
) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = world.another().await;
        for _ in 0..4 {
            tasks.spawn(ask(Arc::clone(&store)));
        }
    }
    tasks.join_all().await.into_iter().filter(|won| *won).count()
}

pub(in crate::store) async fn one_of_sixteen_begins_wins(world: &World) {
    let (_, chain) = world.grant().await;
    for _ in 0..4 {
        let parent = world.chain(chain).await.pair.lineage;
        let won =
            winners(
                world,
                |store| async move { store.begin(&start(chain, parent)).await.unwrap() },
            );
        assert_eq!(won.await, 1);
        let (attempt, _) = world.chain(chain).await.holder.unwrap();
        world.store.settle(chain, attempt, Verdict::Released(Duration::ZERO)).await.unwrap();
    }
}

pub(in crate::store) async fn take_over_of_an_intent_needs_its_lease_over(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    let taker = Start { node: stranger(), ..world.start(chain).await };
    world.wait(HELD - MINUTE);
    assert!(!world.store.take_over(&taker, silent.attempt).await.unwrap());
    world.wait(MINUTE);
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
    let taken = world.chain(chain).await;
    assert_eq!(taken.holder, Some((taker.attempt, stranger())));
    assert_eq!(taken.state, ChainState::Intent);
    about(taken.held_for, HELD);
    // Asked again after a lost acknowledgement.
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
}

pub(in crate::store) async fn take_over_of_a_sent_attempt_needs_the_hold_back(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.send(chain).await;
    let taker = world.start(chain).await;
    world.wait(HELD + keep::HOLD_BACK - MINUTE);
    assert!(!world.store.take_over(&taker, silent.attempt).await.unwrap());
    world.wait(MINUTE);
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((taker.attempt, taker.node)));
}

pub(in crate::store) async fn take_over_needs_the_right_attempt(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    world.wait(HOUR);
    let taker = world.start(chain).await;
    assert!(!world.store.take_over(&taker, AttemptId::random()).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((silent.attempt, silent.node)));
}

pub(in crate::store) async fn take_over_needs_the_current_pair(world: &World) {
    let (_, chain) = world.grant().await;
    let old = world.start(chain).await;
    world.rotate(chain).await;
    let silent = world.begin(chain).await;
    world.wait(HOUR);
    assert!(!world.store.take_over(&old, silent.attempt).await.unwrap());
}

pub(in crate::store) async fn take_over_of_a_free_chain_is_false(world: &World) {
    let (_, chain) = world.grant().await;
    let ended = world.send(chain).await;
    world.store.settle(chain, ended.attempt, Verdict::Released(Duration::ZERO)).await.unwrap();
    world.wait(HOUR);
    let taker = world.start(chain).await;
    assert!(!world.store.take_over(&taker, ended.attempt).await.unwrap());
}

pub(in crate::store) async fn one_of_sixteen_take_overs_wins(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    world.wait(HOUR);
    let won = winners(world, |store| async move {
        store.take_over(&start(chain, silent.parent), silent.attempt).await.unwrap()
    });
    assert_eq!(won.await, 1);
}

pub(in crate::store) async fn a_taken_over_attempt_is_not_confirmed(world: &World) {
    let (_, chain) = world.grant().await;
    let silent = world.begin(chain).await;
    world.wait(HOUR);
    let taker = world.start(chain).await;
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
    assert!(!world.store.confirm(chain, silent.attempt, Duration::ZERO).await.unwrap());
    let late = Verdict::Released(Duration::ZERO);
    assert!(!world.store.settle(chain, silent.attempt, late).await.unwrap());
    assert!(!world.store.extend(chain, silent.attempt, HOUR).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((taker.attempt, taker.node)));
    assert!(world.store.confirm(chain, taker.attempt, Duration::ZERO).await.unwrap());
}

pub(in crate::store) async fn begin_refuses_a_pair_with_a_known_successor(world: &World) {
    let (_, chain) = world.grant().await;
    let first = world.answer(&world.start(chain).await).await;
    let second = world.answer(&start(chain, first.pair.lineage)).await;
    assert_eq!(world.store.commit(&second).await.unwrap(), Committed::Orphan);
    world.store.commit(&first).await.unwrap();
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    let known = world.store.orphan(chain, first.pair.lineage).await.unwrap().unwrap();
    world.store.commit(&known).await.unwrap();
    assert!(world.store.begin(&world.start(chain).await).await.unwrap());
}
