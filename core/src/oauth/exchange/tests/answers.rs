//! What a server may answer, and how it may fail to.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::Duration,
};

use tokio::sync::oneshot;

use super::*;
use crate::oauth::exchange::{LISTEN, LONGEST_ANSWER};

#[tokio::test]
async fn a_form_is_posted_and_its_answer_read() {
    let (url, server) = serve(|mut stream| {
        let request = read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
            .and_then(|()| stream.write_all(b"content-length: 2\r\n\r\n{}"))
            .unwrap();
        request
    });
    let Exchanged::Answered { status, body, gap, server_date } = ask(&url).await else { panic!() };
    assert_eq!((status, body.as_slice(), server_date), (200, &b"{}"[..], Some(784_111_777)));
    assert!(gap < Duration::from_secs(10));
    let request = server.join().unwrap();
    let (head, form) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /oauth/token/ HTTP/1.1"));
    let mut fields: Vec<_> = lines.collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "accept: application/json",
            "connection: close",
            &format!("content-length: {}", form.len()),
            "content-type: application/x-www-form-urlencoded",
            &format!("host: {}:{}", url.host_str().unwrap(), url.port().unwrap()),
            concat!("user-agent: evergrant/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert_eq!(
        form,
        "grant_type=refresh_token&client_id=local.1\
         &client_secret=client-secret%2Fwith%3Fodd%26signs\
         &refresh_token=0123456789abcdef-refresh-token"
    );
}

#[tokio::test]
async fn by_get_the_form_is_the_query() {
    let (url, server) = serve(|mut stream| {
        let request = read_request(&mut stream);
        // A broken answer, so that the error could show the target.
        stream.write_all(b"nonsense\r\n\r\n").unwrap();
        request
    });
    let request = Request { by_get: true, ..Request::new() };
    let line = connect(&url).await.unwrap();
    no_answer(line.send(&Clock::system(), &request.form(), Duration::MAX).await);
    let request = server.join().unwrap();
    assert!(
        request.starts_with("GET /oauth/token/?grant_type=refresh_token&client_id=local.1&"),
        "{request}"
    );
    assert!(!request.contains("content-"), "{request}");
}

#[tokio::test]
async fn every_form_of_a_whole_answer_is_read() {
    for (bytes, status, body) in [
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            200,
            "{}",
        ),
        ("HTTP/1.0 200 OK\r\n\r\n{\"until\":\"the end\"}", 200, "{\"until\":\"the end\"}"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\n{}", 400, "{}"),
        ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}", 200, "{}"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>", 502, "<html>"),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
    ] {
        assert_eq!(answer(answered_with(bytes).await), (status, body.to_owned()), "{bytes}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    for status in [301, 302, 307, 308] {
        let redirect = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{location}/\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(answer(answered_with(redirect).await).0, status);
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for half in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "no HTTP at all\r\n\r\n",
    ] {
        let error = no_answer(answered_with(half).await);
        assert!(error.message().contains("did not answer in full"), "{error} after {half:?}");
    }
}

#[tokio::test]
async fn half_an_answer_with_the_whole_pair_is_kept() {
    let pair = r#"{"access_token":"a","refresh_token":"r","scope":"cr"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
    assert_eq!(answer(answered_with(format!("{head}{pair}")).await), (200, pair.to_owned()));
}

#[tokio::test]
async fn a_reset_after_the_request_is_no_answer() {
    let (url, server) = serve(|stream| {
        // What lies unread when the connection is closed makes the kernel reset it.
        while stream.peek(&mut [0; 8]).unwrap() < 8 {}
    });
    no_answer(ask(&url).await);
    server.join().unwrap();
}

#[tokio::test]
async fn too_much_is_no_answer() {
    let longest = "x".repeat(LONGEST_ANSWER);
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(answer(answered_with(format!("{head}{longest}")).await).1, longest);
    for long in [
        format!("{head}{longest}x"),
        format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{longest}x"),
    ] {
        let error = no_answer(answered_with(long).await);
        assert!(error.message().contains("too long"), "{error}");
    }
    no_answer(
        answered_with(format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(1 << 20))).await,
    );
}

#[tokio::test]
async fn silence_is_listened_to_for_as_long_as_an_answer_can_come() {
    let (url, server) = serve(|mut stream| {
        read_request(&mut stream);
        stream.read_to_end(&mut Vec::new()).unwrap()
    });
    let request = Request::new();
    let line = connect(&url).await.unwrap();
    // From here on waiting takes no time.
    tokio::time::pause();
    let called = tokio::time::Instant::now();
    no_answer(line.send(&Clock::system(), &request.form(), Duration::MAX).await);
    assert!(called.elapsed() >= LISTEN && called.elapsed() < LISTEN * 2);
    assert_eq!(server.join().unwrap(), 0, "nothing is sent a second time");
}

#[tokio::test]
async fn what_came_while_the_process_stood_still_is_read() {
    let (asked, is_asked) = oneshot::channel();
    let (freeze, frozen) = mpsc::channel();
    let (answer_now, answered) = mpsc::channel();
    let (url, server) = serve(move |mut stream| {
        read_request(&mut stream);
        asked.send(()).unwrap();
        frozen.recv().unwrap();
        // In pieces, so that it takes more than one look.
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .and_then(|()| stream.write_all("1\r\nx\r\n".repeat(50).as_bytes()))
            .and_then(|()| stream.write_all(b"0\r\n\r\n"))
            .unwrap();
        answer_now.send(()).unwrap();
    });
    let standstill = async {
        is_asked.await.unwrap();
        // This thread runs the exchange too: until the answer is there, nobody reads.
        freeze.send(()).unwrap();
        answered.recv().unwrap();
        tokio::time::pause();
        tokio::time::advance(LISTEN * 2).await;
        tokio::time::resume();
    };
    let (exchanged, ()) = tokio::join!(ask(&url), standstill);
    assert_eq!(answer(exchanged).1, "x".repeat(50));
    server.join().unwrap();
}
