//! The clock that expiry and pauses are judged by, where a test turns it.

use napi_derive::napi;

/// A clock that runs as the system's does until it is turned.
#[napi]
#[derive(Default)]
pub struct Clock {
    core: evergrant::Clock,
}

#[napi]
impl Clock {
    /// The system's clock.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns it as if so many seconds had passed.
    #[napi(catch_unwind)]
    pub fn turn(&self, seconds: i64) {
        self.core.turn(seconds);
    }
}

impl Clock {
    pub(crate) fn core(&self) -> evergrant::Clock {
        self.core.clone()
    }
}
