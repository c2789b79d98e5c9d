//! Against a server that says what a test wants.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// `{"result":1}`, compressed.
const COMPRESSED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 74, 45, 46, 205, 41, 81, 178, 50, 172, 5, 0, 220,
    169, 112, 48, 12, 0, 0, 0,
];

/// 200,000 blanks, compressed, without the zeros in the middle of it.
const BLANKS: (&[u8], usize, &[u8]) = (
    &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 49, 1, 0, 0, 0, 194, 160, 42, 235, 159, 210, 12,
        254, 64, 1,
    ],
    193,
    &[175, 1, 49, 97, 98, 16, 64, 13, 3, 0],
);

/// Answers one request with these bytes, and hands back what was asked.
async fn server(answer: Vec<u8>) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rest/", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&asked).contains("\r\n\r\n") {
            let count = socket.read(&mut buffer).await.unwrap();
            asked.extend_from_slice(&buffer[..count]);
        }
        socket.write_all(&answer).await.unwrap();
        String::from_utf8_lossy(&asked).to_ascii_lowercase()
    });
    (Url::parse(&url).unwrap(), asked)
}

async fn post(endpoint: &Url, body: &Value) -> Result<Reply> {
    let url = address(endpoint, "profile").unwrap();
    let timeout = Duration::from_secs(10);
    Post { url, body, bearer: None, idempotency_key: Some("key-1"), timeout }.send().await
}

#[tokio::test]
async fn an_answer_may_come_compressed() {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        COMPRESSED.len()
    );
    let (endpoint, asked) = server([head.as_bytes(), COMPRESSED].concat()).await;
    let reply = post(&endpoint, &json!({})).await.unwrap();
    assert_eq!(Answer::read(reply.status, &reply.body).unwrap().result, 1);
    let asked = asked.await.unwrap();
    assert!(
        asked.contains("accept-encoding: gzip") && asked.contains("idempotency-key: key-1"),
        "{asked}"
    );
}

#[tokio::test]
async fn an_answer_too_long_to_hold_is_refused_at_once() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n{\"result\":";
    let (endpoint, _asked) = server(head.into()).await;
    let error = post(&endpoint, &json!({})).await.err().unwrap();
    assert_eq!((error.kind(), error.status()), (Kind::UnexpectedAnswer, Some(200)));
    assert!(error.to_string().contains("128 MiB"), "{error}");
    assert!(error.advice().unwrap().contains("fewer fields"), "{error}");
    assert_eq!(error.retry(), crate::Retry::Never);
}

#[tokio::test]
async fn an_answer_that_swells_is_refused_when_it_is_too_long() {
    let (head, zeros, tail) = BLANKS;
    let body = [head, &vec![0; zeros], tail].concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (endpoint, _asked) = server([head.as_bytes(), &body].concat()).await;
    let response = process::http().unwrap().post(endpoint).send().await.unwrap();
    let error = read(response, 100_000).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

/// The limit itself, of an answer that comes in parts and does not say its length.
#[tokio::test]
async fn an_answer_of_two_hundred_megabytes_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Url::parse(&format!("http://{}/rest/", listener.local_addr().unwrap())).unwrap();
    let sent = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"{}") {
            socket.read_buf(&mut asked).await.unwrap();
        }
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
        let mut sent = 0;
        while sent < 200 && socket.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 1;
        }
        sent
    });
    let error = post(&endpoint, &json!({})).await.err().unwrap();
    assert!(error.to_string().contains("too long"), "{error}");
    assert!((128..160).contains(&sent.await.unwrap()));
}

#[tokio::test]
async fn an_answer_that_hides_its_length_is_refused_when_it_is_too_long() {
    let body = format!("800\r\n{}\r\n", " ".repeat(0x800)).repeat(3);
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (endpoint, _asked) = server(format!("{head}{body}0\r\n\r\n").into()).await;
    let response = process::http().unwrap().post(endpoint).send().await.unwrap();
    assert!(read(response, 5000).await.unwrap_err().to_string().contains("too long"));
}

#[tokio::test]
async fn a_redirect_says_where_to() {
    let answer =
        "HTTP/1.1 307 x\r\nlocation: https://new.example/rest/profile\r\ncontent-length: 0\r\n\r\n";
    let (endpoint, _asked) = server(answer.into()).await;
    let reply = post(&endpoint, &json!({})).await.unwrap();
    assert_eq!(reply.status, 307);
    assert_eq!(reply.location.unwrap().as_str(), "https://new.example/rest/profile");
}
