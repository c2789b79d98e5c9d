//! How answers can arrive, and faults by chance.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Running, small, start};

async fn arm(running: &Running, fault: Value) {
    running.control("/faults", fault).await;
}

#[tokio::test]
async fn a_reset_connection_is_reset() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let running = start(small()).await;
    for (kind, error) in [("reset", Some(std::io::ErrorKind::ConnectionReset)), ("drop", None)] {
        arm(&running, json!({"at": "rest", "kind": kind})).await;
        let address = running.ready().portal.trim_start_matches("http://").to_owned();
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(format!("GET /rest/profile HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes).await;
        assert_eq!(read.err().map(|error| error.kind()), error, "{kind}");
        assert!(bytes.is_empty());
    }
    let log = running.truth("/log").await;
    assert_eq!((&log[0]["status"], &log[1]["status"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn delays_are_waited_for_or_turn_the_clock() {
    let running = start(small()).await;
    let profile = || async { running.call("profile", json!({})).await };
    arm(&running, json!({"at": "rest", "kind": "delay", "delay_ms": 300})).await;
    let begun = Instant::now();
    assert_eq!(profile().await.status, 200);
    assert!(begun.elapsed().as_millis() >= 300);
    let now = |clock: Value| clock["offset"].as_i64().unwrap();
    arm(
        &running,
        json!({"at": "rest", "kind": "delay", "delay_ms": 7_200_000, "clock": "virtual"}),
    )
    .await;
    assert_eq!(profile().await.status, 200);
    assert!(now(running.truth("/clock").await) >= 7200, "nobody waited two hours");
    arm(&running, json!({"at": "rest", "kind": "status", "status": 502, "delay_ms": 100})).await;
    let begun = Instant::now();
    assert_eq!(profile().await.status, 502, "any kind can be late");
    assert!(begun.elapsed().as_millis() >= 100);
}

#[tokio::test]
async fn a_slow_body_comes_in_parts() {
    let running = start(small()).await;
    arm(&running, json!({"at": "rest", "kind": "slow", "delay_ms": 200})).await;
    let url = format!("{}profile", running.ready().webhook);
    let begun = Instant::now();
    let mut response = running.http.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut chunks, mut bytes) = (0, Vec::new());
    while let Some(chunk) = response.chunk().await.unwrap() {
        chunks += 1;
        bytes.extend_from_slice(&chunk);
    }
    assert!(chunks > 3 && begun.elapsed().as_millis() >= 200, "{chunks} chunks");
    assert!(serde_json::from_slice::<Value>(&bytes).unwrap()["result"].is_object());
}

#[tokio::test]
async fn the_servers_own_failures_have_their_codes() {
    let running = start(small()).await;
    for (kind, status, code) in [
        ("overload", 503, "OVERLOAD_LIMIT"),
        ("internal", 500, "INTERNAL_SERVER_ERROR"),
        ("unexpected", 500, "ERROR_UNEXPECTED_ANSWER"),
        ("error_200", 200, "ERROR_CORE"),
    ] {
        arm(&running, json!({"at": "rest", "kind": kind})).await;
        assert_eq!(running.call("profile", json!({})).await.error(), (status, code.to_owned()));
    }
    arm(&running, json!({"at": "rest", "kind": "unavailable"})).await;
    let reply = running.call("profile", json!({})).await;
    assert_eq!(reply.status, 503);
    assert!(reply.header("content-type").starts_with("text/html") && reply.text.contains("<h1>"));
    arm(&running, json!({"at": "rest", "kind": "overload", "status": 401})).await;
    assert_eq!(running.call("profile", json!({})).await.status, 401);
}

#[tokio::test]
async fn a_skewed_date_leaves_the_answer_alone() {
    let running = start(small()).await;
    running.control("/clock", json!({"set": 1_700_000_000})).await;
    arm(&running, json!({"at": "rest", "kind": "skew", "skew": 86_400})).await;
    let reply = running.call("profile", json!({})).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("date").starts_with("Wed, 15 Nov 2023"), "{}", reply.header("date"));
    let reply = running.call("profile", json!({})).await;
    assert!(reply.header("date").starts_with("Tue, 14 Nov 2023"), "{}", reply.header("date"));
}

#[tokio::test]
async fn one_page_of_a_batch_fails() {
    let running = start(small()).await;
    arm(&running, json!({"at": "rest", "kind": "internal", "command": 2})).await;
    let pages: Vec<String> =
        (0..4).map(|page| format!("crm.lead.list?start={}", page * 50)).collect();
    assert_eq!(
        running.call("crm.lead.list", json!({})).await.status,
        200,
        "it is about batches alone"
    );
    let answer = running.call("batch", json!({"cmd": pages})).await.json()["result"].clone();
    assert_eq!(answer["result_error"]["2"]["error"], "INTERNAL_SERVER_ERROR");
    let keys: Vec<&str> =
        answer["result"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["0", "1", "3"]);
    arm(
        &running,
        json!({"at": "rest", "kind": "overload", "method": "crm.lead.list", "command": "b"}),
    )
    .await;
    let cmd = json!({"a": "crm.lead.list", "b": "crm.lead.list"});
    let answer = running.call("batch", json!({"cmd": cmd})).await.json()["result"].clone();
    assert_eq!(answer["result_error"]["b"]["error"], "OVERLOAD_LIMIT");
}

#[tokio::test]
async fn chance_strikes_the_same_requests_for_the_same_seed() {
    let running = start(small()).await;
    let strikes = |seed: u64| {
        let running = &running;
        async move {
            let fault = json!({"at": "rest", "kind": "status", "probability": 0.3, "seed": seed});
            arm(running, fault).await;
            let mut struck = Vec::new();
            for _ in 0..60 {
                struck.push(running.call("profile", json!({})).await.status == 500);
            }
            let url = format!("{}/faults", running.ready().control);
            running.http.delete(&url).send().await.unwrap();
            struck
        }
    };
    let (one, again, other) = (strikes(7).await, strikes(7).await, strikes(8).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let count = one.iter().filter(|struck| **struck).count();
    assert!((6..=30).contains(&count), "{count} of 60 at 0.3");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let running = start(small()).await;
    for (fault, field) in [
        (json!({"at": "rest", "kind": "duplicate"}), "kind"),
        (json!({"at": "event", "kind": "html"}), "kind"),
        (json!({"at": "rest", "kind": "json", "probability": 1.5}), "probability"),
        (json!({"at": "rest", "kind": "json", "seed": 1}), "seed"),
        (json!({"at": "rest", "kind": "json", "command": [1]}), "command"),
        (json!({"at": "rest", "kind": "delay", "delay_ms": -1}), "delay_ms"),
        (json!({"at": "rest", "kind": "delay", "clock": "wall"}), "clock"),
        (json!({"at": "rest", "kind": "skew", "skew": 1e12}), "skew"),
    ] {
        let reply = running.try_control("/faults", fault.clone()).await;
        assert_eq!((reply.status, &reply.json()["field"]), (400, &json!(field)), "{fault}");
    }
    assert_eq!(running.truth("/faults").await, json!([]));
}
