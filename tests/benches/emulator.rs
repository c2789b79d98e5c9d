//! How fast the emulator is, so that it is never what another benchmark measures.
//!
//! `make bench`; with the argument `quick`, in a second. The load comes from bare sockets on the
//! same machine: keep-alive, one request under way on each.

use std::time::{Duration, Instant};

use evergrant_tests::Emulator;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CONNECTIONS: usize = 16;

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let span = Duration::from_millis(if quick { 200 } else { 4000 });
    let started = Instant::now();
    let flags = ["--leads", "1000000", "--burst", "0"].map(str::to_owned);
    let emulator = Emulator::start(&flags).await;
    println!(
        "{:<44} {:>9.0} ms",
        "start with a million leads",
        started.elapsed().as_secs_f64() * 1000.0
    );

    let get = request(&emulator, "crm.lead.get", &json!({"ID": 4711}));
    println!(
        "{:<44} {:>9.0} a second (bar 20,000)",
        "crm.lead.get",
        rate(&emulator, &get, span).await
    );

    let page = |n: usize| format!("crm.lead.list?select[]=ID&select[]=TITLE&start={}", n * 50);
    let pages: Vec<String> = (0..50).map(page).collect();
    let batch = request(&emulator, "batch", &json!({"cmd": pages}));
    println!(
        "{:<44} {:>9.0} a second (bar 500)",
        "batch of 50 pages, 2,500 rows",
        rate(&emulator, &batch, span).await
    );

    println!("{:<44} {:>9.0} MB", "resident memory afterwards", resident(&emulator));
}

/// A whole request, as bytes.
fn request(emulator: &Emulator, method: &str, params: &Value) -> Vec<u8> {
    let body = params.to_string();
    let webhook = emulator.ready("webhook");
    let path = webhook.splitn(4, '/').nth(3).expect("a path");
    format!(
        "POST /{path}{method} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        address(emulator),
        body.len()
    )
    .into_bytes()
}

fn address(emulator: &Emulator) -> String {
    emulator.ready("portal").split_once("://").expect("a URL").1.to_owned()
}

/// Answers a second, all connections together.
async fn rate(emulator: &Emulator, request: &[u8], span: Duration) -> f64 {
    let until = Instant::now() + span;
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(hammer(address(emulator), request.to_vec(), until)))
        .collect();
    let mut answers = 0;
    for worker in workers {
        answers += worker.await.expect("a worker");
    }
    f64::from(answers) / span.as_secs_f64()
}

async fn hammer(address: String, request: Vec<u8>, until: Instant) -> u32 {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut buffer = vec![0; 1 << 20];
    let mut answers = 0;
    while Instant::now() < until {
        stream.write_all(&request).await.expect("room");
        read_answer(&mut stream, &mut buffer).await;
        answers += 1;
    }
    answers
}

/// Reads one answer to its end; it must be a success.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let (mut filled, mut whole) = (0, usize::MAX);
    while filled < whole {
        let count = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(count > 0, "the emulator closed the connection");
        filled += count;
        if whole == usize::MAX
            && let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&buffer[..end]).expect("text").to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            whole = end + 4 + length.expect("a length").parse::<usize>().expect("a number");
        }
    }
}

/// Resident memory of the emulator's process, from /proc.
fn resident(emulator: &Emulator) -> f64 {
    let pid = &emulator.ready_line()["pid"];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    kilobytes.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}
