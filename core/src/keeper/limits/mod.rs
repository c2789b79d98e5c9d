//! What this process holds back: exchanges at once, and servers that do not answer well.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rotation::shutting_down;
use crate::{Clock, Error, Kind, Retry, oauth::About};

/// What a breaker protects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Scope {
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
const HALF_MINUTE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// From so many failures in a row on, a silent host is an outage.
const OUTAGE: u32 = 3;

struct Breaker {
    failures: u32,
    /// Boot time of the last of them.
    failed_at: Duration,
    /// Whether the server said so itself, instead of saying nothing.
    said: bool,
    /// Boot time. Then one may try; the others wait for what becomes of it.
    closed_until: Duration,
    /// When the one that tries began.
    probe: Option<Duration>,
}

/// The limits of one process.
pub(super) struct Limits {
    clock: Clock,
    pub(super) in_flight: Semaphore,
    /// Exchanges with one host at once.
    per_host: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    closed: AtomicBool,
    breakers: Mutex<HashMap<Scope, Breaker>>,
    /// Portals that refused the application since it was last accepted anywhere.
    refusing: Mutex<Vec<String>>,
}

impl Limits {
    pub(super) fn new(clock: Clock, in_flight: usize) -> Self {
        let in_flight = in_flight.clamp(1, 1024);
        Self {
            clock,
            in_flight: Semaphore::new(in_flight),
            per_host: in_flight - in_flight / 4,
            hosts: Mutex::default(),
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

    /// One of the exchanges with `host`. One that hangs leaves a quarter of all to the other hosts.
    pub(super) async fn place(&self, host: &str) -> Result<OwnedSemaphorePermit, Error> {
        let places = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let all = || Arc::new(Semaphore::new(self.per_host));
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(all))
        };
        places.acquire_owned().await.map_err(|_| shutting_down())
    }

    /// Refuses while a breaker holds. The first after the pause may try.
    pub(super) fn check(&self, host: &str, member_id: &str) -> Result<Leave<'_>, Error> {
        let scopes =
            [Scope::Host(host.to_owned()), Scope::Application, Scope::Portal(member_id.to_owned())];
        let began = self.clock.boot();
        let mut breakers = self.breakers();
        for scope in &scopes {
            let holds = breakers.get(scope).filter(|breaker| breaker.closed_until > began);
            if let Some(breaker) = holds {
                return Err(held(scope).with_retry_after(breaker.closed_until - began));
            }
        }
        for scope in &scopes {
            if let Some(breaker) = breakers.get_mut(scope) {
                let probe = pause(Duration::from_secs(1), breaker.failures, PROBE);
                breaker.closed_until = began + probe;
                breaker.probe = Some(began);
            }
        }
        Ok(Leave { limits: self, scopes, began })
    }

    fn breakers(&self) -> MutexGuard<'_, HashMap<Scope, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusing(&self) -> MutexGuard<'_, Vec<String>> {
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure that counts.
struct Counted {
    /// In a row, with this one.
    failures: u32,
    /// How long others are held back.
    pause: Duration,
}

/// Leave for one exchange, which says what became of it. Dropped without a word, it gives the try
/// back: the others need not wait for it.
pub(super) struct Leave<'a> {
    limits: &'a Limits,
    /// The host, the application, the portal.
    scopes: [Scope; 3],
    /// Boot time. What failed since then failed beside this exchange, not before it.
    began: Duration,
}

impl Leave<'_> {
    /// The server works, whatever it said.
    pub(super) fn answered(&self) {
        let [host, ..] = &self.scopes;
        self.mend(host);
    }

    /// The exchange was answered as it should be, or with a word about the chain alone.
    pub(super) fn good(&self) {
        for scope in &self.scopes {
            self.mend(scope);
        }
        self.limits.refusing().clear();
    }

    /// The authorization server could not be reached, or did not answer.
    pub(super) fn unreachable(&self) {
        let [scope @ Scope::Host(host), ..] = &self.scopes else { return };
        let counted = self.fail(scope, false, Duration::from_secs(1), Duration::from_secs(300));
        if counted.is_some_and(|counted| counted.failures == OUTAGE) {
            tracing::error!(host, "the authorization server does not answer: renewals wait for it");
        }
    }

    /// The authorization server refused. Answers how long the chain has to rest, whichever process asks:
    /// what says "stop everything" must hold for programs that start anew each time.
    pub(super) fn refused(&self, about: About) -> Duration {
        let [host, application, portal] = &self.scopes;
        // A wrong secret is tried again as soon as somebody has mended it; the budgets bound that.
        let mut rest = Duration::ZERO;
        match about {
            About::Grant | About::Payment => {
                self.good();
                return Duration::ZERO;
            }
            // Not even a sign that the server is well.
            About::Rate => {
                self.fail(host, true, Duration::from_secs(2), HOUR);
                return Duration::ZERO;
            }
            About::Client | About::Request => {
                self.fail(portal, true, HALF_MINUTE, 6 * HOUR);
                if self.is_refused_everywhere()
                    && self.fail(application, true, HALF_MINUTE, HOUR).is_some()
                {
                    tracing::error!(
                        "several portals in a row refused the application: check its client_id and client_secret"
                    );
                }
            }
            About::Block => {
                rest = HOUR;
                if let Some(counted) = self.fail(application, true, HOUR, DAY) {
                    let pause_s = counted.pause.as_secs();
                    tracing::error!(
                        pause_s,
                        "the vendor blocked the application: its renewals pause"
                    );
                }
            }
            About::Portal => {
                rest = DAY;
                self.fail(portal, true, DAY, DAY);
            }
        }
        self.answered();
        rest
    }

    /// Whether so many portals refuse the application that it must be wrong.
    fn is_refused_everywhere(&self) -> bool {
        let [.., Scope::Portal(member_id)] = &self.scopes else { return false };
        let mut refusing = self.limits.refusing();
        if !refusing.contains(member_id) {
            refusing.push(member_id.clone());
        }
        let everywhere = refusing.len() >= PORTALS_IN_A_ROW;
        if everywhere {
            refusing.clear();
        }
        everywhere
    }

    /// Counts a failure. Exchanges that fail side by side are one failure: only one that began after
    /// the last one says that it goes on.
    fn fail(
        &self,
        scope: &Scope,
        said: bool,
        first: Duration,
        longest: Duration,
    ) -> Option<Counted> {
        let failed_at = self.limits.clock.boot();
        let mut breakers = self.limits.breakers();
        let failures = match breakers.get(scope) {
            Some(breaker) if self.began <= breaker.failed_at => return None,
            Some(breaker) => breaker.failures,
            None => 0,
        };
        let pause = pause(first, failures, longest);
        let (failures, closed_until) = (failures.saturating_add(1), failed_at + pause);
        let breaker = Breaker { failures, failed_at, said, closed_until, probe: None };
        breakers.insert(scope.clone(), breaker);
        Some(Counted { failures, pause })
    }

    /// Any answer shows that a silent server is back. What a server said is taken back only by an
    /// answer to something later.
    fn mend(&self, scope: &Scope) {
        let mut breakers = self.limits.breakers();
        let stands = |breaker: &Breaker| breaker.said && self.began <= breaker.failed_at;
        if breakers.get(scope).is_some_and(stands) {
            return;
        }
        let mended = breakers.remove(scope).filter(|breaker| breaker.failures >= OUTAGE);
        if let (Scope::Host(host), Some(_)) = (scope, mended) {
            tracing::info!(host, "the authorization server answers again");
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut breakers = self.limits.breakers();
        for scope in &self.scopes {
            let breaker = breakers.get_mut(scope);
            if let Some(breaker) = breaker.filter(|breaker| breaker.probe == Some(self.began)) {
                breaker.closed_until = self.began;
                breaker.probe = None;
            }
        }
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
mod tests;
