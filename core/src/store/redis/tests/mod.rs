//! Against real servers: the one of `tools/servers redis`, and own ones where they have to suffer.

mod behaviour;
mod damage;
mod outage;
mod refusal;
mod rotation;

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use redis::Connection;

use super::RedisStore;
use crate::{
    Clock, Result,
    store::{
        AttemptId, Budget, ChainId, Commit, Endpoints, GrantId, Identity, Install, Installed,
        Lineage, NodeId, Role, SealedPair, Start, Store, TokenHash,
    },
};

const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
const NODE: NodeId = NodeId([7; 16]);
const LEASE: Duration = Duration::from_secs(180);
const NO_BUDGET: Budget = Budget { hour: 0, day: 0, application_hour: 0 };

/// A store of its own on the shared server; `None`, said aloud, where there is no server.
async fn store() -> Option<(RedisStore, Connection, String)> {
    let url = shared()?;
    let prefix = format!("test-{:016x}", rand::random::<u64>());
    let admin = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let store = RedisStore::open(&format!("{url}?prefix={prefix}"), Clock::system()).await.unwrap();
    Some((store, admin, format!("{{{prefix}}}:")))
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn shared() -> Option<String> {
    let url = std::env::var("EVERGRANT_TEST_REDIS").ok();
    if url.is_none() {
        eprintln!("skipped: EVERGRANT_TEST_REDIS is not set (tools/servers redis start)");
    }
    url
}

/// A server of one test. Killed without a word when dropped.
struct Server {
    process: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
    settings: Vec<String>,
}

impl Server {
    /// `None` where the shared server is not there either: then Redis is not installed.
    fn start(settings: &[&str]) -> Option<Self> {
        shared()?;
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let folder = tempfile::tempdir().unwrap();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { process: None, folder, port, settings };
        server.resume();
        Some(server)
    }

    fn resume(&mut self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""])
            .args(["--repl-diskless-sync-delay", "0"])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.settings)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(child);
        until("the server answers", || {
            let answer = self.try_admin().and_then(|mut admin| redis::cmd("PING").exec(&mut admin));
            // Where a password is asked for, that is an answer too.
            match answer {
                Ok(()) => true,
                Err(error) => !error.is_io_error() && error.code() != Some("LOADING"),
            }
        });
    }

    /// kill -9.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn try_admin(&self) -> redis::RedisResult<Connection> {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?.get_connection()
    }

    fn admin(&self) -> Connection {
        self.try_admin().unwrap()
    }

    fn url(&self, replicas: u32) -> String {
        format!("redis://127.0.0.1:{}?replicas={replicas}&wait=300", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for a condition, not for a time.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Repeats what may be repeated until it succeeds.
async fn persist<T, F: Future<Output = Result<T>>>(mut work: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match work().await {
            Ok(done) => return done,
            Err(error) => {
                assert!(error.is_retryable() && Instant::now() < deadline, "{error:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn endpoints() -> Endpoints {
    Endpoints {
        client_endpoint: "https://portal.example/rest/".to_owned(),
        authorization_server: "https://oauth.example".to_owned(),
        scope: vec!["crm".to_owned(), "user".to_owned()],
        application_status: Some("L".to_owned()),
    }
}

fn pair(attempt: AttemptId) -> SealedPair {
    SealedPair {
        lineage: attempt.lineage(),
        access: [b"access\0", &attempt.0[..]].concat(),
        refresh: [b"refresh\xff", &attempt.0[..]].concat(),
        refresh_hash: TokenHash([attempt.0, attempt.0].concat().try_into().unwrap()),
        access_expires_at: 4_000_000_000,
        refresh_expires_at: 4_002_000_000,
        due_at: 4_001_000_000,
    }
}

fn chain_number() -> ChainId {
    rand::random::<i64>() & i64::MAX
}

/// A grant with a primary chain.
async fn granted(store: &RedisStore) -> (GrantId, ChainId, Lineage) {
    let identity = Identity {
        client_id: "local.1".to_owned(),
        member_id: format!("{:032x}", rand::random::<u128>()),
        user_id: 5,
    };
    // A replica on a busy machine may need more than one wait.
    let (grant, key) = persist(|| store.ensure_grant(&identity, vec![0, 1, 255])).await;
    assert_eq!(key, [0, 1, 255]);
    let (chain, attempt) = (chain_number(), AttemptId::random());
    let install = Install {
        grant,
        chain,
        role: Role::Primary,
        former: Role::Retired,
        endpoints: endpoints(),
        pair: pair(attempt),
    };
    assert_eq!(persist(|| store.install(&install)).await, Installed::Current(1));
    (grant, chain, attempt.lineage())
}

fn start(chain: ChainId, parent: Lineage, attempt: AttemptId) -> Start {
    Start { chain, parent, attempt, node: NODE, lease: LEASE, budget: NO_BUDGET }
}

fn successor(grant: GrantId, chain: ChainId, parent: Lineage, attempt: AttemptId) -> Commit {
    let spent = pair(AttemptId(parent.0)).refresh_hash;
    Commit { grant, chain, parent, spent: Some(spent), endpoints: endpoints(), pair: pair(attempt) }
}
