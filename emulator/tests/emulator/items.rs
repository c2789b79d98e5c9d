//! `crm.item.*`, companies and the lists behind stages.

use serde_json::{Value, json};

use crate::support::{Running, small, start};

async fn items(running: &Running, params: Value) -> Value {
    let reply = running.call("crm.item.list", params).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn ids(answer: &Value) -> Vec<u64> {
    let items = answer["result"]["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn items_are_the_same_rows_with_native_types() {
    let running = start(small()).await;
    for (type_id, entity) in [(1, "lead"), (2, "deal"), (3, "contact"), (4, "company")] {
        let params = json!({"entityTypeId": type_id, "id": 7});
        let item = running.call("crm.item.get", params).await.json()["result"]["item"].clone();
        let row = running.call(&format!("crm.{entity}.get"), json!({"id": 7})).await.json();
        let row = &row["result"];
        assert_eq!(item["id"], 7, "{entity}");
        assert_eq!(item["entityTypeId"], type_id);
        let responsible = item["assignedById"].as_i64().unwrap().to_string();
        assert_eq!(row["ASSIGNED_BY_ID"], responsible);
        assert_eq!(item["createdTime"], row["DATE_CREATE"]);
        assert!(
            item["opened"] == "Y" && item["fm"].is_array() && item["observers"] == json!([])
                || type_id == 2
        );
        if type_id < 3 {
            let amount: f64 = row["OPPORTUNITY"].as_str().unwrap().parse().unwrap();
            assert!((item["opportunity"].as_f64().unwrap() - amount).abs() < 0.001);
        }
    }
}

#[tokio::test]
async fn item_lists_page_as_controllers_do() {
    let running = start(small()).await;
    let first = items(&running, json!({"entityTypeId": 1, "select": ["id", "title"]})).await;
    assert_eq!((&first["total"], &first["next"]), (&json!(500), &json!(50)));
    assert_eq!(first["result"]["items"][0].as_object().unwrap().len(), 2);
    // Any offset, not only whole pages.
    let shifted = items(&running, json!({"entityTypeId": 1, "select": ["id"], "start": 17})).await;
    assert_eq!((ids(&shifted)[0], &shifted["next"]), (18, &json!(67)));
    let params = json!({"entityTypeId": 1, "select": ["id"], "start": -1, "filter": {">id": 490}});
    let tail = items(&running, params).await;
    assert_eq!(ids(&tail), (491..=500).collect::<Vec<u64>>());
    assert!(tail.get("total").is_none() && tail.get("next").is_none(), "{tail}");
}

#[tokio::test]
async fn item_filters_have_groups_and_refuse_what_they_do_not_know() {
    let running = start(small()).await;
    for (filter, expected) in [
        (json!({"id": [3, 5]}), vec![3, 5]),
        (json!({"<=id": 2}), vec![1, 2]),
        (json!({"logic": "OR", "0": {"id": 1}, "1": {">=id": 499}}), vec![1, 499, 500]),
        (
            json!({"<=id": 4, "0": {"logic": "OR", "0": {"id": 2}, "1": {"id": 4}, "2": {"id": 9}}}),
            vec![2, 4],
        ),
        (json!([{"<=id": 3}, {"!id": 2}]), vec![1, 3]),
    ] {
        let params = json!({"entityTypeId": 1, "select": ["id"], "filter": filter});
        assert_eq!(ids(&items(&running, params).await), expected, "{filter}");
    }
    for (params, code) in [
        (json!({"entityTypeId": 1, "filter": {"nope": 1}}), "INVALID_ARG_VALUE"),
        (json!({"entityTypeId": 1, "order": {"nope": "ASC"}}), "INVALID_ARG_VALUE"),
        (json!({"entityTypeId": 1, "filter": "x"}), "100"),
        (json!({"entityTypeId": 99}), "NOT_FOUND"),
        (json!({}), "100"),
    ] {
        let reply = running.call("crm.item.list", params.clone()).await;
        assert_eq!(reply.error(), (400, code.to_owned()), "{params}");
    }
    let newest = json!({"entityTypeId": 1, "order": {"id": "DESC"}, "select": ["id"]});
    assert_eq!(ids(&items(&running, newest).await)[0], 500);
}

#[tokio::test]
async fn items_are_added_changed_and_deleted() {
    let running = start(small()).await;
    let fields = json!({"title": "By item", "opportunity": 999.9, "stageId": "IN_PROCESS", "unknown": 1,
                        "fm": [{"typeId": "PHONE", "value": "+1", "valueType": "MOBILE"}]});
    let added =
        running.call("crm.item.add", json!({"entityTypeId": 1, "fields": fields})).await.json();
    let item = &added["result"]["item"];
    assert_eq!((&item["id"], &item["opportunity"]), (&json!(501), &json!(999.9)));
    assert_eq!(
        (&item["stageSemanticId"], &item["phoneMobile"], &item["hasPhone"]),
        (&json!("P"), &json!("+1"), &json!("Y"))
    );
    let lead = running.call("crm.lead.get", json!({"id": 501})).await.json();
    assert_eq!(
        (&lead["result"]["TITLE"], &lead["result"]["OPPORTUNITY"]),
        (&json!("By item"), &json!("999.90"))
    );
    let change = json!({"entityTypeId": 1, "id": 501, "fields": {"stageId": "CONVERTED", "id": 7}});
    let changed = running.call("crm.item.update", change).await.json();
    assert_eq!(changed["result"]["item"]["stageSemanticId"], "S");
    let gone = running.call("crm.item.delete", json!({"entityTypeId": 1, "id": 501})).await;
    assert_eq!(gone.json()["result"], json!([]));
    let gone = running.call("crm.item.get", json!({"entityTypeId": 1, "id": 501})).await;
    assert_eq!(gone.error(), (400, "NOT_FOUND".to_owned()));
    let missing = running.call("crm.item.add", json!({"entityTypeId": 1})).await;
    assert_eq!(missing.error(), (400, "100".to_owned()));
}

#[tokio::test]
async fn companies_are_rows_like_the_others() {
    let running = start(small()).await;
    let list =
        running.call("crm.company.list", json!({"select": ["ID", "TITLE", "PHONE"]})).await.json();
    assert_eq!(list["total"], 1000);
    let fields = json!({"TITLE": "New", "REVENUE": "10"});
    let id =
        running.call("crm.company.add", json!({"fields": fields})).await.json()["result"].clone();
    let company = running.call("crm.company.get", json!({"id": id})).await.json();
    assert_eq!(
        (&company["result"]["TITLE"], &company["result"]["REVENUE"]),
        (&json!("New"), &json!("10.00"))
    );
    let contacts = json!({"filter": {"!COMPANY_ID": ""}, "select": ["COMPANY_ID"]});
    let contacts = running.call("crm.contact.list", contacts).await.json();
    for contact in contacts["result"].as_array().unwrap() {
        let company = running.call("crm.company.get", json!({"id": contact["COMPANY_ID"]})).await;
        assert_eq!(company.status, 200, "{contact}");
    }
}

#[tokio::test]
async fn stages_are_listed() {
    let running = start(small()).await;
    let params = json!({"filter": {"ENTITY_ID": "STATUS"}, "order": {"SORT": "ASC"}});
    let stages = running.call("crm.status.list", params).await.json();
    let codes: Vec<&str> = stages["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["STATUS_ID"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["NEW", "IN_PROCESS", "PROCESSED", "CONVERTED", "JUNK"]);
    let items = running.call("crm.status.entity.items", json!({"entityId": "SOURCE"})).await.json();
    assert_eq!(items["result"][0], json!({"NAME": "Call", "SORT": 10, "STATUS_ID": "CALL"}));
    let refused = running.call("crm.status.entity.items", json!({})).await;
    assert_eq!(refused.status, 400);
}
