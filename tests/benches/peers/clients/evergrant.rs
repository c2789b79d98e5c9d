//! evergrant in Rust: one job from the command line, what came of it as a line of JSON.

use std::time::Instant;

use evergrant::{Client, Command, ListOptions, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// The keys that every client is given.
#[derive(Deserialize)]
struct Job {
    task: String,
    count: u64,
    webhook: String,
    settled: u64,
}

fn main() {
    let job = std::env::args().nth(1).expect("a job as JSON");
    let job: Job = serde_json::from_str(&job).expect("a job as JSON");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let mut found = runtime.block_on(run(&job));
    found["peak_kib"] = memory("VmHWM").into();
    println!("{found}");
}

async fn run(job: &Job) -> Value {
    let started = Instant::now();
    // How fast: EVERGRANT_RATE_LIMIT, as for any program.
    let outcome = match Client::from_webhook(&job.webhook) {
        Ok(client) => work(client, job).await,
        Err(error) => Err(error),
    };
    let wall = started.elapsed().as_secs_f64();
    let mut found = match outcome {
        Ok(Found::Rows(rows)) => check(&rows),
        Ok(Found::Figures(figures)) => figures,
        Err(error) => json!({"failed": job.count, "error": error.to_string()}),
    };
    found["wall"] = wall.into();
    found
}

enum Found {
    Rows(Vec<Value>),
    Figures(Value),
}

async fn work(client: Client, job: &Job) -> Result<Found> {
    let select = json!({"select": ["ID", "TITLE"]});
    let list = || client.list_with("crm.lead.list", select, ListOptions::new());
    let failed = match job.task.as_str() {
        "list" => return list()?.all().await.map(Found::Rows),
        "stream" => return drain(list()?, job.settled).await.map(Found::Figures),
        "calls" => {
            for id in 1..=job.count {
                client.call("crm.lead.get", json!({"ID": id})).await?;
            }
            0
        }
        "gather" => gather(client, job.count).await,
        "add" => {
            let add =
                |n| Command::new("crm.lead.add", json!({"fields": {"TITLE": format!("L{n}")}}));
            let answers = client.batch((0..job.count).map(add).collect::<Result<_>>()?).await?;
            answers.iter().filter(|answer| answer.is_err()).count()
        }
        other => panic!("no task is called {other}"),
    };
    Ok(Found::Figures(json!({"failed": failed})))
}

/// How many failed.
async fn gather(client: Client, count: u64) -> usize {
    let mut calls = JoinSet::new();
    for id in 1..=count {
        let client = client.clone();
        calls.spawn(async move { client.call("crm.lead.get", json!({"ID": id})).await });
    }
    calls.join_all().await.iter().filter(|answer| answer.is_err()).count()
}

async fn drain(mut rows: evergrant::List, settled: u64) -> Result<Value> {
    let (mut number, mut last, mut ordered, mut base, mut most) = (0_u64, 0, true, 0, 0);
    while let Some(page) = rows.next_page().await? {
        for row in page {
            number += 1;
            let id = id(&row);
            ordered &= id > last;
            last = id;
            if number == settled {
                base = memory("VmRSS");
                most = base;
            } else if number > settled && number.is_multiple_of(10_000) {
                most = most.max(memory("VmRSS"));
            }
        }
    }
    // Strictly rising ids are unique.
    let unique = if ordered { i64::try_from(number).unwrap_or(-1) } else { -1 };
    Ok(json!({"rows": number, "unique": unique, "ordered": ordered, "growth_kib": most - base}))
}

fn check(rows: &[Value]) -> Value {
    let ids: Vec<u64> = rows.iter().map(id).collect();
    let unique: std::collections::HashSet<u64> = ids.iter().copied().collect();
    json!({
        "rows": ids.len(),
        "unique": unique.len(),
        "ordered": ids.is_sorted_by(|one, next| one < next),
    })
}

fn id(row: &Value) -> u64 {
    row["ID"].as_str().and_then(|id| id.parse().ok()).expect("rows have an ID")
}

fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("Linux");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("kibibytes")
}
