//! A store that was restored or cloned.

use super::world::*;
use super::*;

async fn restore(world: &World) {
    let epoch = world.store.meta("epoch").await.unwrap().unwrap();
    let new = [9; 16];
    assert_eq!(world.store.set_meta("epoch", Some(&epoch), &new).await.unwrap(), new);
}

pub(in crate::store) async fn another_epoch_is_quarantined(world: &World) {
    let (grant, chain) = world.grant().await;
    assert!(!world.row(grant).await.chain.quarantined);
    restore(world).await;
    assert!(world.row(grant).await.chain.quarantined, "readers see it");
    assert!(world.chain(chain).await.quarantined);
}

pub(in crate::store) async fn quarantine_stops_begin_and_take_over(world: &World) {
    let (_, free) = world.grant().await;
    let (_, held) = world.grant().await;
    let silent = world.begin(held).await;
    restore(world).await;
    world.wait(HOUR);
    assert!(!world.store.begin(&world.start(free).await).await.unwrap());
    let taker = world.start(held).await;
    assert!(!world.store.take_over(&taker, silent.attempt).await.unwrap());
    assert!(world.store.release(held, silent.parent).await.unwrap());
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
}

pub(in crate::store) async fn quarantine_stops_what_was_begun_before(world: &World) {
    let (_, chain) = world.grant().await;
    let start = world.begin(chain).await;
    restore(world).await;
    assert!(!world.store.confirm(chain, start.attempt, MINUTE).await.unwrap());
}

pub(in crate::store) async fn release_needs_the_current_pair(world: &World) {
    let (_, chain) = world.grant().await;
    let (_, other) = world.grant().await;
    restore(world).await;
    assert!(!world.store.release(chain, pair().lineage).await.unwrap());
    assert!(world.chain(chain).await.quarantined);
    let parent = world.chain(chain).await.pair.lineage;
    assert!(world.store.release(chain, parent).await.unwrap());
    assert!(!world.chain(chain).await.quarantined);
    assert!(world.chain(other).await.quarantined, "chain by chain");
    world.begin(chain).await;
}

pub(in crate::store) async fn a_commit_ends_quarantine(world: &World) {
    let (_, chain) = world.grant().await;
    let answer = world.answer(&world.start(chain).await).await;
    restore(world).await;
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    assert!(!world.chain(chain).await.quarantined);
}

pub(in crate::store) async fn new_pairs_are_free_of_it(world: &World) {
    let (grant, old) = world.grant().await;
    restore(world).await;
    let new = world.install(grant, Role::Primary, pair()).await;
    assert!(!world.chain(new).await.quarantined);
    assert!(world.chain(old).await.quarantined);
    let moved = install(grant, Role::Primary, pair());
    world.store.transfer(70, &moved).await.unwrap().unwrap();
    assert!(!world.chain(moved.chain).await.quarantined);
}
