//! A program that events are sent to: it takes requests, answers them, and shows them to the test.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    /// The fields by their decoded names.
    pub(crate) fn form(&self) -> HashMap<String, String> {
        pairs(&self.body)
    }
}

/// Decoded pairs of a form or a query.
pub(crate) fn pairs(text: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

/// A listener on loopback. It stops when it is dropped.
pub(crate) struct Handler {
    address: std::net::SocketAddr,
    received: Mutex<mpsc::UnboundedReceiver<Received>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Handler {
    pub(crate) async fn start() -> Self {
        Self::answering(200).await
    }

    pub(crate) async fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // The receiver is gone when the test is over.
                let _ = sender.send(take(stream, status).await);
            }
        });
        Self { address, received: Mutex::new(received), serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request.
    pub(crate) async fn next(&self) -> Received {
        let mut received = self.received.lock().await;
        tokio::time::timeout(Duration::from_secs(10), received.recv()).await.unwrap().unwrap()
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(mut stream: TcpStream, status: u16) -> Received {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, body) = loop {
        let read = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if read == 0 || body.len() >= announced.map_or(0, |length| length.parse().unwrap()) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    stream.write_all(answer.as_bytes()).await.unwrap();
    Received { head, body }
}
