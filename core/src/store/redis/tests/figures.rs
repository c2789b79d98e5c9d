//! What a rotation costs, beside what the same number of plain writes cost.

use redis::{AsyncCommands, aio::MultiplexedConnection};

use super::*;

/// `cargo test -p evergrant redis::tests::figures -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "prints what it measured")]
async fn a_rotation_beside_three_plain_writes() {
    let Some((with_replica, _, keys)) = store().await else { return };
    let url = shared().unwrap();
    let alone = format!("{url}?prefix={}&replicas=0", &keys[1..keys.len() - 2]);
    let alone = RedisStore::open(&alone, Clock::system()).await.unwrap();
    let client = redis::Client::open(url).unwrap();
    let mut plain = client.get_multiplexed_async_connection().await.unwrap();
    for round in 0..3 {
        let writes = writes(&mut plain, 300).await;
        let single = rotations(&alone, 300).await;
        let replicated = rotations(&with_replica, 300).await;
        eprintln!(
            "round {round}, medians: 3 plain writes {writes:?}; begin + confirm + commit {single:?}, with one replica {replicated:?}"
        );
    }
}

async fn writes(plain: &mut MultiplexedConnection, count: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        for _ in 0..3 {
            let () = plain.set("{figures}:plain", [7_u8; 300].as_slice()).await.unwrap();
        }
        times.push(begun.elapsed());
    }
    median(times)
}

async fn rotations(store: &RedisStore, count: usize) -> Duration {
    let (grant, chain, mut lineage) = granted(store).await;
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let attempt = AttemptId::random();
        assert!(store.begin(&start(chain, lineage, attempt)).await.unwrap());
        assert!(store.confirm(chain, attempt, Duration::from_secs(1)).await.unwrap());
        store.commit(&successor(grant, chain, lineage, attempt)).await.unwrap();
        lineage = attempt.lineage();
        times.push(begun.elapsed());
    }
    median(times)
}

/// The machine may do something else meanwhile: the median minds it least.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
