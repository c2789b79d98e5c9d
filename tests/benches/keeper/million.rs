//! A million grants: what they take in memory and on disk, what it takes to start, and what one look
//! for due grants costs.
//!
//! `make bench`; with the argument `quick`, with 20,000 grants. The rows go into the store's tables by
//! SQL of this benchmark's own, sealed as the keeper seals them. PostgreSQL takes part where
//! `EVERGRANT_TEST_POSTGRES` names a server.

mod fill;
#[expect(dead_code, reason = "the figures here have no bars")]
mod table;
#[expect(dead_code, reason = "the floors are the other benchmark's")]
mod vendor;

use std::{
    ops::Range,
    path::Path,
    time::{Duration, Instant},
};

use evergrant::{Application, ApplicationBuilder, GrantId, KeySource};

use crate::{
    fill::Store,
    table::{Bar, head, line, millis},
    vendor::Vendor,
};

/// As many grants at once are due as one round takes on.
const DUE: i64 = 16;

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let (grants, rounds) = if quick { (20_000, 3) } else { (1_000_000, 9) };
    let vendor = Vendor::start();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("grants.db"));
    let (application, first) = measure(vendor, store, folder.path(), grants, rounds).await;
    remember(&application, first..first + grants).await;
    match std::env::var("EVERGRANT_TEST_POSTGRES") {
        Ok(server) => {
            let store = Store::postgres(&server).await;
            measure(vendor, store, folder.path(), grants, rounds).await;
        }
        Err(_) => println!("\nEVERGRANT_TEST_POSTGRES is not set: no figures of it"),
    }
}

async fn measure(
    vendor: Vendor,
    mut store: Store,
    folder: &Path,
    grants: i64,
    rounds: usize,
) -> (Application, GrantId) {
    head(&format!("{grants} grants on {}", store.kind()));
    let application = builder(vendor, &store, folder).open().await.unwrap();
    let template = application.exchange_code(&vendor.origin(), "1").await.unwrap().id;
    let started = Instant::now();
    let mut next = template + 1;
    while next < template + grants {
        let until = (next + 5000).min(template + grants);
        let copies = application.copies(template, next..until).await.unwrap();
        store.add(template, copies).await;
        next = until;
    }
    drop(application);
    store.settle().await;
    line("filled in", "s", Bar::None, vec![started.elapsed().as_secs_f64()]);
    let size = store.size().await as f64;
    line("size on disk", "MB", Bar::None, vec![size / 1e6]);
    line(
        "  per grant, with one entry of its history",
        "bytes",
        Bar::None,
        vec![size / grants as f64],
    );

    let mut starts = Vec::new();
    for _ in 0..rounds {
        let (opened, took) = timed(builder(vendor, &store, folder).open()).await;
        opened.unwrap();
        starts.push(millis(took));
    }
    line("time to open the application", "ms", Bar::None, starts);
    let application = builder(vendor, &store, folder).open().await.unwrap();
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for round in 0..rounds as i64 {
        let (done, took) = timed(application.maintain()).await;
        done.unwrap();
        idle.push(millis(took));
        let first = template + 1 + round * DUE;
        store.make_due(first..first + DUE).await;
        let (done, took) = timed(application.maintain()).await;
        done.unwrap();
        busy.push(millis(took));
        for grant in first..first + DUE {
            assert_eq!(application.grant(grant).await.unwrap().generation, 2, "it was rotated");
        }
    }
    line("a round of maintenance with nothing due", "ms", Bar::None, idle);
    line(&format!("  with {DUE} due, which it rotates"), "ms", Bar::None, busy);
    (application, template)
}

/// Has every token in memory once.
async fn remember(application: &Application, grants: Range<GrantId>) {
    let count = (grants.end - grants.start) as f64;
    let before = resident();
    let started = Instant::now();
    let readers: Vec<_> = (0..8)
        .map(|reader| {
            let application = application.clone();
            let grants = (grants.start + reader..grants.end).step_by(8);
            tokio::spawn(async move {
                for grant in grants {
                    application.token(grant, 1).await.unwrap();
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    let each = started.elapsed().as_micros() as f64 / count;
    line("read from the store and opened, each", "us", Bar::None, vec![each]);
    let bytes = (resident() - before) / count;
    line("memory per token held", "bytes", Bar::None, vec![bytes]);
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    let done = work.await;
    (done, started.elapsed())
}

fn builder(vendor: Vendor, store: &Store, folder: &Path) -> ApplicationBuilder {
    let builder = Application::builder("local.bench", "s".repeat(50))
        .store(store.address())
        .key(KeySource::Key("11".repeat(32).into()))
        .authorization_server(vendor.origin())
        .background(false)
        .budget(0, 0)
        .application_budget(0);
    match store {
        Store::Sqlite(_) => builder,
        Store::Postgres(..) => builder.spool(folder.join("spool")),
    }
}

/// What this process has in memory, in bytes, from /proc.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    kilobytes.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1024.0
}
