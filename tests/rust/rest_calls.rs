//! What a call sends again, what it does not, and where it follows a portal.

use std::time::{Duration, Instant};

use evergrant::{CallOptions, Client, Kind, Retry};
use evergrant_tests::{Emulator, stage::Stage, trace};
use serde_json::{Value, json};

async fn portal() -> (Emulator, Client) {
    let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let client = Client::from_webhook(&emulator.ready("webhook")).unwrap();
    (emulator, client)
}

async fn fault(emulator: &Emulator, mut fault: Value, times: u32) {
    fault["at"] = json!("rest");
    fault["times"] = json!(times);
    emulator.control("POST", "/faults", &fault).await;
}

async fn requests(emulator: &Emulator) -> u64 {
    emulator.count("/portal/requests").await
}

#[tokio::test]
async fn what_may_have_run_is_sent_once_unless_twice_is_harmless() {
    let (emulator, client) = portal().await;
    for kind in [
        json!({"kind": "drop", "when": "after"}),
        json!({"kind": "reset"}),
        json!({"kind": "html", "status": 502}),
        json!({"kind": "internal"}),
        json!({"kind": "unavailable"}),
        json!({"kind": "truncate", "when": "after"}),
    ] {
        fault(&emulator, kind.clone(), 1).await;
        let before = requests(&emulator).await;
        let error = client.call("profile", Value::Null).await.unwrap_err();
        assert_eq!(error.retry(), Retry::IfIdempotent, "{kind}: {error:?}");
        assert_eq!(requests(&emulator).await - before, 1, "{kind}");
        fault(&emulator, kind.clone(), 1).await;
        let twice = CallOptions::new().idempotent(true);
        client.call_with("profile", Value::Null, twice).await.unwrap();
        assert_eq!(requests(&emulator).await - before, 3, "{kind}");
    }
}

#[tokio::test]
async fn a_batch_is_never_sent_again_as_a_whole() {
    let (emulator, client) = portal().await;
    fault(&emulator, json!({"kind": "drop", "when": "after"}), 1).await;
    let before = requests(&emulator).await;
    let options = CallOptions::new().idempotent(true);
    let params = json!({"halt": 0, "cmd": {"a": "profile"}});
    let error = client.call_with("batch", params, options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    assert_eq!(requests(&emulator).await - before, 1);
}

#[tokio::test]
async fn repetition_ends() {
    let (emulator, client) = portal().await;
    fault(&emulator, json!({"kind": "internal"}), 100).await;
    let before = requests(&emulator).await;
    let options = CallOptions::new().idempotent(true).deadline(Duration::from_millis(1800));
    let started = Instant::now();
    let error = client.call_with("profile", Value::Null, options).await.unwrap_err();
    assert_eq!(error.code(), Some("INTERNAL_SERVER_ERROR"));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!((2..=4).contains(&(requests(&emulator).await - before)));
}

#[tokio::test]
async fn a_deadline_cuts_a_slow_answer_off() {
    let (emulator, client) = portal().await;
    fault(&emulator, json!({"kind": "delay", "delay_ms": 5000}), 1).await;
    let options = CallOptions::new().deadline(Duration::from_millis(300));
    let started = Instant::now();
    let error = client.call_with("profile", Value::Null, options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_deadline_holds_while_a_token_is_renewed_and_the_rotation_goes_on() {
    let stage = Stage::new().await;
    stage.fault(json!({"at": "token", "kind": "delay", "delay_ms": 1000, "times": 1})).await;
    stage.clock.turn(3600);
    let client = stage.application.client(stage.grant.id);
    let options = CallOptions::new().deadline(Duration::from_millis(200));
    let started = Instant::now();
    let error = client.call_with("profile", Value::Null, options).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Timeout, Retry::Safe));
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    client.call("profile", Value::Null).await.unwrap();
    assert_eq!(stage.refreshes().await, 1);
}

#[tokio::test]
async fn a_portal_that_cannot_be_reached_is_tried_again_within_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client =
        Client::from_webhook(&format!("http://{address}/rest/1/abcdefgh12345678/")).unwrap();
    let before = Client::counters();
    let options = CallOptions::new().deadline(Duration::from_millis(1700));
    let error = client.call_with("profile", Value::Null, options).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Network, Retry::Safe));
    let after = Client::counters();
    assert!(after.retried > before.retried && after.failed > before.failed);
    assert!(!format!("{error:?}").contains("abcdefgh12345678"));
}

#[tokio::test]
async fn a_grant_follows_its_portal_once_the_authorization_server_confirms_it() {
    let stage = Stage::new().await;
    let client = stage.application.client(stage.grant.id);
    client.call("profile", Value::Null).await.unwrap();
    let moved = stage.emulator.control("POST", "/domain", &json!({})).await;
    let new = moved["portal"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let params = json!({"fields": {"TITLE": "told after the move"}});
    let lead = client.call("crm.lead.add", params).await.unwrap().result;
    let read = client.call("crm.lead.get", json!({"ID": lead})).await.unwrap().result;
    assert_eq!(read["TITLE"], "told after the move", "method and body arrived");
    let token = stage.application.token(stage.grant.id, 0).await.unwrap();
    assert!(token.client_endpoint.contains(&new), "{}", token.client_endpoint);
    assert_eq!(stage.refreshes().await, 1, "one rotation is the proof");
}

#[tokio::test]
async fn a_redirect_that_nobody_confirms_gets_no_token() {
    let stage = Stage::new().await;
    let old = format!("{}/rest/", stage.emulator.ready("portal"));
    stage.emulator.control("POST", "/settings", &json!({"client_endpoint": old})).await;
    stage.emulator.control("POST", "/domain", &json!({})).await;
    let client = stage.application.client(stage.grant.id);
    for _ in 0..3 {
        let error = client.call("profile", Value::Null).await.unwrap_err();
        assert_eq!(error.kind(), Kind::UnexpectedAnswer);
        assert!(error.to_string().contains("moved_to"), "{error}");
    }
    assert_eq!(stage.refreshes().await, 1, "asked once, not at every call");
}

#[tokio::test]
async fn a_webhook_follows_where_a_person_says_so() {
    let (emulator, client) = portal().await;
    let moved = emulator.control("POST", "/domain", &json!({})).await;
    let new = moved["portal"].as_str().unwrap().to_owned();
    let error = client.call("profile", Value::Null).await.unwrap_err();
    let host = new.strip_prefix("http://").unwrap();
    assert!(error.to_string().contains(host), "{error}");
    assert!(error.advice().unwrap().contains("moved_to"));
    let confirmed = client.moved_to(&new).unwrap();
    confirmed.call("profile", Value::Null).await.unwrap();
    let redirects = requests(&emulator).await;
    confirmed.call("profile", Value::Null).await.unwrap();
    assert_eq!(requests(&emulator).await - redirects, 1, "the new address is remembered");
}

#[tokio::test]
async fn results_become_types_and_nonsense_has_a_name() {
    let (emulator, client) = portal().await;
    #[derive(serde::Deserialize)]
    struct Profile {
        #[serde(rename = "ID")]
        id: String,
    }
    let profile: Profile = client.call("profile", Value::Null).await.unwrap().into().unwrap();
    assert_eq!(profile.id, "1");
    let counted = Client::counters();
    assert!(counted.calls > 0 && counted.requests >= counted.calls - counted.failed);
    let key = CallOptions::new().idempotency_key("x");
    let error = client.call_with("profile", Value::Null, key).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
    drop(emulator);
}

#[tokio::test]
async fn a_call_leaves_a_trace_without_its_secret() {
    let lines = trace::record();
    let (emulator, client) = portal().await;
    client.call("profile", Value::Null).await.unwrap();
    fault(&emulator, json!({"kind": "html", "status": 502}), 1).await;
    client.call("server.time", Value::Null).await.unwrap_err();
    let text = lines.text();
    let host = emulator.ready("portal").replace("http://", "");
    for part in
        ["method=\"profile\"", "status=200", "status=502", "requests=1", "waited_ms=", &host]
    {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let webhook = emulator.ready("webhook");
    let secret = webhook.trim_end_matches('/').rsplit('/').next().unwrap();
    assert!(!text.contains(secret), "{text}");
}
