//! Which spares stay.

use super::world::*;
use super::*;

async fn spares(world: &World, grant: GrantId) -> Vec<ChainId> {
    let chains = world.store.chains(grant).await.unwrap();
    let spares = chains.iter().filter(|chain| chain.role == Role::Spare);
    let mut spares: Vec<_> = spares.map(|chain| chain.id).collect();
    spares.sort_unstable();
    spares
}

fn sorted<const N: usize>(mut chains: [ChainId; N]) -> [ChainId; N] {
    chains.sort_unstable();
    chains
}

fn lives_until(refresh_expires_at: i64) -> SealedPair {
    SealedPair { refresh_expires_at, ..pair() }
}

pub(in crate::store) async fn the_spare_that_just_came_stays(world: &World) {
    let (grant, first) = world.grant().await;
    let late = start(first, world.chain(first).await.pair.lineage);
    let mut late = world.answer(&late).await;
    late.pair.refresh_expires_at = FAR - 9;
    // A second primary, so that an answer to the first one comes too late.
    world.install(grant, Role::Primary, pair()).await;
    let longest = world.install(grant, Role::Spare, lives_until(FAR + 9)).await;
    world.install(grant, Role::Spare, lives_until(FAR + 7)).await;
    let short = world.install(grant, Role::Spare, lives_until(FAR - 7)).await;
    assert_eq!(spares(world, grant).await, sorted([longest, short]));
    assert!(matches!(world.store.commit(&late).await.unwrap(), Committed::Current(_)));
    assert_eq!(spares(world, grant).await, sorted([longest, first]), "revived");
}
