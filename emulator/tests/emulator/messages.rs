//! Messages, notifications and files: kept, and readable at the control port.

use serde_json::{Value, json};

use crate::support::{Reply, small, start};

#[tokio::test]
async fn messages_and_notifications_are_kept_for_a_test_to_see() {
    let running = start(small()).await;
    let add =
        json!({"DIALOG_ID": "chat5", "MESSAGE": "The grant is gone", "ATTACH": [{"MESSAGE": "x"}]});
    assert_eq!(running.call("im.message.add", add).await.json()["result"], 1);
    let notify = json!({"USER_ID": 2, "MESSAGE": " Hello ", "TAG": "T"});
    assert_eq!(running.call("im.notify", notify.clone()).await.json()["result"], 2);
    // The same tag takes the place of the older one.
    assert_eq!(running.call("im.notify", notify).await.json()["result"], 3);
    let system = json!({"USER_ID": 2, "MESSAGE": "System"});
    assert_eq!(running.call("im.notify.system.add", system).await.json()["result"], 4);
    let personal = json!({"USER_ID": 1, "MESSAGE": "Personal"});
    assert_eq!(running.call("im.notify.personal.add", personal).await.json()["result"], 5);
    let kept = running.truth("/messages").await;
    let kept = kept.as_array().unwrap();
    let ids: Vec<&Value> = kept.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [1, 3, 4, 5]);
    assert_eq!(
        (&kept[0]["kind"], &kept[0]["to"], &kept[0]["text"]),
        (&json!("message"), &json!("chat5"), &json!("The grant is gone"))
    );
    assert_eq!(
        (&kept[1]["kind"], &kept[1]["text"], &kept[1]["from"]),
        (&json!("user"), &json!("Hello"), &json!(1))
    );
    assert_eq!((&kept[2]["kind"], &kept[2]["from"]), (&json!("system"), &json!(0)));
    for (method, params, code) in [
        ("im.notify", json!({"MESSAGE": "x"}), "USER_ID_EMPTY"),
        ("im.notify", json!({"USER_ID": 1, "MESSAGE": "  "}), "MESSAGE_EMPTY"),
        (
            "im.notify",
            json!({"USER_ID": 1, "MESSAGE": "x", "ATTACH": "y".repeat(9)}),
            "ATTACH_ERROR",
        ),
        ("im.message.add", json!({"DIALOG_ID": "chat1"}), "MESSAGE_EMPTY"),
        ("im.message.add", json!({"DIALOG_ID": "chat0", "MESSAGE": "x"}), "CHAT_ID"),
        ("im.message.add", json!({"DIALOG_ID": "nobody", "MESSAGE": "x"}), "USER_ID_EMPTY"),
    ] {
        let reply = running.call(method, params.clone()).await;
        assert_eq!(reply.error(), (400, code.to_owned()), "{method} {params}");
    }
    running.control("/reset", json!({})).await;
    assert_eq!(running.truth("/messages").await, json!([]));
}

#[tokio::test]
async fn cursors_and_offsets_go_through_what_is_kept() {
    let running = start(small()).await;
    for n in 1..=60 {
        running.call("im.notify", json!({"USER_ID": 1, "MESSAGE": format!("n{n}")})).await;
    }
    let first = running.call("im.notify.get", json!({})).await.json()["result"].clone();
    assert_eq!(
        (&first["total_count"], first["notifications"].as_array().unwrap().len()),
        (&json!(60), 50)
    );
    let last = &first["notifications"][49];
    let params = json!({"LAST_ID": last["id"], "LAST_TYPE": last["notify_type"]});
    let rest = running.call("im.notify.get", params).await.json()["result"].clone();
    let texts: Vec<&Value> =
        rest["notifications"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
    assert_eq!((texts.len(), texts[9]), (10, &json!("n1")));
    let alone = running.call("im.notify.get", json!({"LAST_ID": 5})).await;
    assert_eq!(alone.error(), (400, "LAST_ID_AND_LAST_TYPE".to_owned()));

    for n in 1..=3 {
        running
            .call("im.message.add", json!({"DIALOG_ID": "chat9", "MESSAGE": format!("m{n}")}))
            .await;
    }
    let page = running
        .call("im.dialog.messages.get", json!({"DIALOG_ID": "chat9", "LIMIT": 2}))
        .await
        .json();
    let messages = page["result"]["messages"].as_array().unwrap();
    assert_eq!((&messages[0]["text"], messages.len()), (&json!("m3"), 2));
    let params = json!({"DIALOG_ID": "chat9", "LAST_ID": messages[1]["id"]});
    let page = running.call("im.dialog.messages.get", params).await.json();
    assert_eq!(page["result"]["messages"][0]["text"], "m1");

    let page = running.call("im.department.colleagues.list", json!({"LIMIT": 3})).await.json();
    assert_eq!(
        (&page["result"], &page["next"], &page["total"]),
        (&json!([2, 3, 4]), &json!(3), &json!(5))
    );
    let params = json!({"OFFSET": 3, "USER_DATA": "Y"});
    let page = running.call("im.department.colleagues.list", params).await.json();
    assert!(page["result"][0]["first_name"].is_string() && page.get("next").is_none(), "{page}");
}

#[tokio::test]
async fn files_go_up_in_one_step_or_two_and_come_down_by_a_signed_link() {
    let running = start(small()).await;
    let params =
        json!({"id": 9, "data": {"NAME": "отчёт \"1\".txt"}, "fileContent": ["x.txt", "aGVsbG8="]});
    let file = running.call("disk.folder.uploadFile", params).await.json()["result"].clone();
    assert_eq!(
        (&file["SIZE"], &file["PARENT_ID"], file["ID"].is_u64()),
        (&json!("5"), &json!("9"), true),
        "{file}"
    );
    let again =
        running.call("disk.file.get", json!({"id": file["ID"]})).await.json()["result"].clone();
    assert_eq!((&again["NAME"], again["ID"].is_string()), (&json!("отчёт \"1\".txt"), true));
    let link = again["DOWNLOAD_URL"].as_str().unwrap();
    let bytes = running.get(link).await;
    assert_eq!((bytes.status, bytes.text.as_str()), (200, "hello"));
    assert_eq!(bytes.header("content-type"), "application/octet-stream");
    assert!(bytes.header("content-disposition").starts_with("attachment;"));
    let forged = link.replace("token=disk%7C", "token=disk%7CAA");
    assert_eq!(running.get(&forged).await.error(), (403, "ACCESS_DENIED".to_owned()));

    let url = format!("{}/rest/disk.storage.uploadfile", running.ready().portal);
    let token = running.pair().await.access;
    let begun = running.post_json(&url, &json!({"auth": token, "id": 3})).await.json();
    assert_eq!(begun["result"]["field"], "file");
    let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"two.bin\"\r\n\r\n\u{1}\r\n--\r\n--b--\r\n";
    let request = running.http.post(begun["result"]["uploadUrl"].as_str().unwrap());
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
    let file = Reply::of(request.send().await.unwrap()).await.json()["result"].clone();
    assert_eq!(
        (&file["NAME"], &file["SIZE"], &file["PARENT_ID"]),
        (&json!("two.bin"), &json!("5"), &json!("7"))
    );
    assert_eq!(running.get(file["DOWNLOAD_URL"].as_str().unwrap()).await.text, "\u{1}\r\n--");

    let children = running.call("disk.folder.getchildren", json!({"id": 9})).await.json();
    assert_eq!((&children["total"], &children["result"][0]["TYPE"]), (&json!(1), &json!("file")));
    assert_eq!(
        running.call("disk.file.delete", json!({"id": again["ID"]})).await.json()["result"],
        true
    );
    for (method, params, code) in [
        ("disk.file.get", json!({"id": again["ID"]}), "ERROR_NOT_FOUND"),
        ("disk.file.get", json!({"id": "x"}), "ERROR_ARGUMENT"),
        ("disk.folder.uploadfile", json!({"id": 77}), "ERROR_NOT_FOUND"),
        ("disk.folder.uploadfile", json!({"id": 9, "fileContent": "***"}), "ERROR_ARGUMENT"),
    ] {
        let reply = running.call(method, params.clone()).await;
        assert_eq!(reply.error(), (400, code.to_owned()), "{method} {params}");
    }
    let lost = running.get(link).await;
    assert_eq!(lost.error(), (400, "ERROR_NOT_FOUND".to_owned()));
}
