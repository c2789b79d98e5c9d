//! Giving a chain up.

use super::world::*;
use super::*;

/// A chain that was refused a minute ago.
async fn doubted(world: &World) -> (GrantId, ChainId, Lineage) {
    let (grant, chain) = world.grant().await;
    world.fail(chain, Verdict::Refused).await;
    world.wait(MINUTE);
    (grant, chain, world.chain(chain).await.pair.lineage)
}

async fn bury(world: &World, chain: ChainId, parent: Lineage) -> bool {
    world.store.bury(chain, parent, node()).await.unwrap()
}

async fn beat(world: &World, node: NodeId, attended: i64) -> (Vec<Summons>, i64) {
    world.store.heartbeat(node, 0, attended).await.unwrap()
}

pub(in crate::store) async fn bury_needs_a_doubt(world: &World) {
    let (_, chain) = world.grant().await;
    let parent = world.chain(chain).await.pair.lineage;
    assert!(!bury(world, chain, parent).await);
    world.begin(chain).await;
    assert!(!bury(world, chain, parent).await);
    assert_eq!(world.chain(chain).await.state, ChainState::Intent);
}

pub(in crate::store) async fn bury_needs_the_current_pair(world: &World) {
    let (_, chain, parent) = doubted(world).await;
    assert!(!bury(world, chain, pair().lineage).await);
    assert_eq!(world.chain(chain).await.state, ChainState::Doubted);
    assert!(bury(world, chain, parent).await);
    assert_eq!(world.chain(chain).await.state, ChainState::Dead);
}

pub(in crate::store) async fn bury_waits_for_other_nodes(world: &World) {
    beat(world, stranger(), 0).await;
    let (_, chain, parent) = doubted(world).await;
    assert!(!bury(world, chain, parent).await);
    let (_, mark) = beat(world, stranger(), 0).await;
    world.wait(MINUTE);
    beat(world, stranger(), mark).await;
    assert!(bury(world, chain, parent).await);
}

/// A sign of life only fetches the summons; that they were followed has to be said.
pub(in crate::store) async fn a_node_is_heard_when_it_has_attended_to_its_summons(world: &World) {
    let (_, early) = beat(world, stranger(), 0).await;
    let (grant, chain, parent) = doubted(world).await;
    let (summons, mark) = beat(world, stranger(), early).await;
    assert_eq!(summons, [Summons { grant, chain }]);
    for attended in [early, 0, early] {
        world.wait(MINUTE);
        // Its processes beat by turns; one of them may be about to bring the successor in.
        beat(world, stranger(), attended).await;
        assert!(!bury(world, chain, parent).await);
    }
    beat(world, stranger(), mark).await;
    // Another process of the node that has nothing to say takes nothing back.
    beat(world, stranger(), 0).await;
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_does_not_wait_for_itself(world: &World) {
    beat(world, node(), 0).await;
    let (_, chain, parent) = doubted(world).await;
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_does_not_wait_for_forgotten_nodes(world: &World) {
    beat(world, stranger(), 0).await;
    world.wait(keep::ANSWERS + HOUR);
    let (_, chain, parent) = doubted(world).await;
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_stops_waiting_after_the_hold_back(world: &World) {
    beat(world, stranger(), 0).await;
    let (_, chain, parent) = doubted(world).await;
    world.wait(keep::HOLD_BACK - 2 * MINUTE);
    assert!(!bury(world, chain, parent).await);
    world.wait(2 * MINUTE);
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn a_dead_primary_needs_reauthorization(world: &World) {
    let (grant, chain, parent) = doubted(world).await;
    let generation = world.row(grant).await.generation;
    assert_eq!(world.row(grant).await.status, Status::Active);
    assert!(bury(world, chain, parent).await);
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.state), (Status::NeedsReauthorization, ChainState::Dead));
    assert_eq!(row.generation, generation);
    // Again: nothing to do.
    let _ = bury(world, chain, parent).await;
    assert_eq!(world.chain(chain).await.state, ChainState::Dead);
}

pub(in crate::store) async fn a_living_spare_keeps_the_grant_active(world: &World) {
    let (grant, chain, parent) = doubted(world).await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    assert!(bury(world, chain, parent).await);
    assert_eq!(world.row(grant).await.status, Status::Active);
    // A dead spare says nothing about the primary.
    let (other, _) = world.grant().await;
    let second = world.install(other, Role::Spare, pair()).await;
    world.kill(second).await;
    assert_eq!(world.row(other).await.status, Status::Active);
    assert_ne!(world.chain(spare).await.state, ChainState::Dead);
}

pub(in crate::store) async fn a_grant_whose_chains_died_one_by_one_needs_reauthorization(
    world: &World,
) {
    let (grant, primary) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    world.fail(spare, Verdict::Ambiguous(Duration::ZERO)).await;
    world.kill(primary).await;
    assert_eq!(world.row(grant).await.status, Status::Active, "the spare may live");
    world.kill(spare).await;
    assert_eq!(world.row(grant).await.status, Status::NeedsReauthorization);
}

pub(in crate::store) async fn a_doubted_spare_is_no_hope(world: &World) {
    let (grant, primary) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    world.fail(spare, Verdict::Refused).await;
    world.kill(primary).await;
    assert_eq!(world.row(grant).await.status, Status::NeedsReauthorization);
}

pub(in crate::store) async fn a_doubt_is_over_with_a_commit(world: &World) {
    let (grant, chain, _) = doubted(world).await;
    let answer = world.answer(&world.start(chain).await).await;
    world.store.commit(&answer).await.unwrap();
    assert!(!bury(world, chain, answer.pair.lineage).await);
    assert!(beat(world, stranger(), 0).await.0.is_empty());
    assert_eq!(world.row(grant).await.status, Status::Active);
}
