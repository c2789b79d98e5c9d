//! Snapshots and seeds.

use serde_json::json;

use crate::support::{small, start};

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let bind = json!({"auth": pair.access, "event": "ONCRMLEADADD", "event_type": "offline"});
    running.rest("event.bind", bind).await;
    running.call("crm.lead.add", json!({"fields": {"TITLE": "kept"}})).await;
    running.control("/faults", json!({"at": "token", "kind": "status", "times": 2})).await;
    running.control("/settings", json!({"old_access": "dies"})).await;
    running.call("im.notify.personal.add", json!({"USER_ID": 1, "MESSAGE": "kept"})).await;
    let id = running.control("/snapshot", json!({})).await["id"].clone();
    let paths = [
        "/settings",
        "/faults",
        "/counters",
        "/events",
        "/messages",
        "/chains",
        "/users",
        "/applications",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(running.truth(path).await);
    }
    let now = running.truth("/clock").await["now"].as_i64().unwrap();

    for _ in 0..2 {
        running.control("/clock", json!({"advance": 100_000})).await;
        running.control("/settings", json!({"old_access": "lives", "burst": 9})).await;
        running.control("/events/uninstall", json!({})).await;
        running.control("/users", json!({"id": 1, "kind": "extranet"})).await;
        running.call("crm.lead.update", json!({"id": 501, "fields": {"TITLE": "lost"}})).await;
        running.call("crm.lead.delete", json!({"id": 1})).await;
        assert_eq!(running.call_as(&pair.access, "profile").await.status, 401);
        running.refresh(&pair.refresh).await;

        assert_eq!(running.control("/restore", json!({"id": id})).await, json!({"id": id}));
        for (path, before) in paths.iter().zip(&before) {
            assert_eq!(running.truth(path).await, *before, "{path}");
        }
        let after = running.truth("/clock").await["now"].as_i64().unwrap();
        assert!((now..now + 60).contains(&after), "{now} {after}");
        assert_eq!(running.call_as(&pair.access, "profile").await.status, 200);
        let kept = running.call("crm.lead.get", json!({"id": 501})).await.json();
        assert_eq!(kept["result"]["TITLE"], "kept");
        assert_eq!(running.call("crm.lead.get", json!({"id": 1})).await.status, 200);
        // What was just asked counts too.
        running.control("/restore", json!({"id": id})).await;
    }
    let reply = running.try_control("/restore", json!({"id": 99})).await;
    assert_eq!((reply.status, &reply.json()["field"]), (400, &json!("id")));
    running.control("/faults", json!({"at": "rest", "kind": "drop"})).await;
    for _ in 0..16 {
        running.control("/snapshot", json!({})).await;
    }
    assert_eq!(
        running.try_control("/restore", json!({"id": id})).await.status,
        400,
        "sixteen are kept"
    );
}

#[tokio::test]
async fn another_seed_makes_other_rows_until_the_reset() {
    let running = start(small()).await;
    let row =
        || async { running.call("crm.lead.get", json!({"id": 7})).await.json()["result"].clone() };
    let first = row().await;
    running.call("crm.lead.delete", json!({"id": 9})).await;
    running.control("/seed", json!({"seed": 25})).await;
    let second = row().await;
    assert_ne!(first, second);
    assert_eq!(
        running.call("crm.lead.get", json!({"id": 9})).await.status,
        200,
        "changes are forgotten"
    );
    running.control("/seed", json!({"seed": 24})).await;
    assert_eq!(row().await, first, "the same seed, the same rows");
    running.control("/seed", json!({"seed": 25})).await;
    assert_eq!(row().await, second);
    running.control("/reset", json!({})).await;
    assert_eq!(row().await, first);
}
