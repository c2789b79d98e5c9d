//! A store of its own for a test, on what `EVERGRANT_STAGE` names: `sqlite` (the default),
//! `postgres`, `pgbouncer` or `redis`. The servers are started by `tools/servers`.

use std::path::Path;

use tokio::process::Command;

/// Which kind of store this run is about.
pub fn kind() -> String {
    std::env::var("EVERGRANT_STAGE").unwrap_or_else(|_| "sqlite".to_owned())
}

/// The address of an empty store. `folder` is the test's own and outlives it.
pub async fn fresh(folder: &Path) -> String {
    match kind().as_str() {
        "sqlite" => format!("sqlite:{}", folder.join("grants.db").display()),
        "postgres" => database(&server("EVERGRANT_TEST_POSTGRES")).await,
        "pgbouncer" => database(&server("EVERGRANT_TEST_PGBOUNCER")).await,
        "redis" => format!("{}?prefix=stage-{}", server("EVERGRANT_TEST_REDIS"), name(folder)),
        other => panic!("EVERGRANT_STAGE: {other} is not a store"),
    }
}

/// A database of its own, made straight on the server even where the store goes through a pooler.
async fn database(through: &str) -> String {
    let server = server("EVERGRANT_TEST_POSTGRES");
    let name = format!("stage_{:032x}", unique());
    let psql = Path::new(&std::env::var("EVERGRANT_TEST_POSTGRES_BIN").unwrap()).join("psql");
    let made = Command::new(psql)
        .args(["-q", "-c", &format!("CREATE DATABASE {name}"), &server])
        .status()
        .await
        .unwrap();
    assert!(made.success());
    let around = server.replace("/postgres", &format!("/{name}"));
    let listen = around.replace(':', "%3A").replace('/', "%2F");
    format!("{}?pool_size=3&listen={listen}", through.replace("/postgres", &format!("/{name}")))
}

fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: eval \"$(tools/servers ... start)\""))
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned()
}

fn unique() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_nanos() << 32 | u128::from(std::process::id())
}
