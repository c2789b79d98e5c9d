//! How pairs come in.

use super::world::*;
use super::*;

pub(in crate::store) async fn a_primary_makes_the_grant_active(world: &World) {
    let grant = world.empty_grant().await;
    let mut brought = pair();
    brought.access_expires_at = 1111;
    brought.refresh_expires_at = 2222;
    brought.due_at = 3333;
    let install = install(grant, Role::Primary, brought.clone());
    let installed = world.store.install(&install).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!(installed, Installed::Current(row.generation));
    assert!(row.generation > 0);
    assert_eq!(row.status, Status::Active);
    assert_eq!(row.endpoints, endpoints("installed"));
    assert_eq!((row.id, row.data_key.as_slice()), (grant, b"key".as_slice()));
    assert_eq!(row.identity, identity(1));
    let Chain { id, role, state, pair, holder, held_for, tries, quarantined } = row.chain;
    assert_eq!((id, role, state), (install.chain, Role::Primary, ChainState::Idle));
    assert!(pair == brought);
    assert_eq!((holder, held_for, tries, quarantined), (None, Duration::ZERO, 0, false));
}

pub(in crate::store) async fn a_second_primary_takes_its_place(world: &World) {
    let (grant, first) = world.grant().await;
    let before = world.row(grant).await.generation;
    world.kill(first).await;
    assert_eq!(world.row(grant).await.status, Status::NeedsReauthorization);
    let second = world.install(grant, Role::Primary, pair()).await;
    let row = world.row(grant).await;
    assert_eq!((row.chain.id, row.status), (second, Status::Active));
    assert!(row.generation > before);
    assert_eq!(world.chain(first).await.role, Role::Retired);
}

pub(in crate::store) async fn a_former_primary_can_stay_as_a_spare(world: &World) {
    let (grant, first) = world.grant().await;
    let mut new = install(grant, Role::Primary, pair());
    new.former = Role::Spare;
    assert!(matches!(world.store.install(&new).await.unwrap(), Installed::Current(_)));
    assert_eq!(world.chain(first).await.role, Role::Spare);
    assert_eq!(world.row(grant).await.chain.id, new.chain);
}

pub(in crate::store) async fn installing_again_changes_nothing(world: &World) {
    let grant = world.empty_grant().await;
    for role in [Role::Primary, Role::Spare] {
        let install = install(grant, role, pair());
        world.store.install(&install).await.unwrap();
        world.rotate(install.chain).await;
        let before = world.row(grant).await;
        assert_eq!(world.store.install(&install).await.unwrap(), Installed::Before);
        let after = world.row(grant).await;
        assert_eq!(after.generation, before.generation);
        assert!(after.chain.pair == before.chain.pair);
    }
    assert_eq!(world.store.chains(grant).await.unwrap().len(), 2);
}

pub(in crate::store) async fn a_current_token_is_known(world: &World) {
    let (grant, chain) = world.grant().await;
    let taken = world.chain(chain).await.pair;
    assert!(world.store.is_known(&taken.refresh_hash).await.unwrap());
    assert!(!world.store.is_known(&pair().refresh_hash).await.unwrap());
    let other = world.empty_grant().await;
    for (grant, role) in [(grant, Role::Spare), (other, Role::Primary)] {
        let mut same = pair();
        same.refresh_hash = taken.refresh_hash;
        let installed = world.store.install(&install(grant, role, same)).await.unwrap();
        assert_eq!(installed, Installed::Known);
    }
    assert!(world.store.chains(other).await.unwrap().is_empty());
    assert_eq!(world.store.chains(grant).await.unwrap().len(), 1);
}

pub(in crate::store) async fn a_spent_token_is_known(world: &World) {
    let (grant, chain) = world.grant().await;
    let spent = world.rotate(chain).await.spent.unwrap();
    assert!(world.store.is_known(&spent).await.unwrap());
    let mut same = pair();
    same.refresh_hash = spent;
    let installed = world.store.install(&install(grant, Role::Primary, same)).await.unwrap();
    assert_eq!(installed, Installed::Known);
    assert_eq!(world.row(grant).await.chain.id, chain);
    world.wait(keep::SPENT - HOUR);
    world.store.prune().await.unwrap();
    assert!(world.store.is_known(&spent).await.unwrap());
}

pub(in crate::store) async fn a_token_is_claimed_once(world: &World) {
    let (_, chain) = world.grant().await;
    let current = world.chain(chain).await.pair.refresh_hash;
    assert!(!world.store.claim(&current).await.unwrap(), "it is a chain's");
    let spent = world.rotate(chain).await.spent.unwrap();
    assert!(!world.store.claim(&spent).await.unwrap());
    let delivered = pair().refresh_hash;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = world.another().await;
        tasks.spawn(async move { store.claim(&delivered).await.unwrap() });
    }
    let claims = tasks.join_all().await;
    assert_eq!(claims.into_iter().filter(|claimed| *claimed).count(), 1);
    assert!(world.another().await.is_known(&delivered).await.unwrap());
}

pub(in crate::store) async fn a_known_token_stays_known_when_asked_again(world: &World) {
    let (grant, chain) = world.grant().await;
    let mut same = pair();
    same.refresh_hash = world.chain(chain).await.pair.refresh_hash;
    let install = install(grant, Role::Spare, same);
    for _ in 0..2 {
        assert_eq!(world.store.install(&install).await.unwrap(), Installed::Known);
    }
}

pub(in crate::store) async fn spares_do_not_change_what_readers_get(world: &World) {
    let (grant, _) = world.grant().await;
    let before = world.row(grant).await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let after = world.row(grant).await;
    assert_eq!((after.generation, after.chain.id), (before.generation, before.chain.id));
    assert_eq!(world.chain(spare).await.role, Role::Spare);
}

pub(in crate::store) async fn a_spare_too_many_replaces_the_one_that_dies_first(world: &World) {
    let (grant, _) = world.grant().await;
    let mut spares = Vec::new();
    for lives in [5, 1, 9, 7] {
        let mut brought = pair();
        brought.refresh_expires_at = FAR + lives;
        spares.push((lives, world.install(grant, Role::Spare, brought).await));
    }
    let chains = world.store.chains(grant).await.unwrap();
    let mut left: Vec<i64> = chains
        .iter()
        .filter(|chain| chain.role == Role::Spare)
        .map(|chain| chain.pair.refresh_expires_at - FAR)
        .collect();
    left.sort_unstable();
    assert_eq!(left, [7, 9]);
}

pub(in crate::store) async fn chains_are_listed_primary_first(world: &World) {
    let (grant, first) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    let second = world.install(grant, Role::Primary, pair()).await;
    let chains = world.store.chains(grant).await.unwrap();
    let listed: Vec<_> = chains.iter().map(|chain| (chain.id, chain.role)).collect();
    assert_eq!(listed, [(second, Role::Primary), (spare, Role::Spare), (first, Role::Retired)]);
}

pub(in crate::store) async fn one_of_two_installs_of_a_token_wins(world: &World) {
    for _ in 0..5 {
        let brought = pair();
        let mut copy = pair();
        copy.refresh_hash = brought.refresh_hash;
        let one = install(world.empty_grant().await, Role::Primary, brought);
        let two = install(world.empty_grant().await, Role::Primary, copy);
        let another = world.another().await;
        let (one, two) = tokio::join!(world.store.install(&one), another.install(&two));
        let known = [one.unwrap(), two.unwrap()].iter().filter(|i| **i == Installed::Known).count();
        assert_eq!(known, 1);
    }
}

pub(in crate::store) async fn transfer_keeps_the_number(world: &World) {
    let (grant, first) = world.grant().await;
    let spare = world.install(grant, Role::Spare, pair()).await;
    world.kill(first).await;
    let before = world.row(grant).await;
    let install = install(grant, Role::Primary, pair());
    let generation = world.store.transfer(70, &install).await.unwrap();
    let row = world.row(grant).await;
    assert_eq!(generation, Some(row.generation));
    assert!(row.generation > before.generation);
    assert_eq!((row.identity, row.status), (identity(70), Status::Active));
    assert!(row.chain.pair == install.pair);
    assert_eq!(row.data_key, before.data_key);
    let chains = world.store.chains(grant).await.unwrap();
    assert!(!chains.iter().any(|chain| chain.id == first || chain.id == spare));
    assert_eq!(chains.len(), 1);
    // The former user starts anew.
    let (other, _) = world.store.ensure_grant(&before.identity, b"k".to_vec()).await.unwrap();
    assert_ne!(other, grant);
}

pub(in crate::store) async fn transfer_needs_a_user_without_a_grant(world: &World) {
    let (grant, chain) = world.grant().await;
    let (other, _) = world.grant().await;
    let user_id = world.row(other).await.identity.user_id;
    let install = install(grant, Role::Primary, pair());
    assert_eq!(world.store.transfer(user_id, &install).await.unwrap(), None);
    let row = world.row(grant).await;
    assert_eq!((row.chain.id, row.identity), (chain, identity(1)));
    assert!(!world.store.is_known(&install.pair.refresh_hash).await.unwrap());
}

pub(in crate::store) async fn transfer_again_keeps_a_newer_pair(world: &World) {
    let (grant, _) = world.grant().await;
    let install = install(grant, Role::Primary, pair());
    let first = world.store.transfer(70, &install).await.unwrap();
    assert_eq!(world.store.transfer(70, &install).await.unwrap(), first);
    let newer = world.rotate(install.chain).await;
    let _ = world.store.transfer(70, &install).await.unwrap();
    assert!(world.row(grant).await.chain.pair == newer.pair, "the living pair was thrown away");
}

pub(in crate::store) async fn an_unknown_grant_takes_nothing(world: &World) {
    let install = install(4711, Role::Primary, pair());
    assert!(world.store.install(&install).await.is_err());
    assert_eq!(world.store.transfer(1, &install).await.unwrap(), None);
    assert!(!world.store.is_known(&install.pair.refresh_hash).await.unwrap());
}
