//! Time as the core sees it: wall time for expiry, monotonic time for waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Wall time in whole Unix seconds. Deadlines are never computed from it: those use
/// [`std::time::Instant`], which no clock jump moves.
#[derive(Clone, Default)]
pub struct Clock {
    /// Seconds added to the system's time. Tests turn it; programs leave it at zero.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        let system = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            // A machine whose clock stands before 1970 still has to work.
            Err(_) => 0,
        };
        system.saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Turns this clock and all its clones by `seconds`; for tests of expiry.
    pub fn turn(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }
}
