//! What one exchange leaves behind when its answer is lost or late, in each rotation mode: the truth beside what the
//! client has seen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Pair, Running, small, start};

async fn with(settings: Value) -> Running {
    let running = start(small()).await;
    running.control("/settings", settings).await;
    running
}

/// A refresh that may get no answer.
async fn send(running: &Running, token: &str, patience: Duration) -> reqwest::Result<Value> {
    let ready = running.ready();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &ready.client_id),
        ("client_secret", &ready.client_secret),
        ("refresh_token", token),
    ];
    // A connection of its own: nothing is sent again behind our back.
    let http = reqwest::Client::builder().timeout(patience).build().unwrap();
    let url = format!("{}/oauth/token/", ready.authorization);
    http.post(url).form(&form).send().await?.json().await
}

async fn lose(running: &Running, token: &str, when: &str) {
    let fault = json!({"at": "token", "method": "refresh_token", "kind": "drop", "when": when});
    running.control("/faults", fault).await;
    assert!(send(running, token, Duration::from_secs(10)).await.is_err(), "no answer arrives");
}

/// The living refresh tokens of the only chain; both views of the control port agree.
async fn living(running: &Running) -> Vec<String> {
    let tokens = running.truth("/tokens").await;
    let alive = tokens.as_array().unwrap().iter();
    let alive = alive.filter(|token| token["kind"] == "refresh" && token["alive"] == true);
    let alive: Vec<String> =
        alive.map(|token| token["token"].as_str().unwrap().to_owned()).collect();
    let chain = running.truth("/chains").await[0].clone();
    assert_eq!(chain["living"], alive.len(), "{chain}");
    alive
}

#[tokio::test]
async fn a_request_that_is_lost_before_the_work_spends_nothing() {
    for settings in [
        json!({"rotation": "strict"}),
        json!({"rotation": "grace", "grace_successor": "newest"}),
        json!({"rotation": "family"}),
    ] {
        let running = with(settings.clone()).await;
        let pair = running.pair().await;
        lose(&running, &pair.refresh, "before").await;
        assert_eq!(living(&running).await, [pair.refresh.as_str()], "{settings}");
        let chain = running.truth("/chains").await[0].clone();
        assert_eq!((&chain["refreshes"], &chain["reuses"]), (&json!(0), &json!(0)));
        let next = Pair::of(&running.refresh(&pair.refresh).await.json());
        assert_eq!(living(&running).await, [next.refresh], "{settings}");
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_a_successor_that_nobody_has() {
    let running = with(json!({"rotation": "strict"})).await;
    let pair = running.pair().await;
    lose(&running, &pair.refresh, "after").await;
    let orphan = living(&running).await;
    assert!(orphan.len() == 1 && orphan[0] != pair.refresh, "{orphan:?}");
    assert_eq!(running.refresh(&pair.refresh).await.status, 400);
    assert_eq!(living(&running).await, orphan, "it lives on, and is of no use to anybody");

    let running = with(json!({"rotation": "grace", "grace_successor": "same"})).await;
    let pair = running.pair().await;
    lose(&running, &pair.refresh, "after").await;
    let orphan = living(&running).await;
    let again = Pair::of(&running.refresh(&pair.refresh).await.json());
    assert_eq!(orphan, [again.refresh.as_str()], "the repetition hands it over");
    assert_eq!(living(&running).await, orphan);

    let running = with(json!({"rotation": "family"})).await;
    let pair = running.pair().await;
    lose(&running, &pair.refresh, "after").await;
    assert_eq!(living(&running).await.len(), 1);
    assert_eq!(running.refresh(&pair.refresh).await.status, 400);
    assert_eq!(living(&running).await.len(), 0, "the repetition ended the family");
}

#[tokio::test]
async fn of_all_successors_the_newest_alone_lives_however_far_the_others_went() {
    let running = with(json!({"rotation": "grace", "grace_successor": "newest"})).await;
    let first = running.pair().await;
    lose(&running, &first.refresh, "after").await;
    let second = Pair::of(&running.refresh(&first.refresh).await.json());
    assert_eq!(living(&running).await, [second.refresh.as_str()], "the lost one ended");
    let third = Pair::of(&running.refresh(&second.refresh).await.json());
    let fourth = Pair::of(&running.refresh(&first.refresh).await.json());
    assert_eq!(living(&running).await, [fourth.refresh.as_str()]);
    for ended in [&second, &third] {
        assert_eq!(running.refresh(&ended.refresh).await.status, 400);
        assert_eq!(running.oracle(&ended.access).await.status, 401);
    }
    assert_eq!(running.oracle(&fourth.access).await.status, 200);
    running.control("/clock", json!({"advance": 61})).await;
    assert_eq!(running.refresh(&first.refresh).await.status, 400, "the window is over");
    assert_eq!(running.refresh(&fourth.refresh).await.status, 200);
}

#[tokio::test]
async fn a_late_answer_was_worked_for_at_once() {
    let running = with(json!({"old_access": "dies"})).await;
    let pair = running.pair().await;
    let fault = json!({"at": "token", "kind": "delay", "delay_ms": 1200, "times": 2});
    running.control("/faults", fault).await;
    let impatient = send(&running, &pair.refresh, Duration::from_millis(400)).await;
    assert!(impatient.unwrap_err().is_timeout());
    let orphan = living(&running).await;
    assert!(orphan.len() == 1 && orphan[0] != pair.refresh, "it was spent before anybody waited");
    assert_eq!(running.oracle(&pair.access).await.status, 401, "the issuer tells that it was");
    let began = Instant::now();
    let patient = send(&running, &orphan[0], Duration::from_secs(10)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(1200), "{:?}", began.elapsed());
    assert_eq!(living(&running).await, [patient["refresh_token"].as_str().unwrap()]);
}

#[tokio::test]
async fn work_that_is_done_late_is_done_although_the_client_has_gone() {
    let running = with(json!({"rotation": "family"})).await;
    let pair = running.pair().await;
    let late = json!({"at": "token", "method": "refresh_token", "kind": "late", "delay_ms": 2000});
    running.control("/faults", late).await;
    let impatient = send(&running, &pair.refresh, Duration::from_millis(400)).await;
    assert!(impatient.unwrap_err().is_timeout());
    assert_eq!(living(&running).await, [pair.refresh.as_str()], "nothing has happened yet");
    let next = Pair::of(&running.refresh(&pair.refresh).await.json());
    assert_eq!(living(&running).await, [next.refresh.as_str()]);
    // Then the first request is worked on, finds its token spent, and ends the family.
    for _ in 0..500 {
        if running.truth("/chains").await[0]["living"] == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let chain = running.truth("/chains").await[0].clone();
    assert_eq!((&chain["revoked"], &chain["reuses"]), (&json!(true), &json!(1)));

    let late = json!({"at": "rest", "method": "crm.lead.add", "kind": "late", "delay_ms": 7_200_000, "clock": "virtual"});
    running.control("/faults", late).await;
    let before = running.truth("/clock").await["offset"].as_i64().unwrap();
    assert_eq!(running.call("crm.lead.add", json!({"fields": {}})).await.status, 200);
    let after = running.truth("/clock").await["offset"].as_i64().unwrap();
    assert!(after - before >= 7200, "the clock was turned instead");
}

#[tokio::test]
async fn each_exchange_can_have_a_fault_of_its_own() {
    let running = with(json!({"rotation": "strict"})).await;
    let mut token = running.pair().await.refresh;
    let fault = |skip: u64, when: &str| json!({"at": "token", "method": "refresh_token", "kind": "drop", "when": when, "skip": skip});
    // The third request is lost on its way, and the fifth answer on its way back.
    running.control("/faults", fault(2, "before")).await;
    running.control("/faults", fault(3, "after")).await;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        match send(&running, &token, Duration::from_secs(10)).await {
            Ok(answer) => match answer["refresh_token"].as_str() {
                Some(next) => {
                    outcomes.push("ok");
                    token = next.to_owned();
                }
                None => outcomes.push("dead"),
            },
            Err(_) => outcomes.push("lost"),
        }
    }
    assert_eq!(outcomes, ["ok", "ok", "lost", "ok", "lost", "dead"]);
    let chain = running.truth("/chains").await[0].clone();
    assert_eq!((&chain["refreshes"], &chain["reuses"]), (&json!(4), &json!(1)));
    assert_eq!(living(&running).await.len(), 1);
    assert_eq!(running.truth("/faults").await, json!([]));
}
