//! What this process holds back: exchanges at once, and servers that do not answer well.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{Clock, Error, Kind, Retry, oauth::About};

/// What a breaker protects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// An authorization server.
    Host(String),
    /// The application, everywhere.
    Application,
    /// The application on one portal.
    Portal(String),
}

/// So many portals in a row that refuse the application mean that the application is wrong.
const PORTALS_IN_A_ROW: usize = 3;
/// The longest that others wait for what becomes of one try.
const PROBE: Duration = Duration::from_secs(160);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Breaker {
    failures: u32,
    /// Boot time. Then one may try; the others wait for what becomes of it.
    closed_until: Duration,
}

/// The limits of one process.
pub(super) struct Limits {
    clock: Clock,
    pub(super) in_flight: Semaphore,
    closed: AtomicBool,
    breakers: Mutex<HashMap<Scope, Breaker>>,
    /// Portals that refused the application since it was last accepted anywhere.
    refusing: Mutex<Vec<String>>,
}

impl Limits {
    pub(super) fn new(clock: Clock, in_flight: usize) -> Self {
        Self {
            clock,
            in_flight: Semaphore::new(in_flight.clamp(1, 1024)),
            closed: AtomicBool::new(false),
            breakers: Mutex::default(),
            refusing: Mutex::default(),
        }
    }

    /// From now on no exchange begins.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Refuses while a breaker holds. The first after the pause may try.
    pub(super) fn check(&self, scopes: &[Scope]) -> Result<(), Error> {
        let now = self.clock.boot();
        let mut breakers = self.breakers();
        for scope in scopes {
            if let Some(breaker) = breakers.get(scope).filter(|breaker| breaker.closed_until > now)
            {
                return Err(held(scope).with_retry_after(breaker.closed_until - now));
            }
        }
        for scope in scopes {
            if let Some(breaker) = breakers.get_mut(scope) {
                let probe = pause(Duration::from_secs(1), breaker.failures, PROBE);
                breaker.closed_until = now + probe;
            }
        }
        Ok(())
    }

    /// The server works, whatever it said.
    pub(super) fn answered(&self, host: &str) {
        self.breakers().remove(&Scope::Host(host.to_owned()));
    }

    /// The exchange was answered as it should be, or with a word about the chain alone.
    pub(super) fn good(&self, scopes: &[Scope]) {
        let mut breakers = self.breakers();
        for scope in scopes {
            breakers.remove(scope);
        }
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The authorization server could not be reached, or did not answer.
    pub(super) fn unreachable(&self, host: &str) {
        self.fail(Scope::Host(host.to_owned()), Duration::from_secs(1), Duration::from_secs(300));
    }

    /// The authorization server refused for a reason outside the chain.
    pub(super) fn refused(&self, about: About, host: &str, member_id: &str) {
        let half_minute = Duration::from_secs(30);
        match about {
            About::Client | About::Request => {
                self.fail(Scope::Portal(member_id.to_owned()), half_minute, 6 * HOUR);
                let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
                if !refusing.iter().any(|known| known == member_id) {
                    refusing.push(member_id.to_owned());
                }
                if refusing.len() >= PORTALS_IN_A_ROW {
                    refusing.clear();
                    tracing::error!(
                        "several portals in a row refused the application: check its client_id and client_secret"
                    );
                    self.fail(Scope::Application, half_minute, HOUR);
                }
            }
            About::Rate => self.fail(Scope::Host(host.to_owned()), Duration::from_secs(2), HOUR),
            About::Block => {
                tracing::error!(
                    "the vendor blocked the application: its renewals stop for an hour"
                );
                self.fail(Scope::Application, HOUR, 24 * HOUR);
            }
            About::Portal => self.fail(Scope::Portal(member_id.to_owned()), 24 * HOUR, 24 * HOUR),
            About::Grant | About::Payment => {}
        }
    }

    fn fail(&self, scope: Scope, first: Duration, longest: Duration) {
        let now = self.clock.boot();
        let mut breakers = self.breakers();
        let breaker = breakers.entry(scope).or_default();
        breaker.closed_until = now + pause(first, breaker.failures, longest);
        breaker.failures += 1;
    }

    fn breakers(&self) -> std::sync::MutexGuard<'_, HashMap<Scope, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Doubles with each failure, and varies by half, so that processes do not come back together.
fn pause(first: Duration, failures: u32, longest: Duration) -> Duration {
    let full = first.saturating_mul(2_u32.saturating_pow(failures.min(20))).min(longest);
    full.mul_f64(0.5 + 0.5 * rand::random::<f64>())
}

fn held(scope: &Scope) -> Error {
    match scope {
        Scope::Host(host) => {
            Error::new(Kind::Network, "the authorization server failed a moment ago; pausing")
                .with("host", host.clone())
        }
        Scope::Application => {
            Error::new(Kind::InvalidClient, "the application was refused a moment ago; pausing")
                .advise("Check client_id and client_secret, or talk to the vendor if the application was blocked.")
        }
        Scope::Portal(member_id) => {
            Error::new(Kind::InvalidClient, "the portal refused the application a moment ago; pausing")
                .with("member_id", member_id.clone())
                .advise("Check that the application is installed there.")
        }
    }
    .with_retry(Retry::Safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> (Limits, Clock) {
        let clock = Clock::system();
        (Limits::new(clock.clone(), 1), clock)
    }

    #[test]
    fn a_breaker_opens_doubles_lets_one_try_and_closes() {
        let (limits, clock) = limits();
        let host = [Scope::Host("a".into())];
        limits.check(&host).unwrap();
        limits.unreachable("a");
        let error = limits.check(&host).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (Kind::Network, Retry::Safe));
        assert!(error.retry_after().unwrap() <= Duration::from_secs(1));
        limits.check(&[Scope::Host("b".into()), Scope::Application]).unwrap();
        clock.turn(2);
        limits.check(&host).unwrap();
        assert!(limits.check(&host).is_err(), "one at a time");
        for _ in 0..20 {
            limits.unreachable("a");
        }
        let longest = limits.check(&host).unwrap_err().retry_after().unwrap();
        assert!((150..=300).contains(&longest.as_secs()), "{longest:?}");
        limits.good(&host);
        limits.check(&host).unwrap();
    }

    #[test]
    fn one_portal_without_the_application_is_not_a_wrong_secret() {
        let (limits, _) = limits();
        let everywhere = [Scope::Application];
        for _ in 0..5 {
            limits.refused(About::Client, "h", "portal 1");
        }
        limits.check(&everywhere).unwrap();
        assert!(limits.check(&[Scope::Portal("portal 1".into())]).is_err());
        limits.check(&[Scope::Portal("portal 2".into())]).unwrap();
        limits.refused(About::Client, "h", "portal 2");
        limits.refused(About::Client, "h", "portal 3");
        assert!(limits.check(&everywhere).is_err(), "three portals in a row");
    }

    #[test]
    fn a_block_by_the_vendor_stops_the_application() {
        let (limits, _) = limits();
        limits.refused(About::Block, "h", "portal 1");
        let error = limits.check(&[Scope::Application]).unwrap_err();
        assert!(error.retry_after().unwrap() >= Duration::from_secs(1800));
    }
}
