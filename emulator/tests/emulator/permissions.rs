//! What an administrator has to confirm, and what a plan does not include.

use serde_json::json;

use crate::support::{Running, small, start};
use crate::v3;

async fn set(running: &Running, settings: serde_json::Value) {
    running.control("/settings", settings).await;
}

#[tokio::test]
async fn a_method_waits_for_an_administrator_and_a_401_is_not_always_a_dead_token() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let list = async || running.call_as(&pair.access, "crm.lead.list").await.error();
    set(&running, json!({"confirm": {"crm.lead.list": "waiting"}})).await;
    for _ in 0..2 {
        assert_eq!(list().await, (401, "METHOD_CONFIRM_WAITING".to_owned()));
    }
    assert_eq!(
        running.call_as(&pair.access, "crm.deal.list").await.status,
        200,
        "this method alone"
    );
    let cmd = json!({"a": "crm.lead.list", "b": "profile"});
    let batch = running.rest("batch", json!({"auth": pair.access, "cmd": cmd})).await.json();
    assert_eq!(batch["result"]["result_error"]["a"]["error"], "METHOD_CONFIRM_WAITING");
    assert_eq!(batch["result"]["result"]["b"]["ID"], "1");
    set(&running, json!({"confirm": {"crm.lead.list": "denied"}})).await;
    assert_eq!(list().await, (403, "METHOD_CONFIRM_DENIED".to_owned()));
    set(&running, json!({"confirm": {}})).await;
    assert_eq!(list().await.0, 200);
    assert_eq!(running.refresh(&pair.refresh).await.status, 200, "nothing of this cost the token");

    set(&running, json!({"confirm": {"api/tasks.task.list": "waiting"}})).await;
    let reply = v3::call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(v3::refusal(&reply), v3::refused(401, "ACCESSDENIED"));
    let wrong = running.try_control("/settings", json!({"confirm": {"profile": "maybe"}})).await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("confirm")));
}

#[tokio::test]
async fn a_plan_without_connectors_refuses_calls_that_name_one() {
    let running = start(small()).await;
    let add = json!({"fields": {"TITLE": "x"}, "auth_connector": "mine"});
    assert_eq!(running.call("crm.lead.add", add.clone()).await.status, 200);
    set(&running, json!({"missing_features": ["rest_auth_connector"]})).await;
    let refused = running.call("crm.lead.add", add).await;
    assert_eq!(refused.error(), (403, "WRONG_LICENSE".to_owned()));
    assert!(refused.text.ends_with(r#"license: auth_connector"}"#), "{}", refused.text);
    let without = json!({"fields": {"TITLE": "x"}, "auth_connector": ""});
    assert_eq!(running.call("crm.lead.add", without).await.status, 200);
    let reply = v3::call(&running, "tasks.task.list", json!({"auth_connector": "mine"})).await;
    assert_eq!(v3::refusal(&reply), v3::refused(403, "LICENSE"));
    for (code, value) in [("rest_auth_connector", "N"), ("rest_offline_extended", "Y")] {
        let feature = running.call("feature.get", json!({"CODE": code})).await.json();
        assert_eq!(feature["result"]["value"], value, "{code}");
    }
}

#[tokio::test]
async fn a_plan_without_extended_offline_events_keeps_no_claims() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let get = async |clear: u8| {
        running.rest("event.offline.get", json!({"auth": pair.access, "clear": clear})).await
    };
    set(&running, json!({"missing_features": ["rest_offline_extended"]})).await;
    assert_eq!(get(1).await.status, 200);
    assert_eq!(get(0).await.error(), (403, "WRONG_LICENSE".to_owned()));
    set(&running, json!({"missing_features": []})).await;
    assert_eq!(get(0).await.status, 200);
    let wrong = running.try_control("/settings", json!({"missing_features": ["nope"]})).await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("missing_features")));
}
