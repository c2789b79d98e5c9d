//! Calls and the portal's limits, on a clock that is turned: nothing here waits in real time.

use std::time::Duration;

use evergrant::{
    CallOptions, Client, Clock, Command, Kind, ListOptions, Priority, RateLimit, Strategy,
};
use evergrant_tests::{
    Emulator, processes,
    stage::{Stage, until},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// An emulator, a client of its webhook, and their clocks, which pass together.
struct Scene {
    emulator: Emulator,
    client: Client,
    clock: Clock,
}

impl Scene {
    async fn new(flags: &[&str]) -> Self {
        Self::with_leads("10", flags).await
    }

    /// A portal that lets nobody in.
    async fn refusing() -> Self {
        let scene = Self::new(&["--burst", "0"]).await;
        let body =
            json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
        let fault =
            json!({"at": "rest", "kind": "json", "status": 503, "body": body, "times": 1_000_000});
        scene.emulator.control("POST", "/faults", &fault).await;
        scene
    }

    async fn with_leads(leads: &str, flags: &[&str]) -> Self {
        let mut all = vec!["--leads", leads, "--deals", "1", "--contacts", "1"];
        all.extend(flags);
        let all: Vec<_> = all.into_iter().map(str::to_owned).collect();
        let emulator = Emulator::start(&all).await;
        let clock = Clock::system();
        let client = Client::from_webhook(&emulator.ready("webhook")).unwrap().clock(clock.clone());
        Self { emulator, client, clock }
    }

    /// The portal's time first: its bucket has leaked when we think so.
    async fn turn(&self, seconds: i64) {
        self.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
        self.clock.turn(seconds);
    }

    /// Lets seconds pass until all are done; answers how many, and what came of them.
    async fn pass<T>(&self, tasks: Vec<JoinHandle<T>>) -> (i64, Vec<T>) {
        self.pass_by(1, tasks).await
    }

    /// As `pass`, so many seconds at a time.
    async fn pass_by<T>(&self, step: i64, tasks: Vec<JoinHandle<T>>) -> (i64, Vec<T>) {
        let mut seconds = 0;
        loop {
            // Long enough for every request that may go now to be answered.
            for _ in 0..20 {
                if tasks.iter().all(JoinHandle::is_finished) {
                    let mut answers = Vec::new();
                    for task in tasks {
                        answers.push(task.await.unwrap());
                    }
                    return (seconds, answers);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            self.turn(step).await;
            seconds += step;
            assert!(seconds < 2000, "they wait for ever");
        }
    }

    fn calls(&self, count: usize) -> Vec<JoinHandle<evergrant::Result<Value>>> {
        calls(&self.client, count)
    }

    /// A batch of so many commands; how many had an answer.
    fn batch(&self, count: usize) -> JoinHandle<evergrant::Result<usize>> {
        let client = self.client.clone();
        let command = |_| Command::new("profile", Value::Null).unwrap();
        let commands = (0..count).map(command).collect();
        tokio::spawn(async move {
            let outcomes = client.batch(commands).await?;
            Ok(outcomes.iter().filter(|outcome| outcome.is_ok()).count())
        })
    }

    /// A list by ids; how many rows it had.
    fn list(&self) -> JoinHandle<evergrant::Result<usize>> {
        let options = ListOptions::new().strategy(Strategy::AfterId);
        let list = self.client.list_with("crm.lead.list", Value::Null, options).unwrap();
        tokio::spawn(async move { Ok(list.all().await?.len()) })
    }

    async fn refused(&self) -> u64 {
        let limits = self.emulator.control("GET", "/limits", &Value::Null).await;
        limits.as_array().unwrap().iter().map(|one| one["refused"].as_u64().unwrap()).sum()
    }

    async fn set(&self, settings: Value) {
        self.emulator.control("POST", "/settings", &settings).await;
    }
}

fn calls(client: &Client, count: usize) -> Vec<JoinHandle<evergrant::Result<Value>>> {
    let call = |_| {
        let client = client.clone();
        tokio::spawn(async move { Ok(client.call("profile", Value::Null).await?.result) })
    };
    (0..count).map(call).collect()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_refuses_for_ever_is_not_asked_for_ever() {
    let scene = Scene::refusing().await;
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
    for many in [|scene: &Scene| scene.batch(100), |scene: &Scene| scene.list()] {
        let scene = Scene::refusing().await;
        let work = many(&scene);
        let (seconds, answers) = scene.pass_by(10, vec![work]).await;
        assert_eq!(answers[0].as_ref().unwrap_err().kind(), Kind::RateLimited);
        assert!(
            (880..=1100).contains(&seconds),
            "{seconds} s; requests in bulk have fifteen minutes"
        );
    }
}
