//! Nonsense, too much, hostile: at every door.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Reply, Running, small, start};

async fn alive(running: &Running) {
    assert_eq!(running.call("profile", json!({})).await.status, 200);
    assert_eq!(running.pair().await.access.len(), 70);
}

#[tokio::test]
async fn hostile_depth_is_survived_in_every_notation() {
    let running = start(small()).await;
    let url = format!("{}crm.lead.list", running.ready().webhook);
    let deep = format!("filter{}=1&select[]=ID", "[x]".repeat(200_000));
    let reply = Reply::of(running.http.post(&url).body(deep).send().await.unwrap()).await;
    assert_eq!((reply.status, reply.json()["total"].clone()), (200, json!(500)));

    let nested = format!("{{\"filter\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let request =
        running.http.post(&url).header("content-type", "application/json").body(nested.clone());
    assert_eq!(
        Reply::of(request.send().await.unwrap()).await.status,
        200,
        "too deep is as good as broken"
    );
    let request = running.http.post(format!("{}/clock", running.ready().control)).body(nested);
    assert_eq!(Reply::of(request.send().await.unwrap()).await.status, 400);

    let command = format!("crm.lead.get?id{}=1", "[x]".repeat(10_000));
    let reply = running.call("batch", json!({"cmd": {"a": command}})).await;
    assert_eq!(reply.status, 200);
    alive(&running).await;
}

#[tokio::test]
async fn ten_megabytes_are_refused_where_nobody_needs_them() {
    let running = start(small()).await;
    let ready = running.ready().clone();
    let body = "x".repeat(10 << 20);
    for (url, error) in [
        (format!("{}/clock", ready.control), "invalid_request"),
        (format!("{}/oauth/token/", ready.authorization), "invalid_request"),
    ] {
        let reply =
            Reply::of(running.http.post(&url).body(body.clone()).send().await.unwrap()).await;
        assert_eq!(reply.error(), (413, error.to_owned()), "{url}");
    }
    let url = format!("{}/oauth/authorize/", ready.portal);
    let reply = Reply::of(running.http.post(&url).body(body.clone()).send().await.unwrap()).await;
    assert_eq!(reply.status, 413);

    // A portal takes large comments, but not without end.
    let comment = running.call("crm.lead.add", json!({"fields": {"COMMENTS": body}})).await;
    assert_eq!(comment.status, 200);
    let huge = "x".repeat(20 << 20);
    let url = format!("{}crm.lead.add", ready.webhook);
    let reply = Reply::of(running.http.post(&url).body(huge).send().await.unwrap()).await;
    assert_eq!(reply.status, 413);
    alive(&running).await;
}

#[tokio::test]
async fn a_body_of_no_announced_length_is_cut_off_too() {
    let running = start(small()).await;
    let address = running.ready().control.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head =
        format!("POST /clock HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "y".repeat(1 << 16));
    for _ in 0..32 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    alive(&running).await;
}

#[tokio::test]
async fn garbage_on_the_wire_hurts_nobody_else() {
    let running = start(small()).await;
    let ready = running.ready().clone();
    for url in [&ready.authorization, &ready.portal, &ready.control] {
        let address = url.trim_start_matches("http://");
        for garbage in [
            &b"\x16\x03\x01\x02\x00\x01\x00"[..],
            b"GET\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(garbage).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{garbage:?}: {answer}");
        }
    }
    alive(&running).await;
}

#[tokio::test]
async fn wrong_types_and_odd_bytes_are_answered_like_the_portal_does() {
    let running = start(small()).await;
    for params in [
        json!({"filter": {"ID": {"a": {"b": 1}}}}),
        json!({"filter": {">ID": "abc", "": 1, "!": 2, ">=<": 3}}),
        json!({"filter": {"ID": []}}),
        json!({"filter": {"ID": null}}),
        json!({"filter": {"DATE_CREATE": "never"}}),
        json!({"filter": [1, 2, 3]}),
        json!({"order": {"ID": {"x": 1}}}),
        json!({"order": ["ID"]}),
        json!({"select": {"a": 1}}),
        json!({"select": [null, 5, ["ID"]]}),
        json!({"start": {"a": 1}}),
        json!({"start": "99999999999999999999999"}),
        json!({"start": 1e300}),
        json!({"filter": {">ID": i64::MAX, "<ID": i64::MIN}}),
        json!({"filter": {"=%TITLE": "%".repeat(10_000)}}),
    ] {
        let reply = running.call("crm.lead.list", params.clone()).await;
        assert_eq!(reply.status, 200, "{params}: {}", reply.text);
        assert!(reply.json()["result"].is_array());
    }
    for fields in [
        json!({"PHONE": 5}),
        json!({"PHONE": [[[]]]}),
        json!({"OPPORTUNITY": {"a": 1}}),
        json!({"TITLE": [1]}),
        json!({"ASSIGNED_BY_ID": "x"}),
    ] {
        assert_eq!(
            running.call("crm.lead.add", json!({"fields": fields})).await.status,
            200,
            "{fields}"
        );
    }
    let portal = &running.ready().portal;
    for query in ["auth=%ff%fe", "auth=%zz", "auth=%00", "auth[auth]=x", "&&&=&=", "%5B%5D=1"] {
        let reply = running.get(&format!("{portal}/rest/profile?{query}")).await;
        assert_eq!(reply.status, 401, "{query}: {}", reply.text);
    }
    for body in ["5", "null", "\"x\"", "[]", "[1,2]", "{}", "\u{0}"] {
        let url = format!("{}profile", running.ready().webhook);
        let request = running.http.post(&url).header("content-type", "application/json").body(body);
        assert_eq!(Reply::of(request.send().await.unwrap()).await.status, 200, "{body:?}");
    }
    for body in ["5", "[]", "{", "\u{0}"] {
        let request = running.http.post(format!("{}/clock", running.ready().control)).body(body);
        let reply = Reply::of(request.send().await.unwrap()).await;
        assert_eq!(reply.error(), (400, "invalid_request".to_owned()), "{body:?}");
    }
    alive(&running).await;
}
