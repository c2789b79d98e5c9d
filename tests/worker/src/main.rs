//! One application in one process, for tests that kill processes and stop them.
//!
//! Commands come on standard input, one JSON object a line: `{"id": 1, "do": "token", "grant": 1, "tasks": 16}`. Each
//! but `open` runs in a task of its own and is answered by `{"id": 1, "ok": ...}` or `{"id": 1, "error": {...}}`. On SIGTERM the
//! program drains and ends; when standard input closes it ends at once. Tokens go by their fingerprints.

mod commands;
mod reader;
mod report;

use std::{io, process::ExitCode, time::Duration};

use commands::Worker;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    signal::unix::{SignalKind, signal},
};

/// Longer than an exchange may be listened for.
const DRAIN: Duration = Duration::from_secs(160);

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let done = evergrant::process::runtime().map(|runtime| runtime.block_on(work()));
    if matches!(done, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn work() -> io::Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let worker = Worker::default();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            _ = stop.recv() => {
                let drained = worker.shut_down(DRAIN).await;
                report::say(&json!({"stopped": true, "drained": drained}));
                return Ok(());
            }
        };
        let Some(line) = line else { return Ok(()) };
        let command: Value = serde_json::from_str(&line)?;
        if command["do"] == "open" {
            // What follows needs it.
            report::answer(&command["id"], worker.obey(&command).await);
            continue;
        }
        let worker = worker.clone();
        tokio::spawn(async move { report::answer(&command["id"], worker.obey(&command).await) });
    }
}
