//! How many refresh tokens may be sent.

use super::world::*;
use super::*;

async fn begin(world: &World, chain: ChainId, budget: Budget) -> Option<Start> {
    let start = Start { budget, ..world.start(chain).await };
    world.store.begin(&start).await.unwrap().then_some(start)
}

/// Begins and sends as often as it is let, and releases each time.
async fn send_all(world: &World, chain: ChainId, budget: Budget) -> usize {
    let mut sent = 0;
    while let Some(start) = begin(world, chain, budget).await {
        assert!(world.store.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
        let freed = Verdict::Released(Duration::ZERO);
        assert!(world.store.settle(chain, start.attempt, freed).await.unwrap());
        sent += 1;
        assert!(sent < 50, "the budget never ends");
    }
    sent
}

pub(in crate::store) async fn an_hour_holds_so_many(world: &World) {
    let (_, chain) = world.grant().await;
    let (_, other) = world.grant().await;
    let budget = Budget { hour: 3, ..NO_BUDGET };
    assert_eq!(world.store.budget_wait(chain, budget).await.unwrap(), Duration::ZERO);
    assert_eq!(send_all(world, chain, budget).await, 3);
    about(world.store.budget_wait(chain, budget).await.unwrap(), HOUR);
    assert_eq!(world.store.budget_wait(other, budget).await.unwrap(), Duration::ZERO);
    world.wait(HOUR - MINUTE);
    assert_eq!(send_all(world, chain, budget).await, 0);
    world.wait(MINUTE);
    assert_eq!(send_all(world, chain, budget).await, 3);
}

pub(in crate::store) async fn a_day_holds_so_many(world: &World) {
    let (_, chain) = world.grant().await;
    let budget = Budget { hour: 3, day: 5, ..NO_BUDGET };
    assert_eq!(send_all(world, chain, budget).await, 3);
    world.wait(2 * HOUR);
    assert_eq!(send_all(world, chain, budget).await, 2);
    about(world.store.budget_wait(chain, budget).await.unwrap(), 22 * HOUR);
    world.wait(22 * HOUR);
    assert_eq!(send_all(world, chain, budget).await, 3);
}

pub(in crate::store) async fn an_application_holds_so_many(world: &World) {
    let budget = Budget { application_hour: 4, ..NO_BUDGET };
    let mut chains = Vec::new();
    for _ in 0..5 {
        chains.push(world.grant().await.1);
    }
    for chain in &chains[..4] {
        let start = begin(world, *chain, budget).await.unwrap();
        assert!(world.store.confirm(*chain, start.attempt, Duration::ZERO).await.unwrap());
    }
    assert!(begin(world, chains[4], budget).await.is_none());
    let wait = world.store.budget_wait(chains[4], budget).await.unwrap();
    assert!(wait > Duration::ZERO && wait <= HOUR + 2 * MINUTE, "{wait:?}");
    // Another application has a budget of its own.
    let mut identity = identity(1);
    identity.client_id = "local.other".to_owned();
    let (other, _) = world.store.ensure_grant(&identity, b"key".to_vec()).await.unwrap();
    let free = world.install(other, Role::Primary, pair()).await;
    assert!(begin(world, free, budget).await.is_some());
    world.wait(HOUR + 2 * MINUTE);
    assert!(begin(world, chains[4], budget).await.is_some());
}

pub(in crate::store) async fn zero_is_unlimited(world: &World) {
    let (_, chain) = world.grant().await;
    for _ in 0..40 {
        world.fail(chain, Verdict::Released(Duration::ZERO)).await;
    }
    assert_eq!(world.store.budget_wait(chain, NO_BUDGET).await.unwrap(), Duration::ZERO);
    world.begin(chain).await;
}

pub(in crate::store) async fn take_over_is_counted_too(world: &World) {
    let (_, chain) = world.grant().await;
    let budget = Budget { day: 1, ..NO_BUDGET };
    let silent = world.send(chain).await;
    world.wait(HOUR);
    let taker = Start { budget, ..world.start(chain).await };
    assert!(!world.store.take_over(&taker, silent.attempt).await.unwrap());
    let taker = Start { budget: Budget { day: 2, ..NO_BUDGET }, ..taker };
    assert!(world.store.take_over(&taker, silent.attempt).await.unwrap());
}

pub(in crate::store) async fn only_what_was_sent_counts(world: &World) {
    let (_, chain) = world.grant().await;
    let budget = Budget { hour: 1, day: 1, application_hour: 1 };
    for _ in 0..3 {
        let start = begin(world, chain, budget).await.unwrap();
        let freed = Verdict::Released(Duration::ZERO);
        world.store.settle(chain, start.attempt, freed).await.unwrap();
    }
    assert_eq!(send_all(world, chain, budget).await, 1);
}

pub(in crate::store) async fn budgets_are_shared(world: &World) {
    let (_, chain) = world.grant().await;
    let budget = Budget { hour: 3, ..NO_BUDGET };
    let mut sent = 0;
    for _ in 0..6 {
        let another = world.another().await;
        let start = Start { budget, ..world.start(chain).await };
        if another.begin(&start).await.unwrap() {
            assert!(another.confirm(chain, start.attempt, Duration::ZERO).await.unwrap());
            let freed = Verdict::Released(Duration::ZERO);
            another.settle(chain, start.attempt, freed).await.unwrap();
            sent += 1;
        }
    }
    assert_eq!(sent, 3);
}
