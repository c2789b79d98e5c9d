//! Tasks of the older generation, users, departments, options, access.

use serde_json::{Value, json};

use crate::support::{Running, small, start};

async fn result(running: &Running, method: &str, params: Value) -> Value {
    let reply = running.call(method, params).await;
    assert_eq!(reply.status, 200, "{method}: {}", reply.text);
    reply.json()["result"].clone()
}

#[tokio::test]
async fn tasks_are_listed_in_camel_case_texts() {
    let running = start(small()).await;
    let params = json!({"select": ["ID", "TITLE", "STATUS", "RESPONSIBLE_ID"], "filter": {"<=ID": 3}, "order": {"ID": "desc"}});
    let answer = running.call("tasks.task.list", params).await.json();
    assert_eq!(answer["total"], 3);
    let task = &answer["result"]["tasks"][0];
    assert_eq!(task["id"], "3");
    assert!(task["status"].is_string() && task["group"] == json!([]), "{task}");
    assert_eq!(task["responsible"]["id"], task["responsibleId"]);
    let pages =
        running.call("tasks.task.list", json!({"select": ["ID"], "start": 50})).await.json();
    assert_eq!((&pages["next"], &pages["total"]), (&json!(100), &json!(1000)));
    let uncounted = running.call("tasks.task.list", json!({"start": -1})).await.json();
    assert!(uncounted.get("total").is_none() && uncounted.get("next").is_none());
    let bad = running.call("tasks.task.list", json!({"order": {"NOPE": "asc"}})).await;
    assert_eq!(bad.error(), (400, "0".to_owned()));
}

#[tokio::test]
async fn tasks_are_added_changed_and_deleted() {
    let running = start(small()).await;
    let fields =
        json!({"TITLE": "Call back", "RESPONSIBLE_ID": 2, "DEADLINE": "2026-12-31T23:59:00+03:00"});
    let task = result(&running, "tasks.task.add", json!({"fields": fields})).await["task"].clone();
    assert_eq!(
        (&task["id"], &task["status"], &task["createdBy"]),
        (&json!("1001"), &json!("2"), &json!("1"))
    );
    assert_eq!(task["action"]["complete"], true);
    let change = json!({"taskId": 1001, "fields": {"STATUS": 5}});
    let task = result(&running, "tasks.task.update", change).await["task"].clone();
    assert!(
        task["status"] == "5" && task["closedBy"] == "1" && task["closedDate"].is_string(),
        "{task}"
    );
    let one = json!({"taskId": "1001", "select": ["TITLE"]});
    assert_eq!(result(&running, "tasks.task.get", one).await["task"]["title"], "Call back");
    let deleted = result(&running, "tasks.task.delete", json!({"taskId": 1001})).await;
    assert_eq!(deleted, json!({"task": true}));
    for (method, params, code, text) in [
        (
            "tasks.task.add",
            json!({"fields": {"RESPONSIBLE_ID": 1}}),
            "ERROR_CORE",
            "Task title is not specified<br>",
        ),
        (
            "tasks.task.add",
            json!({"fields": {"TITLE": "x"}}),
            "ERROR_CORE",
            "Responsible person not specified<br>",
        ),
        (
            "tasks.task.add",
            json!({}),
            "100",
            "Could not find value for parameter {fields} (internal error)",
        ),
        (
            "tasks.task.get",
            json!({"taskId": 1001}),
            "ERROR_CORE",
            "Task not found or access denied<br>",
        ),
        (
            "tasks.task.update",
            json!({"taskId": 1, "fields": {"PARENT_ID": 1}}),
            "ERROR_CORE",
            "Cannot bind the node to itself<br>",
        ),
    ] {
        let reply = running.call(method, params.clone()).await;
        assert_eq!(reply.error(), (400, code.to_owned()), "{method} {params}");
        assert_eq!(reply.json()["error_description"], text, "{method} {params}");
    }
}

#[tokio::test]
async fn users_are_found_by_id_and_by_name() {
    let running = start(small()).await;
    let all = running.call("user.get", json!({"sort": "ID", "order": "desc"})).await.json();
    assert_eq!((&all["total"], &all["result"][0]["ID"]), (&json!(6), &json!("6")));
    for params in
        [json!({"ID": 2}), json!({"FILTER": {"ID": [2]}}), json!({"filter": {"NAME": "michael"}})]
    {
        let found = running.call("user.get", params.clone()).await.json();
        assert_eq!(
            (&found["total"], &found["result"][0]["LAST_NAME"]),
            (&json!(1), &json!("Turner")),
            "{params}"
        );
    }
    for params in [json!({"FIND": "turn"}), json!({"FILTER": {"LAST_NAME": "Turn"}})] {
        let found = running.call("user.search", params.clone()).await.json();
        assert_eq!(found["result"][0]["ID"], "2", "{params}");
    }
    assert_eq!(result(&running, "user.admin", json!({})).await, true);
    assert_eq!(result(&running, "user.access", json!({"ACCESS": ["U7", "AU"]})).await, true);
    assert_eq!(result(&running, "user.access", json!({"ACCESS": ["U7"]})).await, false);
    let names = result(&running, "access.name", json!({"ACCESS": ["U2", "G2", "nope"]})).await;
    assert_eq!(
        (&names["U2"]["name"], &names["G2"]["provider_id"]),
        (&json!("Michael Turner"), &json!("group"))
    );
    assert_eq!(result(&running, "access.name", json!({"ACCESS": []})).await, false);
}

#[tokio::test]
async fn guests_of_the_company_are_kept_out() {
    let running = start(small()).await;
    running.control("/users", json!({"id": 5, "kind": "extranet"})).await;
    let token = running.pair_of(5).await.access;
    let items = running.call_as(&token, "crm.item.list").await;
    assert_eq!(items.error(), (403, "allowed_only_intranet_user".to_owned()));
    let colleagues = running.call_as(&token, "im.department.colleagues.list").await;
    assert_eq!(colleagues.error(), (403, "ACCESS_ERROR".to_owned()));
    let user = running.call("user.get", json!({"ID": 5})).await.json();
    assert_eq!(user["result"][0]["USER_TYPE"], "extranet");
}

#[tokio::test]
async fn departments_make_a_tree() {
    let running = start(small()).await;
    let all = running.call("department.get", json!({})).await.json();
    assert_eq!((&all["total"], &all["result"][0]["ID"]), (&json!(5), &json!("1")));
    assert!(all["result"][0].get("PARENT").is_none());
    let children = running.call("department.get", json!({"PARENT": 1})).await.json();
    assert_eq!(children["total"], 3);
    assert_eq!(result(&running, "department.fields", json!({})).await["UF_HEAD"], "Head");
}

#[tokio::test]
async fn options_belong_to_the_application() {
    let running = start(small()).await;
    let (admin, other) = (running.pair().await.access, running.pair_of(2).await.access);
    let url = |method: &str| format!("{}/rest/{method}", running.ready().portal);
    let set = json!({"auth": admin, "options": {"a": "1", "b": {"c": 2}}});
    assert_eq!(running.post_json(&url("app.option.set"), &set).await.json()["result"], true);
    let get = running.post_json(&url("app.option.get"), &json!({"auth": other})).await.json();
    assert_eq!(get["result"], json!({"a": "1", "b": {"c": 2}}));
    let one = json!({"auth": other, "option": "a"});
    assert_eq!(running.post_json(&url("app.option.get"), &one).await.json()["result"], "1");
    let none = json!({"auth": other, "option": "z"});
    assert_eq!(
        running.post_json(&url("app.option.get"), &none).await.json()["result"],
        Value::Null
    );
    let denied = json!({"auth": other, "options": {"a": "2"}});
    let denied = running.post_json(&url("app.option.set"), &denied).await;
    assert_eq!(denied.error(), (400, "AccessException".to_owned()));
    let empty = running.post_json(&url("app.option.set"), &json!({"auth": admin})).await;
    assert_eq!(empty.error(), (400, "ArgumentNullException".to_owned()));
    let webhook = running.call("app.option.get", json!({})).await;
    assert_eq!(webhook.error(), (400, "AccessException".to_owned()));
    running.control("/settings", json!({"profile": "box"})).await;
    let webhook = running.call("app.option.get", json!({})).await;
    assert_eq!(webhook.error(), (403, "ACCESS_DENIED".to_owned()));
    let info = running.call("app.info", json!({})).await.json();
    assert!(info["result"]["SCOPE"].is_array() && info["result"]["LICENSE"].is_string(), "{info}");
}

#[tokio::test]
async fn the_portal_tells_what_it_can() {
    let running = start(small()).await;
    let known = result(&running, "method.get", json!({"name": "crm.lead.list"})).await;
    assert_eq!(known, json!({"isExisting": true, "isAvailable": true}));
    let unknown = result(&running, "method.get", json!({})).await;
    assert_eq!(unknown, json!({"isExisting": false, "isAvailable": false}));
    let feature = result(&running, "feature.get", json!({"CODE": "rest_auth_connector"})).await;
    assert_eq!(feature, json!({"value": "Y"}));
    let empty = running.call("feature.get", json!({})).await;
    assert_eq!(empty.error(), (400, "CODE_EMPTY".to_owned()));
    let scopes = result(&running, "scope", json!({"full": true})).await;
    assert!(scopes.as_array().unwrap().contains(&json!("telephony")));
}
