//! What befalls a whole server, each on a private one: it dies, it is a replica.

use std::{path::PathBuf, process::Command};

use super::{
    place::{execute, variable},
    statements::start,
};
use crate::{
    Clock, Kind, Retry,
    store::{Store, postgres::PostgresStore},
};

struct Server {
    place: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start() -> Option<Self> {
        variable("EVERGRANT_TEST_POSTGRES")?;
        let mut server = Self { place: tempfile::tempdir().unwrap(), url: String::new() };
        server.url = server.tell("start", "EVERGRANT_TEST_POSTGRES");
        Some(server)
    }

    /// Lets the script do something; answers what it says about `name`.
    fn tell(&self, action: &str, name: &str) -> String {
        // Asked for when it runs: a compiled test outlives the checkout that it was compiled in.
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
        let script = PathBuf::from(folder).join("../tools/servers");
        let done = Command::new(script)
            .args(["postgres", action])
            .env("EVERGRANT_SERVERS", self.place.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8(done.stdout).unwrap();
        let found = said.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        found.unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell("stop", "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_died_is_used_again() {
    let Some(server) = Server::start() else { return };
    // By its own settings this server would answer long before the disk has anything.
    for setting in ["synchronous_commit = off", "wal_writer_delay = '10s'"] {
        execute(&server.url, &format!("ALTER SYSTEM SET {setting}")).await;
    }
    execute(&server.url, "SELECT pg_reload_conf()").await;
    let url = server.url.replacen("evergrant@", "evergrant:geheim@", 1);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let (install, begin) = start(&store).await;
    assert!(store.begin(&begin).await.unwrap());
    // Changes race with its end.
    let racing = tokio::spawn({
        let store = store.clone();
        async move {
            let mut key = b"key".to_vec();
            loop {
                let new = rand::random::<[u8; 16]>().to_vec();
                match store.rewrap(install.grant, &key, &new).await {
                    Ok(done) => assert!(done),
                    Err(error) => return (error, [key, new]),
                }
                key = new;
            }
        }
    });
    server.tell("crash", "");
    let (error, last) = racing.await.unwrap();
    let refused = store.grant(install.grant).await.err().unwrap();
    for error in [error, refused] {
        assert_eq!((error.kind(), error.retry()), (Kind::Store, Retry::Safe), "{error:?}");
        assert!(error.context().contains(&("store", store.address())), "{error}");
        assert!(error.advice().is_some());
        assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    }
    server.tell("resume", "");
    // Nothing that was answered is forgotten, and the same handle goes on.
    let row = store.grant(install.grant).await.unwrap().unwrap();
    assert!(last.contains(&row.data_key), "an acknowledged change is gone");
    assert_eq!(row.chain.holder, Some((begin.attempt, begin.node)));
    assert!(store.begin(&begin).await.unwrap());
    assert!(store.extend(begin.chain, begin.attempt, 10 * begin.lease).await.unwrap());
    assert!(store.confirm(begin.chain, begin.attempt, begin.lease).await.unwrap());
    let words: Vec<_> = store.audit(install.grant, 0).await.unwrap();
    let words: Vec<_> = words.iter().map(|row| row.event.as_str()).collect();
    assert_eq!(words, ["installed", "intent", "sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_refused() {
    let Some(server) = Server::start() else { return };
    let primary = PostgresStore::open(&server.url, Clock::system()).await.unwrap();
    let standby = server.tell("standby", "EVERGRANT_TEST_STANDBY");
    let error = PostgresStore::open(&standby, Clock::system()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.to_string().contains("replica"), "{error:?}");
    assert!(error.to_string().contains("primary"), "{error:?}");
    // Of several servers, the one that can be written to is found.
    let host = |url: &str| url.split(['@', '/']).nth(3).unwrap().to_owned();
    let both = format!("postgres://evergrant@{},{}/postgres", host(&standby), host(&server.url));
    let store = PostgresStore::open(&both, Clock::system()).await.unwrap();
    let (install, _) = start(&store).await;
    assert!(primary.grant(install.grant).await.unwrap().is_some());
}
