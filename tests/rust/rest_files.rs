//! Files: in parameters, uploaded in two steps, downloaded in parts.

use evergrant::{Client, Kind, RateLimit, file::File};
use evergrant_tests::{Emulator, stage::Stage};
use serde_json::{Value, json};

async fn portal() -> (Emulator, Client) {
    let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let client =
        Client::from_webhook(&emulator.ready("webhook")).unwrap().rate_limit(RateLimit::Off);
    (emulator, client)
}

fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

async fn there_and_back(client: &Client) {
    let sent = bytes(3_000_000);
    let file = File::new("\u{44f} \"report\".bin", sent.clone());
    let kept =
        client.upload("disk.folder.uploadfile", json!({"id": 5}), file).await.unwrap().result;
    assert_eq!(kept["SIZE"], sent.len().to_string());
    let row = client.call("disk.file.get", json!({"id": kept["ID"]})).await.unwrap().result;
    let mut download = client.download(row["DOWNLOAD_URL"].as_str().unwrap()).await.unwrap();
    let (mut got, mut heard) = (Vec::new(), Vec::new());
    let count = download.write_to(&mut got, |so_far| heard.push(so_far)).await.unwrap();
    assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
    assert_eq!((count, download.received()), (3_000_000, 3_000_000));
    assert!(heard.len() > 1 && heard.is_sorted() && heard.last() == Some(&3_000_000));
    if let Some(size) = download.size() {
        assert_eq!(size, 3_000_000);
    }
}

#[tokio::test]
async fn through_a_webhook() {
    let (_emulator, client) = portal().await;
    there_and_back(&client).await;
}

#[tokio::test]
async fn with_a_grant() {
    let stage = Stage::new().await;
    there_and_back(&stage.application.client(stage.grant.id).rate_limit(RateLimit::Off)).await;
}

#[tokio::test]
async fn in_a_parameter() {
    let (_emulator, client) = portal().await;
    let file = File::new("a.txt", "hello");
    let params = json!({"id": 5, "data": {"NAME": "a.txt"}, "fileContent": file.pair()});
    let kept = client.call("disk.folder.uploadfile", params).await.unwrap().result;
    let mut download = client.download(kept["DOWNLOAD_URL"].as_str().unwrap()).await.unwrap();
    assert_eq!(download.chunk().await.unwrap().unwrap(), b"hello");
    assert_eq!(download.chunk().await.unwrap(), None);
    // A method that has the content already says of no second step.
    let error = client.upload("profile", Value::Null, file).await.unwrap_err();
    assert!(error.to_string().contains("where to upload"), "{error}");
}

#[tokio::test]
async fn a_file_is_whole_or_an_error() {
    let (emulator, client) = portal().await;
    let file = File::new("a.bin", bytes(500_000));
    let kept =
        client.upload("disk.folder.uploadfile", json!({"id": 5}), file).await.unwrap().result;
    let link = kept["DOWNLOAD_URL"].as_str().unwrap().to_owned();
    for kind in ["truncate", "drop", "reset", "internal", "unavailable"] {
        let fault = json!({"at": "rest", "method": "download", "kind": kind, "when": "after"});
        emulator.control("POST", "/faults", &fault).await;
        let outcome = match client.download(&link).await {
            Ok(mut download) => download.write_to(&mut Vec::new(), |_| ()).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let error = outcome.expect_err(kind);
        let secret = emulator.ready("webhook");
        let secret = secret.trim_end_matches('/').rsplit('/').next().unwrap();
        assert!(!format!("{error:?}").contains(secret), "{kind}: {error:?}");
    }
    let forged = format!("{}x", link);
    let error = client.download(&forged).await.err().unwrap();
    assert_eq!(error.kind(), Kind::AccessDenied, "{error:?}");
    assert!(client.download(&link).await.is_ok(), "nothing is the matter with the link");
}
