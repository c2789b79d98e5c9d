//! The limiters of this process, by the portal's host and port.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{Limiter, Pace, RateLimit};
use crate::{Clock, Error, Result, process::PerProcess};

/// How fast every portal may be called, where the program says nothing.
const VARIABLE: &str = "EVERGRANT_RATE_LIMIT";

#[derive(Default)]
struct Limiters(Mutex<HashMap<String, Arc<Limiter>>>);

static LIMITERS: PerProcess<Limiters> = PerProcess::new();

fn limiters() -> MutexGuard<'static, HashMap<String, Arc<Limiter>>> {
    LIMITERS.get().0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The limiter of a portal. What `pace` says holds for all its clients from now on.
///
/// # Errors
/// [`crate::Kind::InvalidInput`] for a value of `EVERGRANT_RATE_LIMIT` that cannot be read.
pub(crate) fn of(portal: &str, clock: &Clock, pace: Pace) -> Result<Arc<Limiter>> {
    let found = limiters().get(portal).cloned();
    let limiter = match found {
        Some(limiter) => limiter,
        None => {
            let limit = pace.limit.map_or_else(usual, Ok)?;
            let made = || Arc::new(Limiter::new(portal.to_owned(), clock.clone(), limit));
            Arc::clone(limiters().entry(portal.to_owned()).or_insert_with(made))
        }
    };
    limiter.set_pace(pace);
    Ok(limiter)
}

/// The portal has another address: its bucket is the same.
pub(crate) fn rename(from: &str, to: &str) {
    let mut limiters = limiters();
    if let Some(limiter) = limiters.get(from).cloned() {
        limiters.entry(to.to_owned()).or_insert(limiter);
    }
}

fn usual() -> Result<RateLimit> {
    static USUAL: OnceLock<Result<RateLimit>> = OnceLock::new();
    let read = || match std::env::var_os(VARIABLE) {
        None => Ok(RateLimit::default()),
        Some(text) => text
            .to_str()
            .unwrap_or_default()
            .parse()
            .map_err(|error: Error| error.with("variable", VARIABLE)),
    };
    USUAL.get_or_init(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_does_not_say_stays_as_it_is() {
        let says = |limit, reserve| {
            let pace = Pace { limit, reserve };
            of("paced.example", &Clock::system(), pace).unwrap().pace()
        };
        assert_eq!(says(None, None), (RateLimit::STANDARD, 0.0));
        assert_eq!(says(None, Some(0.5)), (RateLimit::STANDARD, 0.5));
        assert_eq!(says(Some(RateLimit::ENTERPRISE), None), (RateLimit::ENTERPRISE, 0.5));
        assert_eq!(says(None, Some(0.2)), (RateLimit::ENTERPRISE, 0.2));
        assert_eq!(says(None, None), (RateLimit::ENTERPRISE, 0.2));
        assert_eq!(says(None, Some(0.0)), (RateLimit::ENTERPRISE, 0.0));
    }
}
