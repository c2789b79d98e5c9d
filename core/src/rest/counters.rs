//! What the calls of this process came to, in numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::process::PerProcess;

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) calls: Counter,
    pub(crate) requests: Counter,
    pub(crate) refused: Counter,
    pub(crate) refused_operating: Counter,
    pub(crate) retried: Counter,
    pub(crate) waited: Counter,
    pub(crate) waited_millis: Counter,
    pub(crate) failed: Counter,
    pub(crate) moved: Counter,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all calls of this process came to since it started; see [`crate::Client::counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallCounters {
    /// Calls that were asked for; a request of a batch is one, a file's way up or down is.
    pub calls: u64,
    /// Requests that were sent for them.
    pub requests: u64,
    /// Requests that a portal refused for their rate (`QUERY_LIMIT_EXCEEDED`).
    pub refused: u64,
    /// Requests, or commands of a batch, refused for a method's operating time.
    pub refused_operating: u64,
    /// Requests that repeated an earlier one of the same call.
    pub retried: u64,
    /// Calls that had to wait before a request.
    pub waited: u64,
    /// How long they waited, all together.
    pub waited_for: Duration,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Portals that were followed to another address.
    pub moved: u64,
}

static COUNTERS: PerProcess<Counters> = PerProcess::new();

pub(crate) fn counters() -> &'static Counters {
    COUNTERS.get()
}

impl Counters {
    pub(crate) fn read(&self) -> CallCounters {
        CallCounters {
            calls: self.calls.get(),
            requests: self.requests.get(),
            refused: self.refused.get(),
            refused_operating: self.refused_operating.get(),
            retried: self.retried.get(),
            waited: self.waited.get(),
            waited_for: Duration::from_millis(self.waited_millis.get()),
            failed: self.failed.get(),
            moved: self.moved.get(),
        }
    }
}
