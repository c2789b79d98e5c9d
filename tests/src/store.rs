//! A store of its own for a test, on what `EVERGRANT_STAGE` names: `sqlite` (the default),
//! `postgres`, `pgbouncer` or `redis`. The servers are started by `tools/servers`.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Which kind of store this run is about.
pub fn kind() -> String {
    std::env::var("EVERGRANT_STAGE").unwrap_or_else(|_| "sqlite".to_owned())
}

/// The address of an empty store of the kind that this run is about. `folder` is the test's own.
pub async fn fresh(folder: &Path) -> String {
    of_kind(&kind(), folder).await
}

/// The address of an empty store.
pub async fn of_kind(kind: &str, folder: &Path) -> String {
    match kind {
        "memory" => "memory".to_owned(),
        "sqlite" => format!("sqlite:{}", folder.join("grants.db").display()),
        "postgres" => on_server("postgres", "fresh").await,
        "pgbouncer" => on_server("postgres", "pooled").await,
        "redis" => on_server("redis", "fresh").await,
        other => panic!("{other} is not a store"),
    }
}

/// Whether stores of this kind can be had here: the servers may not have been started.
pub fn is_here(kind: &str) -> bool {
    match kind {
        "postgres" => std::env::var_os("EVERGRANT_TEST_POSTGRES").is_some(),
        "redis" => std::env::var_os("EVERGRANT_TEST_REDIS").is_some(),
        _ => true,
    }
}

/// The checkout. Asked for when it runs: a compiled test outlives the checkout that it was compiled in.
pub fn root() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    Path::new(&folder).parent().expect("the tests have a folder in the checkout").into()
}

async fn on_server(server: &str, what: &str) -> String {
    let script = root().join("tools/servers");
    let answer = Command::new(script).args([server, what]).output().await.unwrap();
    assert!(answer.status.success(), "start {server} first: {answer:?}");
    String::from_utf8(answer.stdout).unwrap().trim().to_owned()
}
