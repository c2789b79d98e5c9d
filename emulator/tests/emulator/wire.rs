//! Bytes on the wire that HTTP has an opinion on: too many, too few, and none of its own.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Running, small, start};

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
}

/// What comes back until the connection ends.
async fn heard(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// A POST whose head announces `more` bytes than the body has.
fn post(path: &str, media: &str, body: &str, more: usize) -> Vec<u8> {
    let length = body.len() + more;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n"
    );
    (head + body).into_bytes()
}

#[tokio::test]
async fn a_stray_line_break_behind_a_body_delays_nothing() {
    let running = start(small()).await;
    let ready = running.ready();
    for (url, path) in [(&ready.portal, "/rest/server.time?auth=x"), (&ready.control, "/settings")]
    {
        let mut stream = connect(url).await;
        let mut request = post(path, "application/json", "{}", 0);
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&answer));
    }
    let token = running.pair().await.refresh;
    let form = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={token}",
        ready.client_id, ready.client_secret
    );
    let mut stream = connect(&ready.authorization).await;
    let mut request = post("/oauth/token/", "application/x-www-form-urlencoded", &form, 0);
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn an_address_without_end_is_told_so() {
    let running = start(small()).await;
    let ready = running.ready();
    for url in [&ready.portal, &ready.authorization, &ready.control] {
        let mut stream = connect(url).await;
        let long = "x".repeat(70_000);
        let request = format!("GET /rest/profile?auth={long} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = heard(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    }
}

/// How a client gives up in the middle of its request.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It says that no more will come, and listens.
    Half,
    /// It is gone.
    Whole,
}

/// Sends a request that breaks off; nothing may come back.
async fn break_off(url: &str, request: &[u8], end: End) {
    let mut stream = connect(url).await;
    stream.write_all(request).await.unwrap();
    match end {
        End::Half => {
            stream.shutdown().await.unwrap();
            assert_eq!(heard(&mut stream).await, "", "no answer to half a request");
        }
        End::Whole => drop(stream),
    }
}

/// Leads that there are, asked for behind whatever came before.
async fn leads(running: &Running) -> u64 {
    let list = running.call("crm.lead.list", json!({"select": ["ID"]})).await;
    list.json()["total"].as_u64().unwrap()
}

#[tokio::test]
async fn half_a_request_does_nothing() {
    let running = start(small()).await;
    let ready = running.ready();
    let add = format!("{}crm.lead.add", ready.webhook.trim_start_matches(&ready.portal));
    let fields = r#"{"fields":{"TITLE":"half"}}"#;
    let token = running.pair().await.refresh;
    let form = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={token}",
        ready.client_id, ready.client_secret
    );
    let before = running.truth("/counters").await;
    for end in [End::Half, End::Whole] {
        break_off(&ready.portal, &post(&add, "application/json", fields, 1), end).await;
        let token = post("/oauth/token/", "application/x-www-form-urlencoded", &form, 1);
        break_off(&ready.authorization, &token, end).await;
        break_off(&ready.portal, &token, end).await;
    }
    assert_eq!(running.truth("/counters").await, before, "nobody has heard of it");
    assert_eq!(leads(&running).await, 500);
    assert_eq!(running.refresh(&token).await.status, 200, "it was never spent");
}
