//! A portal with limits and its client, whose clocks are turned together: no test waits in real time.

use std::time::Duration;

use evergrant::{Client, Clock};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Emulator;

/// An emulator, a client of its webhook, and their clocks, which pass together.
pub struct Scene {
    /// The portal.
    pub emulator: Emulator,
    /// Of the portal's webhook.
    pub client: Client,
    /// The client's.
    pub clock: Clock,
}

impl Scene {
    /// With ten leads.
    pub async fn new(flags: &[&str]) -> Self {
        Self::with_leads("10", flags).await
    }

    /// A portal that lets nobody in.
    pub async fn refusing() -> Self {
        let scene = Self::new(&["--burst", "0"]).await;
        let body =
            json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
        let fault =
            json!({"at": "rest", "kind": "json", "status": 503, "body": body, "times": 1_000_000});
        scene.emulator.control("POST", "/faults", &fault).await;
        scene
    }

    /// With so many leads, and further flags of the emulator.
    pub async fn with_leads(leads: &str, flags: &[&str]) -> Self {
        let mut all = vec!["--leads", leads, "--deals", "1", "--contacts", "1"];
        all.extend(flags);
        let all: Vec<_> = all.into_iter().map(str::to_owned).collect();
        let emulator = Emulator::start(&all).await;
        let clock = Clock::system();
        let client = Client::from_webhook(&emulator.ready("webhook")).expect("a webhook");
        let client = client.clock(clock.clone());
        Self { emulator, client, clock }
    }

    /// The portal's time first: its bucket has leaked when we think so.
    pub async fn turn(&self, seconds: i64) {
        self.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
        self.clock.turn(seconds);
    }

    /// Lets seconds pass until all are done; answers how many, and what came of them.
    pub async fn pass<T>(&self, tasks: Vec<JoinHandle<T>>) -> (i64, Vec<T>) {
        self.pass_by(1, tasks).await
    }

    /// As `pass`, so many seconds at a time.
    pub async fn pass_by<T>(&self, step: i64, tasks: Vec<JoinHandle<T>>) -> (i64, Vec<T>) {
        let mut seconds = 0;
        loop {
            // Long enough for every request that may go now to be answered.
            for _ in 0..20 {
                if tasks.iter().all(JoinHandle::is_finished) {
                    let mut answers = Vec::new();
                    for task in tasks {
                        answers.push(task.await.expect("it does not panic"));
                    }
                    return (seconds, answers);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            self.turn(step).await;
            seconds += step;
            assert!(seconds < 2000, "they wait for ever");
        }
    }

    /// So many calls of `profile`.
    pub fn calls(&self, count: usize) -> Vec<JoinHandle<evergrant::Result<Value>>> {
        calls(&self.client, count)
    }

    /// How many requests the bucket has refused.
    pub async fn refused(&self) -> u64 {
        let limits = self.emulator.control("GET", "/limits", &Value::Null).await;
        let limits = limits.as_array().expect("a list").iter();
        limits.map(|one| one["refused"].as_u64().expect("a number")).sum()
    }

    /// Settings of the emulator.
    pub async fn set(&self, settings: Value) {
        self.emulator.control("POST", "/settings", &settings).await;
    }
}

/// So many calls of `profile`.
pub fn calls(client: &Client, count: usize) -> Vec<JoinHandle<evergrant::Result<Value>>> {
    let call = |_| {
        let client = client.clone();
        tokio::spawn(async move { Ok(client.call("profile", Value::Null).await?.result) })
    };
    (0..count).map(call).collect()
}
