//! Files: in parameters, uploaded in two steps, downloaded in parts.

use std::time::Duration;

use evergrant::{
    Client, Clock, Kind, RateLimit,
    file::{File, Upload},
};
use evergrant_tests::{
    Emulator,
    stage::{Stage, until},
    trace,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

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

/// All that an upload told of itself on its way, and what became of it.
async fn heard(mut upload: Upload) -> (Vec<u64>, evergrant::Result<Value>) {
    let mut heard = Vec::new();
    while let Some(sent) = upload.progress().await.unwrap() {
        heard.push(sent);
    }
    (heard, upload.finish().await.map(|answer| answer.result))
}

#[tokio::test]
async fn an_upload_tells_how_far_it_is() {
    let (emulator, client) = portal().await;
    let begin = || {
        let file = File::new("a.bin", bytes(8_000_000));
        client.begin_upload("disk.folder.uploadfile", json!({"id": 5}), file)
    };
    let upload = begin().await.unwrap();
    assert_eq!(upload.size(), 8_000_000);
    let (told, kept) = heard(upload).await;
    assert_eq!(kept.unwrap()["SIZE"], "8000000");
    assert!(told.is_sorted() && told.last() == Some(&8_000_000), "{told:?}");

    let fault = json!({"at": "rest", "method": "upload", "kind": "json", "status": 503,
                       "body": {"error": "QUERY_LIMIT_EXCEEDED"}});
    emulator.control("POST", "/faults", &fault).await;
    let (told, kept) = heard(begin().await.unwrap()).await;
    assert_eq!(kept.unwrap()["SIZE"], "8000000");
    assert_eq!(told.last(), Some(&8_000_000));

    let fault = json!({"at": "rest", "method": "upload", "kind": "internal"});
    emulator.control("POST", "/faults", &fault).await;
    let (_, kept) = heard(begin().await.unwrap()).await;
    assert_eq!(kept.unwrap_err().status(), Some(500));

    // An empty file has nothing to tell.
    let file = File::new("a.bin", []);
    let upload = client.begin_upload("disk.folder.uploadfile", json!({"id": 5}), file);
    let (told, kept) = heard(upload.await.unwrap()).await;
    assert_eq!((told, kept.unwrap()["SIZE"].as_str()), (vec![], Some("0")));
}

#[tokio::test]
async fn an_upload_that_is_cancelled_from_elsewhere_says_so() {
    let (emulator, client) = portal().await;
    let fault = json!({"at": "rest", "method": "upload", "kind": "delay", "delay_ms": 600_000});
    emulator.control("POST", "/faults", &fault).await;
    let file = File::new("a.bin", bytes(1_000));
    let mut upload =
        client.begin_upload("disk.folder.uploadfile", json!({"id": 5}), file).await.unwrap();
    let aborter = upload.aborter();
    let (answer, ()) = tokio::join!(upload.finish(), async { aborter.abort() });
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled, "{error:?}");
    assert!(error.advice().is_some_and(|advice| advice.contains("executed")), "{error}");
}

/// More than fits between two programs.
const MUCH: usize = 64 << 20;

/// A portal that says where files go and reads the beginning of one; the rest when it is told to, as far as
/// it comes. Answers its webhook, and how much came.
async fn reads_a_beginning(
    begun: oneshot::Sender<()>,
    proceed: oneshot::Receiver<()>,
) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let portal = format!("http://{}", listener.local_addr().unwrap());
    let webhook = format!("{portal}/rest/1/qwertyuiop123456/");
    let reading = tokio::spawn(async move {
        let (mut call, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 1 << 16];
        assert!(call.read(&mut buffer).await.unwrap() > 0);
        let body = json!({"result": {"field": "file", "uploadUrl": format!("{portal}/upload")}});
        let (body, head) = (body.to_string(), "HTTP/1.1 200 OK\r\nconnection: close\r\n");
        let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        call.write_all(answer.as_bytes()).await.unwrap();
        drop(call);
        let (mut upload, _) = listener.accept().await.unwrap();
        let mut came = upload.read(&mut buffer).await.unwrap();
        begun.send(()).unwrap();
        proceed.await.unwrap();
        while came < MUCH
            && let Ok(more @ 1..) = upload.read(&mut buffer).await
        {
            came += more;
        }
        came
    });
    (webhook, reading)
}

#[tokio::test]
async fn an_upload_that_nobody_waits_for_is_cancelled() {
    let (began, begun) = oneshot::channel();
    let (go_on, proceed) = oneshot::channel();
    let (webhook, reading) = reads_a_beginning(began, proceed).await;
    let client = Client::from_webhook(&webhook).unwrap();
    let file = File::new("a.bin", vec![7; MUCH]);
    let mut upload =
        client.begin_upload("disk.folder.uploadfile", Value::Null, file).await.unwrap();
    begun.await.unwrap();
    assert!(upload.progress().await.unwrap().unwrap() < MUCH as u64);
    assert!(timeout(Duration::from_millis(1), upload.finish()).await.is_err());
    for outcome in [upload.progress().await.err(), upload.finish().await.err()] {
        assert_eq!(outcome.unwrap().kind(), Kind::Cancelled);
    }
    until("it has ended", || async { upload.aborter().is_finished() }).await;
    go_on.send(()).unwrap();
    let came = timeout(Duration::from_secs(30), reading).await.unwrap().unwrap();
    assert!(came < MUCH, "all of it came");
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

/// Refused before anything was done: sent again, the file too, when there is room.
#[tokio::test]
async fn what_was_refused_unexecuted_is_sent_again() {
    let (emulator, client) = portal().await;
    let refusal =
        json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
    for method in ["disk.folder.uploadfile", "upload", "download"] {
        let fault =
            json!({"at": "rest", "method": method, "kind": "json", "status": 503, "body": refusal});
        emulator.control("POST", "/faults", &fault).await;
    }
    let sent = bytes(200_000);
    let file = File::new("a.bin", sent.clone());
    let before = emulator.count("/portal/requests").await;
    let kept =
        client.upload("disk.folder.uploadfile", json!({"id": 5}), file).await.unwrap().result;
    let mut download = client.download(kept["DOWNLOAD_URL"].as_str().unwrap()).await.unwrap();
    let mut got = Vec::new();
    download.write_to(&mut got, |_| ()).await.unwrap();
    assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
    assert_eq!(emulator.count("/portal/requests").await - before, 6);
}

/// On a clock that is turned: operating time is waited for, a portal that refuses for ever is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_waits_as_long_as_any_bulk() {
    let (emulator, client) = portal().await;
    let clock = Clock::system();
    let client = client.clock(clock.clone());
    let file = || File::new("a.bin", bytes(1_000));
    let fault = async |method: &str, status: u16, code: &str, times: u32| {
        let fault = json!({"at": "rest", "method": method, "kind": "json", "status": status,
                           "body": {"error": code}, "times": times});
        emulator.control("POST", "/faults", &fault).await;
    };
    let pass = async |task: JoinHandle<evergrant::Result<Value>>| {
        let mut seconds = 0;
        while !task.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            clock.turn(5);
            seconds += 5;
            assert!(seconds < 5_000, "it waits for ever");
        }
        (seconds, task.await.unwrap())
    };
    let upload = || {
        let (client, file) = (client.clone(), file());
        tokio::spawn(async move {
            Ok(client.upload("disk.folder.uploadfile", json!({"id": 5}), file).await?.result)
        })
    };
    fault("upload", 429, "OPERATION_TIME_LIMIT", 1).await;
    let (seconds, kept) = pass(upload()).await;
    let link = kept.unwrap()["DOWNLOAD_URL"].as_str().unwrap().to_owned();
    assert!((60..200).contains(&seconds), "{seconds} s");
    fault("download", 503, "QUERY_LIMIT_EXCEEDED", 1_000_000).await;
    let download = {
        let (client, link) = (client.clone(), link.clone());
        tokio::spawn(async move { client.download(&link).await.map(|_| Value::Null) })
    };
    let (seconds, outcome) = pass(download).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::RateLimited, Some("QUERY_LIMIT_EXCEEDED")));
    assert!((880..1_100).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn a_transfer_leaves_a_trace_without_its_link() {
    let lines = trace::record();
    let (emulator, client) = portal().await;
    let host = emulator.ready("portal").replace("http://", "");
    let before = Client::counters();
    let file = File::new("a.bin", bytes(1_000));
    let kept =
        client.upload("disk.folder.uploadfile", json!({"id": 5}), file).await.unwrap().result;
    let link = kept["DOWNLOAD_URL"].as_str().unwrap().to_owned();
    client.download(&link).await.unwrap();
    let fault = json!({"at": "rest", "method": "download", "kind": "internal"});
    emulator.control("POST", "/faults", &fault).await;
    client.download(&link).await.err().unwrap();
    let after = Client::counters();
    // The first step of the upload is a call of its own.
    assert!(after.calls >= before.calls + 4 && after.failed > before.failed, "{after:?}");
    let text = lines.text();
    let told = |method: &str, status: u16, end: &str| {
        let method = format!("method=\"{method}\"");
        let (status, portal) = (format!("status={status}"), format!("portal=\"{host}\""));
        let parts = [&method, &status, &portal, "requests=1", "waited_ms=", end];
        text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(told("upload", 200, ": answered"), "{text}");
    assert!(told("download", 200, ": answered"), "{text}");
    assert!(told("download", 500, ": failed"), "{text}");
    let webhook = emulator.ready("webhook");
    let secret = webhook.trim_end_matches('/').rsplit('/').next().unwrap();
    let signature = link.rsplit_once("token=").unwrap().1;
    assert!(!text.contains(secret) && !text.contains(signature), "{text}");
}
