//! Speed beside the floor, in one run: what evergrant adds to the bare requests it makes.
//!
//! `make bench`; with the argument `quick`, in seconds.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use evergrant::{Application, Client, RateLimit};
use evergrant_tests::Emulator;
use serde_json::{Value, json};

const PAGES: usize = 50;

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let rounds = if quick { 3 } else { 15 };
    let flags = ["--leads", "10000", "--burst", "0"].map(str::to_owned);
    let emulator = Emulator::start(&flags).await;
    let application =
        Application::builder(emulator.ready("client_id"), emulator.ready("client_secret"))
            .authorization_server(emulator.ready("authorization"))
            .budget(0, 0)
            .open()
            .await
            .unwrap();
    let consent = emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let grant = application
        .exchange_code(&emulator.ready("portal"), consent["code"].as_str().unwrap())
        .await
        .unwrap();
    let client = application.client(grant.id).rate_limit(RateLimit::Off);

    println!("{:<44} {:>12}", "what", "median");
    let reads = if quick { 100_000 } else { 5_000_000 };
    let started = Instant::now();
    for _ in 0..reads {
        black_box(application.peek_token(black_box(grant.id), 60));
    }
    println!("{:<44} {:>9} ns", "token from memory", started.elapsed().as_nanos() / reads);

    let (calls, bare_calls) = (calls(&client, rounds).await, bare_calls(&emulator, rounds).await);
    show("100 single calls, one after the other", calls, "bare requests", bare_calls);
    let (list, bare_list) = (list(&client, rounds).await, bare_list(&emulator, rounds).await);
    show("list of 10,000 rows", list, "the same five requests, bare", bare_list);
    let rotation = rotation(&application, grant.id, rounds).await;
    println!("{:<44} {:>9.2} ms", "rotation, store in memory", millis(rotation));
}

fn show(what: &str, ours: Duration, floor: &str, bare: Duration) {
    println!("{what:<44} {:>9.2} ms", millis(ours));
    println!(
        "{:<44} {:>9.2} ms  ratio {:.2}",
        format!("  floor: {floor}"),
        millis(bare),
        ours.as_secs_f64() / bare.as_secs_f64()
    );
}

async fn calls(client: &Client, rounds: usize) -> Duration {
    median(rounds, async || {
        for id in 1..=100 {
            client.call("crm.lead.get", json!({"ID": id})).await.unwrap();
        }
    })
    .await
}

async fn bare_calls(emulator: &Emulator, rounds: usize) -> Duration {
    let http = reqwest::Client::new();
    let url = format!("{}crm.lead.get", emulator.ready("webhook"));
    median(rounds, async || {
        for id in 1..=100 {
            bare(&http, &url, &json!({"ID": id})).await;
        }
    })
    .await
}

async fn list(client: &Client, rounds: usize) -> Duration {
    median(rounds, async || {
        let rows = client
            .list("crm.lead.list", json!({"select": ["ID", "TITLE"]}))
            .unwrap()
            .all()
            .await
            .unwrap();
        assert_eq!(rows.len(), 10_000);
    })
    .await
}

async fn bare_list(emulator: &Emulator, rounds: usize) -> Duration {
    let http = reqwest::Client::new();
    let (first, batch) = (
        format!("{}crm.lead.list", emulator.ready("webhook")),
        format!("{}batch", emulator.ready("webhook")),
    );
    let page = |start: usize| format!("crm.lead.list?select[]=ID&select[]=TITLE&start={start}");
    median(rounds, async || {
        bare(&http, &first, &json!({"select": ["ID", "TITLE"]})).await;
        for from in (50..10_000).step_by(50 * PAGES) {
            let pages: Vec<String> = (from..10_000).step_by(50).take(PAGES).map(page).collect();
            bare(&http, &batch, &json!({"cmd": pages})).await;
        }
    })
    .await
}

async fn bare(http: &reqwest::Client, url: &str, body: &Value) {
    let request = http.post(url).header("content-type", "application/json").body(body.to_string());
    let answer = request.send().await.unwrap().bytes().await.unwrap();
    black_box(serde_json::from_slice::<Value>(&answer).unwrap());
}

async fn rotation(application: &Application, grant: i64, rounds: usize) -> Duration {
    median(rounds, async || {
        let generation = application.grant(grant).await.unwrap().generation;
        application.renew_token(grant, generation).await.unwrap();
    })
    .await
}

async fn median(rounds: usize, mut work: impl AsyncFnMut()) -> Duration {
    work().await;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        work().await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
