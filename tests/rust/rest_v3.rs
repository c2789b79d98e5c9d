//! REST 3.0: lists in each of their ways, batches, errors, keys, and the 401 without a reason.

use std::time::Duration;

use evergrant::{CallOptions, Client, Command, Kind, RateLimit, v3};
use evergrant_tests::{Emulator, stage::Stage};
use serde_json::{Value, json};

async fn portal() -> (Emulator, v3::Client) {
    let flags = ["--leads", "1", "--deals", "1", "--tasks", "1230", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let client =
        Client::from_webhook(&emulator.ready("webhook")).unwrap().rate_limit(RateLimit::Off);
    (emulator, client.v3())
}

fn unique(items: &[Value], field: &str) -> usize {
    let mut ids: Vec<u64> = items.iter().map(|item| item[field].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[tokio::test]
async fn every_way_of_paging_brings_all() {
    let (emulator, client) = portal().await;
    let period = json!({"startDate": {"from": "2000-01-01T00:00:00+00:00", "to": "2100-01-01T00:00:00+00:00"}});
    for (method, params, field, count) in [
        ("tasks.task.list", json!({"select": ["id", "title"]}), "id", 1230),
        ("tasks.task.list", json!({"pagination": {"limit": 41}}), "id", 1230),
        ("main.eventlog.list", json!({"select": ["id"]}), "id", 600),
        ("main.eventlog.tail", json!({"select": ["id"], "cursor": {"limit": 70}}), "id", 600),
        ("note.collection.list", json!({"pagination": {"limit": 60}}), "id", 250),
        ("call.followup.list", json!({"filter": period}), "callId", 300),
    ] {
        let items = client.list(method, params.clone()).unwrap().all().await.unwrap();
        assert_eq!((items.len(), unique(&items, field)), (count, count), "{method} {params}");
    }
    let before = emulator.count("/portal/requests").await;
    client.list("tasks.task.list", Value::Null).unwrap().all().await.unwrap();
    assert_eq!(emulator.count("/portal/requests").await - before, 3);
    let newest = json!({"select": ["id"], "cursor": {"order": "DESC", "value": 1_000_000}});
    let items = client.tail("main.eventlog.tail", newest).unwrap().all().await.unwrap();
    assert_eq!((items.len(), unique(&items, "id")), (600, 600));
}

#[tokio::test]
async fn a_row_that_goes_meanwhile_is_no_gap() {
    let (_emulator, client) = portal().await;
    let mut list = client.list("tasks.task.list", json!({"pagination": {"limit": 100}})).unwrap();
    let first = list.next_page().await.unwrap().unwrap();
    // The second page may be on its way already; the third is not.
    list.next_page().await.unwrap().unwrap();
    client.call("tasks.task.delete", json!({"id": first[5]["id"]})).await.unwrap();
    let error = loop {
        match list.next_page().await {
            Ok(page) => assert!(page.is_some(), "the list ended although a row is missing"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("added or removed"), "{error}");
}

#[tokio::test]
async fn aggregates_and_batches() {
    let (emulator, client) = portal().await;
    let select = json!({"count": ["id"], "max": ["id"]});
    let totals = client.aggregate("main.eventlog.aggregate", select, Value::Null).await.unwrap();
    assert_eq!(totals["count"]["id"], 600);
    let below = json!([["id", "<=", 100]]);
    let totals =
        client.aggregate("main.eventlog.aggregate", json!({"count": ["id"]}), below).await.unwrap();
    assert_eq!(totals["count"]["id"], 100);

    let mut batch = v3::Batch::new();
    let many = batch
        .add("many", "tasks.task.list", json!({"select": ["id"], "pagination": {"limit": 3}}))
        .unwrap();
    batch
        .add("one", "tasks.task.get", json!({"id": many.at(2).at("id"), "select": ["id"]}))
        .unwrap();
    let some = json!({"filter": [["id", "in", many.each("id")]], "select": ["id"]});
    batch.add("some", "tasks.task.list", some).unwrap();
    let results = client.batch(batch).await.unwrap();
    let ids = |result: &Value| -> Vec<Value> {
        result["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(results[1]["item"]["id"], ids(&results[0])[2]);
    assert_eq!(ids(&results[2]), ids(&results[0]));

    let limited =
        json!({"error": {"code": "BITRIX_REST_V3_EXCEPTION_RATELIMITEXCEPTION", "message": "x"}});
    let fault = json!({"at": "rest", "method": "tasks.task.get", "kind": "json", "status": 429, "body": limited});
    emulator.control("POST", "/faults", &fault).await;
    let mut batch = v3::Batch::new();
    let task = json!({"fields": {"title": "half", "creatorId": 1, "responsibleId": 1}});
    let added = batch.add("added", "tasks.task.add", task).unwrap();
    batch.add("got", "tasks.task.get", json!({"id": added.at("id")})).unwrap();
    let before = emulator.count("/portal/requests").await;
    let error = client.batch(batch).await.unwrap_err();
    assert!(!error.is_retryable(), "its first call was executed: {error:?}");
    assert_eq!(emulator.count("/portal/requests").await - before, 1);
}

/// Which of its calls it was, the refusal does not say; so it holds back nothing else.
#[tokio::test]
async fn a_refused_batch_holds_no_other_back() {
    let (emulator, client) = portal().await;
    let limited =
        json!({"error": {"code": "BITRIX_REST_V3_EXCEPTION_RATELIMITEXCEPTION", "message": "x"}});
    let fault =
        json!({"at": "rest", "method": "batch", "kind": "json", "status": 429, "body": limited});
    emulator.control("POST", "/faults", &fault).await;
    let batch = |methods: [&str; 2]| {
        let mut batch = v3::Batch::new();
        batch.add("a", methods[0], json!({"select": ["id"]})).unwrap();
        batch.add("b", methods[1], json!({"select": ["id"]})).unwrap();
        client.batch(batch)
    };
    let (tasks, log) = ("tasks.task.list", "main.eventlog.list");
    let refused = batch([tasks, log]).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::OperatingLimit);
    let v2 = Client::from_webhook(&emulator.ready("webhook")).unwrap();
    let commands = || vec![Command::new("profile", Value::Null).unwrap(); 2];
    let hurried = CallOptions::new().deadline(Duration::from_secs(5));
    let others = async || {
        let answers = v2.batch(commands()).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
        client.call_with(tasks, Value::Null, hurried.clone()).await.unwrap();
    };
    let soon = Duration::from_secs(5);
    tokio::time::timeout(soon, others()).await.expect("others wait for what they did not do");
    // Of one method alone it does say it.
    emulator.control("POST", "/faults", &fault).await;
    batch([log, log]).await.unwrap_err();
    let error = client.call_with(log, Value::Null, hurried.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OperatingLimit);
    tokio::time::timeout(soon, others()).await.expect("others wait for what they did not do");
}

#[tokio::test]
async fn errors_have_code_and_fields() {
    let (_emulator, client) = portal().await;
    let error = client.call("tasks.task.get", json!({"id": "x"})).await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert!(error.code().unwrap().starts_with("BITRIX_REST_V3_"), "{error:?}");
    let invalid = error.context().iter().find(|(key, _)| *key == "invalid");
    assert!(invalid.is_some_and(|(_, fields)| fields.starts_with("id: ")), "{error:?}");
    let error = client.call("tasks.task.fly", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), Kind::MethodNotFound);
    assert_eq!(
        client.call("tasks.task.get", json!([1])).await.unwrap_err().kind(),
        Kind::InvalidInput
    );
}

#[tokio::test]
async fn the_same_key_is_the_same_task() {
    let (_emulator, client) = portal().await;
    let task = json!({"fields": {"title": "keyed", "creatorId": 1, "responsibleId": 1}});
    let options = || CallOptions::new().idempotency_key("order-7");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = client.call_with("tasks.task.add", task.clone(), options()).await.unwrap();
        ids.push(answer.result["item"]["id"].clone());
    }
    assert!(ids[0].is_u64() && ids[0] == ids[1], "{ids:?}");
    let other = json!({"fields": {"title": "other", "creatorId": 1, "responsibleId": 1}});
    let error = client.call_with("tasks.task.add", other, options()).await.unwrap_err();
    assert_eq!(error.status(), Some(422));
}

#[tokio::test]
async fn a_401_without_a_reason_is_one_rotation() {
    let stage = Stage::new().await;
    let client = stage.application.client(stage.grant.id).rate_limit(RateLimit::Off).v3();
    let task = json!({"select": ["id"]});
    client.list("tasks.task.list", task.clone()).unwrap().all().await.unwrap();
    let before = stage.refreshes().await;
    // The portal's hour is over, ours is not.
    stage.emulator.control("POST", "/clock", &json!({"advance": 3601})).await;
    client.call("tasks.task.list", task.clone()).await.unwrap();
    assert_eq!(stage.refreshes().await - before, 1);
    let mut batch = v3::Batch::new();
    batch.add("tasks", "tasks.task.list", task).unwrap();
    assert_eq!(client.batch(batch).await.unwrap().len(), 1, "a list has no room for a token");
    let denied = json!({"error": {"code": "BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION", "message": "x"}});
    let always = json!({"at": "rest", "kind": "json", "status": 401, "body": denied, "times": 10});
    stage.fault(always).await;
    let error = client.call("tasks.task.list", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthorized, "{error:?}");
    assert_eq!(stage.refreshes().await - before, 2, "one more, and no third");
}
