//! A process is killed, or stands still for longer than its lease, at each step of a rotation. The emulator's truth
//! says what became of the pair.

use std::{fs, path::Path};

use evergrant_tests::{
    processes::{Scene, Worker},
    program,
    stage::until,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Past the lease, not past the hold-back.
const LEASE: i64 = 190;
/// Past the lease and the hold-back.
const HOLD_BACK: i64 = 800;

/// A grant of generation 1, and the worker that took it in.
async fn granted() -> (Scene, Worker, Value) {
    let scene = Scene::new().await;
    let mut worker = scene.worker().await;
    let grant = scene.consent(&mut worker, 1).await;
    assert_eq!(grant["generation"], 1);
    (scene, worker, grant)
}

/// A worker begins to rotate generation 1 and is killed at `place`.
async fn killed_at(scene: &Scene, grant: &Value, place: &str) {
    let mut dying = scene.worker_at_fault(&format!("{place}=kill")).await;
    let generation = &grant["generation"];
    dying.begin(json!({"do": "renew", "grant": grant["id"], "generation": generation})).await;
    dying.killed().await;
}

/// A worker begins to rotate generation 1 and stands still at `place`; with the number of its question.
async fn stopped_at(scene: &Scene, grant: &Value, place: &str) -> (Worker, u64) {
    let mut frozen = scene.worker_at_fault(&format!("{place}=stop")).await;
    let question =
        frozen.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    frozen.stopped().await;
    (frozen, question)
}

/// A worker gets this generation for a token newer than that one.
async fn renewed(worker: &mut Worker, grant: &Value, known: i64, generation: i64) {
    let token = worker.renew(grant, known).await;
    assert_eq!(token["generation"], generation, "{token}");
}

/// The grant works: its current pair is the server's, and can be rotated once more.
async fn works(scene: &Scene, worker: &mut Worker, grant: &Value, generation: i64) {
    assert_eq!(scene.lost(worker).await, 0);
    let next = worker.renew(grant, generation).await;
    assert_eq!(next["generation"], generation + 1, "{next}");
    worker.ok(json!({"do": "call", "grant": grant["id"], "method": "profile"})).await;
    assert_eq!(worker.grant(grant).await["status"], "active");
    assert_eq!(scene.lost(worker).await, 0);
}

#[tokio::test]
async fn killed_before_the_confirmation_the_next_one_rotates_at_once() {
    for place in ["acquired", "connected"] {
        let (scene, _, grant) = granted().await;
        killed_at(&scene, &grant, place).await;
        assert_eq!(scene.refreshes().await, 0, "{place}");
        let mut next = scene.worker().await;
        renewed(&mut next, &grant, 1, 2).await;
        assert_eq!(scene.refreshes().await, 1, "{place}");
        works(&scene, &mut next, &grant, 2).await;
    }
}

#[tokio::test]
async fn killed_after_the_confirmation_nothing_is_sent_before_the_lease_is_over() {
    let (scene, _, grant) = granted().await;
    killed_at(&scene, &grant, "confirmed").await;
    let mut next = scene.worker().await;
    for passed in [0, 100, 50] {
        scene.turn(passed).await;
        let refused = next.renew(&grant, 1).await;
        assert_eq!(refused["error"]["kind"], "ambiguous", "{refused}");
        assert_eq!(scene.refreshes().await, 0);
        assert_eq!(next.token(&grant).await["generation"], 1, "the old one is served");
    }
    scene.turn(31).await;
    renewed(&mut next, &grant, 1, 2).await;
    works(&scene, &mut next, &grant, 2).await;
}

#[tokio::test]
async fn killed_with_the_answer_in_hand_the_grant_is_not_given_up_on_a_guess() {
    let (scene, _, grant) = granted().await;
    killed_at(&scene, &grant, "answered").await;
    assert_eq!(scene.refreshes().await, 1, "the server has rotated");
    let mut next = scene.worker().await;
    let refused = next.renew(&grant, 1).await;
    assert_eq!(refused["error"]["kind"], "ambiguous", "{refused}");
    assert_eq!(next.token(&grant).await["generation"], 1, "the old one is served");
    assert_eq!(next.grant(&grant).await["status"], "active");
    assert_eq!(scene.lost(&mut next).await, 1, "the one loss that cannot be prevented");
    scene.turn(LEASE).await;
    let refused = next.renew(&grant, 1).await;
    assert_eq!(refused["error"]["kind"], "needs_reauthorization", "the server said so: {refused}");
    assert_eq!(scene.reuses().await, 1, "it was asked once");
}

#[tokio::test]
async fn killed_with_the_answer_in_hand_a_spare_takes_over() {
    let (scene, mut worker, _) = granted().await;
    let grant = scene.consent(&mut worker, 1).await;
    assert_eq!(grant["generation"], 2, "the first chain is a spare now");
    killed_at(&scene, &grant, "answered").await;
    let mut next = scene.worker().await;
    assert_eq!(next.renew(&grant, 2).await["error"]["kind"], "ambiguous");
    scene.turn(LEASE).await;
    renewed(&mut next, &grant, 2, 3).await;
    assert_eq!(next.ok(json!({"do": "statistics"})).await["promoted"], 1);
    next.ok(json!({"do": "call", "grant": grant["id"], "method": "profile"})).await;
    assert_eq!(next.grant(&grant).await["status"], "active");
}

#[tokio::test]
async fn killed_while_the_server_works_nothing_is_sent_again_before_it_is_known() {
    for (kind, spent) in [("late", 0), ("delay", 1)] {
        let (scene, _, grant) = granted().await;
        scene.fault(json!({"at": "token", "kind": kind, "delay_ms": 60_000, "times": 1})).await;
        let mut dying = scene.worker().await;
        dying.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
        until("the server has the request", || async {
            let armed = scene.emulator.control("GET", "/faults", &Value::Null).await;
            armed.as_array().unwrap().is_empty()
        })
        .await;
        dying.signal(Signal::KILL);
        dying.killed().await;
        assert_eq!(scene.refreshes().await, spent, "{kind}");
        let mut next = scene.worker().await;
        let refused = next.renew(&grant, 1).await;
        assert_eq!(refused["error"]["kind"], "ambiguous", "{kind}: {refused}");
        assert_eq!(next.token(&grant).await["generation"], 1, "the old one is served");
        assert_eq!((scene.refreshes().await, scene.reuses().await), (spent, 0), "{kind}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_keeps_no_spare_waiting() {
    let (scene, mut worker, _) = granted().await;
    let grant = scene.consent(&mut worker, 1).await;
    killed_at(&scene, &grant, "spooled").await;
    assert_eq!(damaged_answers(scene.folder.path()), 1);
    let mut next = scene.worker().await;
    let refused = next.renew(&grant, 2).await;
    assert!(refused.get("error").is_some(), "{refused}");
    scene.turn(LEASE).await;
    renewed(&mut next, &grant, 2, 3).await;
    assert_eq!(next.ok(json!({"do": "statistics"})).await["promoted"], 1);
}

/// Damages what is sealed in slots behind their labels; answers how many there were.
fn damaged_answers(folder: &Path) -> usize {
    const LABEL: usize = 1024;
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += damaged_answers(&path);
        } else if path.extension().is_some_and(|extension| extension == "slot") {
            let mut bytes = fs::read(&path).unwrap();
            if String::from_utf8_lossy(&bytes[..LABEL]).contains("\"status\":200") {
                bytes[LABEL + 20] ^= 0xff;
                fs::write(&path, bytes).unwrap();
                count += 1;
            }
        }
    }
    count
}

#[tokio::test]
async fn killed_after_the_answer_is_durable_nothing_is_lost_and_nothing_sent_again() {
    for place in ["spooled", "committed", "told"] {
        let (scene, _, grant) = granted().await;
        killed_at(&scene, &grant, place).await;
        let mut next = scene.worker().await;
        renewed(&mut next, &grant, 1, 2).await;
        assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0), "{place}");
        let salvaged = u64::from(place == "spooled");
        assert_eq!(next.ok(json!({"do": "statistics"})).await["salvaged"], salvaged, "{place}");
        works(&scene, &mut next, &grant, 2).await;
    }
}

#[tokio::test]
async fn a_process_that_runs_already_salvages_what_a_dead_one_left() {
    let (scene, mut running, grant) = granted().await;
    killed_at(&scene, &grant, "spooled").await;
    renewed(&mut running, &grant, 1, 2).await;
    assert_eq!(scene.refreshes().await, 1);
    works(&scene, &mut running, &grant, 2).await;
}

#[tokio::test]
async fn stopped_after_its_look_at_the_store_it_takes_what_others_did_meanwhile() {
    let (scene, mut other, grant) = granted().await;
    let (mut frozen, question) = stopped_at(&scene, &grant, "read").await;
    renewed(&mut other, &grant, 1, 2).await;
    renewed(&mut other, &grant, 2, 3).await;
    frozen.signal(Signal::CONT);
    let answer = frozen.answer(question).await;
    assert_eq!(answer["ok"][0]["generation"], 3, "{answer}");
    assert_eq!(scene.refreshes().await, 2);
    works(&scene, &mut other, &grant, 3).await;
}

#[tokio::test]
async fn stopped_before_the_confirmation_it_sends_nothing_when_it_thaws() {
    for place in ["acquired", "connected"] {
        let (scene, mut other, grant) = granted().await;
        let (mut frozen, question) = stopped_at(&scene, &grant, place).await;
        scene.turn(LEASE).await;
        renewed(&mut other, &grant, 1, 2).await;
        frozen.signal(Signal::CONT);
        let answer = frozen.answer(question).await["ok"][0].take();
        let late = answer["error"]["kind"] == "timeout" || answer["generation"] == 2;
        assert!(late, "{place}: {answer}");
        renewed(&mut frozen, &grant, 1, 2).await;
        assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0), "{place}");
        works(&scene, &mut frozen, &grant, 2).await;
    }
}

#[tokio::test]
async fn stopped_after_the_confirmation_it_is_not_overtaken_on_its_own_machine() {
    let (scene, mut other, grant) = granted().await;
    let (mut frozen, question) = stopped_at(&scene, &grant, "confirmed").await;
    for seconds in [LEASE, HOLD_BACK] {
        scene.turn(seconds).await;
        let refused = other.renew(&grant, 1).await;
        assert_eq!(refused["error"]["kind"], "ambiguous", "it may have sent: {refused}");
        assert!(refused.to_string().contains("let it go on, or kill it"), "{refused}");
    }
    frozen.signal(Signal::CONT);
    frozen.answer(question).await;
    renewed(&mut other, &grant, 1, 2).await;
    assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0));
    works(&scene, &mut frozen, &grant, 2).await;
}

#[tokio::test]
async fn stopped_after_the_confirmation_and_thawed_before_others_may_it_frees_the_chain() {
    let (scene, mut other, grant) = granted().await;
    let (mut frozen, question) = stopped_at(&scene, &grant, "confirmed").await;
    scene.turn(LEASE).await;
    frozen.signal(Signal::CONT);
    let answer = frozen.answer(question).await["ok"][0].take();
    assert_eq!(answer["error"]["kind"], "timeout", "{answer}");
    assert_eq!(scene.refreshes().await, 0, "nothing was sent");
    renewed(&mut other, &grant, 1, 2).await;
    works(&scene, &mut frozen, &grant, 2).await;
}

#[tokio::test]
async fn stopped_with_the_answer_in_hand_its_pair_is_kept_when_it_thaws() {
    let (scene, mut other, grant) = granted().await;
    let (mut frozen, question) = stopped_at(&scene, &grant, "answered").await;
    scene.turn(LEASE).await;
    let refused = other.renew(&grant, 1).await;
    assert_eq!(refused["error"]["kind"], "ambiguous", "{refused}");
    frozen.signal(Signal::CONT);
    assert_eq!(frozen.answer(question).await["ok"][0]["generation"], 2);
    renewed(&mut other, &grant, 1, 2).await;
    assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0));
    works(&scene, &mut other, &grant, 2).await;
}

#[tokio::test]
async fn stopped_with_the_answer_in_hand_for_longer_than_the_hold_back_nobody_declares_it_dead() {
    let (scene, mut other, grant) = granted().await;
    let (mut frozen, question) = stopped_at(&scene, &grant, "answered").await;
    scene.turn(LEASE + HOLD_BACK).await;
    for _ in 0..3 {
        let refused = other.renew(&grant, 1).await;
        assert_eq!(refused["error"]["kind"], "ambiguous", "its holder lives: {refused}");
        other.ok(json!({"do": "maintain"})).await;
        assert_eq!(other.grant(&grant).await["status"], "active");
    }
    frozen.signal(Signal::CONT);
    frozen.answer(question).await;
    renewed(&mut other, &grant, 1, 2).await;
    works(&scene, &mut frozen, &grant, 2).await;
}

#[tokio::test]
async fn stopped_later_than_the_spool_nothing_is_lost() {
    for place in ["spooled", "committed"] {
        let (scene, mut other, grant) = granted().await;
        let (mut frozen, question) = stopped_at(&scene, &grant, place).await;
        scene.turn(LEASE).await;
        // Whoever can store the answer does: it need not wait for its holder.
        renewed(&mut other, &grant, 1, 2).await;
        frozen.signal(Signal::CONT);
        assert_eq!(frozen.answer(question).await["ok"][0]["generation"], 2, "{place}");
        assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0), "{place}");
        works(&scene, &mut other, &grant, 2).await;
    }
}

/// A pair that its holder hands out while the store does not take it has the number that it will have.
#[tokio::test]
async fn stopped_with_an_answer_in_the_spool_no_spare_takes_its_number() {
    let (scene, mut other, _) = granted().await;
    let grant = scene.consent(&mut other, 1).await;
    let mut frozen = scene.worker_at_fault("spooled=stop").await;
    let renewal = json!({"do": "renew", "grant": grant["id"], "generation": 2});
    let question = frozen.begin(renewal).await;
    frozen.stopped().await;
    scene.turn(LEASE).await;
    let token = other.renew(&grant, 2).await;
    assert_eq!(token["generation"], 3, "{token}");
    assert_eq!(other.ok(json!({"do": "statistics"})).await["promoted"], 0);
    frozen.signal(Signal::CONT);
    let same = frozen.answer(question).await["ok"][0].take();
    assert_eq!((&same["generation"], &same["token"]), (&token["generation"], &token["token"]));
    assert_eq!(scene.lost(&mut other).await, 0);
}

#[tokio::test]
async fn a_stopped_process_that_is_killed_in_the_end_leaves_what_it_had() {
    for (place, kept) in [("confirmed", true), ("answered", false), ("spooled", true)] {
        let (scene, mut other, grant) = granted().await;
        let (mut frozen, _) = stopped_at(&scene, &grant, place).await;
        scene.turn(LEASE).await;
        frozen.signal(Signal::KILL);
        frozen.killed().await;
        scene.turn(LEASE).await;
        let renewed = other.renew(&grant, 1).await;
        if kept {
            assert_eq!(renewed["generation"], 2, "{place}: {renewed}");
            works(&scene, &mut other, &grant, 2).await;
        } else {
            assert_eq!(renewed["error"]["kind"], "needs_reauthorization", "{place}: {renewed}");
        }
    }
}

#[tokio::test]
async fn sixteen_processes_of_sixteen_tasks_meet_one_expired_token() {
    let scene = Scene::new().await;
    let mut first = scene.worker().await;
    let grant = scene.consent(&mut first, 1).await;
    let mut workers = Vec::new();
    for _ in 0..16 {
        workers.push(scene.worker().await);
    }
    scene.turn(3700).await;
    let mut questions = Vec::new();
    for worker in &mut workers {
        let command = json!({"do": "token", "grant": grant["id"], "tasks": 16});
        questions.push(worker.begin(command).await);
    }
    let mut tokens = std::collections::HashSet::new();
    for (worker, question) in workers.iter_mut().zip(questions) {
        let outcomes = worker.answer(question).await["ok"].take();
        let outcomes = outcomes.as_array().unwrap();
        assert_eq!(outcomes.len(), 16);
        for outcome in outcomes {
            assert_eq!(outcome["generation"], 2, "{outcome}");
            tokens.insert(outcome["token"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(tokens.len(), 1);
    assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0), "exactly one exchange");
    works(&scene, &mut first, &grant, 2).await;
}

#[test]
fn the_places_where_tests_kill_are_in_no_program_that_people_install() {
    let knows = |program: std::path::PathBuf| {
        let program = std::fs::read(program).unwrap();
        let text = String::from_utf8_lossy(&program);
        text.contains("EVERGRANT_FAULT") || text.contains("EVERGRANT_CLOCK")
    };
    assert!(knows(Scene::worker_path()), "it would find them");
    assert!(!knows(program()), "the feature `faults` has leaked");
}
