//! The core's events as records of Python's `logging`, under the name `evergrant`.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
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

/// The spans that are open, each with what is known of it and how many hold it.
static SPANS: Mutex<Option<HashMap<u64, (Line, usize)>>> = Mutex::new(None);

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn with_spans<T>(work: impl FnOnce(&mut HashMap<u64, (Line, usize)>) -> T) -> T {
    work(SPANS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The facts of the innermost span around.
fn facts_around() -> Option<String> {
    let innermost = INSIDE.with_borrow(|inside| inside.last().copied())?;
    with_spans(|spans| spans.get(&innermost).map(|(line, _)| line.facts.clone()))
}

impl Subscriber for Records {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let ours = metadata.target().starts_with("evergrant");
        if ours { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(*metadata.level()) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let level = number(*event.metadata().level());
        let mut line = Line::default();
        event.record(&mut line);
        line.facts.extend(facts_around());
        if lane::open().is_ok() {
            lane::send(Box::new(move || Python::attach(|py| line.emit(py, level))));
        }
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = Line::default();
        span.record(&mut line);
        with_spans(|spans| spans.insert(id, (line, 1)));
        span::Id::from_u64(id)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        with_spans(|spans| {
            if let Some((line, _)) = spans.get_mut(&id.into_u64()) {
                values.record(line);
            }
        });
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, id: &span::Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
    }

    fn exit(&self, id: &span::Id) {
        INSIDE.with_borrow_mut(|inside| {
            if let Some(place) = inside.iter().rposition(|inner| *inner == id.into_u64()) {
                inside.remove(place);
            }
        });
    }

    fn clone_span(&self, id: &span::Id) -> span::Id {
        with_spans(|spans| {
            if let Some((_, holders)) = spans.get_mut(&id.into_u64()) {
                *holders += 1;
            }
        });
        id.clone()
    }

    fn try_close(&self, id: span::Id) -> bool {
        with_spans(|spans| {
            let Some((_, holders)) = spans.get_mut(&id.into_u64()) else { return false };
            *holders -= 1;
            let is_last = *holders == 0;
            if is_last {
                spans.remove(&id.into_u64());
            }
            is_last
        })
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
