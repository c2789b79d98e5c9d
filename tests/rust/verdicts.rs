//! When a chain is given up, who is told, and what brings it back. Machines are told apart by their spools.

use evergrant_tests::{
    processes::{Scene, Worker},
    stage::Stage,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Past the lease, not past the hold-back.
const LEASE: i64 = 190;
/// Past the lease and the hold-back.
const HOLD_BACK: i64 = 800;

/// The next refresh token that comes is refused.
fn refusal() -> Value {
    let body = json!({"error": "invalid_grant"});
    json!({"at": "token", "kind": "json", "status": 400, "body": body, "times": 1})
}

/// A worker on `machine` begins to rotate the grant's generation, and meets its fault.
async fn at_fault(scene: &Scene, machine: &str, grant: &Value, fault: &str) -> (Worker, u64) {
    let fault = [("EVERGRANT_FAULT", fault)];
    let mut worker = scene.worker_on(machine, json!({}), &fault).await;
    let generation = &grant["generation"];
    let renewal = json!({"do": "renew", "grant": grant["id"], "generation": generation});
    let question = worker.begin(renewal).await;
    (worker, question)
}

async fn maintain(worker: &mut Worker) {
    worker.ask(json!({"do": "maintain"})).await;
}

async fn status(worker: &mut Worker, grant: &Value) -> String {
    worker.grant(grant).await["status"].as_str().unwrap().to_owned()
}

/// A grant whose former chain is a spare, and a worker on machine "two" that took it in.
async fn with_a_spare(scene: &Scene) -> (Worker, Value) {
    let mut worker = scene.worker_on("two", json!({}), &[]).await;
    scene.consent(&mut worker, 1).await;
    let grant = scene.consent(&mut worker, 1).await;
    (worker, grant)
}

/// The spare takes over from a machine that fell silent, and is refused. Nothing is given up yet: the
/// silent one may have sent, or may be about to.
async fn the_spare_is_refused(scene: &Scene, worker: &mut Worker, grant: &Value) {
    scene.turn(LEASE).await;
    let spare = worker.renew(grant, 2).await;
    assert_eq!(spare["generation"], 3, "it does not wait for the other machine: {spare}");
    scene.fault(refusal()).await;
    let waits = worker.renew(grant, 3).await;
    assert_eq!(waits["error"]["kind"], "ambiguous", "nobody knows of the first chain: {waits}");
    scene.turn(HOLD_BACK).await;
}

#[tokio::test]
async fn an_answer_that_comes_after_everything_was_given_up_brings_the_grant_back() {
    let scene = Scene::new().await;
    let (mut worker, grant) = with_a_spare(&scene).await;
    let (mut slow, question) = at_fault(&scene, "one", &grant, "answered=stop").await;
    slow.stopped().await;
    the_spare_is_refused(&scene, &mut worker, &grant).await;
    // The first round asks the server about the first chain.
    worker.renew(&grant, 3).await;
    let given_up = worker.renew(&grant, 3).await;
    assert_eq!(given_up["error"]["kind"], "needs_reauthorization", "{given_up}");
    assert_eq!(scene.reuses().await, 1);
    assert_eq!(status(&mut worker, &grant).await, "needs_reauthorization");
    slow.signal(Signal::CONT);
    slow.answer(question).await;
    assert_eq!(status(&mut worker, &grant).await, "active");
    let token = worker.renew(&grant, 3).await;
    assert!(token["generation"].as_i64().unwrap() > 3, "{token}");
    worker.ok(json!({"do": "call", "grant": grant["id"], "method": "profile"})).await;
}

#[tokio::test]
async fn a_token_that_was_perhaps_never_sent_is_tried_before_its_grant_is_given_up() {
    let scene = Scene::new().await;
    let (mut worker, grant) = with_a_spare(&scene).await;
    let (mut slow, _) = at_fault(&scene, "one", &grant, "confirmed=kill").await;
    slow.killed().await;
    the_spare_is_refused(&scene, &mut worker, &grant).await;
    let token = worker.renew(&grant, 3).await;
    assert!(token["generation"].as_i64().unwrap() > 3, "{token}");
    assert_eq!(status(&mut worker, &grant).await, "active");
    assert_eq!(scene.reuses().await, 0);
    worker.ok(json!({"do": "call", "grant": grant["id"], "method": "profile"})).await;
}

#[tokio::test]
async fn a_spare_that_takes_over_is_no_alarm() {
    let stage = Stage::new().await;
    let grant = stage.consent().await;
    let changes = stage.application.changes();
    stage.fault(refusal()).await;
    let token = stage.application.renew_token(grant.id, 2).await.unwrap();
    assert_eq!(token.generation, 3, "the spare's");
    for _ in 0..3 {
        stage.application.maintain().await.unwrap();
    }
    while let Some(change) = changes.try_next() {
        assert_eq!(change.status.as_str(), "active");
    }
}

#[tokio::test]
async fn a_spare_that_dies_is_no_alarm_and_the_last_chain_is_one() {
    let stage = Stage::new().await;
    let grant = stage.consent().await;
    let changes = stage.application.changes();
    stage.clock.turn(23 * 86_400);
    stage.emulator.control("POST", "/clock", &json!({"advance": 23 * 86_400})).await;
    // Both chains are due; whichever is refused first, the other one is left.
    stage.fault(refusal()).await;
    for _ in 0..3 {
        let _ = stage.application.maintain().await;
    }
    while let Some(change) = changes.try_next() {
        assert_eq!(change.status.as_str(), "active");
    }
    let mut last = refusal();
    last["times"] = 9.into();
    stage.fault(last).await;
    let generation = stage.application.grant(grant.id).await.unwrap().generation;
    stage.application.renew_token(grant.id, generation).await.err().unwrap();
    let told: Vec<_> = std::iter::from_fn(|| changes.try_next()).collect();
    let words: Vec<_> = told.iter().map(|change| change.status.as_str()).collect();
    assert_eq!(
        words.iter().filter(|word| **word == "needs_reauthorization").count(),
        1,
        "{words:?}"
    );
}

#[tokio::test]
async fn a_policy_never_to_send_twice_holds_for_what_another_machine_sent() {
    let scene = Scene::new().await;
    let mut first = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut first, 1).await;
    let (mut dying, _) = at_fault(&scene, "one", &grant, "confirmed=kill").await;
    dying.killed().await;
    let mut other = scene.worker_on("two", json!({"retry_spent": "never"}), &[]).await;
    scene.turn(HOLD_BACK).await;
    for _ in 0..3 {
        let refused = other.renew(&grant, 1).await;
        assert!(refused.get("error").is_some(), "{refused}");
    }
    let events = other.events(&grant).await;
    assert_eq!(events.iter().filter(|event| *event == "sent").count(), 1, "{events:?}");
    assert_eq!(scene.refreshes().await, 0, "nothing was sent, and nobody may know");
}

/// The server has given one machine's process the successor; it stands still with it. Its sibling says
/// nothing for it, so that the other machine must not declare the chain dead.
#[tokio::test]
async fn a_doubt_waits_for_a_machine_that_may_have_the_answer() {
    let scene = Scene::new().await;
    let mut sibling = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut sibling, 1).await;
    let mut other = scene.worker_on("two", json!({}), &[]).await;
    let (mut slow, question) = at_fault(&scene, "one", &grant, "answered=stop").await;
    slow.stopped().await;
    scene.turn(HOLD_BACK).await;
    let refused = other.renew(&grant, 1).await;
    assert_eq!(refused["error"]["kind"], "ambiguous", "its token was spent: {refused}");
    for _ in 0..3 {
        maintain(&mut sibling).await;
        maintain(&mut other).await;
        assert_eq!(status(&mut other, &grant).await, "active");
    }
    slow.signal(Signal::CONT);
    slow.answer(question).await;
    assert_eq!(other.renew(&grant, 1).await["generation"], 2);
}

/// Where no machine has anything to say, nobody waits for the hold-back.
#[tokio::test]
async fn a_doubt_is_over_once_every_machine_has_looked() {
    let scene = Scene::new().await;
    let mut one = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut one, 1).await;
    let mut two = scene.worker_on("two", json!({}), &[]).await;
    maintain(&mut two).await;
    scene.fault(refusal()).await;
    let refused = one.renew(&grant, 1).await;
    assert_eq!(refused["error"]["kind"], "ambiguous", "the other one may know more: {refused}");
    // Doubts that may not be visible yet have a margin.
    scene.turn(10).await;
    for worker in [&mut two, &mut one] {
        maintain(worker).await;
    }
    assert_eq!(status(&mut one, &grant).await, "needs_reauthorization");
}

/// What the first machine sent is not sent again by a third, which only sees that the second gave up giving up.
#[tokio::test]
async fn a_policy_never_to_send_twice_outlives_who_keeps_to_it() {
    let never = || json!({"retry_spent": "never"});
    let scene = Scene::new().await;
    let mut first = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut first, 1).await;
    let (mut dying, _) = at_fault(&scene, "one", &grant, "confirmed=kill").await;
    dying.killed().await;
    scene.turn(HOLD_BACK).await;
    let fault = [("EVERGRANT_FAULT", "giving_up=kill")];
    let mut second = scene.worker_on("two", never(), &fault).await;
    second.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    second.killed().await;
    scene.turn(LEASE).await;
    let mut third = scene.worker_on("three", never(), &[]).await;
    let refused = third.renew(&grant, 1).await;
    assert!(refused.get("error").is_some(), "{refused}");
    let events = third.events(&grant).await;
    assert_eq!(events.iter().filter(|event| *event == "sent").count(), 1, "{events:?}");
}
