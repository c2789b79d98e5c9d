//! Rows: lists, filters, order, paging, changes.

use std::collections::HashSet;

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Running, ids, small, start};

async fn list(running: &Running, params: Value) -> Value {
    let reply = running.call("crm.lead.list", params).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn a_list_that_was_not_counted_has_a_total_of_zero_or_none() {
    let running = start(small()).await;
    let list = async |start: i64| {
        running.call("crm.lead.list", json!({"start": start, "select": ["ID"]})).await.json()
    };
    assert_eq!(list(-1).await["total"], 0);
    running.control("/settings", json!({"uncounted_total": "absent"})).await;
    let uncounted = list(-1).await;
    assert!(uncounted.get("total").is_none() && uncounted.get("next").is_none(), "{uncounted}");
    assert_eq!(list(0).await["total"], 500, "what was counted is told");
}

#[tokio::test]
async fn pages_of_fifty_lead_through_all_rows() {
    let running = start(Config { leads: 123, ..small() }).await;
    let mut seen = Vec::new();
    let mut start_at = json!(0);
    loop {
        let page = list(&running, json!({"start": start_at, "select": ["ID"]})).await;
        assert_eq!(page["total"], 123);
        seen.extend(ids(&page));
        match page.get("next") {
            Some(next) => start_at = next.clone(),
            None => break,
        }
    }
    assert_eq!(seen, (1..=123).collect::<Vec<u64>>());
    assert_eq!(
        ids(&list(&running, json!({"start": 70})).await)[0],
        51,
        "a start between pages is rounded down"
    );
    assert_eq!(list(&running, json!({"start": 100_000})).await["result"], json!([]));
    assert_eq!(ids(&list(&running, json!({"START": "100"})).await).len(), 23);
}

#[tokio::test]
async fn without_counting_a_list_is_walked_by_id() {
    let running = start(Config { leads: 123, ..small() }).await;
    let mut last = 0;
    let mut seen = 0;
    loop {
        let page = list(
            &running,
            json!({"start": -1, "filter": {">ID": last}, "order": {"ID": "ASC"}, "select": ["ID"]}),
        )
        .await;
        assert_eq!((&page["total"], page.get("next")), (&json!(0), None));
        let page = ids(&page);
        seen += page.len();
        match page.last() {
            Some(&id) => last = id,
            None => break,
        }
    }
    assert_eq!((seen, last), (123, 123));
}

#[tokio::test]
async fn filters_agree_with_the_rows_they_return() {
    let running = start(small()).await;
    let all = all_rows(&running).await;
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("").to_lowercase();
    let number = |row: &Value, key: &str| row[key].as_str().unwrap_or("0").parse::<f64>().unwrap();
    type Check<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(Value, Check<'_>)> = vec![
        (json!({"STATUS_ID": "NEW"}), Box::new(|row| text(row, "STATUS_ID") == "new")),
        (json!({"=status_id": "new"}), Box::new(|row| text(row, "STATUS_ID") == "new")),
        (json!({"!STATUS_ID": "NEW"}), Box::new(|row| text(row, "STATUS_ID") != "new")),
        (
            json!({"!=STATUS_ID": ["NEW", "JUNK"]}),
            Box::new(|row| !["new", "junk"].contains(&&*text(row, "STATUS_ID"))),
        ),
        (
            json!({"@SOURCE_ID": ["WEB", "CALL"]}),
            Box::new(|row| ["web", "call"].contains(&&*text(row, "SOURCE_ID"))),
        ),
        (
            json!({"!@SOURCE_ID": ["WEB", "CALL"]}),
            Box::new(|row| !["web", "call"].contains(&&*text(row, "SOURCE_ID"))),
        ),
        (json!({">OPPORTUNITY": 100_000}), Box::new(|row| number(row, "OPPORTUNITY") > 100_000.0)),
        (
            json!({"<=OPPORTUNITY": "100000.00"}),
            Box::new(|row| number(row, "OPPORTUNITY") <= 100_000.0),
        ),
        (
            json!({">=ID": 100, "<ID": "200"}),
            Box::new(|row| (100.0..200.0).contains(&number(row, "ID"))),
        ),
        (json!({"ID": [3, "5", 99_999]}), Box::new(|row| [3.0, 5.0].contains(&number(row, "ID")))),
        (json!({"!ID": 3}), Box::new(|row| number(row, "ID") != 3.0)),
        (json!({"%TITLE": "РОМАШКА"}), Box::new(|row| text(row, "TITLE").contains("ромашка"))),
        (json!({"!%TITLE": "ромашка"}), Box::new(|row| !text(row, "TITLE").contains("ромашка"))),
        (json!({"=%NAME": "А%"}), Box::new(|row| text(row, "NAME").starts_with('а'))),
        (json!({"!=%NAME": "А%"}), Box::new(|row| !text(row, "NAME").starts_with('а'))),
        (json!({"HAS_PHONE": "Y"}), Box::new(|row| row["HAS_PHONE"] == "Y")),
        (json!({"SECOND_NAME": ""}), Box::new(|row| text(row, "SECOND_NAME").is_empty())),
        (json!({"!SECOND_NAME": ""}), Box::new(|row| !text(row, "SECOND_NAME").is_empty())),
        (
            json!({"UNKNOWN_FIELD": "x", "STATUS_ID": "JUNK"}),
            Box::new(|row| text(row, "STATUS_ID") == "junk"),
        ),
        (
            json!({">=DATE_CREATE": "2025-06-01", "<DATE_CREATE": "2025-07-01T00:00:00+03:00"}),
            Box::new(|row| row["DATE_CREATE"].as_str().unwrap().starts_with("2025-06")),
        ),
    ];
    for (filter, check) in cases {
        let expected: Vec<u64> = all.iter().filter(|row| check(row)).map(id_of).collect();
        let mut found = Vec::new();
        let mut total = Value::Null;
        for page in 0..10 {
            let answer =
                list(&running, json!({"filter": filter, "select": ["ID"], "start": page * 50}))
                    .await;
            total = answer["total"].clone();
            found.extend(ids(&answer));
        }
        assert_eq!(found, expected, "{filter}");
        assert_eq!(total, expected.len(), "{filter}");
        assert!(!expected.is_empty(), "{filter} is a test of nothing");
    }
}

fn id_of(row: &Value) -> u64 {
    row["ID"].as_str().unwrap().parse().unwrap()
}

async fn all_rows(running: &Running) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 0..10 {
        let answer = list(running, json!({"start": page * 50})).await;
        rows.extend(answer["result"].as_array().unwrap().clone());
    }
    rows
}

#[tokio::test]
async fn order_works_on_any_field_in_both_directions() {
    let running = start(small()).await;
    let newest =
        list(&running, json!({"order": {"ID": "DESC"}, "select": ["ID"], "filter": {"<=ID": 400}}))
            .await;
    assert_eq!(ids(&newest), (351..=400).rev().collect::<Vec<u64>>());

    let mut rows = all_rows(&running).await;
    let amount = |row: &Value| row["OPPORTUNITY"].as_str().unwrap().parse::<f64>().unwrap();
    rows.sort_by(|a, b| amount(b).total_cmp(&amount(a)).then(id_of(a).cmp(&id_of(b))));
    let expected: Vec<u64> = rows.iter().map(id_of).collect();
    let params = |start: usize| json!({"ORDER": {"OPPORTUNITY": "desc", "ID": "asc"}, "SELECT": ["ID"], "START": start});
    assert_eq!(ids(&list(&running, params(0)).await), expected[..50]);
    assert_eq!(ids(&list(&running, params(450)).await), expected[450..]);
    assert_eq!(list(&running, params(450)).await.get("next"), None);
}

#[tokio::test]
async fn select_decides_the_columns() {
    let running = start(small()).await;
    let columns = async |select: Value| {
        let answer = list(&running, json!({"select": select, "filter": {"ID": 1}})).await;
        answer["result"][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let phones = json!({"select": ["PHONE"], "filter": {"HAS_PHONE": "N"}});
    assert!(
        list(&running, phones).await["result"][0].get("PHONE").is_none(),
        "nothing is shown as nothing"
    );
    assert_eq!(columns(json!(["TITLE", "id", "ID"])).await, ["TITLE", "ID"]);
    assert_eq!(columns(json!(["TITLE"])).await, ["TITLE", "ID"]);
    assert_eq!(columns(json!(["NOPE", "TITLE"])).await, ["TITLE", "ID"]);
    let star = columns(json!(["*"])).await;
    assert!(star.len() > 40 && !star.contains(&"PHONE".to_owned()));
    assert_eq!(columns(json!([])).await, star);
    let mails = json!({"select": ["*", "EMAIL"], "filter": {"HAS_EMAIL": "Y"}});
    assert!(list(&running, mails).await["result"][0]["EMAIL"][0]["VALUE"].is_string());
}

#[tokio::test]
async fn rows_look_like_a_pipeline() {
    let running = start(small()).await;
    let rows = all_rows(&running).await;
    let distinct =
        |key: &str| rows.iter().filter_map(|row| row[key].as_str()).collect::<HashSet<_>>();
    assert_eq!(
        distinct("STATUS_ID"),
        HashSet::from(["NEW", "IN_PROCESS", "PROCESSED", "JUNK", "CONVERTED"])
    );
    assert!(distinct("SOURCE_ID").len() >= 8);
    assert!(distinct("CURRENCY_ID").is_superset(&HashSet::from(["RUB", "EUR"])));
    assert!(
        distinct("NAME").iter().any(|name| name.is_ascii()) && distinct("NAME").contains("Анна")
    );
    for row in &rows {
        assert!(
            row.as_object().unwrap().values().all(|value| value.is_string() || value.is_null()),
            "{row}"
        );
        let amount = row["OPPORTUNITY"].as_str().unwrap();
        assert_eq!(amount.rsplit('.').next().unwrap().len(), 2, "{amount}");
        let final_stage = matches!(row["STATUS_SEMANTIC_ID"].as_str(), Some("S" | "F"));
        assert_eq!(final_stage, row["DATE_CLOSED"] != "", "{row}");
        assert!(row["DATE_CREATE"].as_str() <= row["DATE_MODIFY"].as_str(), "{row}");
    }
    let lead = running.call("crm.lead.get", json!({"id": 1})).await.json();
    let with_phone = rows.iter().find(|row| row["HAS_PHONE"] == "Y").unwrap();
    let lead_with_phone =
        running.call("crm.lead.get", json!({"id": with_phone["ID"]})).await.json();
    let phone = &lead_with_phone["result"]["PHONE"][0];
    assert_eq!(phone["TYPE_ID"], "PHONE");
    assert!(
        phone["ID"].is_string() && phone["VALUE"].as_str().unwrap().starts_with('+'),
        "{phone}"
    );
    assert!(lead["result"]["ID"].is_string());
}

#[tokio::test]
async fn all_three_entities_are_there() {
    let running = start(small()).await;
    for (entity, total) in [("lead", 500), ("deal", 60), ("contact", 70)] {
        let answer = running.call(&format!("crm.{entity}.list"), json!({})).await.json();
        assert_eq!(answer["total"], total);
        assert_eq!(answer["result"][0]["ID"], "1");
        let fields = running.call(&format!("crm.{entity}.fields"), json!({})).await.json();
        assert_eq!(fields["result"]["ID"]["isReadOnly"], true);
        let listed = answer["result"][0].as_object().unwrap();
        assert!(listed.keys().all(|key| fields["result"].get(key).is_some()));
    }
    let deals = running
        .call("crm.deal.list", json!({"filter": {"!CONTACT_ID": ""}, "select": ["CONTACT_ID"]}))
        .await
        .json();
    for deal in deals["result"].as_array().unwrap() {
        let contact = running.call("crm.contact.get", json!({"id": deal["CONTACT_ID"]})).await;
        assert_eq!(contact.status, 200, "a deal names a contact that is not there: {deal}");
    }
}

#[tokio::test]
async fn rows_are_added_changed_and_deleted() {
    let running = start(Config { now: Some(1_780_000_000), ..small() }).await;
    let fields = json!({
        "TITLE": "New one", "OPPORTUNITY": "1500.5", "CURRENCY_ID": "USD", "NOT_A_FIELD": 1, "ID": 9,
        "PHONE": [{"VALUE": "555888", "VALUE_TYPE": "HOME"}, {"VALUE": ""}],
    });
    let added = running.call("crm.lead.add", json!({"fields": fields})).await.json();
    assert_eq!(added["result"], 501, "add answers a number");
    let get = async |id: u64| {
        running.call("crm.lead.get", json!({"id": id})).await.json()["result"].clone()
    };
    let lead = get(501).await;
    assert_eq!(
        (&lead["ID"], &lead["OPPORTUNITY"], &lead["STATUS_ID"]),
        (&json!("501"), &json!("1500.50"), &json!("NEW"))
    );
    assert_eq!(
        (&lead["HAS_PHONE"], &lead["HAS_EMAIL"], &lead["STATUS_SEMANTIC_ID"]),
        (&json!("Y"), &json!("N"), &json!("P"))
    );
    assert_eq!(lead["PHONE"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&lead["PHONE"][0]["VALUE"], &lead["PHONE"][0]["VALUE_TYPE"]),
        (&json!("555888"), &json!("HOME"))
    );
    assert!(lead["DATE_CREATE"].as_str().unwrap().starts_with("2026-05-28T23:2"));
    assert!(lead.get("NOT_A_FIELD").is_none());

    let change =
        json!({"STATUS_ID": "CONVERTED", "PHONE": [{"ID": lead["PHONE"][0]["ID"], "VALUE": ""}]});
    assert_eq!(
        running.call("crm.lead.update", json!({"ID": "501", "fields": change})).await.json()["result"],
        true
    );
    let lead = get(501).await;
    assert_eq!(
        (&lead["STATUS_SEMANTIC_ID"], &lead["HAS_PHONE"], lead.get("PHONE")),
        (&json!("S"), &json!("N"), None)
    );
    assert_eq!(lead["TITLE"], "New one");

    let change = json!({"PHONE": [{"VALUE": "1"}, {"VALUE": "2", "VALUE_TYPE": "MOBILE"}]});
    running.call("crm.lead.update", json!({"id": 501, "fields": change})).await;
    let lead = get(501).await;
    assert_eq!((&lead["HAS_PHONE"], &lead["PHONE"][1]["VALUE"]), (&json!("Y"), &json!("2")));
    assert_ne!(lead["PHONE"][0]["ID"], lead["PHONE"][1]["ID"]);
    assert_eq!(ids(&list(&running, json!({"filter": {"PHONE": "2"}})).await), [501]);

    running.call("crm.lead.update", json!({"id": 2, "fields": {"TITLE": "Changed"}})).await;
    assert_eq!(get(2).await["TITLE"], "Changed");
    assert_eq!(ids(&list(&running, json!({"filter": {"TITLE": "changed"}})).await), [2]);

    for id in [1, 501] {
        assert_eq!(running.call("crm.lead.delete", json!({"id": id})).await.json()["result"], true);
        let gone = running.call("crm.lead.delete", json!({"id": id})).await;
        assert_eq!(
            (gone.error(), gone.json()["error_description"].clone()),
            ((400, String::new()), json!("Not found"))
        );
    }
    let page = list(&running, json!({"select": ["ID"]})).await;
    assert_eq!((&page["total"], ids(&page)[0]), (&json!(499), 2));
    let next = running.call("crm.lead.add", json!({"fields": []})).await.json();
    assert_eq!(next["result"], 502, "an id is never given twice");
    let newest = list(&running, json!({"order": {"ID": "DESC"}, "select": ["ID"]})).await;
    assert_eq!(ids(&newest)[..2], [502, 500]);
}

#[tokio::test]
async fn classic_methods_refuse_in_the_classic_way() {
    let running = start(small()).await;
    for (method, params, text) in [
        ("crm.lead.get", json!({}), "ID is not defined or invalid"),
        ("crm.lead.get", json!({"id": "abc"}), "ID is not defined or invalid"),
        ("crm.lead.get", json!({"id": -5}), "ID is not defined or invalid"),
        ("crm.lead.get", json!({"id": 999_999}), "Not found"),
        ("crm.lead.get", json!({"id": "99999999999999999999"}), "Not found"),
        ("crm.lead.update", json!({"id": 999_999, "fields": {"TITLE": "x"}}), "Not found"),
        ("crm.lead.update", json!({"id": 1}), "Parameter 'fields' must be array."),
        ("crm.lead.add", json!({"fields": "x"}), "Parameter 'fields' must be array."),
        ("crm.lead.list", json!({"filter": "x"}), "Parameter 'filter' must be array."),
        ("crm.lead.list", json!({"order": 5}), "Parameter 'order' must be array."),
    ] {
        let reply = running.call(method, params.clone()).await;
        assert_eq!(reply.error(), (400, String::new()), "{method} {params}");
        assert_eq!(reply.json()["error_description"], text, "{method} {params}");
    }
}

#[tokio::test]
async fn forms_with_brackets_do_the_same_as_json() {
    let running = start(small()).await;
    let url = format!("{}crm.lead.list.json", running.ready().webhook);
    let form = [
        ("filter[>ID]", "10"),
        ("filter[<=ID]", "13"),
        ("order[ID]", "DESC"),
        ("select[]", "ID"),
        ("select[]", "TITLE"),
        ("start", "-1"),
    ];
    let answer = running.post_form(&url, &form).await.json();
    assert_eq!(ids(&answer), [13, 12, 11]);
    assert_eq!(answer["result"][0].as_object().unwrap().len(), 2);
    let answer = running.get_with(&url, &form).await.json();
    assert_eq!(ids(&answer), [13, 12, 11]);
    let form = [("fields[TITLE]", "Форма"), ("fields[EMAIL][0][VALUE]", "a@example.com")];
    let add = running
        .post_form(&format!("{}crm.contact.add", running.ready().webhook), &form)
        .await
        .json();
    let contact = running.call("crm.contact.get", json!({"id": add["result"]})).await.json();
    assert_eq!(contact["result"]["EMAIL"][0]["VALUE"], "a@example.com");
}
