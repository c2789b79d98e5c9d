//! Redis: the same hashes, lists and indexes by plain commands; each transaction one MULTI, then WAIT.

use std::sync::atomic::{AtomicI64, Ordering};

use redis::{AsyncConnectionConfig, Pipeline, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use super::Step;

/// As many as the keeper has at once.
const SESSIONS: usize = 8;

/// The sessions.
pub struct Plain {
    sessions: Vec<Mutex<MultiplexedConnection>>,
    prefix: String,
    count: AtomicI64,
}

impl Plain {
    pub async fn on(server: &str) -> Self {
        let client = redis::Client::open(server).unwrap();
        let mut sessions = Vec::new();
        // A slow disk is slow for both sides: it shows in the figures and ends nothing.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        for _ in 0..SESSIONS {
            let session = client.get_multiplexed_async_connection_with_config(&config);
            let session = session.await.unwrap();
            sessions.push(Mutex::new(session));
        }
        let prefix = format!("floor-{}:", std::process::id());
        Self { sessions, prefix, count: AtomicI64::new(1000) }
    }

    pub async fn step(&self, worker: usize, step: Step) {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut pipe = redis::pipe();
        pipe.atomic();
        self.write(&mut pipe, worker, count, step);
        let mut session = self.sessions[worker % SESSIONS].lock().await;
        let () = pipe.query_async(&mut *session).await.unwrap();
        let replicas: u32 =
            redis::cmd("WAIT").arg(1).arg(5000).query_async(&mut *session).await.unwrap();
        assert!(replicas >= 1);
    }

    fn write(&self, pipe: &mut Pipeline, worker: usize, count: i64, step: Step) {
        let key = |kind: &str| format!("{}{kind}:{worker}", self.prefix);
        let all = |kind: &str| format!("{}{kind}", self.prefix);
        let (id, hash) = (format!("{count:032x}"), format!("{count:064x}"));
        match step {
            Step::Begin => {
                let fields = [("state", "intent"), ("attempt", &id), ("node", &id), ("tries", "0")];
                pipe.hset_multiple(key("chain"), &fields).hset(key("chain"), "held_until", count);
                pipe.zrem(all("due"), worker).zadd(all("held"), worker, count);
            }
            Step::Confirm => {
                pipe.hset(key("chain"), "state", "sent").zadd(all("held"), worker, count);
                pipe.zadd(key("spends"), &id, count);
                pipe.hincr(all("application"), 1, 1);
            }
            Step::Commit => {
                let token = "t".repeat(115);
                let fields = [
                    ("state", "idle"),
                    ("attempt", ""),
                    ("node", ""),
                    ("lineage", &id),
                    ("access", &token),
                    ("refresh", &token),
                    ("hash", &hash),
                ];
                pipe.hset_multiple(key("chain"), &fields);
                pipe.hset_multiple(
                    key("chain"),
                    &[("access_expires_at", count), ("refresh_expires_at", count), ("due", count)],
                );
                pipe.zrem(all("held"), worker).zadd(all("due"), worker, count);
                pipe.hset(all("tokens"), &hash, worker).zadd(all("spent"), &hash, count);
                pipe.hset(key("grant"), "endpoints", "e".repeat(150));
                pipe.hset(key("grant"), "generation", count);
            }
        }
        let entry = format!("{count}|committed|{count:019}|{id}|{id}|1|{}", &hash[..40]);
        pipe.rpush(key("audit"), entry).zadd(all("changes"), worker, count);
    }
}
