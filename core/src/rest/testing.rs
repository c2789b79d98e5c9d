//! A portal that says what a test wants, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Client, RateLimit};

/// What was asked: the path behind the webhook, and the body, null where it is not JSON.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

pub(crate) struct Portal {
    pub(crate) client: Client,
    asked: Asked,
}

impl Portal {
    /// Answers each request with the status and the body that `answer` makes of its path and body.
    pub(crate) async fn new(
        answer: impl Fn(&str, &Value) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/rest/1/qwertyuiop123456/", listener.local_addr().unwrap());
        let (asked, answer) = (Asked::default(), Arc::new(answer));
        let told = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (told, answer) = (Arc::clone(&told), Arc::clone(&answer));
                tokio::spawn(async move { serve(socket, &told, &*answer).await });
            }
        });
        let client = Client::from_webhook(&webhook).unwrap().rate_limit(RateLimit::Off);
        Self { client, asked }
    }

    /// A portal whose answers are results.
    pub(crate) async fn of(answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Self {
        Self::new(move |path, body| (200, answer(path, body).to_string())).await
    }

    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    asked: &Mutex<Vec<(String, Value)>>,
    answer: &(impl Fn(&str, &Value) -> (u16, String) + Sync),
) {
    let mut read = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).and_then(|text| {
                    text.lines().next().and_then(|text| text.trim().parse::<usize>().ok())
                });
                break (end + 4, length.unwrap_or(0));
            }
            if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        };
        while read.len() < head + length {
            if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let line = String::from_utf8_lossy(&read[..head]).into_owned();
        let path = line.split_whitespace().nth(1).unwrap_or_default();
        let path = path.rsplit('/').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&read[head..head + length]).unwrap_or_default();
        read.drain(..head + length);
        let (status, text) = answer(&path, &body);
        asked.lock().unwrap().push((path, body));
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", text.len());
        if socket.write_all((head + &text).as_bytes()).await.is_err() {
            return;
        }
    }
}
