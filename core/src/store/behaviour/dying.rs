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

pub(in crate::store) async fn bury_waits_for_an_orphan(world: &World) {
    let (_, chain) = world.grant().await;
    let first = world.answer(&world.start(chain).await).await;
    let second = world.answer(&start(chain, first.pair.lineage)).await;
    assert_eq!(world.store.commit(&second).await.unwrap(), Committed::Orphan);
    world.store.commit(&first).await.unwrap();
    world.fail(chain, Verdict::Refused).await;
    world.wait(HOUR);
    assert!(!bury(world, chain, first.pair.lineage).await);
    assert!(matches!(world.store.commit(&second).await.unwrap(), Committed::Current(_)));
    assert_eq!(world.chain(chain).await.state, ChainState::Idle);
}

pub(in crate::store) async fn bury_waits_for_other_nodes(world: &World) {
    world.store.heartbeat(stranger(), 0).await.unwrap();
    let (_, chain, parent) = doubted(world).await;
    assert!(!bury(world, chain, parent).await);
    for _ in 0..2 {
        world.store.heartbeat(stranger(), 0).await.unwrap();
        world.wait(MINUTE);
    }
    assert!(bury(world, chain, parent).await);
}

/// The first sign of life after a doubt only fetches the summons; the next one says that it was followed.
pub(in crate::store) async fn a_node_is_heard_when_it_comes_back_from_its_summons(world: &World) {
    world.store.heartbeat(stranger(), 0).await.unwrap();
    let (grant, chain, parent) = doubted(world).await;
    let summons = world.store.heartbeat(stranger(), 1).await.unwrap();
    assert_eq!(summons, [Summons { grant, chain }]);
    world.wait(MINUTE);
    assert!(!bury(world, chain, parent).await, "it may be about to bring the successor in");
    world.store.heartbeat(stranger(), 0).await.unwrap();
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_does_not_wait_for_itself(world: &World) {
    world.store.heartbeat(node(), 0).await.unwrap();
    let (_, chain, parent) = doubted(world).await;
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_does_not_wait_for_forgotten_nodes(world: &World) {
    world.store.heartbeat(stranger(), 3).await.unwrap();
    world.wait(keep::ANSWERS + HOUR);
    let (_, chain, parent) = doubted(world).await;
    assert!(bury(world, chain, parent).await);
}

pub(in crate::store) async fn bury_stops_waiting_after_the_hold_back(world: &World) {
    world.store.heartbeat(stranger(), 0).await.unwrap();
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

pub(in crate::store) async fn a_doubt_is_over_with_a_commit(world: &World) {
    let (grant, chain, _) = doubted(world).await;
    let answer = world.answer(&world.start(chain).await).await;
    world.store.commit(&answer).await.unwrap();
    assert!(!bury(world, chain, answer.pair.lineage).await);
    assert!(world.store.heartbeat(stranger(), 0).await.unwrap().is_empty());
    assert_eq!(world.row(grant).await.status, Status::Active);
}
