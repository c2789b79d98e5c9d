//! The control port's own description, held against what it does, and the page for people.

use std::collections::BTreeSet;

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Reply, Running, small, start};

async fn send(running: &Running, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let url = format!("{}{path}", running.ready().control);
    let request = running.http.request(method.parse().unwrap(), url);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    Reply::of(request.send().await.unwrap()).await
}

fn schema(operation: &Value) -> Option<&Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    schema.is_object().then_some(schema)
}

#[tokio::test]
async fn the_document_tells_the_routes_that_there_are() {
    let running = start(small()).await;
    let document = running.truth("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let refusal = running.get(&format!("{}/nowhere", running.ready().control)).await;
    assert_eq!(refusal.status, 404);
    let text = refusal.json()["error_description"].as_str().unwrap().to_owned();
    let told: BTreeSet<&str> = text.rsplit("there are ").next().unwrap().split(", ").collect();
    assert_eq!(paths.keys().map(String::as_str).collect::<BTreeSet<_>>(), told);
    let mut ids = BTreeSet::new();
    for (path, operations) in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let operation = &operations[method.to_ascii_lowercase()];
            let reply = send(&running, method, path, None).await;
            if operation.is_null() {
                assert_eq!(reply.status, 405, "{method} {path}");
                continue;
            }
            assert!(
                ids.insert(operation["operationId"].to_string()),
                "{method} {path}: id is taken"
            );
            let needs = schema(operation).is_some();
            assert!(
                reply.status == 200 || (reply.status == 400 && needs),
                "{method} {path}: {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn bodies_have_the_fields_that_the_document_names() {
    let running = start(small()).await;
    let document = running.truth("/openapi.json").await;
    let mut looked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(schema) = schema(operation) else { continue };
            let mut whole = json!({});
            for name in schema["required"].as_array().into_iter().flatten() {
                whole[name.as_str().unwrap()] = example(path, name.as_str().unwrap());
            }
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property.is_object());
                let mut body = whole.clone();
                // A value that fits nothing: a field that is known is refused for it, or takes anything.
                body[name] = json!([[null]]);
                let reply = send(&running, &method.to_uppercase(), path, Some(&body)).await;
                let said = &reply.json()["error_description"];
                assert_ne!(said, "is not known here", "{method} {path}: {name}");
                looked += 1;
            }
            let mut body = whole;
            body["surely_unknown"] = json!(1);
            let reply = send(&running, &method.to_uppercase(), path, Some(&body)).await;
            assert_eq!(
                (reply.status, &reply.json()["field"]),
                (400, &json!("surely_unknown")),
                "{method} {path}: {}",
                reply.text
            );
        }
    }
    assert!(looked > 100, "{looked}");
}

#[tokio::test]
async fn settings_are_described_with_what_they_take_and_their_defaults() {
    let running = start(Config::default()).await;
    let document = running.truth("/openapi.json").await;
    let schema = schema(&document["paths"]["/settings"]["post"]).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    let now = running.truth("/settings").await;
    let known: Vec<&String> = now.as_object().unwrap().keys().collect();
    assert_eq!(properties.keys().collect::<Vec<_>>(), known);
    for (name, property) in properties {
        let about = property["description"].as_str().unwrap();
        assert!(about.len() > 20 && about.to_lowercase().contains("default"), "{name}: {about}");
        assert_eq!(property["default"], now[name], "{name}");
        assert_eq!(property["anyOf"][1], json!({"type": "null"}), "{name}");
        // Each word it names is taken, and nothing else.
        for word in property["anyOf"][0]["enum"].as_array().into_iter().flatten() {
            running.control("/settings", json!({name: word})).await;
        }
        if property["anyOf"][0].get("enum").is_some() {
            let reply = running.try_control("/settings", json!({name: "no such word"})).await;
            assert_eq!(reply.status, 400, "{name}");
        }
        running.control("/settings", json!({name: null})).await;
    }
    assert_eq!(properties["rotation"]["anyOf"][0], json!({"enum": ["strict", "grace", "family"]}));
    let days = json!({"type": "integer", "minimum": 1, "maximum": 3650});
    assert_eq!(properties["refresh_days"]["anyOf"][0], days);
}

/// The table in the guide is made of what the program says.
#[tokio::test]
async fn the_guide_names_every_setting() {
    let running = start(small()).await;
    let document = running.truth("/openapi.json").await;
    let schema = schema(&document["paths"]["/settings"]["post"]).unwrap();
    let row = |(name, property): (&String, &Value)| {
        format!("| `{name}` | {} |\n", property["description"].as_str().unwrap())
    };
    let table: String = schema["properties"].as_object().unwrap().iter().map(row).collect();
    // Asked for when it runs: a compiled test outlives the checkout that it was compiled in.
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let guide = std::fs::read_to_string(folder + "/../docs/src/emulator.md").unwrap();
    assert!(guide.contains(&table), "docs/src/emulator.md should have this table:\n{table}");
    assert!(guide.contains("/portals/{member_id}/"));
}

fn example(path: &str, name: &str) -> Value {
    match (path, name) {
        ("/faults", "at") => json!("rest"),
        ("/faults", "kind") => json!("html"),
        ("/users" | "/restore", "id") | (_, "seed") => json!(1),
        (_, "client_id") => json!("local.app"),
        (_, "handler") => json!("http://127.0.0.1:9/h"),
        _ => json!("ONCRMLEADADD"),
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let running = start(small()).await;
    let control = &running.ready().control;
    let page = running.get(&format!("{control}/page")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for (part, kind) in [("page.css", "text/css"), ("page.js", "text/javascript")] {
        assert!(page.text.contains(part));
        let reply = running.get(&format!("{control}/{part}")).await;
        assert!(reply.header("content-type").starts_with(kind) && reply.text.len() > 500, "{part}");
        assert!(
            !reply.text.contains("//cdn")
                && !reply.text.contains("http://")
                && !reply.text.contains("https://")
        );
    }
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
}
