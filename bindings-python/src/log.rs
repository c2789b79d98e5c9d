//! The core's events as records of Python's `logging`, under the name `evergrant`.

use std::sync::atomic::{AtomicI32, Ordering};

use evergrant::log::{self, Level, Log};
use pyo3::{prelude::*, sync::PyOnceLock};

use crate::lane;

/// The least level that the logger takes. Looked up whenever there is a GIL at hand, so that an
/// event that nobody wants costs nothing.
static THRESHOLD: AtomicI32 = AtomicI32::new(30);

/// Sends the core's events to `logging`.
pub(crate) fn install() {
    log::install(Logging);
}

/// Looks up how much the logger wants to hear.
pub(crate) fn tune(py: Python<'_>) {
    let level = logger(py).and_then(|logger| logger.call_method0("getEffectiveLevel")?.extract());
    if let Ok(level) = level {
        THRESHOLD.store(level, Ordering::Relaxed);
    }
}

fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOGGER
        .get_or_try_init(py, || {
            let logger = py.import("logging")?.call_method1("getLogger", ("evergrant",))?;
            Ok(logger.unbind())
        })
        .map(|logger| logger.bind(py))
}

struct Logging;

impl Log for Logging {
    fn wants(&self, level: Level) -> bool {
        number(level) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn take(&self, level: Level, line: String) {
        if lane::open().is_ok() {
            lane::send(Box::new(move || Python::attach(|py| emit(py, level, line))));
        }
    }
}

fn emit(py: Python<'_>, level: Level, line: String) {
    let logged = logger(py).and_then(|logger| logger.call_method1("log", (number(level), line)));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// A level as `logging` counts it.
fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}
