//! Exchanges with servers that are scripted down to the byte.

mod answers;
mod proxies;
mod tls;
mod writes;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
    time::Duration,
};

use url::Url;

use super::{Exchanged, Form, connect};
use crate::{Clock, Error, Kind, Secret};

const CLIENT_SECRET: &str = "client-secret/with?odd&signs";
const REFRESH_TOKEN: &str = "0123456789abcdef-refresh-token";

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"whole\":1}";

/// One refresh with secrets that no error may show.
struct Request {
    client_secret: Secret,
    value: Secret,
    by_get: bool,
}

impl Request {
    fn new() -> Self {
        Self { client_secret: CLIENT_SECRET.into(), value: REFRESH_TOKEN.into(), by_get: false }
    }

    fn form(&self) -> Form<'_> {
        Form {
            client_id: "local.1",
            client_secret: &self.client_secret,
            grant_type: "refresh_token",
            value: &self.value,
            by_get: self.by_get,
        }
    }
}

/// A server of one connection, in a thread of its own. Its reads end after ten seconds.
fn serve<T: Send + 'static>(
    script: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Url, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        script(stream)
    });
    (url, server)
}

/// Reads one whole request.
fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
        if request.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(request).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

/// Connects and sends, with all the time in the world.
async fn ask(server: &Url) -> Exchanged {
    let request = Request::new();
    connect(server).await.unwrap().send(&Clock::system(), &request.form(), Duration::MAX).await
}

/// What comes of a server that reads the request, writes `answer` and closes.
async fn answered_with(answer: impl Into<Vec<u8>>) -> Exchanged {
    let answer = answer.into();
    let (url, server) = serve(move |mut stream| {
        read_request(&mut stream);
        // Whoever has heard enough hangs up: no failure of this server.
        let _ = stream.write_all(&answer);
    });
    let exchanged = ask(&url).await;
    server.join().unwrap();
    exchanged
}

fn answer(exchanged: Exchanged) -> (u16, String) {
    match exchanged {
        Exchanged::Answered { status, body, .. } => (status, String::from_utf8(body).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn no_answer(exchanged: Exchanged) -> Error {
    match exchanged {
        Exchanged::NoAnswer(error) => {
            assert_eq!(error.kind(), Kind::Ambiguous);
            keeps_secrets(error)
        }
        other => panic!("{other:?}"),
    }
}

fn nothing_sent(kind: Kind, exchanged: Exchanged) -> Error {
    match exchanged {
        Exchanged::NothingSent(error) => {
            assert_eq!(error.kind(), kind);
            keeps_secrets(error)
        }
        other => panic!("{other:?}"),
    }
}

/// The error names the host and no secret, in whatever form it is shown.
fn keeps_secrets(error: Error) -> Error {
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(shown.contains("127.0.0.1") || shown.contains("auth.example.org"), "{shown}");
    for secret in ["client-secret", "0123456789abcdef", "proxy-password", "cHJveHk"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    error
}
