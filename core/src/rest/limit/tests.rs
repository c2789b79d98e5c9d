//! The waiting around the bucket, on a clock that is turned.

use super::*;
use crate::store::SqliteStore;

fn limiter(clock: &Clock) -> Arc<Limiter> {
    Arc::new(Limiter::new("portal.example".to_owned(), clock.clone(), RateLimit::STANDARD))
}

/// Lets virtual seconds pass until all tasks are done; answers how many.
async fn pass<T>(clock: &Clock, tasks: &[tokio::task::JoinHandle<T>]) -> u64 {
    for seconds in 0..1000 {
        for _ in 0..50 {
            if tasks.iter().all(tokio::task::JoinHandle::is_finished) {
                return seconds;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        clock.turn(1);
    }
    panic!("they wait for ever");
}

async fn admitted(limiter: &Arc<Limiter>, priority: Priority, caller: u64) -> Result<()> {
    let mut permit = limiter.acquire(priority, caller).await?;
    permit.send();
    tokio::task::yield_now().await;
    permit.tell(Fate::Admitted);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_and_fifty_at_once_take_as_long_as_the_bucket_leaks() {
    let clock = Clock::system();
    let limiter = limiter(&clock);
    let calls: Vec<_> = (0..150)
        .map(|caller| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { admitted(&limiter, Priority::Bulk, caller % 3).await })
        })
        .collect();
    let seconds = pass(&clock, &calls).await;
    assert!((45..60).contains(&seconds), "{seconds} s for 48 at once and 102 at 2 a second");
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_waiting_takes_no_room() {
    let clock = Clock::system();
    let limiter = limiter(&clock);
    let sent = limiter.acquire(Priority::Interactive, 1).await.unwrap();
    sent.tell(Fate::Refused);
    let leaving: Vec<_> = (0..20).map(|_| limiter.acquire(Priority::Interactive, 1)).collect();
    for call in leaving {
        tokio::time::timeout(Duration::from_millis(1), call).await.err().unwrap();
    }
    let staying = {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { admitted(&limiter, Priority::Bulk, 2).await })
    };
    assert!(pass(&clock, &[staying]).await <= 3, "room came back for the only one that waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_ends_the_queue_and_then_itself() {
    let clock = Clock::system();
    let limiter = limiter(&clock);
    let first = limiter.acquire(Priority::Interactive, 1).await.unwrap();
    let waiting = {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { limiter.acquire(Priority::Interactive, 1).await.map(drop) })
    };
    first.tell(Fate::Blocked);
    let error = waiting.await.unwrap().err().or(limiter.acquire(Priority::Bulk, 1).await.err());
    let error = error.unwrap();
    assert_eq!((error.kind(), error.code()), (Kind::Blocked, Some("OVERLOAD_LIMIT")));
    assert!(error.advice().is_some() && error.retry_after().is_some());
    clock.turn(15 * 60);
    limiter.acquire(Priority::Interactive, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_holds_nobody_back() {
    let clock = Clock::system();
    let limiter = limiter(&clock);
    limiter.set_pace(Pace { limit: Some(RateLimit::Off), reserve: None });
    let permits: Vec<_> = {
        let mut permits = Vec::new();
        for _ in 0..1000 {
            permits.push(limiter.acquire(Priority::Bulk, 1).await.unwrap());
        }
        permits
    };
    assert_eq!(permits.len(), 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_refuses_has_a_bucket_whatever_was_said() {
    let clock = Clock::system();
    let limiter = limiter(&clock);
    limiter.set_pace(Pace { limit: Some(RateLimit::Off), reserve: None });
    let permit = limiter.acquire(Priority::Bulk, 1).await.unwrap();
    permit.tell(Fate::Refused);
    let again = limiter.acquire(Priority::Bulk, 1);
    assert!(tokio::time::timeout(Duration::from_millis(50), again).await.is_err(), "it waits");
}

/// Two limiters over one store, as two processes have them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_bucket_through_the_store() {
    let clock = Clock::system();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::memory(clock.clone()));
    let limiters = [limiter(&clock), limiter(&clock)];
    for limiter in &limiters {
        limiter.share(&Arc::downgrade(&store));
    }
    let calls: Vec<_> = (0..100)
        .map(|index| {
            let limiter = Arc::clone(&limiters[index % 2]);
            tokio::spawn(async move { admitted(&limiter, Priority::Bulk, 1).await })
        })
        .collect();
    let seconds = pass(&clock, &calls).await;
    assert!((20..45).contains(&seconds), "{seconds} s for 48 at once and 52 at 2 a second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_stops_nobody() {
    let clock = Clock::system();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/grants.db");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::file(path.to_str().unwrap(), clock.clone()).unwrap());
    let limiter = limiter(&clock);
    limiter.share(&Arc::downgrade(&store));
    for _ in 0..5 {
        admitted(&limiter, Priority::Interactive, 1).await.unwrap();
    }
    drop(store);
    admitted(&limiter, Priority::Interactive, 1).await.unwrap();
}
