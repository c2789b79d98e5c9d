//! Single flight: however many callers want a grant's token, one task fetches it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::Token;
use crate::{
    Error, Kind, Result,
    process::{detach, runtime},
    store::GrantId,
};

type Outcome = Option<Result<Arc<Token>>>;

/// The flights under way in this process.
#[derive(Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<GrantId, watch::Receiver<Outcome>>>>);

impl Flights {
    /// Waits for the flight of `grant`, starting it where there is none; says whether it was started
    /// for this caller. The flight runs to its end whoever stops waiting.
    pub(crate) async fn join<F>(
        &self,
        grant: GrantId,
        start: impl FnOnce() -> F,
    ) -> Result<(Arc<Token>, bool)>
    where
        F: Future<Output = Result<Arc<Token>>> + Send + 'static,
    {
        let (mut landed, ours) = self.board(grant, start)?;
        let outcome = match landed.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        outcome.unwrap_or_else(|| Err(crashed())).map(|token| (token, ours))
    }

    fn board<F>(
        &self,
        grant: GrantId,
        start: impl FnOnce() -> F,
    ) -> Result<(watch::Receiver<Outcome>, bool)>
    where
        F: Future<Output = Result<Arc<Token>>> + Send + 'static,
    {
        // Whatever can fail comes before the lock, which a task that does not start would ask for again.
        runtime()?;
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&grant) {
            return Ok((flight.clone(), false));
        }
        let (tell, landed) = watch::channel(None);
        let work = start();
        let leave = Leave { flights: Arc::clone(&self.0), grant };
        detach(async move {
            let outcome = work.await;
            // Out of the map before the news: whoever comes after the landing starts a new flight.
            drop(leave);
            tell.send_replace(Some(outcome));
        })?;
        flights.insert(grant, landed.clone());
        Ok((landed, true))
    }
}

/// Takes the flight off the board, also when its task panics: nobody waits for ever.
struct Leave {
    flights: Arc<Mutex<HashMap<GrantId, watch::Receiver<Outcome>>>>,
    grant: GrantId,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.grant);
    }
}

fn crashed() -> Error {
    Error::new(Kind::Internal, "the renewal ended without an outcome")
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;

    #[tokio::test]
    async fn a_hundred_callers_one_flight_and_none_waits_after_a_panic() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let flights = Arc::new(Flights::default());
        let failing = || async {
            STARTED.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            Err(Error::new(Kind::Network, "down"))
        };
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let flights = Arc::clone(&flights);
                tokio::spawn(async move { flights.join(1, failing).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap().err().unwrap().kind(), Kind::Network);
        }
        assert_eq!(STARTED.load(Ordering::SeqCst), 1);
        let panicking = flights.join(1, || async { panic!("defect") }).await;
        assert_eq!(panicking.err().unwrap().kind(), Kind::Internal);
        assert!(flights.0.lock().unwrap().is_empty());
    }
}
