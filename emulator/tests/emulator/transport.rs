//! How calls come in and answers go out: `.json`, `.xml`, slashes, forms in parts, time blocks, scopes.

use evergrant_emulator::Config;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Reply, Running, small, start};

async fn multipart(running: &Running, url: &str, parts: &[(&str, &str)]) -> Reply {
    let mut body = String::new();
    for (name, value) in parts {
        let line = format!("Content-Disposition: form-data; name=\"{name}\"");
        body.push_str(&format!("--xYzZy\r\n{line}\r\n\r\n{value}\r\n"));
    }
    body.push_str("--xYzZy--\r\n");
    let request = running.http.post(url);
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=xYzZy").body(body);
    Reply::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn xml_is_the_same_tree_under_response() {
    let running = start(small()).await;
    let webhook = &running.ready().webhook;
    let reply = running.get(&format!("{webhook}profile.xml")).await;
    assert_eq!(reply.header("content-type"), "text/xml; charset=utf-8");
    assert!(
        reply.text.starts_with("<response><result><ID>1</ID><ADMIN>1</ADMIN><NAME>"),
        "{}",
        reply.text
    );
    assert!(reply.text.contains("<time><start>") && reply.text.ends_with("</time></response>"));

    let list =
        running.get(&format!("{webhook}crm.lead.list.xml?select[]=ID&filter[%3C%3DID]=2")).await;
    let rows = "<result><item><ID>1</ID></item><item><ID>2</ID></item></result><total>2</total>";
    assert!(list.text.contains(rows), "{}", list.text);

    let error = running.get(&format!("{webhook}crm.lead.get.xml?id=x")).await;
    assert_eq!(error.status, 400);
    assert_eq!(
        error.text,
        "<response><error></error><error_description>ID is not defined or invalid</error_description></response>"
    );
    let title = "<a> & \"b\"";
    let id = running.call("crm.lead.add", json!({"fields": {"TITLE": title}})).await.json();
    let lead = running.get(&format!("{webhook}crm.lead.get.xml?id={}", id["result"])).await;
    assert!(lead.text.contains("<TITLE>&lt;a&gt; &amp; &quot;b&quot;</TITLE>"), "{}", lead.text);
    // One suffix only.
    assert_eq!(running.get(&format!("{webhook}profile.xml.json")).await.status, 404);
}

#[tokio::test]
async fn forms_in_parts_do_the_same_as_json() {
    let running = start(small()).await;
    let url = format!("{}crm.contact.add", running.ready().webhook);
    let parts = [
        ("fields[NAME]", "Анна & +"),
        ("fields[PHONE][0][VALUE]", "+7 900"),
        ("fields[PHONE][0][VALUE_TYPE]", "HOME"),
    ];
    let id = multipart(&running, &url, &parts).await.json()["result"].clone();
    let contact = running.call("crm.contact.get", json!({"id": id})).await.json();
    assert_eq!(contact["result"]["NAME"], "Анна & +");
    assert_eq!(contact["result"]["PHONE"][0]["VALUE"], "+7 900");
    let url = format!("{}/rest/crm.lead.list", running.ready().portal);
    let token = running.pair().await.access;
    let parts = [
        ("auth", token.as_str()),
        ("select[]", "ID"),
        ("filter[ID][]", "3"),
        ("filter[ID][]", "5"),
    ];
    let list = multipart(&running, &url, &parts).await.json();
    assert_eq!(list["result"], json!([{"ID": "3"}, {"ID": "5"}]));
}

#[tokio::test]
async fn names_are_tried_in_lower_case_and_then_as_they_are() {
    let running = start(small()).await;
    assert_eq!(running.call("Crm.Lead.Get", json!({"id": 1})).await.status, 200);
    assert_eq!(running.call("disk.storage.getList", json!({})).await.status, 200);
    let exact = running.call("tasks.flow.Flow.get", json!({"flowId": 1})).await;
    assert_eq!(exact.error(), (400, "0".to_owned()));
    let lower = running.call("tasks.flow.flow.get", json!({"flowId": 1})).await;
    assert_eq!(lower.error(), (404, "ERROR_METHOD_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn the_time_block_has_the_shape_of_the_setting() {
    let running = start(small()).await;
    for (shape, keys, integer) in [
        ("integer_start", 8, true),
        ("full", 8, false),
        ("without_reset", 7, false),
        ("without_operating", 6, false),
        ("absent", 0, false),
    ] {
        running.control("/settings", json!({"time": shape})).await;
        let answer = running.call("server.time", json!({})).await.json();
        let time = answer.get("time").and_then(Value::as_object);
        assert_eq!(time.map_or(0, serde_json::Map::len), keys, "{shape}: {answer}");
        let Some(time) = time else { continue };
        assert_eq!(time["start"].is_i64(), integer, "{shape}: {answer}");
        assert_eq!(time.contains_key("operating"), shape != "without_operating", "{shape}");
        assert!(time["duration"].as_f64().unwrap() >= 0.0 && time["finish"].is_f64());
    }
    assert_eq!(running.try_control("/settings", json!({"time": "none"})).await.status, 400);
}

#[tokio::test]
async fn an_application_may_do_what_its_scopes_say() {
    let running = start(Config { scope: vec!["crm".to_owned()], ..small() }).await;
    let token = running.pair().await.access;
    assert_eq!(running.call_as(&token, "profile").await.status, 200);
    let refused = running.call_as(&token, "user.current").await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
    assert!(refused.json()["error_description"].as_str().unwrap().contains("higher privileges"));
    let url = format!("{}/rest/batch", running.ready().portal);
    let body = json!({"auth": token, "cmd": {"a": "user.current", "b": "profile"}});
    let batch = running.post_json(&url, &body).await.json();
    let error = json!({"error": "insufficient_scope", "error_description": ""});
    assert_eq!(batch["result"]["result_error"]["a"], error);
    assert_eq!(batch["result"]["result"]["b"]["ID"], "1");
    let known = running.call_as(&token, "method.get?name=user.current").await.json();
    assert_eq!(known["result"], json!({"isExisting": true, "isAvailable": false}));
    assert_eq!(running.call_as(&token, "scope").await.json()["result"], json!(["crm"]));

    running.control("/settings", json!({"profile": "box"})).await;
    let refused = running.call_as(&token, "user.current").await;
    assert_eq!(refused.error(), (401, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn more_than_fifty_commands_can_be_one_error() {
    let running = start(small()).await;
    running.control("/settings", json!({"batch_overflow": "request"})).await;
    let cmd: Vec<&str> = vec!["server.time"; 51];
    let reply = running.call("batch", json!({"cmd": cmd})).await;
    assert_eq!(reply.error(), (400, "ERROR_BATCH_LENGTH_EXCEEDED".to_owned()));
    let fits = running.call("batch", json!({"cmd": &cmd[..50]})).await.json();
    assert_eq!(fits["result"]["result"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn references_name_more_than_results() {
    let running = start(small()).await;
    let cmd = json!({
        "list": "crm.lead.list?select[]=ID",
        "next": "crm.lead.list?select[]=ID&start=$next[list]",
        "bad": "nope",
        "told": "crm.lead.add?fields[TITLE]=$error[bad][error] $time[list][start] x",
        "many": "crm.lead.list?select[]=ID&filter[ID][0]=$result[list][0][ID]&filter[ID][1]=$result[list][1][ID]",
        "copy": "crm.lead.get?id=$result[told]",
    });
    let answer = running.call("batch", json!({"cmd": cmd})).await.json()["result"].clone();
    assert_eq!(answer["result"]["next"][0]["ID"], "51", "{answer}");
    assert_eq!(answer["result"]["many"], json!([{"ID": "1"}, {"ID": "2"}]));
    let title = answer["result"]["copy"]["TITLE"].as_str().unwrap();
    assert!(title.starts_with("ERROR_METHOD_NOT_FOUND 1") && title.ends_with(" x"), "{title}");
    // Uploads and downloads cannot be batched.
    let cmd = json!({"a": "download?token=x", "b": "upload"});
    let answer = running.call("batch", json!({"cmd": cmd})).await.json();
    for key in ["a", "b"] {
        let error = &answer["result"]["result_error"][key]["error"];
        assert_eq!(error, "ERROR_BATCH_METHOD_NOT_ALLOWED");
    }
}
