//! Faults, before and after the server did its work.

use serde_json::json;

use crate::support::{Pair, small, start};

#[tokio::test]
async fn a_lost_answer_after_rotation_has_spent_the_token() {
    let running = start(small()).await;
    let pair = running.pair().await;
    running.control("/faults", json!({"at": "token", "kind": "drop", "when": "after"})).await;
    let url = format!("{}/oauth/token/", running.ready().authorization);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", running.ready().client_id.as_str()),
        ("client_secret", &running.ready().client_secret),
        ("refresh_token", &pair.refresh),
    ];
    assert!(running.http.post(&url).form(&form).send().await.is_err(), "no answer arrives");
    assert_eq!(running.truth("/counters").await["authorization"]["refreshes"], 1);
    assert_eq!(running.refresh(&pair.refresh).await.error(), (400, "invalid_grant".to_owned()));
    let log = running.truth("/log").await;
    assert!(log.as_array().unwrap().iter().any(|entry| entry["status"].is_null()), "{log}");
}

#[tokio::test]
async fn a_fault_before_the_work_leaves_the_token_alone() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let body = json!({"error": "PAYMENT_REQUIRED", "error_description": "Payment required"});
    running
        .control("/faults", json!({"at": "token", "kind": "json", "status": 402, "body": body}))
        .await;
    let reply = running.refresh(&pair.refresh).await;
    assert_eq!((reply.status, reply.json()), (402, body));
    assert_eq!(running.refresh(&pair.refresh).await.status, 200, "the fault struck once");
}

#[tokio::test]
async fn truncated_answers_break_off() {
    let running = start(small()).await;
    let pair = running.pair().await;
    running.control("/faults", json!({"at": "token", "kind": "truncate", "when": "after"})).await;
    let url = format!("{}/oauth/token/", running.ready().authorization);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", running.ready().client_id.as_str()),
        ("client_secret", &running.ready().client_secret),
        ("refresh_token", &pair.refresh),
    ];
    let mut response = running.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let announced = response.content_length().unwrap();
    let mut received = Vec::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => received.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken && (received.len() as u64) < announced, "{} of {announced}", received.len());
    assert!(received.starts_with(b"{\"access_token\":"));
    assert_eq!(running.refresh(&pair.refresh).await.status, 400, "the token is spent");

    running.control("/faults", json!({"at": "rest", "kind": "truncate"})).await;
    let response =
        running.http.get(format!("{}profile", running.ready().webhook)).send().await.unwrap();
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn pages_and_bare_statuses_replace_answers() {
    let running = start(small()).await;
    running.control("/faults", json!({"at": "rest", "kind": "html"})).await;
    let reply = running.call("profile", json!({})).await;
    assert_eq!(reply.status, 502);
    assert!(reply.header("content-type").starts_with("text/html") && reply.text.contains("<html>"));
    running
        .control(
            "/faults",
            json!({"at": "rest", "kind": "html", "status": 200, "body": "<b>hi</b>"}),
        )
        .await;
    let reply = running.call("profile", json!({})).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "<b>hi</b>"));
    running.control("/faults", json!({"at": "rest", "kind": "status", "status": 504})).await;
    let reply = running.call("profile", json!({})).await;
    assert_eq!((reply.status, reply.text.as_str()), (504, ""));
}

#[tokio::test]
async fn a_write_that_lost_its_answer_did_happen() {
    let running = start(small()).await;
    running.control("/faults", json!({"at": "rest", "method": "crm.lead.add", "kind": "status", "status": 500, "when": "after"})).await;
    let reply = running.call("crm.lead.add", json!({"fields": {"TITLE": "twice?"}})).await;
    assert_eq!(reply.status, 500);
    let found = running.call("crm.lead.list", json!({"filter": {"TITLE": "twice?"}})).await.json();
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn method_skip_and_times_choose_the_request() {
    let running = start(small()).await;
    let fault = json!({"at": "rest", "method": "crm.lead.get", "kind": "status", "status": 500, "skip": 1, "times": 2});
    running.control("/faults", fault).await;
    let mut statuses = Vec::new();
    for method in
        ["profile", "crm.lead.get", "crm.lead.get.json", "profile", "crm.lead.get", "crm.lead.get"]
    {
        statuses.push(running.call(method, json!({"id": 1})).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 500, 200]);
    assert_eq!(running.truth("/faults").await, json!([]));
}

#[tokio::test]
async fn one_command_inside_a_batch_can_fail() {
    let running = start(small()).await;
    let body = json!({"error": "OPERATION_TIME_LIMIT", "error_description": "slow"});
    let fault =
        json!({"at": "rest", "method": "crm.lead.get", "kind": "json", "body": body, "skip": 1});
    running.control("/faults", fault).await;
    let cmd = json!({"a": "crm.lead.get?id=1", "b": "crm.lead.get?id=2", "c": "crm.lead.get?id=3"});
    let answer = running.call("batch", json!({"cmd": cmd})).await.json();
    assert_eq!(answer["result"]["result_error"], json!({"b": body}));
    assert_eq!(answer["result"]["result"].as_object().unwrap().len(), 2);

    let fault = json!({"at": "rest", "method": "crm.lead.add", "kind": "json", "when": "after"});
    running.control("/faults", fault).await;
    let answer = running
        .call("batch", json!({"cmd": {"a": "crm.lead.add?fields[TITLE]=ghost"}}))
        .await
        .json();
    assert_eq!(answer["result"]["result_error"]["a"]["error"], "ERROR_CORE");
    let found = running.call("crm.lead.list", json!({"filter": {"TITLE": "ghost"}})).await.json();
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn a_grant_type_chooses_the_token_request() {
    let running = start(small()).await;
    let pair = running.pair().await;
    running
        .control(
            "/faults",
            json!({"at": "token", "method": "refresh_token", "kind": "status", "status": 503}),
        )
        .await;
    let again = running.pair().await;
    assert_ne!(pair, again);
    assert_eq!(running.refresh(&pair.refresh).await.status, 503);
    assert_eq!(running.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn faults_are_listed_and_cleared() {
    let running = start(small()).await;
    let armed = running.control("/faults", json!({"at": "rest", "kind": "drop", "times": 3})).await;
    assert_eq!(armed["armed"][0]["times"], 3);
    assert_eq!(running.truth("/faults").await[0]["kind"], "drop");
    let url = format!("{}/faults", running.ready().control);
    assert_eq!(running.http.delete(&url).send().await.unwrap().status(), 200);
    assert_eq!(running.truth("/faults").await, json!([]));
    let pair = Pair::of(&running.exchange(&running.code(1).await).await.json());
    assert_eq!(running.call_as(&pair.access, "profile").await.status, 200);
}
