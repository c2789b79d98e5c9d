//! REST 3.0.

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Reply, Running, small, start};

pub(crate) async fn call(running: &Running, method: &str, body: Value) -> Reply {
    let url = running.ready().webhook.replace("/rest/", "/rest/api/");
    running.post_json(&format!("{url}{method}"), &body).await
}

pub(crate) async fn result(running: &Running, method: &str, body: Value) -> Value {
    let reply = call(running, method, body).await;
    assert_eq!(reply.status, 200, "{method}: {}", reply.text);
    assert!(reply.json()["time"]["start"].is_i64(), "{}", reply.text);
    reply.json()["result"].clone()
}

/// Status and the code without its common beginning.
pub(crate) fn refusal(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    assert!(body.get("result").is_none() && body.get("time").is_none(), "{body}");
    assert!(body["error"]["message"].is_string(), "{body}");
    let code = body["error"]["code"].as_str().unwrap().to_owned();
    (reply.status, code.replace("BITRIX_REST_V3_EXCEPTION_", "").replace("EXCEPTION", ""))
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn ids(result: &Value) -> Vec<u64> {
    result["items"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn only_json_bodies_are_read_and_errors_do_not_say_why() {
    let running = start(small()).await;
    let portal = &running.ready().portal;
    let url = format!("{portal}/rest/api/tasks.task.get");
    let token = running.pair().await.access;
    let item = running.post_json(&url, &json!({"auth": token, "id": 3})).await.json();
    assert_eq!(item["result"]["item"]["id"], 3);
    let bearer = running.http.post(&url).bearer_auth(&token).json(&json!({"id": 3}));
    assert_eq!(Reply::of(bearer.send().await.unwrap()).await.status, 200);
    // Parameters in the query are not read, credentials are.
    let query = running.get_with(&url, &[("auth", &token), ("id", "3")]).await;
    assert_eq!(refusal(&query), refused(400, "VALIDATION_REQUESTVALIDATION"));
    assert_eq!(query.json()["error"]["validation"][0]["field"], "id");
    let form = running.post_form(&url, &[("auth", &token), ("id", "3")]).await;
    assert_eq!(refusal(&form), refused(401, "ACCESSDENIED"));
    let webhook = running.ready().webhook.replace("/rest/", "/rest/api/");
    let form = running.post_form(&format!("{webhook}tasks.task.get"), &[("id", "3")]).await;
    assert_eq!(refusal(&form), refused(400, "INVALIDJSON"));
    for auth in ["", "nonsense"] {
        let reply = running.post_json(&url, &json!({"auth": auth, "id": 3})).await;
        assert_eq!(refusal(&reply), refused(401, "ACCESSDENIED"));
    }
    running.control("/clock", json!({"advance": 4000})).await;
    let expired = running.post_json(&url, &json!({"auth": token, "id": 3})).await;
    assert_eq!(refusal(&expired), refused(401, "ACCESSDENIED"));
    for method in ["nope", "Tasks.task.get", "tasks.task.get.json", "crm.lead.get"] {
        let reply = call(&running, method, json!({})).await;
        assert_eq!(refusal(&reply), refused(404, "METHODNOTFOUND"), "{method}");
    }
    let old = running.call("main.eventlog.list", json!({})).await;
    assert_eq!(old.error(), (404, "ERROR_METHOD_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn scopes_and_the_spelling_of_codes_follow_grant_and_profile() {
    let running = start(Config { scope: vec!["crm".to_owned()], ..small() }).await;
    let reply = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(refusal(&reply), refused(403, "INSUFFICIENTSCOPE"));
    running.control("/settings", json!({"profile": "box"})).await;
    let reply = call(&running, "tasks.task.list", json!({})).await;
    assert_eq!(
        reply.json()["error"]["code"],
        "BITRIX_REST_V3_EXCEPTIONS_INSUFFICIENTSCOPEEXCEPTION"
    );
}

#[tokio::test]
async fn lists_select_filter_order_and_page() {
    let running = start(small()).await;
    let plain = result(&running, "tasks.task.list", json!({})).await;
    assert_eq!(plain["items"][0], json!({"id": 1}));
    assert_eq!(plain["items"].as_array().unwrap().len(), 50);
    let body = json!({"select": ["id", "title", "nope", "responsible.name"], "filter": [["id", "in", [3, 4]]], "order": {"id": "DESC"}});
    let list = result(&running, "tasks.task.list", body).await;
    assert_eq!(ids(&list), [4, 3]);
    let item = list["items"][0].as_object().unwrap();
    assert!(item["responsible"]["name"].is_string() && !item.contains_key("nope"), "{item:?}");
    let pages = json!({"pagination": {"page": 3, "limit": 7}});
    assert_eq!(
        ids(&result(&running, "tasks.task.list", pages).await),
        (15..=21).collect::<Vec<u64>>()
    );
    let many = json!({"pagination": {"limit": 5000, "offset": 1}});
    assert_eq!(ids(&result(&running, "tasks.task.list", many).await).len(), 999);
    for (filter, expected) in [
        (json!([["id", "between", [5, 7]]]), vec![5, 6, 7]),
        (json!([["id", 9]]), vec![9]),
        (json!([["id", "<=", 3], ["id", "!=", 2]]), vec![1, 3]),
        (json!([{"logic": "or", "conditions": [["id", 1], ["id", ">", 998]]}]), vec![1, 999, 1000]),
        (json!([["id", "<", 4], {"negative": true, "conditions": [["id", 2]]}]), vec![1, 3]),
    ] {
        let list = result(&running, "tasks.task.list", json!({"filter": filter})).await;
        assert_eq!(ids(&list), expected, "{filter}");
    }
    for (body, code) in [
        (json!({"filter": "x"}), "INVALIDFILTER"),
        (json!({"filter": [["id"]]}), "INVALIDFILTER"),
        (json!({"filter": [["nope", 1]]}), "UNKNOWNDTOPROPERTY"),
        (json!({"filter": [["id", "~", 1]]}), "UNKNOWNFILTEROPERATOR"),
        (json!({"filter": [["title", "x"]]}), "VALIDATION_REQUESTVALIDATION"),
        (json!({"select": "id"}), "INVALIDSELECT"),
        (json!({"select": ["responsible.nope"]}), "UNKNOWNDTOPROPERTY"),
        (json!({"order": {"id": "sideways"}}), "INVALIDORDER"),
        (json!({"pagination": {"limit": 0}}), "INVALIDPAGINATION"),
        (json!({"pagination": {"limit": "x"}}), "INVALIDPAGINATION"),
    ] {
        let reply = call(&running, "tasks.task.list", body.clone()).await;
        assert_eq!(refusal(&reply), refused(400, code), "{body}");
    }
}

#[tokio::test]
async fn the_event_log_has_a_tail_and_sums() {
    let running = start(small()).await;
    let cursor = json!({"cursor": {"value": 595, "limit": 3}, "select": ["id"]});
    assert_eq!(ids(&result(&running, "main.eventlog.tail", cursor).await), [596, 597, 598]);
    assert_eq!(ids(&result(&running, "main.eventlog.tail", json!({})).await).len(), 50);
    let twice = json!({"filter": [["id", ">", 5]], "cursor": {"field": "id"}});
    let reply = call(&running, "main.eventlog.tail", twice).await;
    assert_eq!(refusal(&reply), refused(400, "INVALIDFILTER"));
    let body = json!({"select": {"count": ["id"], "min": ["id"], "max": ["id"], "avg": ["id"], "countDistinct": ["moduleId"]}, "filter": [["id", "<=", 10]]});
    let sums = result(&running, "main.eventlog.aggregate", body).await;
    assert_eq!(
        (&sums["count"]["id"], &sums["min"]["id"], &sums["max"]["id"]),
        (&json!(10), &json!(1), &json!(10))
    );
    assert!((sums["avg"]["id"].as_f64().unwrap() - 5.5).abs() < 1e-9);
    let filter = json!({"filter": [["severity", "WARNING"]], "select": ["severity"], "order": {"timestampX": "DESC"}});
    let list = result(&running, "main.eventlog.list", filter).await;
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["severity"] == "WARNING"));
    let employee = running.pair_of(2).await.access;
    let url = format!("{}/rest/api/main.eventlog.list", running.ready().portal);
    let denied = running.post_json(&url, &json!({"auth": employee})).await;
    assert_eq!(refusal(&denied), refused(403, "ACCESSDENIED"));
}

#[tokio::test]
async fn tasks_are_added_changed_and_deleted() {
    let running = start(small()).await;
    let fields = json!({"title": "New", "creatorId": 1, "responsibleId": 2, "deadline": "2026-12-31T00:00:00+03:00", "priority": "high"});
    let item = result(&running, "tasks.task.add", json!({"fields": fields})).await["item"].clone();
    assert_eq!(
        (&item["id"], &item["status"], &item["priority"]),
        (&json!(1001), &json!("pending"), &json!("high"))
    );
    assert_eq!((&item["needsControl"], &item["rights"]["edit"]), (&json!(false), &json!(true)));
    let change = json!({"id": 1001, "fields": {"status": "completed"}});
    assert_eq!(result(&running, "tasks.task.update", change).await, json!({"result": true}));
    let get = json!({"id": 1001, "select": ["status", "closed"]});
    let item = result(&running, "tasks.task.get", get).await["item"].clone();
    assert!(item["status"] == "completed" && item["closed"].is_string(), "{item}");
    assert_eq!(
        result(&running, "tasks.task.delete", json!({"id": 1001})).await,
        json!({"result": true})
    );
    for (method, body, code) in [
        ("tasks.task.get", json!({"id": 1001}), "ENTITYNOTFOUND"),
        ("tasks.task.get", json!({"id": "3"}), "VALIDATION_REQUESTVALIDATION"),
        ("tasks.task.add", json!({"fields": {"title": "x"}}), "VALIDATION_REQUESTVALIDATION"),
        ("tasks.task.add", json!({"fields": {"deadline": "soon"}}), "VALIDATION_REQUESTVALIDATION"),
        ("tasks.task.add", json!({"fields": {"nope": 1}}), "UNKNOWNDTOPROPERTY"),
        (
            "tasks.task.update",
            json!({"id": 1, "fields": {"creatorId": 2}}),
            "VALIDATION_REQUESTVALIDATION",
        ),
        ("tasks.task.field.get", json!({}), "VALIDATION_REQUESTVALIDATION"),
        ("tasks.task.field.list", json!({"select": ["unknownField"]}), "UNKNOWNDTOPROPERTY"),
    ] {
        let reply = call(&running, method, body.clone()).await;
        assert_eq!(refusal(&reply), refused(400, code), "{method} {body}");
    }
    let unknown = call(&running, "tasks.task.field.get", json!({"name": "nope"})).await;
    assert_eq!(
        unknown.json()["error"]["code"],
        "BITRIX_REST_V3_REALISATION_EXCEPTION_FIELDNOTFOUNDEXCEPTION"
    );
}

#[tokio::test]
async fn a_batch_refers_to_what_came_before() {
    let running = start(small()).await;
    let batch = json!([
        {"method": "tasks.task.list", "query": {"filter": [["id", "<=", 3]]}, "as": "some"},
        {"method": "tasks.task.get", "query": {"id": {"$ref": "some.2.id"}, "select": ["id"]}},
        {"method": "tasks.task.list", "query": {"filter": [["id", "in", {"$refArray": "some.id"}], ["id", ">", {"$ref": "some.0.id"}]]}},
        {"method": "tasks.task.get", "query": {"id": {"$ref": "1.id"}, "select": ["id"]}},
    ]);
    let answers = result(&running, "batch", batch).await;
    assert_eq!(answers[1], json!({"item": {"id": 3}}));
    assert_eq!(answers[2], json!({"items": [{"id": 2}, {"id": 3}]}));
    assert_eq!(answers[3], answers[1]);
    for (body, status, code) in [
        (json!({"cmd": {"a": "tasks.task.get?id=1"}}), 400, "INVALIDSELECT"),
        (json!([{"method": "nope"}]), 404, "METHODNOTFOUND"),
        (
            json!([{"method": "tasks.task.delete", "query": {"id": 5}}, {"method": "nope"}]),
            404,
            "METHODNOTFOUND",
        ),
        (
            json!([{"method": "tasks.task.get", "query": {"id": {"$ref": "x.id"}}}]),
            400,
            "INVALIDSELECT",
        ),
        (
            json!([{"method": "tasks.task.list", "as": "a"}, {"method": "tasks.task.list", "as": "a"}]),
            400,
            "INVALIDSELECT",
        ),
        (
            json!([{"method": "tasks.task.list"}, {"method": "tasks.task.get", "query": {"id": 99999}}]),
            400,
            "ENTITYNOTFOUND",
        ),
    ] {
        let reply = call(&running, "batch", body.clone()).await;
        assert_eq!(refusal(&reply), refused(status, code), "{body}");
    }
    // The unknown method was found out before the deletion ran.
    assert_eq!(call(&running, "tasks.task.get", json!({"id": 5})).await.status, 200);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_for_a_day() {
    let running = start(small()).await;
    let url = running.ready().webhook.replace("/rest/", "/rest/api/");
    let send = async |method: &str, key: &str, title: &str| {
        let body = json!({"fields": {"title": title, "creatorId": 1, "responsibleId": 1}});
        let request = running.http.post(format!("{url}{method}")).header("idempotency-key", key);
        Reply::of(request.json(&body).send().await.unwrap()).await
    };
    let first = send("tasks.task.add", "key 1", "a").await;
    assert_eq!(
        (first.header("idempotency-key"), first.header("idempotent-replayed")),
        ("key 1", "")
    );
    let second = send("tasks.task.add", "key 1", "a").await;
    assert_eq!(
        (second.header("idempotency-key"), second.header("idempotent-replayed")),
        ("key 1", "true")
    );
    assert_eq!(first.text, second.text);
    assert_eq!(
        refusal(&send("tasks.task.add", "key 1", "b").await),
        refused(422, "IDEMPOTENCYKEYREUSED")
    );
    assert_eq!(
        refusal(&send("tasks.task.add", &"k".repeat(256), "a").await),
        refused(400, "INVALIDIDEMPOTENCYKEY")
    );
    // Failures are not kept, and reading methods have no keys.
    assert_eq!(send("tasks.task.add", "key 2", "").await.status, 400);
    assert_eq!(send("tasks.task.add", "key 2", "c").await.status, 200);
    assert_eq!(send("tasks.task.list", "key 3", "a").await.header("idempotency-key"), "");
    running.control("/clock", json!({"advance": 24 * 3600})).await;
    let later = send("tasks.task.add", "key 1", "a").await;
    assert_eq!(later.header("idempotent-replayed"), "");
    assert_ne!(later.json()["result"]["item"]["id"], first.json()["result"]["item"]["id"]);
}

#[tokio::test]
async fn the_interface_describes_itself() {
    let running = start(small()).await;
    for method in ["rest.documentation.openapi", "documentation"] {
        let document = call(&running, method, json!({})).await.json();
        assert_eq!(document["openapi"], "3.0.0");
        assert!(document["paths"]["/tasks.task.get"]["post"].is_object(), "{document}");
        assert_eq!(
            document["components"]["schemas"]["TaskDto"]["properties"]["id"]["type"],
            "integer"
        );
    }
    let url = running.ready().webhook.replace("/rest/", "/rest/api/");
    let scopes = running.get(&format!("{url}rest.scope.list")).await.json();
    assert!(scopes["result"]["tasks"].as_array().unwrap().contains(&json!("tasks.task.add")));
    let field = result(&running, "tasks.task.field.get", json!({"name": "id"})).await;
    assert_eq!(
        (&field["item"]["type"], &field["item"]["filterable"]),
        (&json!("int"), &json!(true))
    );
}
