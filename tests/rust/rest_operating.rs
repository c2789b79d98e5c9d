//! Operating time of methods, on a clock that is turned: nothing here waits in real time.

use std::time::Duration;

use evergrant::{CallOptions, Client, Command, Kind, ListOptions, RateLimit, Strategy};
use evergrant_tests::{limits::Scene, stage::until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operating_time_holds_back_near_the_cap_and_no_earlier() {
    let scene = Scene::new(&["--burst", "0"]).await;
    let client = scene.client.clone().rate_limit(RateLimit::Off);
    scene.set(json!({"operating_cost": {"profile": 20.0}})).await;
    let call = |client: &Client, method: &'static str| {
        let client = client.clone();
        tokio::spawn(async move {
            let options = CallOptions::new().deadline(Duration::from_secs(1500));
            client.call_with(method, Value::Null, options).await.map(drop)
        })
    };
    for count in 0..22 {
        let (seconds, answers) = scene.pass(vec![call(&client, "profile")]).await;
        assert!(answers[0].is_ok() && seconds == 0, "call {count} waited {seconds} s");
    }
    // 440 of 480 seconds are used: three calls are left for ten minutes.
    let (seconds, answers) =
        scene.pass_by(10, vec![call(&client, "profile"), call(&client, "profile")]).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(seconds > 60, "{seconds}");
    let (seconds, answers) = scene.pass(vec![call(&client, "server.time")]).await;
    assert!(answers[0].is_ok() && seconds == 0, "another method does not wait");
    // Over the cap: until the oldest minute has left the window, and then without a refusal.
    let (_, answers) = scene.pass_by(20, (0..4).map(|_| call(&client, "profile")).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// Its requests are batches, whose commands cost as much as single calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_near_the_cap_waits_before_it_is_refused() {
    for strategy in [Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        let scene = Scene::with_leads("300", &["--burst", "0"]).await;
        let client = scene.client.clone().rate_limit(RateLimit::Off);
        scene.set(json!({"operating_cost": {"crm.lead.list": 20.0}})).await;
        for _ in 0..22 {
            client.call("crm.lead.list", Value::Null).await.unwrap();
        }
        let options = ListOptions::new().strategy(strategy).total(true);
        let list = client.list_with("crm.lead.list", Value::Null, options).unwrap().all();
        let (seconds, rows) = scene.pass_by(10, vec![tokio::spawn(list)]).await;
        assert_eq!(rows[0].as_ref().unwrap().len(), 300, "{strategy:?}");
        assert!(seconds > 400, "{strategy:?}: {seconds} s");
        let counters = scene.emulator.control("GET", "/counters", &Value::Null).await;
        assert!(!counters.to_string().contains("OPERATION_TIME_LIMIT"), "{strategy:?}: {counters}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_operating_time_says_when_and_waits_if_it_may() {
    let scene = Scene::new(&["--burst", "0"]).await;
    scene.set(json!({"operating_cost": {"profile": 300.0}, "time": "without_operating"})).await;
    for _ in 0..2 {
        scene.client.call("profile", Value::Null).await.unwrap();
    }
    let hurried = CallOptions::new().deadline(Duration::from_secs(10));
    let error = scene.client.call_with("profile", Value::Null, hurried).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OperatingLimit);
    assert!(error.retry_after().unwrap() >= Duration::from_secs(50), "{error:?}");
    let requests = scene.emulator.count("/portal/requests").await;
    let (_, answers) = scene
        .pass_by(
            10,
            vec![{
                let client = scene.client.clone();
                let patient = CallOptions::new().deadline(Duration::from_secs(1000));
                tokio::spawn(async move { client.call_with("profile", Value::Null, patient).await })
            }],
        )
        .await;
    answers[0].as_ref().unwrap();
    let spent = scene.emulator.count("/portal/requests").await - requests;
    assert!(spent <= 12, "{spent} requests, one a minute at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_batch_only_the_method_that_is_over_waits() {
    let scene = Scene::new(&["--burst", "0"]).await;
    scene.set(json!({"operating_cost": {"profile": 500.0}})).await;
    let commands = || {
        vec![
            Command::new("profile", Value::Null).unwrap(),
            Command::new("server.time", Value::Null).unwrap(),
        ]
    };
    scene.client.call("profile", Value::Null).await.unwrap();
    for round in 1..3 {
        let client = scene.client.clone();
        let batch = tokio::spawn(async move { client.batch(commands()).await });
        let (seconds, answers) = scene.pass_by(10, vec![batch]).await;
        let outcomes = answers[0].as_ref().unwrap();
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert!(seconds > 500, "{seconds} s");
        // The other command was answered at once, and is not asked for again.
        assert_eq!(scene.emulator.count("/portal/methods/batch").await, round);
        assert_eq!(scene.emulator.count("/portal/methods/server.time").await, round);
    }
    scene.client.call("server.time", Value::Null).await.unwrap();
}

/// A portal may bill batches as such: whose time it was, the refusal does not say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_refused_whole_waits_by_itself() {
    let scene = Scene::new(&["--burst", "0"]).await;
    let body = json!({"error": "OPERATION_TIME_LIMIT"});
    let fault =
        json!({"at": "rest", "method": "batch", "kind": "json", "status": 429, "body": body});
    scene.emulator.control("POST", "/faults", &fault).await;
    let batch = |methods: [&str; 2]| {
        let client = scene.client.clone();
        let commands = methods.map(|method| Command::new(method, Value::Null).unwrap());
        tokio::spawn(async move { client.batch(commands.into()).await })
    };
    let refused = batch(["profile", "server.time"]);
    until("the refusal", async || scene.emulator.count("/portal/requests").await == 1).await;
    let mut others = scene.calls(1);
    others.push(tokio::spawn({
        let other = batch(["server.time", "profile"]);
        async move { Ok(other.await.unwrap()?.len().into()) }
    }));
    let (seconds, answers) = scene.pass(others).await;
    assert!(answers.iter().all(Result::is_ok) && seconds <= 1, "{seconds} s");
    let (seconds, outcomes) = scene.pass_by(5, vec![refused]).await;
    assert!(outcomes[0].as_ref().unwrap().iter().all(Result::is_ok), "{outcomes:?}");
    assert!((55..=120).contains(&seconds), "{seconds} s");
}

/// What a single call would not wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_batches_wait_for_operating_time_that_is_six_minutes_away() {
    let lead = || Command::new("crm.lead.list", json!({"select": ["ID"]})).unwrap();
    for strategy in [Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        let scene = Scene::with_leads("300", &["--burst", "0"]).await;
        let client = scene.client.clone().rate_limit(RateLimit::Off);
        scene.set(json!({"operating_cost": {"crm.lead.list": 100.0}})).await;
        client.call("crm.lead.list", Value::Null).await.unwrap();
        scene.turn(240).await;
        let options = ListOptions::new().strategy(strategy).total(true);
        let list =
            client.list_with("crm.lead.list", json!({"select": ["ID"]}), options).unwrap().all();
        let (seconds, rows) = scene.pass_by(10, vec![tokio::spawn(list)]).await;
        let rows = rows[0].as_ref().unwrap_or_else(|error| panic!("{strategy:?}: {error}"));
        assert_eq!(rows.len(), 300, "{strategy:?}");
        assert!(seconds >= 350, "{strategy:?}: {seconds} s");
    }
    let scene = Scene::new(&["--burst", "0"]).await;
    let client = scene.client.clone().rate_limit(RateLimit::Off);
    scene.set(json!({"operating_cost": {"crm.lead.list": 100.0}})).await;
    client.call("crm.lead.list", Value::Null).await.unwrap();
    scene.turn(240).await;
    let batch = tokio::spawn(async move { client.batch((0..6).map(|_| lead()).collect()).await });
    let (seconds, answers) = scene.pass_by(10, vec![batch]).await;
    let outcomes = answers[0].as_ref().unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(seconds >= 350, "{seconds} s");
}
