//! The offline queue: claims, connectors, coalescing, expiry, and its wake-up call.

use serde_json::{Value, json};

use crate::handler::Handler;
use crate::support::{Running, small, start};

struct App {
    running: Running,
    token: String,
}

impl App {
    async fn start() -> Self {
        let running = start(small()).await;
        let token = running.pair().await.access;
        Self { running, token }
    }

    async fn call(&self, method: &str, mut params: Value) -> Value {
        params["auth"] = self.token.as_str().into();
        let reply = self.running.rest(method, params).await;
        assert_eq!(reply.status, 200, "{method}: {}", reply.text);
        reply.json()
    }

    async fn bind(&self, connector: &str) {
        for event in ["ONCRMLEADADD", "ONCRMLEADUPDATE"] {
            let params =
                json!({"event": event, "event_type": "offline", "auth_connector": connector});
            assert_eq!(self.call("event.bind", params).await["result"], true);
        }
    }

    async fn change(&self, id: u64) {
        self.call("crm.lead.update", json!({"id": id, "fields": {"TITLE": "x"}})).await;
    }

    async fn list(&self) -> Vec<Value> {
        self.call("event.offline.list", json!({})).await["result"].as_array().unwrap().clone()
    }
}

fn events(answer: &Value) -> Vec<Value> {
    answer["result"]["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn changes_of_one_object_are_one_row() {
    let app = App::start().await;
    app.bind("").await;
    for _ in 0..3 {
        app.change(5).await;
    }
    app.change(6).await;
    let rows = app.list().await;
    assert_eq!(rows.len(), 2);
    let keys: Vec<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "ID",
            "TIMESTAMP_X",
            "EVENT_NAME",
            "EVENT_DATA",
            "EVENT_ADDITIONAL",
            "MESSAGE_ID",
            "PROCESS_ID",
            "ERROR"
        ]
    );
    assert_eq!(rows[0]["EVENT_DATA"], json!({"FIELDS": {"ID": "5"}}));
    assert_eq!((&rows[0]["PROCESS_ID"], &rows[0]["ERROR"]), (&json!(""), &json!("0")));
    let answer = app.call("event.offline.get", json!({})).await;
    assert_eq!(answer["result"]["process_id"], Value::Null);
    assert_eq!(events(&answer).len(), 2);
    assert!(app.list().await.is_empty(), "a fetch deletes unless it says otherwise");
}

#[tokio::test]
async fn a_claim_holds_its_rows_until_they_are_done() {
    let app = App::start().await;
    app.bind("").await;
    for id in 1..=3 {
        app.change(id).await;
    }
    let first = app.call("event.offline.get", json!({"clear": 0, "limit": 2})).await;
    let claim = first["result"]["process_id"].as_str().unwrap().to_owned();
    assert_eq!(claim.len(), 32);
    let second = app.call("event.offline.get", json!({"clear": 0})).await;
    assert_eq!((events(&first).len(), events(&second).len()), (2, 1), "claims are disjoint");
    app.change(1).await;
    assert_eq!(app.list().await.len(), 4, "a change of a claimed object is a new row");

    let message = events(&first)[0]["MESSAGE_ID"].clone();
    app.call("event.offline.error", json!({"process_id": claim, "message_id": [message]})).await;
    let failed = app.call("event.offline.get", json!({"clear": 0, "error": 1})).await;
    assert_eq!(events(&failed).len(), 1, "failed rows are fetched by themselves");
    assert_eq!(events(&failed)[0]["MESSAGE_ID"], message);
    let again = app.call("event.offline.get", json!({"process_id": claim, "clear": 0})).await;
    assert_eq!((events(&again).len(), &again["result"]["process_id"]), (1, &json!(claim)));
    let id = events(&again)[0]["ID"].clone();
    app.call("event.offline.clear", json!({"process_id": claim, "id": [id]})).await;
    let again = app.call("event.offline.get", json!({"process_id": claim, "clear": 0})).await;
    assert!(events(&again).is_empty());
}

#[tokio::test]
async fn a_connector_has_its_own_queue_and_no_echo() {
    let app = App::start().await;
    app.bind("").await;
    app.bind("erp").await;
    let own = json!({"id": 9, "fields": {"TITLE": "x"}, "auth_connector": "erp"});
    app.call("crm.lead.update", own).await;
    assert_eq!(app.list().await.len(), 1, "the queue without a connector has it");
    let erp = json!({"auth_connector": "erp"});
    assert!(events(&app.call("event.offline.get", erp.clone()).await).is_empty(), "no echo");
    app.change(9).await;
    assert_eq!(events(&app.call("event.offline.get", erp).await).len(), 1);
}

#[tokio::test]
async fn rows_are_gone_after_thirty_days() {
    let app = App::start().await;
    app.bind("").await;
    app.change(1).await;
    let day = 86_400;
    app.running.control("/clock", json!({"advance": 30 * day - 60})).await;
    let fresh = app.running.pair().await.access;
    let later = App { token: fresh, running: app.running };
    assert_eq!(later.list().await.len(), 1);
    later.running.control("/clock", json!({"advance": 120})).await;
    assert!(later.list().await.is_empty());
}

#[tokio::test]
async fn the_wake_up_call_comes_no_more_often_than_it_was_asked() {
    let app = App::start().await;
    let handler = Handler::start().await;
    app.bind("").await;
    let params = json!({"event": "ONOFFLINEEVENT", "handler": handler.url("/wake"), "options": {"minTimeout": 600}});
    app.call("event.bind", params).await;
    app.change(1).await;
    app.change(2).await;
    let form = handler.next().await.form();
    assert_eq!(form["event"], "ONOFFLINEEVENT");
    assert!(form.contains_key("auth[refresh_token]"));
    assert!(!form.keys().any(|key| key.starts_with("data")), "no data at all");
    app.running.control("/clock", json!({"advance": 601})).await;
    app.change(3).await;
    handler.next().await;
    assert_eq!(app.running.truth("/deliveries").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_queue_is_for_administrators_and_can_be_searched() {
    let app = App::start().await;
    app.bind("").await;
    let employee = app.running.pair_of(2).await.access;
    for method in ["get", "list", "clear", "error"] {
        let reply = app.running.call_as(&employee, &format!("event.offline.{method}")).await;
        assert_eq!(reply.error(), (403, "ACCESS_DENIED".to_owned()), "{method}");
    }
    let webhook = app.running.call("event.offline.list", json!({})).await;
    assert_eq!(webhook.error(), (403, "WRONG_AUTH_TYPE".to_owned()));
    for id in 1..=60 {
        app.change(id).await;
    }
    let page = app.call("event.offline.list", json!({})).await;
    assert_eq!((page["total"].clone(), page["next"].clone()), (json!(60), json!(50)));
    let some = json!({"filter": {">ID": 58}, "order": {"ID": "DESC"}});
    let some = app.call("event.offline.list", some).await["result"].clone();
    assert_eq!((&some[0]["ID"], &some[1]["ID"]), (&json!("60"), &json!("59")));
    for (method, params) in [
        ("list", json!({"filter": {"NONSENSE": 1}})),
        ("get", json!({"limit": 0})),
        ("clear", json!({})),
        ("error", json!({"process_id": "x", "message_id": ["short"]})),
    ] {
        let mut params = params;
        params["auth"] = app.token.as_str().into();
        let reply = app.running.rest(&format!("event.offline.{method}"), params).await;
        assert_eq!(reply.error(), (400, "ERROR_ARGUMENT".to_owned()), "{method}: {}", reply.text);
    }
}
