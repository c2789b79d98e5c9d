//! The core's events as records of Python's `logging`, under the name `evergrant`.

use std::{
    fmt::{self, Write},
    sync::atomic::{AtomicI32, Ordering},
};

use evergrant::redact;
use pyo3::{prelude::*, sync::PyOnceLock};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

use crate::lane;

/// The least level that the logger takes. Looked up whenever there is a GIL at hand, so that an
/// event that nobody wants costs nothing.
static THRESHOLD: AtomicI32 = AtomicI32::new(30);

/// Sends the core's events to `logging`.
pub(crate) fn install() {
    // It can only fail where it was done before.
    let _ = tracing::subscriber::set_global_default(Records);
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

struct Records;

impl Subscriber for Records {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let ours = metadata.is_event() && metadata.target().starts_with("evergrant");
        if ours { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(*metadata.level()) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let level = number(*event.metadata().level());
        let mut line = Line::default();
        event.record(&mut line);
        if lane::open().is_ok() {
            lane::send(Box::new(move || Python::attach(|py| line.emit(py, level))));
        }
    }

    // Spans are not for `logging`.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
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

/// An event in words: what happened, then the facts.
#[derive(Default)]
struct Line {
    message: String,
    facts: String,
}

impl Line {
    fn emit(&self, py: Python<'_>, level: i32) {
        let text = format!("{}{}", self.message, self.facts);
        let logged =
            logger(py).and_then(|logger| logger.call_method1("log", (level, redact(&text))));
        if let Err(error) = logged {
            error.write_unraisable(py, None);
        }
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            name => write!(self.facts, " {name}={value}"),
        };
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}
