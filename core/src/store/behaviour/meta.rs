//! The store as a whole.

use super::world::*;
use super::*;

pub(in crate::store) async fn environment_is_made_once(world: &World) {
    let made = world.store.meta("environment").await.unwrap().unwrap();
    assert_eq!(made.len(), 16);
    let epoch = world.store.meta("epoch").await.unwrap().unwrap();
    assert_eq!(epoch.len(), 16);
    assert_ne!(made, epoch);
    let another = world.another().await;
    assert_eq!(another.meta("environment").await.unwrap(), Some(made));
    assert_eq!(another.meta("epoch").await.unwrap(), Some(epoch));
}

pub(in crate::store) async fn meta_is_set_only_over_what_is_expected(world: &World) {
    let store = &world.store;
    assert_eq!(store.meta("key_check").await.unwrap(), None);
    assert_eq!(store.set_meta("key_check", None, b"one").await.unwrap(), b"one");
    assert_eq!(store.set_meta("key_check", None, b"two").await.unwrap(), b"one");
    assert_eq!(store.set_meta("key_check", Some(b"two"), b"three").await.unwrap(), b"one");
    assert_eq!(store.set_meta("key_check", Some(b"one"), b"three").await.unwrap(), b"three");
    assert_eq!(world.another().await.meta("key_check").await.unwrap(), Some(b"three".to_vec()));
}

pub(in crate::store) async fn values_of_meta_are_apart(world: &World) {
    world.store.set_meta("hash_key", None, b"hash").await.unwrap();
    world.store.set_meta("installation", None, b"").await.unwrap();
    assert_eq!(world.store.meta("hash_key").await.unwrap(), Some(b"hash".to_vec()));
    assert_eq!(world.store.meta("installation").await.unwrap(), Some(Vec::new()));
}

pub(in crate::store) async fn a_grant_is_made_once(world: &World) {
    let another = world.another().await;
    let whose = identity(7);
    let (mine, theirs) = tokio::join!(
        world.store.ensure_grant(&whose, b"mine".to_vec()),
        another.ensure_grant(&whose, b"theirs".to_vec()),
    );
    let (grant, key) = mine.unwrap();
    assert!(grant > 0);
    assert!(key == b"mine" || key == b"theirs");
    assert_eq!(theirs.unwrap(), (grant, key.clone()));
    assert_eq!(another.ensure_grant(&identity(7), b"late".to_vec()).await.unwrap(), (grant, key));
    let (other, _) = world.store.ensure_grant(&identity(8), b"other".to_vec()).await.unwrap();
    assert_ne!(grant, other);
}

pub(in crate::store) async fn a_grant_without_a_pair_is_none(world: &World) {
    assert!(world.store.grant(1).await.unwrap().is_none());
    let grant = world.empty_grant().await;
    assert!(world.store.grant(grant).await.unwrap().is_none());
    assert!(world.store.chains(grant).await.unwrap().is_empty());
    assert!(world.store.grants(0, 10).await.unwrap().is_empty());
    world.install(grant, Role::Spare, pair()).await;
    assert!(world.store.grant(grant).await.unwrap().is_none(), "a spare is no primary");
}

pub(in crate::store) async fn many_openers_make_one_schema(place: &impl Place) {
    let clock = Clock::system();
    let stores = futures_of((0..8).map(|_| place.open(&clock)).collect()).await;
    let environment = stores[0].meta("environment").await.unwrap();
    assert!(environment.is_some());
    for store in stores {
        assert_eq!(store.meta("environment").await.unwrap(), environment);
    }
}

/// All at once, on this task.
async fn futures_of<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            let Some(pending) = future else { continue };
            if let std::task::Poll::Ready(value) = pending.as_mut().poll(context) {
                (*done, *future) = (Some(value), None);
            }
        }
        if waiting.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

pub(in crate::store) async fn grants_are_listed_by_number(world: &World) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.grant().await.0);
    }
    let numbers = async |after, limit| -> Vec<GrantId> {
        let rows = world.store.grants(after, limit).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    };
    assert_eq!(numbers(0, 3).await, made[..3]);
    assert_eq!(numbers(made[2], 3).await, made[3..]);
    assert!(numbers(made[4], 3).await.is_empty());
}

pub(in crate::store) async fn rewrap_needs_the_old_key(world: &World) {
    let (grant, chain) = world.grant().await;
    let before = world.row(grant).await;
    assert!(!world.store.rewrap(grant, b"other", b"new").await.unwrap());
    assert_eq!(world.row(grant).await.data_key, b"key");
    assert!(world.store.rewrap(grant, b"key", b"new").await.unwrap());
    assert!(!world.store.rewrap(grant, b"key", b"newer").await.unwrap());
    let after = world.row(grant).await;
    assert_eq!(after.data_key, b"new");
    assert_eq!(after.generation, before.generation);
    assert!(after.chain.pair == before.chain.pair);
    // A rotation in flight is not disturbed.
    let start = world.send(chain).await;
    assert!(world.store.rewrap(grant, b"new", b"newest").await.unwrap());
    let answer = world.answer(&start).await;
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
}

pub(in crate::store) async fn the_address_is_for_people(world: &World) {
    let address = world.store.address();
    assert!(!address.is_empty());
    assert_eq!(address, world.another().await.address());
    assert_eq!(world.store.path().is_some(), address.starts_with("sqlite:"));
    let there = world.store.installation().await.unwrap();
    assert_eq!(there, world.another().await.installation().await.unwrap());
}
