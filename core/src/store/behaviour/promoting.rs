//! A spare in place of a failed primary.

use super::world::*;
use super::*;

/// A grant with spares that live so many seconds longer than others.
async fn with_spares(world: &World, lives: &[i64]) -> (GrantId, ChainId, Vec<ChainId>) {
    let (grant, primary) = world.grant().await;
    let mut spares = Vec::new();
    for lives in lives {
        let mut brought = pair();
        brought.refresh_expires_at = FAR + lives;
        spares.push(world.install(grant, Role::Spare, brought).await);
    }
    (grant, primary, spares)
}

pub(in crate::store) async fn promote_takes_the_spare_that_lives_longest(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5, 9]).await;
    let before = world.row(grant).await.generation;
    world.kill(primary).await;
    let generation = world.store.promote(grant, primary).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!(generation, Some(row.generation));
    assert!(row.generation > before);
    assert_eq!((row.chain.id, row.chain.role), (spares[1], Role::Primary));
    assert_eq!(world.chain(primary).await.role, Role::Retired);
    assert_eq!(world.chain(spares[0]).await.role, Role::Spare);
}

pub(in crate::store) async fn promote_needs_an_idle_spare(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5, 9]).await;
    world.fail(primary, Verdict::Ambiguous(HOUR)).await;
    world.begin(spares[1]).await;
    assert!(world.store.promote(grant, primary).await.unwrap().is_some());
    assert_eq!(world.row(grant).await.chain.id, spares[0], "the other one is in use");
    world.fail(spares[0], Verdict::Ambiguous(HOUR)).await;
    assert_eq!(world.store.promote(grant, spares[0]).await.unwrap(), None);
    assert_eq!(world.row(grant).await.chain.id, spares[0]);
}

pub(in crate::store) async fn promote_needs_a_failed_primary(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5, 9]).await;
    assert_eq!(world.store.promote(grant, primary).await.unwrap(), None, "idle");
    let held = world.send(primary).await;
    assert_eq!(world.store.promote(grant, primary).await.unwrap(), None, "held");
    world.store.settle(primary, held.attempt, Verdict::Refused).await.unwrap();
    assert_eq!(world.store.promote(grant, spares[0]).await.unwrap(), None, "no primary");
    assert_eq!(world.store.promote(4711, primary).await.unwrap(), None, "another grant");
    assert!(world.store.promote(grant, primary).await.unwrap().is_some(), "doubted");
}

pub(in crate::store) async fn promote_takes_over_from_a_silent_holder(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5]).await;
    world.send(primary).await;
    world.wait(HOUR);
    assert!(world.store.promote(grant, primary).await.unwrap().is_some());
    assert_eq!(world.row(grant).await.chain.id, spares[0]);
}

pub(in crate::store) async fn promote_makes_the_grant_active(world: &World) {
    let (grant, primary) = world.grant().await;
    world.kill(primary).await;
    assert_eq!(world.row(grant).await.status, Status::NeedsReauthorization);
    let spare = world.install(grant, Role::Spare, pair()).await;
    assert!(world.store.promote(grant, primary).await.unwrap().is_some());
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.id), (Status::Active, spare));
}

pub(in crate::store) async fn promote_again_changes_nothing(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5, 9]).await;
    world.fail(primary, Verdict::Refused).await;
    let another = world.another().await;
    let (one, two) =
        tokio::join!(world.store.promote(grant, primary), another.promote(grant, primary));
    let generation = world.row(grant).await.generation;
    let given: Vec<i64> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(given, [generation]);
    assert_eq!(world.row(grant).await.chain.id, spares[1]);
}

/// It may have been uninstalled while somebody was about to promote.
pub(in crate::store) async fn promote_leaves_an_uninstalled_grant(world: &World) {
    let (grant, primary, spares) = with_spares(world, &[5, 9]).await;
    world.fail(primary, Verdict::Refused).await;
    world.fail(spares[0], Verdict::Status(Status::Uninstalled, Duration::ZERO)).await;
    let before = world.row(grant).await;
    assert_eq!(before.status, Status::Uninstalled);
    assert_eq!(world.store.promote(grant, primary).await.unwrap(), None);
    let row = world.row(grant).await;
    assert_eq!((row.status, row.chain.id), (Status::Uninstalled, primary));
    assert_eq!(row.generation, before.generation);
}
