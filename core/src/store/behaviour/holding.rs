//! What the holder of a chain can do, and how attempts end without a pair.

use super::world::*;
use super::*;

const HELD: Duration = Duration::from_secs(180);

pub(in crate::store) async fn a_lease_counts_on_the_stores_clock(world: &World) {
    let (_, chain) = world.grant().await;
    world.begin(chain).await;
    world.wait(MINUTE);
    about(world.chain(chain).await.held_for, HELD - MINUTE);
    world.wait(HOUR);
    assert_eq!(world.chain(chain).await.held_for, Duration::ZERO);
}

pub(in crate::store) async fn confirm_needs_the_holder(world: &World) {
    let (_, chain) = world.grant().await;
    assert!(!world.store.confirm(chain, AttemptId::random(), Duration::ZERO).await.unwrap());
    let start = world.begin(chain).await;
    assert!(!world.store.confirm(chain, AttemptId::random(), Duration::ZERO).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Intent);
    assert!(world.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Sent);
    let ended = Verdict::Ambiguous(Duration::ZERO);
    world.store.settle(chain, start.attempt, ended).await.unwrap();
    assert!(!world.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
}

pub(in crate::store) async fn confirm_needs_enough_of_the_lease(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    world.wait(HELD - MINUTE);
    assert!(!world.store.confirm(chain, start.attempt, 2 * MINUTE).await.unwrap());
    assert_eq!(world.chain(chain).await.state, ChainState::Intent);
    assert!(world.store.confirm(chain, start.attempt, MINUTE / 2).await.unwrap());
    // Over: not even what was confirmed before.
    world.wait(HOUR);
    assert!(!world.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
}

pub(in crate::store) async fn confirm_again_is_true(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    assert!(world.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
    let once = Budget { hour: 2, ..NO_BUDGET };
    let wait = world.store.budget_wait(chain, once).await.unwrap();
    assert_eq!(wait, Duration::ZERO, "one token was sent, not two");
}

pub(in crate::store) async fn extend_moves_the_end(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    world.wait(MINUTE);
    assert!(world.store.extend(chain, start.attempt, HOUR).await.unwrap());
    about(world.chain(chain).await.held_for, HOUR);
    assert!(world.store.extend(chain, start.attempt, MINUTE).await.unwrap());
    about(world.chain(chain).await.held_for, MINUTE);
    assert_eq!(world.chain(chain).await.state, ChainState::Sent);
}

pub(in crate::store) async fn extend_needs_the_holder(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    assert!(!world.store.extend(chain, AttemptId::random(), HOUR).await.unwrap());
    about(world.chain(chain).await.held_for, HELD);
    let ended = Verdict::Released(Duration::ZERO);
    world.store.settle(chain, start.attempt, ended).await.unwrap();
    assert!(!world.store.extend(chain, start.attempt, HOUR).await.unwrap());
    assert_eq!(world.chain(chain).await.held_for, Duration::ZERO);
}

pub(in crate::store) async fn testimony_frees_an_intent(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    assert!(world.store.testify(chain, start.attempt).await.unwrap());
    let freed = world.chain(chain).await;
    assert_eq!((freed.state, freed.holder), (ChainState::Idle, None));
    world.begin(chain).await;
}

pub(in crate::store) async fn testimony_leaves_a_sent_attempt_ambiguous(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    world.wait(MINUTE);
    assert!(world.store.testify(chain, start.attempt).await.unwrap());
    let left = world.chain(chain).await;
    assert_eq!((left.state, left.holder), (ChainState::Ambiguous, None));
    about(left.held_for, HELD - MINUTE);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    world.wait(HELD);
    world.begin(chain).await;
}

pub(in crate::store) async fn testimony_needs_the_holder(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    assert!(!world.store.testify(chain, AttemptId::random()).await.unwrap());
    assert_eq!(world.chain(chain).await.holder, Some((start.attempt, start.node)));
}

pub(in crate::store) async fn settling_needs_the_holder(world: &World) {
    let (grant, chain) = world.grant().await;
    let start = world.send(chain).await;
    for verdict in [
        Verdict::Released(Duration::ZERO),
        Verdict::Ambiguous(Duration::ZERO),
        Verdict::Status(Status::Uninstalled, Duration::ZERO),
        Verdict::Refused,
    ] {
        assert!(!world.store.settle(chain, AttemptId::random(), verdict).await.unwrap());
    }
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.state), (Status::Active, ChainState::Sent));
    assert_eq!(row.chain.holder, Some((start.attempt, start.node)));
}

pub(in crate::store) async fn released_is_free_after_the_pause(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    let verdict = Verdict::Released(2 * MINUTE);
    assert!(world.store.settle(chain, start.attempt, verdict).await.unwrap());
    let freed = world.chain(chain).await;
    assert_eq!((freed.state, freed.holder), (ChainState::Idle, None));
    about(freed.held_for, 2 * MINUTE);
    world.wait(2 * MINUTE);
    world.begin(chain).await;
}

pub(in crate::store) async fn ambiguous_is_not_tried_before_the_pause(world: &World) {
    let (_, chain) = world.grant().await;
    world.fail(chain, Verdict::Ambiguous(2 * MINUTE)).await;
    let left = world.chain(chain).await;
    assert_eq!((left.state, left.holder), (ChainState::Ambiguous, None));
    about(left.held_for, 2 * MINUTE);
    assert!(!world.store.begin(&world.start(chain).await).await.unwrap());
    world.wait(2 * MINUTE);
    world.begin(chain).await;
}

/// What was sent before is still of unknown fate; what was not sent is no try.
pub(in crate::store) async fn an_ambiguous_chain_that_is_let_go_stays_ambiguous(world: &World) {
    let (_, chain) = world.grant().await;
    world.fail(chain, Verdict::Ambiguous(Duration::ZERO)).await;
    let seen = |chain: &Chain| (chain.state, chain.tries);
    let released = Verdict::Released(Duration::ZERO);
    let unsent = world.begin(chain).await;
    assert_eq!(seen(&world.chain(chain).await), (ChainState::Intent, 1));
    world.store.settle(chain, unsent.attempt, released).await.unwrap();
    assert_eq!(seen(&world.chain(chain).await), (ChainState::Ambiguous, 0));
    let unsent = world.begin(chain).await;
    world.store.testify(chain, unsent.attempt).await.unwrap();
    assert_eq!(seen(&world.chain(chain).await), (ChainState::Ambiguous, 0));
    world.fail(chain, released).await;
    assert_eq!(seen(&world.chain(chain).await), (ChainState::Ambiguous, 1));
    world.rotate(chain).await;
    assert_eq!(seen(&world.chain(chain).await), (ChainState::Idle, 0));
}

pub(in crate::store) async fn a_verdict_can_change_the_status(world: &World) {
    let (grant, chain) = world.grant().await;
    let generation = world.row(grant).await.generation;
    world.fail(chain, Verdict::Status(Status::Suspended, 2 * MINUTE)).await;
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.state), (Status::Suspended, ChainState::Idle));
    assert_eq!(row.generation, generation);
    about(row.chain.held_for, 2 * MINUTE);
}

pub(in crate::store) async fn refused_is_doubted(world: &World) {
    let (grant, chain) = world.grant().await;
    world.fail(chain, Verdict::Refused).await;
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.state), (Status::Active, ChainState::Doubted));
    assert_eq!(row.chain.holder, None);
}

pub(in crate::store) async fn a_verdict_again_changes_nothing(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.send(chain).await;
    let verdict = Verdict::Ambiguous(2 * MINUTE);
    assert!(world.store.settle(chain, start.attempt, verdict).await.unwrap());
    world.wait(MINUTE);
    let _ = world.store.settle(chain, start.attempt, verdict).await.unwrap();
    about(world.chain(chain).await.held_for, MINUTE);
}
