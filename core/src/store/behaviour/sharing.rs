//! A portal's bucket, counted by all processes together.

use super::world::*;
use super::*;

const PORTAL: &str = "portal.example";

fn take(want: u32) -> Take {
    Take { want, room: 48.0, per_second: 2.0, at_least: 0.0 }
}

async fn granted(store: &Arc<dyn Store>, take: Take) -> u32 {
    store.take_permits(PORTAL, take).await.unwrap().granted
}

pub(in crate::store) async fn a_bucket_gives_what_it_has_room_for(world: &World) {
    assert_eq!(granted(&world.store, take(5)).await, 5);
    assert_eq!(granted(&world.store, take(100)).await, 43);
    let full = world.store.take_permits(PORTAL, take(1)).await.unwrap();
    assert_eq!(full.granted, 0);
    assert!(full.level > 47.0 && full.level <= 48.0, "{full:?}");
    let wait = take(1).wait(&full);
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(500), "{wait:?}");
}

pub(in crate::store) async fn a_bucket_leaks(world: &World) {
    assert_eq!(granted(&world.store, take(48)).await, 48);
    world.wait(Duration::from_secs(5));
    let after = granted(&world.store, take(48)).await;
    assert!((10..=12).contains(&after), "{after}");
    world.wait(HOUR);
    assert_eq!(granted(&world.store, take(100)).await, 48, "not more than it holds");
}

pub(in crate::store) async fn a_bucket_is_one_for_all_processes(world: &World) {
    let others = [world.another().await, world.another().await];
    let takers = others.iter().chain([&world.store]).flat_map(|store| [store, store, store]);
    let takers: Vec<_> = takers
        .map(|store| {
            let store = Arc::clone(store);
            tokio::spawn(async move { granted(&store, take(10)).await })
        })
        .collect();
    let mut sum = 0;
    for taker in takers {
        sum += taker.await.unwrap();
    }
    // It leaks a little meanwhile.
    assert!((48..=60).contains(&sum), "{sum}");
}

pub(in crate::store) async fn a_refusal_fills_a_bucket(world: &World) {
    assert_eq!(granted(&world.store, take(1)).await, 1);
    assert_eq!(granted(&world.store, Take { at_least: 50.0, ..take(5) }).await, 0);
    let another = world.another().await;
    assert_eq!(granted(&another, take(5)).await, 0);
    world.wait(Duration::from_secs(2));
    assert!(granted(&another, take(5)).await >= 2);
}

pub(in crate::store) async fn portals_have_buckets_of_their_own(world: &World) {
    assert_eq!(granted(&world.store, take(48)).await, 48);
    let other = world.store.take_permits("other.example:8443", take(48)).await.unwrap();
    assert_eq!(other.granted, 48);
}
