//! Summons, what is due, the change feed, and forgetting.

use std::collections::HashSet;

use super::world::*;
use super::*;

pub(in crate::store) async fn summons_go_to_all_for_a_doubt(world: &World) {
    let (grant, chain) = world.grant().await;
    world.grant().await;
    assert!(world.store.heartbeat(stranger(), 0, 0).await.unwrap().0.is_empty());
    world.fail(chain, Verdict::Refused).await;
    for node in [node(), stranger()] {
        let summons = world.another().await.heartbeat(node, 0, 0).await.unwrap().0;
        assert_eq!(summons, [Summons { grant, chain }]);
    }
    let parent = world.chain(chain).await.pair.lineage;
    world.wait(HOUR);
    assert!(world.store.bury(chain, parent, node()).await.unwrap());
    assert!(world.store.heartbeat(stranger(), 0, 0).await.unwrap().0.is_empty());
}

pub(in crate::store) async fn summons_go_to_the_node_of_a_silent_attempt(world: &World) {
    let (grant, intent) = world.grant().await;
    let (other, sent) = world.grant().await;
    world.begin(intent).await;
    world.send(sent).await;
    assert!(world.store.heartbeat(node(), 0, 0).await.unwrap().0.is_empty(), "their leases last");
    world.wait(HOUR);
    assert!(world.store.heartbeat(stranger(), 0, 0).await.unwrap().0.is_empty(), "not its own");
    let mut found = world.store.heartbeat(node(), 0, 0).await.unwrap().0;
    found.sort_unstable_by_key(|summons| summons.grant);
    let expected = [Summons { grant, chain: intent }, Summons { grant: other, chain: sent }];
    assert_eq!(found, expected);
}

/// A grant whose chain is due so many seconds from now.
async fn due_in(world: &World, seconds: i64) -> (GrantId, ChainId) {
    let grant = world.empty_grant().await;
    let mut brought = pair();
    brought.due_at = world.clock.now() + seconds;
    (grant, world.install(grant, Role::Primary, brought).await)
}

async fn due(world: &World, limit: u32) -> Vec<ChainId> {
    let due = world.store.due(CLIENT, limit, HOUR).await.unwrap();
    due.into_iter().map(|summons| summons.chain).collect()
}

pub(in crate::store) async fn due_chains_come_most_urgent_first(world: &World) {
    let mut made = Vec::new();
    for seconds in [-30, -90, 600, -60] {
        made.push(due_in(world, seconds).await.1);
    }
    assert_eq!(due(world, 2).await, [made[1], made[3]]);
    assert_eq!(due(world, 2).await, [made[0]]);
    assert!(due(world, 2).await.is_empty());
    world.wait(11 * MINUTE);
    assert_eq!(due(world, 2).await, [made[2]]);
}

pub(in crate::store) async fn due_chains_are_given_to_their_application(world: &World) {
    let (_, chain) = due_in(world, -30).await;
    assert!(world.store.due("local.other", 5, HOUR).await.unwrap().is_empty());
    assert_eq!(due(world, 5).await, [chain], "nobody else has moved it");
}

pub(in crate::store) async fn due_chains_are_given_once(world: &World) {
    let mut made = HashSet::new();
    for second in 0..60 {
        made.insert(due_in(world, -1000 - second).await.1);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = world.another().await;
        tasks.spawn(async move {
            let mut given = Vec::new();
            // Others may hold what is left for a moment: an empty answer is not yet the end.
            let mut empty = 0;
            while empty < 3 {
                let due = store.due(CLIENT, 5, HOUR).await.unwrap();
                assert!(due.len() <= 5);
                empty = if due.is_empty() { empty + 1 } else { 0 };
                given.extend(due.into_iter().map(|summons| summons.chain));
            }
            given
        });
    }
    let given = tasks.join_all().await.concat();
    assert_eq!(given.len(), 60, "no chain twice");
    assert_eq!(given.into_iter().collect::<HashSet<_>>(), made);
}

pub(in crate::store) async fn due_chains_come_again(world: &World) {
    let (_, chain) = due_in(world, -60).await;
    assert_eq!(due(world, 5).await, [chain]);
    world.wait(HOUR - MINUTE);
    assert!(due(world, 5).await.is_empty());
    world.wait(2 * MINUTE);
    assert_eq!(due(world, 5).await, [chain]);
    // A new pair brings a new time.
    world.rotate(chain).await;
    world.wait(2 * HOUR);
    assert!(due(world, 5).await.is_empty());
}

pub(in crate::store) async fn due_leaves_out_what_cannot_be_kept_alive(world: &World) {
    let (_, held) = due_in(world, -60).await;
    world.begin(held).await;
    let (_, pausing) = due_in(world, -60).await;
    world.fail(pausing, Verdict::Ambiguous(MINUTE)).await;
    let (_, doubted) = due_in(world, -60).await;
    world.fail(doubted, Verdict::Refused).await;
    let (_, suspended) = due_in(world, -60).await;
    world.fail(suspended, Verdict::Status(Status::Suspended, Duration::ZERO)).await;
    let (_, dead) = due_in(world, -60).await;
    world.kill(dead).await;
    let (replaced, _) = due_in(world, -60).await;
    world.install(replaced, Role::Primary, pair()).await;
    assert!(due(world, 10).await.is_empty());
    let (grant, _) = world.grant().await;
    let mut brought = pair();
    brought.due_at = world.clock.now() - 60;
    let spare = world.install(grant, Role::Spare, brought).await;
    assert_eq!(due(world, 10).await, [spare], "spares are kept alive too");
}

pub(in crate::store) async fn due_chains_are_free_again(world: &World) {
    let mut made = HashSet::new();
    for sent in [false, true] {
        let (_, silent) = due_in(world, -60).await;
        if sent {
            world.send(silent).await;
        } else {
            world.begin(silent).await;
        }
        made.insert(silent);
    }
    // Their token may be dying while its fate is unknown: they are due at once.
    let (_, ambiguous) = due_in(world, FAR).await;
    world.fail(ambiguous, Verdict::Ambiguous(10 * MINUTE)).await;
    let (_, testified) = due_in(world, FAR).await;
    let start = world.send(testified).await;
    assert!(world.store.testify(testified, start.attempt).await.unwrap());
    made.extend([ambiguous, testified]);
    assert!(due(world, 9).await.is_empty());
    world.wait(HOUR / 2);
    assert_eq!(due(world, 9).await.into_iter().collect::<HashSet<_>>(), made);
    assert!(due(world, 9).await.is_empty(), "claimed like the others");
}

pub(in crate::store) async fn due_again_when_a_grant_becomes_active(world: &World) {
    let (grant, primary) = due_in(world, FAR).await;
    let mut brought = pair();
    brought.due_at = world.clock.now() - 60;
    let spare = world.install(grant, Role::Spare, brought).await;
    world.fail(primary, Verdict::Status(Status::Suspended, Duration::ZERO)).await;
    assert!(due(world, 5).await.is_empty());
    world.rotate(primary).await;
    assert_eq!(due(world, 5).await, [spare]);
}

pub(in crate::store) async fn changes_show_each_grant_once(world: &World) {
    let (grant, chain) = world.grant().await;
    world.rotate(chain).await;
    let (changes, now) = world.store.changes(0).await.unwrap();
    let row = world.row(grant).await;
    let [changed] = changes[..] else { panic!("{changes:?}") };
    assert_eq!((changed.grant, changed.generation), (grant, row.generation));
    assert_eq!(changed.status, Status::Active);
    assert!(changed.at <= now);
    assert_eq!(world.store.changes(changed.at).await.unwrap().0, changes, "from then on");
    assert!(world.store.changes(changed.at + 1).await.unwrap().0.is_empty());
    // The clock is the store's, as tests turn it.
    world.wait(HOUR);
    let (_, later) = world.store.changes(now).await.unwrap();
    assert!(later - now >= 3_600_000 && later - now < 3_660_000, "{now} {later}");
    let end = Verdict::Status(Status::Suspended, Duration::ZERO);
    world.fail(chain, end).await;
    let (changes, _) = world.another().await.changes(later - 1).await.unwrap();
    assert_eq!((changes[0].grant, changes[0].status), (grant, Status::Suspended));
}

pub(in crate::store) async fn changes_come_oldest_first(world: &World) {
    let mut chains = Vec::new();
    for _ in 0..4 {
        chains.push(world.grant().await);
        world.wait(MINUTE);
    }
    let (first, chain) = chains[0];
    world.begin(chain).await;
    let (changes, now) = world.store.changes(0).await.unwrap();
    let order: Vec<GrantId> = changes.iter().map(|change| change.grant).collect();
    assert_eq!(order, [chains[1].0, chains[2].0, chains[3].0, first]);
    assert!(changes.is_sorted_by_key(|change| change.at));
    assert!(world.store.changes(now + 60_000).await.unwrap().0.is_empty());
}

pub(in crate::store) async fn a_wake_follows_a_change(world: &World) {
    let another = world.another().await;
    let Some(mut wakes) = another.wakes() else { return };
    let (_, chain) = world.grant().await;
    world.rotate(chain).await;
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, wakes.changed()).await.expect("a wake in time").unwrap();
}

pub(in crate::store) async fn prune_forgets_what_is_past_keeping(world: &World) {
    let (grant, old) = world.grant().await;
    let spent = world.rotate(old).await.spent.unwrap();
    let current = world.chain(old).await.pair.refresh_hash;
    world.install(grant, Role::Primary, pair()).await;
    world.wait(keep::RETIRED + HOUR);
    world.store.prune().await.unwrap();
    let chains = world.store.chains(grant).await.unwrap();
    assert_eq!(chains.len(), 1);
    assert!(!world.store.is_known(&current).await.unwrap(), "it went with its chain");
    assert!(world.store.is_known(&spent).await.unwrap());
    world.wait(keep::SPENT);
    world.store.prune().await.unwrap();
    assert!(!world.store.is_known(&spent).await.unwrap());
    assert_eq!(world.store.chains(grant).await.unwrap().len(), 1);
}

pub(in crate::store) async fn prune_keeps_what_is_needed(world: &World) {
    let (grant, first) = world.grant().await;
    let install = install(grant, Role::Spare, pair());
    world.store.install(&install).await.unwrap();
    let answer = world.answer(&world.start(first).await).await;
    let orphan = world.answer(&start(first, answer.pair.lineage)).await;
    assert_eq!(world.store.commit(&orphan).await.unwrap(), Committed::Orphan);
    world.fail(first, Verdict::Ambiguous(Duration::ZERO)).await;
    world.store.promote(grant, first).await.unwrap().unwrap();
    world.wait(keep::ANSWERS - HOUR);
    world.store.prune().await.unwrap();
    assert_eq!(world.store.install(&install).await.unwrap(), Installed::Before);
    assert!(matches!(world.store.commit(&answer).await.unwrap(), Committed::Current(_)));
    assert_eq!(world.chain(first).await.role, Role::Spare);
    let kept = world.store.orphan(first, answer.pair.lineage).await.unwrap();
    assert!(kept.unwrap().pair == orphan.pair);
    let budget = Budget { day: 1, ..NO_BUDGET };
    let (_, chain) = world.grant().await;
    world.rotate(chain).await;
    world.wait(23 * HOUR);
    world.store.prune().await.unwrap();
    assert!(world.store.budget_wait(chain, budget).await.unwrap() > Duration::ZERO);
}
