//! `batch`.

use evergrant_emulator::Config;
use serde_json::{Map, Value, json};

use crate::support::{small, start};

#[tokio::test]
async fn results_come_in_five_maps_keyed_like_the_commands() {
    let running = start(small()).await;
    let cmd = json!({"me": "profile", "leads": "crm.lead.list?select[]=ID", "bad": "no.such.method", "gone": "crm.lead.get?id=99999"});
    let answer = running.call("batch", json!({"cmd": cmd, "halt": 0})).await;
    assert_eq!(answer.status, 200);
    let result = &answer.json()["result"];
    let keys: Vec<&str> = result.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["result", "result_error", "result_total", "result_next", "result_time"]);
    assert_eq!(result["result"]["me"]["ID"], "1");
    assert_eq!(result["result"]["leads"].as_array().unwrap().len(), 50);
    assert_eq!(result["result_total"], json!({"leads": 500}));
    assert_eq!(result["result_next"], json!({"leads": 50}));
    assert_eq!(result["result_error"]["bad"]["error"], "ERROR_METHOD_NOT_FOUND");
    assert_eq!(
        result["result_error"]["gone"],
        json!({"error": "", "error_description": "Not found"})
    );
    assert_eq!(result["result_time"].as_object().unwrap().len(), 2);
    assert!(result["result_time"]["me"]["operating_reset_at"].is_i64());
}

#[tokio::test]
async fn empty_maps_are_lists_and_numbered_commands_are_too() {
    let running = start(small()).await;
    let answer = running.call("batch", json!({"cmd": ["profile", "server.time"]})).await;
    let result = &answer.json()["result"];
    assert!(result["result"].is_array());
    assert!(
        answer.text.contains(r#""result_error":[],"result_total":[],"result_next":[]"#),
        "{}",
        answer.text
    );
    // A failure in the middle leaves a gap, and a list with a gap is a map.
    let answer =
        running.call("batch", json!({"cmd": ["profile", "nope", "server.time"]})).await.json();
    assert!(answer["result"]["result"].is_object());
    assert_eq!(answer["result"]["result_error"]["1"]["error"], "ERROR_METHOD_NOT_FOUND");
    let empty = running.call("batch", json!({"cmd": []})).await.json();
    assert_eq!(empty["result"]["result"], json!([]));
}

#[tokio::test]
async fn references_reach_back_to_earlier_commands() {
    let running = start(small()).await;
    let cmd = json!({
        "list": "crm.lead.list?select[]=ID&filter[>ID]=41",
        "first": "crm.lead.get?id=$result[list][0][ID]",
        "add": "crm.lead.add?fields[TITLE]=Lead%20$result[first][ID]%20of%20$total[list]",
        "copy": "crm.lead.get?ID=$result[add]",
        "later": "crm.lead.get?ID=$result[never][ID]",
        "whole": "crm.lead.update?id=1&fields=$result[first]",
    });
    let answer = running.call("batch", json!({"CMD": cmd})).await.json();
    let result = &answer["result"];
    assert_eq!(result["result"]["first"]["ID"], "42", "{result}");
    assert_eq!(result["result"]["copy"]["TITLE"], "Lead 42 of 459");
    assert_eq!(
        result["result_error"]["later"]["error_description"],
        "ID is not defined or invalid"
    );
    assert_eq!(result["result"]["whole"], true);
    let (copied, original) =
        (running.call("crm.lead.get", json!({"id": 1})).await.json(), &result["result"]["first"]);
    assert_eq!(copied["result"]["TITLE"], original["TITLE"]);
}

#[tokio::test]
async fn halt_stops_at_the_first_failure() {
    let running = start(small()).await;
    let cmd = json!({"a": "profile", "b": "nope", "c": "profile"});
    for (halt, runs_on) in [
        (json!(1), false),
        (json!(true), false),
        (json!("false"), false),
        (json!(0), true),
        (json!("0"), true),
        (json!(""), true),
    ] {
        let answer = running.call("batch", json!({"cmd": cmd, "halt": halt})).await.json();
        let ran = answer["result"]["result"].get("c").is_some();
        assert_eq!(ran, runs_on, "halt={halt}");
    }
}

#[tokio::test]
async fn fifty_commands_run_and_nested_batches_do_not() {
    let running = start(small()).await;
    let cmd: Map<String, Value> =
        (0..52).map(|n| (format!("c{n}"), json!("server.time"))).collect();
    running.control("/settings", json!({"batch_overflow": "command"})).await;
    let answer = running.call("batch", json!({"cmd": cmd})).await.json();
    assert_eq!(answer["result"]["result"].as_object().unwrap().len(), 50);
    assert_eq!(answer["result"]["result_error"]["c50"]["error"], "ERROR_BATCH_LENGTH_EXCEEDED");
    assert_eq!(answer["result"]["result_error"].as_object().unwrap().len(), 2);

    let answer = running
        .call("batch", json!({"cmd": {"x": "batch?cmd[a]=profile", "y": "BATCH?cmd[a]=profile"}}))
        .await
        .json();
    for key in ["x", "y"] {
        assert_eq!(
            answer["result"]["result_error"][key]["error"],
            "ERROR_BATCH_METHOD_NOT_ALLOWED"
        );
    }
    let answer = running.call("batch", json!({"cmd": {"skipped": 5, "a": "profile"}})).await.json();
    assert_eq!(answer["result"]["result"].as_object().unwrap().len(), 1);
    assert_eq!(
        running.call("batch", json!({"cmd": "profile"})).await.error(),
        (400, "ERROR_ARGUMENT".to_owned())
    );
}

#[tokio::test]
async fn a_batch_is_one_hit_and_its_commands_are_counted_apart() {
    let running = start(Config { burst: 2, leak_per_second: 0.0, ..small() }).await;
    let url = format!("{}batch", running.ready().webhook);
    let form = [("cmd[0]", "profile"), ("cmd[1]", "crm.lead.get?id=1"), ("cmd[2]", "profile")];
    assert_eq!(running.post_form(&url, &form).await.status, 200);
    assert_eq!(running.post_form(&url, &form).await.status, 200);
    assert_eq!(running.post_form(&url, &form).await.status, 503);
    let portal = running.truth("/counters").await["portal"].clone();
    assert_eq!(
        (&portal["requests"], &portal["limited"], &portal["commands"]),
        (&json!(3), &json!(1), &json!(6))
    );
    assert_eq!(portal["methods"], json!({"batch": 2, "crm.lead.get": 2, "profile": 4}));
}

/// Each command repeats what the last one answered: a short text that would grow eightfold with every step.
#[tokio::test]
async fn references_that_grow_without_end_are_an_error_of_the_server() {
    let running = start(small()).await;
    let mut cmd = Map::new();
    cmd.insert("g0".to_owned(), "crm.lead.get?id=1".into());
    for n in 1..=24 {
        let copies = vec![format!("$result[g{}][TITLE]", n - 1); 8].join("+");
        cmd.insert(format!("m{n}"), format!("crm.lead.add?fields[TITLE]={copies}").into());
        cmd.insert(format!("g{n}"), format!("crm.lead.get?id=$result[m{n}]").into());
    }
    let reply = running.call("batch", json!({"cmd": cmd})).await;
    assert_eq!(reply.error(), (500, "INTERNAL_SERVER_ERROR".to_owned()));
    let added =
        running.call("crm.lead.list", json!({"select": ["ID"]})).await.json()["total"].clone();
    assert!(
        added.as_u64().is_some_and(|total| (502..520).contains(&total)),
        "what ran has run: {added}"
    );

    // Long answers count too, however short their commands are.
    let long = json!({"fields": {"COMMENTS": "x".repeat(4 << 20)}});
    let id = running.call("crm.lead.add", long).await.json()["result"].clone();
    let cmd: Vec<String> = vec![format!("crm.lead.get?id={id}"); 50];
    let reply = running.call("batch", json!({"cmd": cmd})).await;
    assert_eq!(reply.error(), (500, "INTERNAL_SERVER_ERROR".to_owned()));
    let reply = running.call("batch", json!({"cmd": &cmd[..10]})).await;
    assert_eq!(reply.json()["result"]["result"].as_array().unwrap().len(), 10);
}
