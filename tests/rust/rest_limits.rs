//! Calls and the portal's bucket, on a clock that is turned: nothing here waits in real time.

use std::time::Duration;

use evergrant::{CallOptions, Client, Command, Kind, ListOptions, Priority, RateLimit, Strategy};
use evergrant_tests::{
    limits::{Scene, calls},
    processes,
    stage::{Stage, until},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A batch of so many commands; how many had an answer.
fn batch(scene: &Scene, count: usize) -> JoinHandle<evergrant::Result<usize>> {
    let client = scene.client.clone();
    let command = |_| Command::new("profile", Value::Null).unwrap();
    let commands = (0..count).map(command).collect();
    tokio::spawn(async move {
        let outcomes = client.batch(commands).await?;
        Ok(outcomes.iter().filter(|outcome| outcome.is_ok()).count())
    })
}

/// A list by ids; how many rows it had.
fn list(scene: &Scene) -> JoinHandle<evergrant::Result<usize>> {
    let options = ListOptions::new().strategy(Strategy::AfterId);
    let list = scene.client.list_with("crm.lead.list", Value::Null, options).unwrap();
    tokio::spawn(async move { Ok(list.all().await?.len()) })
}

/// A portal that lets nobody in.
async fn refusing() -> Scene {
    let scene = Scene::new(&["--burst", "0"]).await;
    let body = json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
    let fault =
        json!({"at": "rest", "kind": "json", "status": 503, "body": body, "times": 1_000_000});
    scene.emulator.control("POST", "/faults", &fault).await;
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_and_fifty_calls_meet_no_refusal() {
    let scene = Scene::new(&[]).await;
    let (seconds, answers) = scene.pass(scene.calls(150)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(scene.refused().await, 0);
    assert!((45..60).contains(&seconds), "{seconds} s; the portal allows it in 50");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_bucket_costs_one_refusal() {
    let scene = Scene::new(&["--set", "drained=true"]).await;
    let calls = scene.calls(60);
    // While the first has no answer, time that passes lets a second one go.
    until("the first answer", async || scene.refused().await > 0).await;
    let (seconds, answers) = scene.pass(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(scene.refused().await, 1);
    assert!(seconds < 40, "{seconds} s; the portal allows it in 30");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_behind_the_same_address_costs_nobody_a_failure() {
    let scene = Scene::new(&["--set", "drained=true"]).await;
    let calls = scene.calls(80);
    let http = reqwest::Client::new();
    let url = format!("{}profile", scene.emulator.ready("webhook"));
    let mut seconds = 0;
    while !calls.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(40)).await;
        scene.turn(1).await;
        seconds += 1;
        // A fifth of what leaks: one request in two and a half seconds.
        if seconds % 5 == 0 || seconds % 5 == 2 {
            http.get(&url).send().await.unwrap();
        }
        assert!(seconds < 400, "they wait for ever");
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(scene.refused().await < 20, "{} refusals", scene.refused().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_counts_in_the_store_of_its_grants() {
    let stage = Stage::on_sqlite().await;
    let client = stage.application.client(stage.grant.id);
    for _ in 0..10 {
        client.call("profile", Value::Null).await.unwrap();
    }
    let store = rusqlite::Connection::open(stage.folder.path().join("grants.db")).unwrap();
    let (portal, level): (String, f64) = store
        .query_row("SELECT portal, level FROM buckets", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(format!("http://{portal}"), stage.emulator.ready("portal"));
    // Requests are taken some at a time, and leak.
    assert!((3.0..=15.0).contains(&level), "{level}");
}

/// Each program by itself would take the whole bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_programs_on_one_store_share_the_bucket() {
    let scene = processes::Scene::new().await;
    let mut workers = [scene.worker().await, scene.worker().await, scene.worker().await];
    let grant = scene.consent(&mut workers[0], 1).await;
    scene.emulator.control("POST", "/settings", &json!({"burst": 50})).await;
    scene.emulator.control("DELETE", "/limits", &Value::Null).await;
    let call = json!({"do": "call", "grant": grant["id"], "method": "profile"});
    let mut asked = Vec::new();
    for _ in 0..30 {
        for (index, worker) in workers.iter_mut().enumerate() {
            asked.push((index, worker.begin(call.clone()).await));
        }
    }
    let all = tokio::spawn(async move {
        let mut failed = 0;
        for (index, id) in asked {
            failed += usize::from(workers[index].answer(id).await.get("ok").is_none());
        }
        failed
    });
    until("the bucket is full", async || {
        let limits = scene.emulator.control("GET", "/limits", &Value::Null).await;
        limits[0]["admitted"].as_u64().unwrap_or(0) >= 40
    })
    .await;
    // From here on the portal is a second ahead: two clocks are not turned at the same moment.
    scene.emulator.control("POST", "/clock", &json!({"advance": 1})).await;
    for _ in 0..600 {
        if all.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        scene.turn(1).await;
    }
    assert_eq!(all.await.unwrap(), 0);
    let limits = scene.emulator.control("GET", "/limits", &Value::Null).await;
    assert_eq!((&limits[0]["admitted"], &limits[0]["refused"]), (&json!(90), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_is_off() {
    let mut scene = Scene::new(&["--burst", "0"]).await;
    scene.client = scene.client.rate_limit(RateLimit::Off);
    let (seconds, answers) = scene.pass(scene.calls(200)).await;
    assert!(answers.iter().all(Result::is_ok) && seconds < 5, "{seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_by_the_vendor_stops_everything() {
    let scene = Scene::new(&[]).await;
    let fault = json!({"at": "rest", "kind": "overload", "times": 1});
    scene.emulator.control("POST", "/faults", &fault).await;
    let blocked = |error: evergrant::Error| {
        assert_eq!((error.kind(), error.code()), (Kind::Blocked, Some("OVERLOAD_LIMIT")));
        assert!(error.advice().is_some());
    };
    blocked(scene.client.call("profile", Value::Null).await.unwrap_err());
    let sent = scene.emulator.count("/portal/requests").await;
    blocked(scene.client.call("profile", Value::Null).await.unwrap_err());
    // Another client of the same portal, too.
    let other = Client::from_webhook(&scene.emulator.ready("webhook")).unwrap();
    blocked(other.call("server.time", Value::Null).await.unwrap_err());
    assert_eq!(scene.emulator.count("/portal/requests").await, sent);
    scene.turn(16 * 60).await;
    scene.client.call("profile", Value::Null).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_generations_of_rest_share_the_bucket() {
    let scene = Scene::new(&[]).await;
    let v3 = scene.client.v3();
    let newer = |_| {
        let v3 = v3.clone();
        tokio::spawn(async move { Ok(v3.call("tasks.task.list", Value::Null).await?.result) })
    };
    let mut all = scene.calls(50);
    all.extend((0..50).map(newer));
    let (seconds, answers) = scene.pass(all).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(scene.refused().await, 0);
    assert!((20..35).contains(&seconds), "{seconds} s; the portal allows it in 25");
}

/// What one client says of the rate leaves alone what another said of the reserve.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reserve_is_left_to_others() {
    let scene = Scene::new(&[]).await;
    let careful = scene.client.clone().reserve(0.5).unwrap();
    careful.call("profile", Value::Null).await.unwrap();
    let other = scene.client.clone().rate_limit(RateLimit::STANDARD);
    let (seconds, answers) = scene.pass(calls(&other, 60)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!((34..45).contains(&seconds), "{seconds} s; half of the portal's allows it in 36");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_overtakes_bulk() {
    let scene = Scene::new(&[]).await;
    let call = |method: &'static str, priority: Priority| {
        let client = scene.client.clone();
        let options = CallOptions::new().priority(priority);
        tokio::spawn(async move { client.call_with(method, Value::Null, options).await.map(drop) })
    };
    let mut bulk: Vec<_> = (0..80).map(|_| call("profile", Priority::Bulk)).collect();
    let admitted = async || scene.emulator.count("/portal/methods/profile").await;
    until("the bucket is full", async || admitted().await >= 49).await;
    let urgent = call("server.time", Priority::Interactive);
    let (seconds, answers) = scene.pass(vec![urgent]).await;
    answers[0].as_ref().unwrap();
    assert!(seconds <= 3, "{seconds} s behind thirty others");
    assert!(bulk.iter().any(|call| !call.is_finished()));
    let (_, answers) = scene.pass(std::mem::take(&mut bulk)).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_takes_its_bucket_along_to_a_new_address() {
    let scene = Scene::new(&[]).await;
    let (_, answers) = scene.pass(scene.calls(45)).await;
    assert!(answers.iter().all(Result::is_ok));
    let moved = scene.emulator.control("POST", "/domain", &json!({})).await;
    let client = scene.client.clone().moved_to(moved["portal"].as_str().unwrap()).unwrap();
    let (seconds, answers) = scene.pass(calls(&client, 1)).await;
    assert!(answers[0].is_ok() && seconds <= 1, "{seconds} s");
    let (seconds, answers) = scene.pass(calls(&client, 40)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(scene.refused().await, 0, "what was sent to the old address is counted");
    assert!(seconds >= 15, "{seconds} s");
}

#[tokio::test]
async fn a_redirected_batch_is_sent_to_the_new_address() {
    let scene = Scene::new(&["--burst", "0"]).await;
    let moved = scene.emulator.control("POST", "/domain", &json!({})).await;
    let new = moved["portal"].as_str().unwrap();
    let commands = || {
        let add = json!({"fields": {"TITLE": "told after the move"}});
        vec![Command::new("crm.lead.add", add).unwrap(); 2]
    };
    let error = scene.client.batch(commands()).await.unwrap_err();
    assert!(error.to_string().contains("moved_to"), "{error}");
    let confirmed = scene.client.clone().moved_to(new).unwrap();
    let outcomes = confirmed.batch(commands()).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let title = json!({"filter": {"TITLE": "told after the move"}});
    assert_eq!(confirmed.count("crm.lead.list", title).await.unwrap(), 2, "each was added once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_refuses_for_ever_is_not_asked_for_ever() {
    let scene = refusing().await;
    let mut calls = scene.calls(2);
    let client = scene.client.clone();
    calls.push(tokio::spawn(async move {
        client.count("crm.lead.list", Value::Null).await.map(Value::from)
    }));
    let bulk = calls.pop().unwrap();
    let (seconds, answers) = scene.pass_by(5, calls).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::RateLimited, Some("QUERY_LIMIT_EXCEEDED")));
        assert!(error.is_retryable(), "{error}");
    }
    assert!((290..=340).contains(&seconds), "{seconds} s; a call has five minutes");
    let (more, answers) = scene.pass_by(5, vec![bulk]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().kind(), Kind::RateLimited);
    assert!((880..=1100).contains(&(seconds + more)), "{} s in bulk", seconds + more);
    // The portal is well again: the next call is answered.
    scene.emulator.control("DELETE", "/faults", &Value::Null).await;
    let (_, answers) = scene.pass(scene.calls(1)).await;
    answers[0].as_ref().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_let_in_is_not_asked_for_piece_by_piece() {
    for many in [|scene: &Scene| batch(scene, 100), list] {
        let scene = refusing().await;
        let work = many(&scene);
        let (seconds, answers) = scene.pass_by(10, vec![work]).await;
        assert_eq!(answers[0].as_ref().unwrap_err().kind(), Kind::RateLimited);
        assert!(
            (880..=1100).contains(&seconds),
            "{seconds} s; requests in bulk have fifteen minutes"
        );
    }
}
