//! Lists: complete, in order, without duplicates, whatever happens to a page.

use evergrant::{Client, Error, Kind, ListOptions, RateLimit, Strategy};
use evergrant_tests::Emulator;
use serde_json::{Value, json};

const BY_ID: [Strategy; 2] = [Strategy::AfterId, Strategy::Ranges];
const EACH: [Strategy; 3] = [Strategy::Pages, Strategy::AfterId, Strategy::Ranges];

async fn portal(leads: u32, density: u32) -> (Emulator, Client) {
    let (leads, density) = (leads.to_string(), density.to_string());
    let flags = ["--leads", &leads, "--tasks", &leads, "--deals", "1", "--contacts", "1"];
    let flags = [&flags[..], &["--burst", "0", "--id-density", &density]].concat();
    let flags: Vec<String> = flags.into_iter().map(str::to_owned).collect();
    let emulator = Emulator::start(&flags).await;
    let client =
        Client::from_webhook(&emulator.ready("webhook")).unwrap().rate_limit(RateLimit::Off);
    (emulator, client)
}

async fn fault(emulator: &Emulator, mut fault: Value) {
    fault["at"] = json!("rest");
    emulator.control("POST", "/faults", &fault).await;
}

fn by(strategy: Strategy) -> ListOptions {
    ListOptions::new().strategy(strategy)
}

fn ids(rows: &[Value], name: &str) -> Vec<u64> {
    rows.iter()
        .map(|row| {
            row[name].as_str().map_or_else(|| row[name].as_u64().unwrap(), |id| id.parse().unwrap())
        })
        .collect()
}

/// All ids of a method, each once, in order.
async fn check(
    client: &Client,
    method: &str,
    params: Value,
    options: ListOptions,
    count: usize,
) -> Vec<u64> {
    let name = if method == "crm.lead.list" { "ID" } else { "id" };
    let rows = client.list_with(method, params, options).unwrap().all().await.unwrap();
    let ids = ids(&rows, name);
    assert_eq!(ids.len(), count, "{method}");
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{method}: {ids:?}");
    ids
}

fn has(error: &Error, key: &str, part: &str) -> bool {
    error.context().iter().any(|(known, value)| *known == key && value.contains(part))
}

#[tokio::test]
async fn ten_thousand_rows_are_five_requests() {
    let (emulator, client) = portal(10_000, 100).await;
    let before = emulator.count("/portal/requests").await;
    check(&client, "crm.lead.list", json!({"select": ["ID"]}), ListOptions::new(), 10_000).await;
    assert_eq!(emulator.count("/portal/requests").await - before, 5);
    for strategy in EACH {
        check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(strategy), 10_000).await;
    }
}

#[tokio::test]
async fn sparse_ids_hide_no_row() {
    for density in [60, 7] {
        let (emulator, client) = portal(6_000, density).await;
        let all =
            check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(Strategy::Pages), 6_000)
                .await;
        for strategy in [Strategy::Auto, Strategy::AfterId, Strategy::Ranges] {
            let before = emulator.count("/portal/requests").await;
            let found =
                check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(strategy), 6_000)
                    .await;
            assert_eq!(found, all, "{strategy:?} at {density} %");
            let requests = emulator.count("/portal/requests").await - before;
            assert!(requests <= 12, "{strategy:?} at {density} %: {requests} requests");
        }
    }
}

#[tokio::test]
async fn a_gap_of_millions_of_ids_is_crossed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.csv");
    let ids_there: Vec<u64> = (1..=3_000).chain(5_000_000..5_003_000).collect();
    let lines: Vec<String> = ids_there.iter().map(|id| format!("{id},lead {id}")).collect();
    std::fs::write(&path, format!("ID,TITLE\n{}\n", lines.join("\n"))).unwrap();
    let data = format!("lead={}", path.display());
    let flags = ["--data", &data, "--deals", "1", "--contacts", "1", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let client =
        Client::from_webhook(&emulator.ready("webhook")).unwrap().rate_limit(RateLimit::Off);
    for (strategy, most) in [(Strategy::Auto, 60), (Strategy::AfterId, 8), (Strategy::Ranges, 60)] {
        let before = emulator.count("/portal/requests").await;
        let found =
            check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(strategy), 6_000).await;
        assert_eq!(found, ids_there, "{strategy:?}");
        let requests = emulator.count("/portal/requests").await - before;
        println!("{strategy:?}: {requests} requests");
        assert!(requests <= most, "{strategy:?}: {requests} requests");
    }
}

#[tokio::test]
async fn every_shape_of_rows_and_either_case() {
    let (_emulator, client) = portal(330, 80).await;
    for (method, params) in [
        ("crm.lead.list", json!({"SELECT": ["ID", "TITLE"], "FILTER": {">OPPORTUNITY": -1}})),
        ("crm.item.list", json!({"entityTypeId": 1, "select": ["id", "title"]})),
        ("CRM.Item.List", json!({"entityTypeId": 1, "SELECT": ["ID", "title"]})),
        ("tasks.task.list", json!({"select": ["ID", "TITLE"], "ORDER": {"id": "asc"}})),
    ] {
        for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
            check(&client, method, params.clone(), by(strategy), 330).await;
        }
    }
    for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId] {
        let params = json!({"order": {"ID": "DESC"}, "select": ["ID"]});
        let rows =
            client.list_with("crm.lead.list", params, by(strategy)).unwrap().all().await.unwrap();
        let ids = ids(&rows, "ID");
        assert_eq!(ids.len(), 330, "{strategy:?}");
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "{strategy:?}");
    }
    let none = json!({"filter": {"TITLE": "no lead is called so"}});
    for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        assert!(check(&client, "crm.lead.list", none.clone(), by(strategy), 0).await.is_empty());
    }
}

#[tokio::test]
async fn who_did_not_ask_for_the_id_does_not_get_it() {
    let (_emulator, client) = portal(120, 100).await;
    for strategy in EACH {
        let params = json!({"select": ["TITLE"]});
        let rows =
            client.list_with("crm.lead.list", params, by(strategy)).unwrap().all().await.unwrap();
        assert_eq!(rows.len(), 120);
        assert!(rows.iter().all(|row| row.get("TITLE").is_some() && row.get("ID").is_none()));
    }
}

#[tokio::test]
async fn the_callers_order_and_filter_by_id_are_kept() {
    let (_emulator, client) = portal(230, 100).await;
    let order = json!({"OPPORTUNITY": "DESC"}).as_object().cloned().unwrap();
    let options = ListOptions::new().order(order.clone());
    let rows = client
        .list_with("crm.lead.list", json!({"select": ["ID", "OPPORTUNITY"]}), options)
        .unwrap()
        .all()
        .await
        .unwrap();
    let sums: Vec<f64> =
        rows.iter().map(|row| row["OPPORTUNITY"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(sums.len(), 230);
    assert!(sums.windows(2).all(|pair| pair[0] >= pair[1]));
    let filter = json!({"filter": {">ID": 100, "<=ID": 220}, "select": ["ID"]});
    let found = check(&client, "crm.lead.list", filter.clone(), ListOptions::new(), 120).await;
    assert_eq!((found[0], found[119]), (101, 220));
    for strategy in BY_ID {
        for (params, options, field) in [
            (filter.clone(), by(strategy), "filter"),
            (json!({}), by(strategy).order(order.clone()), "order"),
        ] {
            let error = client.list_with("crm.lead.list", params, options).err().unwrap();
            assert!(error.kind() == Kind::InvalidInput && has(&error, "field", field), "{error}");
        }
    }
}

/// Nothing is in an empty list, however the list is read.
#[tokio::test]
async fn an_empty_list_in_a_filter_arrives() {
    let (emulator, client) = portal(330, 100).await;
    let none = json!({"filter": {"@STATUS_ID": []}});
    assert_eq!(client.call("crm.lead.list", none.clone()).await.unwrap().result, json!([]));
    assert_eq!(client.count("crm.lead.list", none.clone()).await.unwrap(), 0);
    for strategy in [Strategy::Auto, Strategy::Pages] {
        check(&client, "crm.lead.list", none.clone(), by(strategy), 0).await;
    }
    for strategy in BY_ID {
        let error = client.list_with("crm.lead.list", none.clone(), by(strategy)).err().unwrap();
        assert!(has(&error, "at", "params.filter.@STATUS_ID"), "{error}");
    }
    let ids = client.get_by_ids("crm.lead.list", &[1, 2], none).await.unwrap();
    assert_eq!(ids, [None, None]);
    // Several pages, none of them in a batch.
    let all = json!({"filter": {"!@STATUS_ID": []}, "select": ["ID"]});
    check(&client, "crm.lead.list", all, ListOptions::new(), 330).await;
    assert_eq!(
        emulator.control("GET", "/counters", &Value::Null).await["portal"]["methods"]["batch"],
        Value::Null
    );
    // These mean what leaving them out means.
    let nothing = json!({"filter": {}, "select": [], "order": {}});
    check(&client, "crm.lead.list", nothing, by(Strategy::Ranges), 330).await;
}

#[tokio::test]
async fn one_page_of_two_hundred_fails() {
    for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        let (emulator, client) = portal(10_000, 100).await;
        fault(&emulator, json!({"method": "crm.lead.list", "kind": "internal", "skip": 120})).await;
        check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(strategy), 10_000).await;

        let persistent =
            json!({"method": "crm.lead.list", "kind": "internal", "skip": 120, "times": 9000});
        fault(&emulator, persistent).await;
        let mut list =
            client.list_with("crm.lead.list", json!({"select": ["ID"]}), by(strategy)).unwrap();
        let mut rows = Vec::new();
        let error = loop {
            match list.next_page().await {
                Ok(page) => rows.extend(page.expect("no early end")),
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Some("INTERNAL_SERVER_ERROR"), "{error}");
        assert!(has(&error, "page", "") && has(&error, "method", "crm.lead.list"), "{error}");
        let whole: Vec<u64> = (1..=rows.len() as u64).collect();
        assert_eq!(ids(&rows, "ID"), whole, "{strategy:?}: what came is whole");
        assert!(list.next_page().await.is_err(), "never an early end");
        // The fault is over: the list goes on where it was.
        emulator.control("DELETE", "/faults", &Value::Null).await;
        let rest = client
            .list_with(
                "crm.lead.list",
                json!({"select": ["ID"]}),
                by(strategy).after(list.cursor()),
            )
            .unwrap();
        rows.extend(rest.all().await.unwrap());
        assert_eq!(ids(&rows, "ID"), (1..=10_000).collect::<Vec<u64>>(), "{strategy:?}");
    }
}

#[tokio::test]
async fn a_request_that_stays_lost_names_its_first_page() {
    for strategy in EACH {
        let (emulator, client) = portal(6_000, 100).await;
        let gone =
            json!({"method": "batch", "kind": "html", "when": "after", "skip": 1, "times": 99});
        fault(&emulator, gone).await;
        let list = client.list_with("crm.lead.list", json!({"select": ["ID"]}), by(strategy));
        let error = list.unwrap().all().await.unwrap_err();
        assert!(has(&error, "page", ""), "{error}");
    }
}

#[tokio::test]
async fn a_lost_request_is_read_again() {
    for strategy in EACH {
        for kind in ["drop", "reset", "truncate", "html"] {
            let (emulator, client) = portal(6_000, 100).await;
            fault(&emulator, json!({"method": "batch", "kind": kind, "when": "after", "skip": 1}))
                .await;
            check(&client, "crm.lead.list", json!({"select": ["ID"]}), by(strategy), 6_000).await;
        }
    }
}

#[tokio::test]
async fn a_method_that_ignores_the_filter_by_id_makes_no_wrong_rows() {
    let (emulator, client) = portal(170, 100).await;
    let row = |id: u64| json!({"ID": id.to_string()});
    let page: Vec<Value> = (1..=50).map(row).collect();
    let tail: Vec<Value> = (121..=170).rev().map(row).collect();
    // The second page is the first one again.
    let body = json!({"result": {
        "result": {"head": page, "tail": tail, "second": page},
        "result_error": [], "result_total": [], "result_next": [], "result_time": [],
    }});
    let probe = json!({"method": "batch", "kind": "error_200", "body": body});
    fault(&emulator, probe.clone()).await;
    check(&client, "crm.lead.list", json!({"select": ["ID"]}), ListOptions::new(), 170).await;
    for strategy in BY_ID {
        fault(&emulator, probe.clone()).await;
        let list = client.list_with("crm.lead.list", json!({"select": ["ID"]}), by(strategy));
        let error = list.unwrap().next_page().await.unwrap_err();
        assert!(error.to_string().contains("does not keep to the filter"), "{error}");
    }
    // Pages that are always the same are no list either.
    let page: Vec<Value> = (1..=50).map(row).collect();
    let same = json!({"result": page, "next": 50, "total": 500});
    fault(&emulator, json!({"method": "crm.status.list", "kind": "error_200", "body": same})).await;
    let many: serde_json::Map<String, Value> =
        (0..9).map(|index| (format!("c{index}"), json!(same["result"]))).collect();
    let body = json!({"result": {"result": many, "result_error": [], "result_total": [], "result_next": [], "result_time": []}});
    fault(&emulator, json!({"method": "batch", "kind": "error_200", "body": body})).await;
    let error = client.list("crm.status.list", json!({})).unwrap().all().await.unwrap_err();
    assert!(error.to_string().contains("once more"), "{error}");
}

#[tokio::test]
async fn rows_that_are_added_meanwhile_move_none() {
    for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        let (_emulator, client) = portal(3_000, 100).await;
        let mut list =
            client.list_with("crm.lead.list", json!({"select": ["ID"]}), by(strategy)).unwrap();
        let mut rows = list.next_page().await.unwrap().unwrap();
        for number in 0..60 {
            let lead = json!({"fields": {"TITLE": format!("late {number}")}});
            client.call("crm.lead.add", lead).await.unwrap();
        }
        while let Some(page) = list.next_page().await.unwrap() {
            rows.extend(page);
        }
        let ids = ids(&rows, "ID");
        assert_eq!(ids[..3_000], (1..=3_000).collect::<Vec<u64>>(), "{strategy:?}");
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{strategy:?}");
        assert_eq!(list.rows(), ids.len() as u64);
    }
}

#[tokio::test]
async fn a_list_goes_on_behind_its_cursor() {
    let (_emulator, client) = portal(700, 70).await;
    let params = || json!({"select": ["ID"]});
    let all = check(&client, "crm.lead.list", params(), ListOptions::new(), 700).await;
    for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        // Every program dies after some rows, at no page's edge.
        for limit in [0, 1, 70, 333, 5, 1_000, 10] {
            let mut options = by(strategy).limit(limit);
            if let Some(cursor) = &cursor {
                options = options.after(cursor);
            }
            let mut list = client.list_with("crm.lead.list", params(), options).unwrap();
            while let Some(page) = list.next_page().await.unwrap() {
                found.extend(ids(&page, "ID"));
            }
            cursor = Some(list.cursor());
        }
        assert_eq!(found, all, "{strategy:?}");
        let cursor = cursor.unwrap();
        for (method, params) in
            [("crm.deal.list", params()), ("crm.lead.list", json!({"filter": {"OPENED": "Y"}}))]
        {
            let options = ListOptions::new().after(&cursor);
            let error = client.list_with(method, params, options).err().unwrap();
            assert!(has(&error, "field", "after"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_limit_costs_no_more_than_it_brings() {
    let (emulator, client) = portal(10_000, 100).await;
    for (strategy, most) in [(Strategy::Auto, 2), (Strategy::Pages, 2), (Strategy::AfterId, 2)] {
        let before = emulator.count("/portal/requests").await;
        let options = by(strategy).limit(130).total(true);
        let mut list =
            client.list_with("crm.lead.list", json!({"select": ["ID"]}), options).unwrap();
        let mut rows = 0;
        while let Some(page) = list.next_page().await.unwrap() {
            rows += page.len();
            assert_eq!(list.total(), Some(10_000), "{strategy:?}");
        }
        assert_eq!(rows, 130);
        let requests = emulator.count("/portal/requests").await - before;
        assert!(requests <= most + 1, "{strategy:?}: {requests}");
    }
    // More than a request brings, of many more.
    for density in [100, 30] {
        let (emulator, client) = portal(20_000, density).await;
        for strategy in [Strategy::Auto, Strategy::Pages, Strategy::AfterId, Strategy::Ranges] {
            let before = emulator.count("/portal/methods/crm.lead.list").await;
            let options = by(strategy).limit(3_000);
            check(&client, "crm.lead.list", json!({"select": ["ID"]}), options, 3_000).await;
            let pages = emulator.count("/portal/methods/crm.lead.list").await - before;
            println!("{strategy:?} at {density} %: {pages} pages");
            assert!(pages <= 130, "{strategy:?} at {density} %: {pages} pages for 60");
        }
    }
}

#[tokio::test]
async fn counting_and_rows_by_their_ids() {
    let (emulator, client) = portal(5_000, 100).await;
    assert_eq!(client.count("crm.lead.list", json!({})).await.unwrap(), 5_000);
    let filter = json!({"FILTER": {"<=ID": 77}, "order": {"TITLE": "ASC"}});
    assert_eq!(client.count("crm.lead.list", filter).await.unwrap(), 77);
    assert_eq!(client.count("crm.item.list", json!({"entityTypeId": 1})).await.unwrap(), 5_000);
    let error = client.count("profile", Value::Null).await.unwrap_err();
    assert_eq!(error.kind(), Kind::UnexpectedAnswer);

    let before = emulator.count("/portal/requests").await;
    let mut wanted: Vec<u64> = (1..=4_000).rev().collect();
    wanted.extend([999_999, 7, 7]);
    let rows =
        client.get_by_ids("crm.lead.list", &wanted, json!({"select": ["TITLE"]})).await.unwrap();
    assert_eq!(rows.len(), wanted.len());
    assert_eq!(emulator.count("/portal/requests").await - before, 2);
    assert!(rows[..4_000].iter().all(Option::is_some) && rows[4_000].is_none());
    assert!(rows[4_001].is_some() && rows[4_001] == rows[4_002]);
    assert!(rows[0].as_ref().unwrap().get("ID").is_none(), "it was not selected");
    for (method, params, name) in
        [("crm.item.list", json!({"entityTypeId": 1}), "id"), ("tasks.task.list", json!({}), "id")]
    {
        let rows = client.get_by_ids(method, &[30, 999_999, 10], params).await.unwrap();
        let ids: Vec<Option<u64>> = rows
            .iter()
            .map(|row| row.as_ref().map(|row| ids(std::slice::from_ref(row), name)[0]))
            .collect();
        assert_eq!(ids, [Some(30), None, Some(10)], "{method}");
    }
    assert!(client.get_by_ids("x.y.list", &[1], json!({})).await.is_err());
    assert!(client.get_by_ids("crm.lead.list", &[1], json!({"filter": {"ID": 1}})).await.is_err());
}
