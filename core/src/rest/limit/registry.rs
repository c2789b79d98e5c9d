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

/// The limiter of a portal. `pace`, where given, holds for all its clients from now on.
///
/// # Errors
/// [`crate::Kind::InvalidInput`] for a value of `EVERGRANT_RATE_LIMIT` that cannot be read.
pub(crate) fn of(portal: &str, clock: &Clock, pace: Option<Pace>) -> Result<Arc<Limiter>> {
    let found = limiters().get(portal).cloned();
    let limiter = match found {
        Some(limiter) => limiter,
        None => {
            let pace = match pace {
                Some(pace) => pace,
                None => Pace { limit: usual()?, reserve: 0.0 },
            };
            let made = || Arc::new(Limiter::new(portal.to_owned(), clock.clone(), pace));
            Arc::clone(limiters().entry(portal.to_owned()).or_insert_with(made))
        }
    };
    if let Some(pace) = pace {
        limiter.set_pace(pace);
    }
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
