//! What the keeper costs: reading a token, and rotating one durably beside the plain cost of the
//! same commits on the same store in the same run.
//!
//! `make bench`; with the argument `quick`, in seconds. PostgreSQL and Redis take part where
//! `EVERGRANT_TEST_POSTGRES` and `EVERGRANT_TEST_REDIS` name a server. The budgets are off: they
//! would end the run after three rotations.

mod allocations;
mod floors;
mod reading;
mod rotating;
mod table;
mod vendor;

use std::time::Duration;

use evergrant::{Application, GrantId, KeySource};

use crate::{floors::Floor, vendor::Vendor};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// How long everything takes.
pub struct Plan {
    rounds: usize,
    reads: u32,
    span: Duration,
    workers: &'static [usize],
}

const QUICK: Plan =
    Plan { rounds: 1, reads: 20_000, span: Duration::from_millis(150), workers: &[1, 8] };
const LONG: Plan =
    Plan { rounds: 7, reads: 5_000_000, span: Duration::from_millis(1500), workers: &[1, 8, 32] };
/// As many as there are workers at most.
const GRANTS: usize = 32;

impl Plan {
    fn rounds<T>(&self, mut work: impl FnMut() -> T) -> Vec<T> {
        (0..self.rounds).map(|_| work()).collect()
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let wants = |word: &str| arguments.iter().any(|argument| argument == word);
    let plan = if wants("quick") { QUICK } else { LONG };
    let any = !["reading", "sqlite", "postgres", "redis"].iter().any(|word| wants(word));
    let vendor = Vendor::start();
    let folder = tempfile::tempdir().unwrap();

    if any || wants("reading") {
        let (application, grants) = open(vendor, "memory", folder.path(), 1000).await;
        reading::measure(&plan, &application, &grants);
    }
    if any || wants("sqlite") {
        let file = folder.path().join("grants.db");
        let store = format!("sqlite:{}", file.display());
        let (application, grants) = open(vendor, &store, folder.path(), GRANTS).await;
        let floor = Floor::sqlite(vendor, &file, GRANTS);
        rotating::measure("sqlite", &plan, &application, &grants, &floor, vendor).await;
    }
    if let Some(server) = server("EVERGRANT_TEST_POSTGRES").filter(|_| any || wants("postgres")) {
        let store = floors::postgres::database(&server).await;
        let (application, grants) = open(vendor, &store, &folder.path().join("pg"), GRANTS).await;
        let floor = Floor::postgres(vendor, &store, folder.path(), GRANTS).await;
        rotating::measure("postgres", &plan, &application, &grants, &floor, vendor).await;
    }
    if let Some(server) = server("EVERGRANT_TEST_REDIS").filter(|_| any || wants("redis")) {
        let store = format!("{server}?prefix=bench-{}", std::process::id());
        let (application, grants) = open(vendor, &store, &folder.path().join("rd"), GRANTS).await;
        let floor = Floor::redis(vendor, &server, folder.path(), GRANTS).await;
        rotating::measure("redis", &plan, &application, &grants, &floor, vendor).await;
    }
}

fn server(variable: &str) -> Option<String> {
    let server = std::env::var(variable).ok();
    if server.is_none() {
        println!("\n{variable} is not set: no figures of it");
    }
    server
}

/// An application with so many grants, each of a portal of its own.
async fn open(
    vendor: Vendor,
    store: &str,
    folder: &std::path::Path,
    grants: usize,
) -> (Application, Vec<GrantId>) {
    let builder = Application::builder("local.bench", "s".repeat(50))
        .store(store)
        .key(KeySource::Key("11".repeat(32).into()))
        .authorization_server(vendor.origin())
        .background(false)
        .budget(0, 0)
        .application_budget(0);
    let spool = folder.join("spool");
    let builder = if store.contains("//") { builder.spool(spool) } else { builder };
    let application = builder.open().await.unwrap();
    let mut ids = Vec::new();
    for portal in 0..grants {
        let grant = application.exchange_code(&vendor.origin(), portal.to_string()).await.unwrap();
        ids.push(grant.id);
    }
    (application, ids)
}
