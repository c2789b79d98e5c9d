//! Limits, costs and faults under REST 3.0.

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Reply, small, start};
use crate::v3::{call, refusal, refused, result};

const NOW: i64 = 1_780_000_020;

#[tokio::test]
async fn the_bucket_is_the_fronts_and_says_the_same_everywhere() {
    let running = start(Config { burst: 3, leak_per_second: 0.0, ..small() }).await;
    let batch = json!([{"method": "tasks.task.list"}, {"method": "tasks.task.list"}]);
    assert_eq!(call(&running, "batch", batch).await.status, 200, "a batch is one request");
    assert_eq!(running.call("profile", json!({})).await.status, 200);
    assert_eq!(call(&running, "tasks.task.list", json!({})).await.status, 200);
    let refused = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(refused.error(), (503, "QUERY_LIMIT_EXCEEDED".to_owned()));
    let unknown = call(&running, "no.such", json!({})).await;
    assert_eq!(unknown.status, 503, "the limit stands before everything else");
}

#[tokio::test]
async fn operating_time_is_kept_by_method_and_refused_in_the_own_shape() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let costs = json!({"operating_cost": {"api/tasks.task.list": 200.0}});
    running.control("/settings", costs).await;
    let list = async || call(&running, "tasks.task.list", json!({})).await;
    let first = list().await.json();
    assert_eq!(first["time"]["operating"], 200.0);
    let reset_at = first["time"]["operating_reset_at"].as_i64().unwrap();
    assert!((600..605).contains(&(reset_at - NOW)), "{reset_at}");
    for _ in 0..2 {
        assert_eq!(list().await.status, 200, "the call that crosses the limit is completed");
    }
    let over = list().await;
    assert_eq!(refusal(&over), refused(429, "RATELIMIT"));
    assert_eq!(call(&running, "tasks.task.get", json!({"id": 3})).await.status, 200);
    let classic = running.call("tasks.task.list", json!({})).await;
    assert_eq!(classic.status, 200, "the older generation is another method");
    running.control("/clock", json!({"set": reset_at})).await;
    assert_eq!(list().await.status, 200);
    // Another limit begins anew.
    running.control("/settings", json!({"profile": "box", "operating_limit": 420})).await;
    for _ in 0..3 {
        assert_eq!(list().await.status, 200);
    }
    let over = list().await;
    assert_eq!(
        over.json()["error"]["code"],
        "BITRIX_REST_V3_EXCEPTIONS_RATELIMITEXCEPTION",
        "{}",
        over.text
    );
}

#[tokio::test]
async fn a_batch_is_billed_to_the_methods_inside_alone() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    running
        .control(
            "/settings",
            json!({"command_ms": 170_000, "cost_clock": "virtual", "cut_after": 0}),
        )
        .await;
    let twice = json!([{"method": "tasks.task.list"}, {"method": "tasks.task.list"}]);
    let answer = call(&running, "batch", twice.clone()).await.json();
    assert_eq!(answer["time"]["operating"], 0.0, "the batch itself costs nothing");
    let one = call(&running, "tasks.task.list", json!({})).await.json();
    let spent = one["time"]["operating"].as_f64().unwrap();
    assert!((spent - 510.0).abs() < 1.0, "three lists: {spent}");
    let over = call(&running, "batch", twice).await;
    assert_eq!(refusal(&over), refused(429, "RATELIMIT"), "the first error is the whole answer");
    let other = json!([{"method": "tasks.task.get", "query": {"id": 3}}]);
    assert_eq!(call(&running, "batch", other).await.status, 200, "batches go on");
}

#[tokio::test]
async fn costs_pass_for_each_call_and_each_count() {
    let running = start(small()).await;
    let settings = json!({
        "cost_clock": "virtual", "round_trip_ms": 1000, "command_ms": 2000, "count_ms": 4000, "cut_after": 0,
    });
    running.control("/settings", settings).await;
    let elapsed = async |method: &str, body: Value| {
        let offset = async || running.truth("/clock").await["offset"].as_i64().unwrap();
        let before = offset().await;
        result(&running, method, body).await;
        offset().await - before
    };
    assert_eq!(elapsed("tasks.task.get", json!({"id": 3})).await, 3);
    assert_eq!(elapsed("tasks.task.list", json!({})).await, 3, "no list of this kind is counted");
    let get = json!({"method": "tasks.task.get", "query": {"id": 3}});
    assert_eq!(elapsed("batch", json!([get, get, get])).await, 7);

    let costs = json!({"cost_clock": "real", "round_trip_ms": 0, "command_ms": 40, "count_ms": 0});
    running.control("/settings", costs).await;
    let began = std::time::Instant::now();
    let time = call(&running, "batch", json!([get, get])).await.json()["time"].clone();
    assert!(began.elapsed().as_millis() >= 80, "{:?}", began.elapsed());
    let took = time["finish"].as_f64().unwrap() - time["start"].as_f64().unwrap();
    assert!(took >= 0.08, "the portal tells what its calls took: {time}");
}

#[tokio::test]
async fn the_front_cuts_and_a_repetition_with_the_same_key_gets_the_answer() {
    let running = start(small()).await;
    running.control("/settings", json!({"cost_clock": "virtual", "command_ms": 61_000})).await;
    let url = running.ready().webhook.replace("/rest/", "/rest/api/");
    let add = async || {
        let body = json!({"fields": {"title": "late", "creatorId": 1, "responsibleId": 1}});
        let request = running.http.post(format!("{url}tasks.task.add"));
        let request = request.header("idempotency-key", "once").json(&body);
        Reply::of(request.send().await.unwrap()).await
    };
    let cut = add().await;
    assert_eq!(cut.status, 504);
    assert!(cut.header("content-type").starts_with("text/html"), "{}", cut.text);
    let again = add().await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"));
    running.control("/settings", json!({"command_ms": 0})).await;
    let behind = json!({"filter": [["id", ">", 1000]]});
    let items = result(&running, "tasks.task.list", behind).await["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "it was added once");

    // Thirty seconds each: alone they pass, together they do not.
    running.control("/settings", json!({"command_ms": 31_000})).await;
    let get = json!({"method": "tasks.task.get", "query": {"id": 3}});
    assert_eq!(call(&running, "batch", json!([get])).await.status, 200);
    assert_eq!(call(&running, "batch", json!([get, get])).await.status, 504);
    running.control("/settings", json!({"front": false})).await;
    assert_eq!(call(&running, "batch", json!([get, get])).await.status, 200);
}

#[tokio::test]
async fn faults_of_the_module_have_its_shape_and_those_of_the_front_have_not() {
    let running = start(small()).await;
    let arm = async |fault: Value| running.control("/faults", fault).await;
    for (kind, status) in [("internal", 500), ("json", 400), ("error_200", 200)] {
        arm(json!({"at": "rest", "kind": kind})).await;
        let reply = call(&running, "tasks.task.list", json!({})).await;
        assert_eq!(refusal(&reply), refused(status, "INTERNAL_INTERNAL"), "{kind}");
    }
    for (kind, status, code) in
        [("overload", 503, "OVERLOAD_LIMIT"), ("unexpected", 500, "ERROR_UNEXPECTED_ANSWER")]
    {
        arm(json!({"at": "rest", "kind": kind})).await;
        let reply = call(&running, "tasks.task.list", json!({})).await;
        assert_eq!(reply.error(), (status, code.to_owned()));
    }
    let body = json!({"error": {"code": "OWN", "message": "mine"}});
    arm(json!({"at": "rest", "kind": "json", "status": 409, "body": body})).await;
    let reply = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!((reply.status, reply.json()), (409, body));

    // One call of a batch: what is before it was done, and its error is the whole answer.
    arm(json!({"at": "rest", "kind": "internal", "command": "bad"})).await;
    let batch = json!([
        {"method": "tasks.task.delete", "query": {"id": 5}},
        {"method": "tasks.task.get", "query": {"id": 3}, "as": "bad"},
        {"method": "tasks.task.delete", "query": {"id": 6}},
    ]);
    let reply = call(&running, "batch", batch).await;
    assert_eq!(refusal(&reply), refused(500, "INTERNAL_INTERNAL"));
    assert_eq!(call(&running, "tasks.task.get", json!({"id": 5})).await.status, 400);
    assert_eq!(call(&running, "tasks.task.get", json!({"id": 6})).await.status, 200);
    arm(json!({"at": "rest", "kind": "json", "method": "tasks.task.delete", "command": 0, "when": "after"})).await;
    let batch = json!([{"method": "tasks.task.delete", "query": {"id": 6}}]);
    assert_eq!(call(&running, "batch", batch).await.status, 400);
    let gone = call(&running, "tasks.task.get", json!({"id": 6})).await;
    assert_eq!(refusal(&gone), refused(400, "ENTITYNOTFOUND"), "it was done");
}

#[tokio::test]
async fn what_blocks_a_portal_is_not_told_apart() {
    let running = start(small()).await;
    running.control("/settings", json!({"blocked": true})).await;
    let reply = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(refusal(&reply), refused(401, "ACCESSDENIED"));
    running.control("/settings", json!({"blocked": false, "paid": false})).await;
    let reply = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(refusal(&reply), refused(401, "ACCESSDENIED"));
}
