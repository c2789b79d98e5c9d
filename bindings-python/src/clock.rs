//! The clock that expiry and pauses are judged by, where a test turns it.

use pyo3::prelude::*;

/// A clock that runs as the system's does until it is turned.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Clock(evergrant::Clock);

impl Clock {
    pub(crate) fn core(&self) -> evergrant::Clock {
        self.0.clone()
    }
}

#[pymethods]
impl Clock {
    /// The system's clock.
    #[new]
    fn new() -> Self {
        Self(evergrant::Clock::system())
    }

    /// Turns it as if so many seconds had passed.
    fn turn(&self, seconds: i64) {
        self.0.turn(seconds);
    }
}
