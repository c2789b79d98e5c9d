//! Room in a portal's leaky bucket, counted by all processes of a store together.

use std::time::Duration;

/// Asks for room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Take {
    /// So many requests at most.
    pub(crate) want: u32,
    /// What the bucket may hold.
    pub(crate) room: f64,
    /// What leaks from it in a second; more than 0.
    pub(crate) per_second: f64,
    /// It is at least so full: a portal refused. Else 0.
    pub(crate) at_least: f64,
}

/// What was to be had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taken {
    /// So many requests may be sent now.
    pub(crate) granted: u32,
    /// How full the bucket is, with these.
    pub(crate) level: f64,
}

impl Take {
    /// How long to wait before asking again.
    pub(crate) fn wait(&self, taken: &Taken) -> Duration {
        let missing = taken.level + 1.0 - self.room;
        Duration::try_from_secs_f64(missing / self.per_second)
            .unwrap_or_default()
            .clamp(Duration::from_millis(10), Duration::from_secs(60))
    }
}
