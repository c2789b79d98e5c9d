//! Cursors of REST 3.0: calls by their start, knowledge bases by their position.

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Running, small, start};
use crate::v3::{call, refusal, refused, result};

const CALLS: &str = "call.followup.list";
const BASES: &str = "note.collection.list";

/// All calls there can be.
fn ever() -> Value {
    json!({"startDate": {"from": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}})
}

/// Rows of all pages; every cursor goes back as it came.
async fn walk(running: &Running, method: &str, mut body: Value, key: &str) -> Vec<Value> {
    let limit = usize::try_from(body["pagination"]["limit"].as_u64().unwrap()).unwrap();
    let mut rows = Vec::new();
    loop {
        let page = result(running, method, body.clone()).await;
        let items = page["items"].as_array().unwrap();
        rows.extend(items.iter().cloned());
        assert!(rows.len() <= 1000, "the walk has no end");
        let end = page[key].is_null();
        assert!(end || items.len() == limit, "only the last page is short");
        if let Some(more) = page.get("hasMore") {
            assert_eq!(*more, json!(!end));
        }
        if end {
            return rows;
        }
        body["pagination"]["afterCursor"] = page[key].clone();
    }
}

/// Field and id of every row; dates of one zone are in the order of their texts.
fn keys(rows: &[Value], field: &str, id: &str) -> Vec<(String, u64)> {
    let text =
        |value: &Value| value.as_str().map_or(format!("{:0>9}", value.to_string()), str::to_owned);
    rows.iter().map(|row| (text(&row[field]), row[id].as_u64().unwrap())).collect()
}

/// In order, each row once, and some of them told apart by the id alone.
#[track_caller]
fn complete(keys: &[(String, u64)], count: usize) {
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    assert!(keys.windows(2).any(|pair| pair[0].0 == pair[1].0), "no value repeats");
    assert!(!keys.is_sorted_by_key(|(_, id)| id), "the id alone is the order");
    assert_eq!(keys.len(), count);
}

#[tokio::test]
async fn calls_are_walked_in_both_directions() {
    let running = start(small()).await;
    // 100 divides the number of rows.
    for limit in [7, 100, 200] {
        let body = json!({"filter": ever(), "pagination": {"limit": limit}});
        let mut down =
            keys(&walk(&running, CALLS, body, "afterCursor").await, "startDate", "callId");
        down.reverse();
        complete(&down, 300);
        let body = json!({"filter": ever(), "order": {"startDate": "asc"}, "pagination": {"limit": limit}});
        let up = keys(&walk(&running, CALLS, body, "afterCursor").await, "startDate", "callId");
        assert_eq!(up, down);
    }
}

#[tokio::test]
async fn calls_are_those_of_the_period_and_pages_are_cut_to_200() {
    let running = start(small()).await;
    for (limit, length) in
        [(json!(null), 50), (json!(200), 200), (json!(201), 200), (json!("9"), 9)]
    {
        let body = json!({"filter": ever(), "pagination": {"limit": limit}});
        let page = result(&running, CALLS, body).await;
        assert_eq!(page["items"].as_array().unwrap().len(), length, "{limit}");
    }
    let all = walk(
        &running,
        CALLS,
        json!({"filter": ever(), "pagination": {"limit": 200}}),
        "afterCursor",
    )
    .await;
    let (last, first) = (all[20]["startDate"].clone(), all[80]["startDate"].clone());
    let body =
        json!({"filter": {"startDate": {"from": first, "to": last}}, "pagination": {"limit": 9}});
    let some = walk(&running, CALLS, body, "afterCursor").await;
    let within =
        |row: &&Value| (first.as_str()..=last.as_str()).contains(&row["startDate"].as_str());
    let expected: Vec<Value> = all.iter().filter(within).cloned().collect();
    assert_eq!(some, expected);
    // No rows: the end at once.
    let body = json!({"filter": {"startDate": {"from": "2020-01-01", "to": "2020-01-02"}}});
    let none = json!({"items": [], "hasMore": false, "afterCursor": null});
    assert_eq!(result(&running, CALLS, body).await, none);
    let body = json!({"filter": ever(), "select": ["startDate"], "pagination": {"limit": 1}});
    let page = result(&running, CALLS, body).await;
    assert_eq!(page["items"], json!([{"startDate": page["afterCursor"]["startDate"]}]));
}

#[tokio::test]
async fn calls_are_those_of_a_participant_on_either_end() {
    let running = start(small()).await;
    let of = async |user: Value| {
        let mut filter = ever();
        filter["participantId"] = user;
        let body = json!({"filter": filter, "pagination": {"limit": 50}});
        walk(&running, CALLS, body, "afterCursor").await
    };
    let mut heard = 0;
    for user in 1..=6 {
        let calls = of(json!(user)).await;
        let begun = calls.iter().filter(|call| call["initiatorId"] == user).count();
        assert!(begun > 0 && begun < calls.len(), "user {user} called and was called");
        heard += calls.len();
    }
    assert_eq!(heard, 600, "every call has two ends");
    assert_eq!(of(json!(99)).await, [Value::Null; 0]);
    for wrong in [json!("x"), json!(0), json!(-1), json!([1]), json!(null)] {
        let mut filter = ever();
        filter["participantId"] = wrong.clone();
        let reply = call(&running, CALLS, json!({"filter": filter})).await;
        assert_eq!(refusal(&reply), refused(400, "INVALIDFILTER"), "{wrong}");
    }
}

#[tokio::test]
async fn long_pages_of_knowledge_bases_can_be_cut_instead() {
    let running = start(small()).await;
    running.control("/settings", json!({"long_page": "clamp"})).await;
    let page = result(&running, BASES, json!({"pagination": {"limit": 1000}})).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 200);
    let reply = call(&running, BASES, json!({"pagination": {"limit": 0}})).await;
    assert_eq!(refusal(&reply), refused(400, "INVALIDPAGINATION"));
}

#[tokio::test]
async fn bad_calls_have_codes_of_their_own() {
    let running = start(small()).await;
    let range = |from: &str, to: &str| json!({"filter": {"startDate": {"from": from, "to": to}}});
    let with = |name: &str, value: Value| json!({"filter": ever(), name: value});
    let cursor = |value: Value| with("pagination", json!({"afterCursor": value}));
    for (body, code) in [
        (json!({}), "invalid_date_range"),
        (json!({"filter": []}), "invalid_date_range"),
        (json!({"filter": {"startDate": {"from": "2026-01-01"}}}), "invalid_date_range"),
        (range("soon", "2026-01-01"), "invalid_date_range"),
        (range("2026-01-02", "2026-01-01"), "invalid_date_range"),
        (json!({"filter": {"participantId": 1}}), "invalid_date_range"),
        (json!({"filter": {"callType": 1}}), "INVALIDFILTER"),
        (with("select", json!(["nope"])), "invalid_select_field"),
        (with("select", json!("callId")), "INVALIDSELECT"),
        (with("order", json!({"startDate": "sideways"})), "invalid_order"),
        (with("order", json!({"callId": "asc"})), "invalid_order"),
        (with("pagination", json!("x")), "invalid_pagination"),
        (with("pagination", json!({"limit": 0})), "invalid_pagination"),
        (with("pagination", json!({"limit": -1})), "invalid_pagination"),
        (with("pagination", json!({"limit": "x"})), "invalid_pagination"),
        (cursor(json!("x")), "invalid_pagination"),
        (cursor(json!({"id": 5})), "invalid_pagination"),
        (cursor(json!({"startDate": "2026-01-01"})), "invalid_pagination"),
        (cursor(json!({"startDate": "soon", "id": 5})), "invalid_pagination"),
        (cursor(json!({"startDate": "2026-01-01", "id": -5})), "invalid_pagination"),
    ] {
        let reply = call(&running, CALLS, body.clone()).await;
        assert_eq!(refusal(&reply), refused(400, code), "{body}");
    }
}

#[tokio::test]
async fn knowledge_bases_are_walked_by_position() {
    let running = start(small()).await;
    for limit in [1, 40, 125, 200] {
        let body = json!({"pagination": {"limit": limit}});
        let rows = walk(&running, BASES, body, "nextCursor").await;
        complete(&keys(&rows, "position", "id"), 250);
    }
    let page = result(&running, BASES, json!({})).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 50);
    let last = json!({"position": items[49]["position"], "id": items[49]["id"]});
    assert_eq!(page["nextCursor"], last);
    // A row that is gone is still a place to go on from.
    let beyond = json!({"pagination": {"afterCursor": {"position": 1_000_000, "id": 1}}});
    assert_eq!(result(&running, BASES, beyond).await, json!({"items": [], "nextCursor": null}));
}

#[tokio::test]
async fn bad_pages_of_knowledge_bases_are_refused() {
    let running = start(small()).await;
    for pagination in [
        json!("x"),
        json!({"limit": 0}),
        json!({"limit": 201}),
        json!({"limit": "x"}),
        json!({"afterCursor": 5}),
        json!({"afterCursor": {"position": 100}}),
        json!({"afterCursor": {"id": 1}}),
        json!({"afterCursor": {"position": "first", "id": 1}}),
        json!({"afterCursor": {"position": 100, "id": "x"}}),
    ] {
        let reply = call(&running, BASES, json!({"pagination": pagination})).await;
        assert_eq!(refusal(&reply), refused(400, "INVALIDPAGINATION"), "{pagination}");
    }
}

#[tokio::test]
async fn both_need_their_scope() {
    let running = start(Config { scope: vec!["crm".to_owned()], ..small() }).await;
    for method in [CALLS, BASES] {
        let reply = call(&running, method, json!({})).await;
        assert_eq!(refusal(&reply), refused(403, "INSUFFICIENTSCOPE"), "{method}");
    }
}
