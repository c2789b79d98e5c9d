//! Lists that turn their pages in ways of their own.

use serde_json::{Value, json};

use crate::support::{Running, ids, small, start};

async fn list(running: &Running, method: &str, params: Value) -> Value {
    let reply = running.call(method, params).await;
    assert_eq!(reply.status, 200, "{method}: {}", reply.text);
    reply.json()
}

#[tokio::test]
async fn a_search_goes_on_at_next_and_has_no_total() {
    let running = start(small()).await;
    for n in 1..=51 {
        let name = format!("report-{n:02}.txt");
        let upload = json!({"id": 9, "data": {"NAME": name}, "fileContent": "aGVsbG8="});
        list(&running, "disk.folder.uploadfile", upload).await;
    }
    let search = async |params: Value| list(&running, "disk.file.search", params).await;
    let first = search(json!({"QUERY": "Report-"})).await;
    assert_eq!((ids(&first).len(), &first["next"], first.get("total")), (50, &json!(50), None));
    assert_eq!(first["result"][0]["NAME"], "report-51.txt", "newest first");
    let last = search(json!({"QUERY": "Report-", "start": 50})).await;
    assert_eq!(
        (last["result"][0]["NAME"].as_str(), last.get("next")),
        (Some("report-01.txt"), None)
    );
    let free = search(json!({"QUERY": "Report-", "start": 10})).await;
    assert_eq!((ids(&free).len(), free.get("next")), (41, None), "any offset");
    let folders = search(json!({"QUERY": "report", "TYPE": "folder"})).await;
    assert_eq!(folders["result"][0]["NAME"], "Reports");
    let elsewhere = json!({"QUERY": "report", "TYPE": "all", "FILTER": {"STORAGE_ID": 3}});
    assert_eq!(search(elsewhere).await["result"], json!([]));
    let nested = json!({"QUERY": "report-", "FILTER": {"FOLDER_ID": 5}});
    assert_eq!(ids(&search(nested).await).len(), 50);
    for (params, code) in [
        (json!({"QUERY": "re"}), "INVALID_QUERY"),
        (json!({}), "INVALID_QUERY"),
        (json!({"QUERY": "report", "FILTER": {"NAME": "x"}}), "INVALID_FILTER"),
    ] {
        let refused = running.call("disk.file.search", params).await;
        assert_eq!(refused.error(), (400, code.to_owned()));
    }
}

#[tokio::test]
async fn legacy_tasks_have_numbered_pages_of_any_size() {
    let running = start(evergrant_emulator::Config { tasks: 70, ..small() }).await;
    for method in ["task.item.list", "task.elapseditem.getlist"] {
        let page = async |size: u64, number: u64| {
            let nav = json!({"NAV_PARAMS": {"nPageSize": size, "iNumPage": number}});
            let params = json!({"ORDER": {"ID": "asc"}, "PARAMS": nav});
            list(&running, method, params).await
        };
        let third = page(20, 3).await;
        assert_eq!(ids(&third), (41..=60).collect::<Vec<_>>(), "{method}");
        assert_eq!((&third["total"], &third["next"]), (&json!(70), &json!(60)), "{method}");
        let last = page(20, 4).await;
        assert_eq!((ids(&last).len(), last.get("next")), (10, None), "{method}");
        assert_eq!(ids(&page(1000, 1).await).len(), 50, "{method}: no page is longer");
        assert!(ids(&page(20, 9).await).is_empty(), "{method}");
    }
    // Arguments by their place.
    let nav = json!({"NAV_PARAMS": {"nPageSize": 2, "iNumPage": 2}});
    let order = json!([{"ID": "desc"}, {"<=ID": 9}, nav, ["ID", "TITLE"]]);
    let tasks = list(&running, "task.item.list", order).await;
    assert_eq!((ids(&tasks), &tasks["total"]), (vec![7, 6], &json!(9)));
    assert_eq!(tasks["result"][0].as_object().unwrap().len(), 2, "{tasks}");
    let order = json!([{"ID": "desc"}, {"<=ID": 9}, ["ID", "TASK_ID"], nav]);
    let records = list(&running, "task.elapseditem.getlist", order).await;
    assert_eq!(
        records["result"],
        json!([{"ID": "7", "TASK_ID": "7"}, {"ID": "6", "TASK_ID": "6"}])
    );
    let one = list(&running, "task.elapseditem.getlist", json!([5, {"ID": "desc"}])).await;
    assert_eq!((ids(&one), &one["result"][0]["MINUTES"]), (vec![5], &json!("60")));
    for nothing in [json!([999]), json!([5, {}, {">ID": 9}]), json!({"TASKID": "x"})] {
        let none = list(&running, "task.elapseditem.getlist", nothing).await;
        assert_eq!((&none["result"], &none["total"]), (&json!([]), &json!(0)));
    }
}

#[tokio::test]
async fn recent_chats_say_whether_there_are_more_and_not_how_many() {
    let running = start(small()).await;
    for n in 1..=7 {
        let message = json!({"DIALOG_ID": format!("chat{n}"), "MESSAGE": format!("m{n}")});
        list(&running, "im.message.add", message).await;
    }
    list(&running, "im.message.add", json!({"DIALOG_ID": "2", "MESSAGE": "to a person"})).await;
    list(&running, "im.message.add", json!({"DIALOG_ID": "chat3", "MESSAGE": "again"})).await;
    let page = async |offset: u64| {
        let params = json!({"OFFSET": offset, "LIMIT": 3});
        list(&running, "im.recent.list", params).await
    };
    let first = page(0).await;
    assert_eq!((&first["total"], first.get("next")), (&json!(-1), None));
    let shown = |answer: &Value| {
        let items = answer["result"]["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&first), [json!("chat3"), json!(2), json!("chat7")]);
    assert_eq!(first["result"]["items"][0]["message"]["text"], "again");
    assert_eq!(
        (&first["result"]["hasMore"], &first["result"]["hasMorePages"]),
        (&json!(true), &json!(true))
    );
    let last = page(6).await;
    assert_eq!((shown(&last).len(), &last["result"]["hasMore"]), (2, &json!(false)));
    let batch = list(&running, "batch", json!({"cmd": {"a": "im.recent.list"}})).await;
    assert_eq!(batch["result"]["result_total"]["a"], -1);
}

#[tokio::test]
async fn sources_have_numbered_pages_and_errors_of_status_200() {
    let running = start(small()).await;
    let page = async |page: u64| {
        let params = json!({"page": page, "select": ["id"], "order": {"id": "ASC"}});
        list(&running, "biconnector.source.list", params).await
    };
    let second = page(2).await;
    assert_eq!(second["result"][0], json!({"id": "51"}));
    assert_eq!((second.get("next"), second.get("total")), (None, None));
    let lengths = [page(1).await, page(3).await, page(4).await]
        .map(|page| page["result"].as_array().unwrap().len());
    assert_eq!(lengths, [50, 20, 0]);
    let refused = running.call("biconnector.source.list", json!({"select": "id"})).await;
    assert_eq!(refused.error(), (200, "VALIDATION_SELECT_TYPE".to_owned()));
}

#[tokio::test]
async fn posts_are_turned_by_start_or_by_ids() {
    let running = start(small()).await;
    let posts = async |params: Value| list(&running, "log.blogpost.get", params).await;
    let classic = posts(json!({"start": 50})).await;
    assert_eq!(
        (ids(&classic)[0], &classic["next"], &classic["total"]),
        (70, &json!(100), &json!(120))
    );
    let before = posts(json!({"LAST_ID": 101, "LIMIT": 2})).await;
    assert_eq!((ids(&before), before.get("total")), (vec![100, 99], None));
    let behind = posts(json!({"FIRST_ID": 100, "LIMIT": 2})).await;
    assert_eq!(ids(&behind), [101, 102]);
    assert_eq!(ids(&posts(json!({"LAST_ID": 9999, "LIMIT": 9999})).await).len(), 120);
    assert_eq!(ids(&posts(json!({"POST_ID": 7})).await), [7]);
}
