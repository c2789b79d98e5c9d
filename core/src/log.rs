//! The core's events in words, for hosts that have a log of their own. Rust programs subscribe to
//! `tracing` as they do anyway.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub use tracing::Level;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

use crate::{process::PerProcess, redact};

/// A log that takes lines.
pub trait Log: Send + Sync + 'static {
    /// Whether somebody wants to hear of such events; an event that nobody wants costs nothing.
    fn wants(&self, level: Level) -> bool;

    /// One event: what happened, its facts as ` name=value`, and those of the call it belongs to. Never a
    /// secret. Must not wait.
    fn take(&self, level: Level, line: String);
}

/// Sends the events of this crate to `log`, unless the process has a subscriber of `tracing` already.
pub fn install(log: impl Log) {
    let _ = tracing::subscriber::set_global_default(Lines(log));
}

struct Lines<L>(L);

/// The spans that are open, each with what is known of it and how many hold it.
type Spans = Mutex<HashMap<u64, (Words, usize)>>;

static SPANS: PerProcess<Spans> = PerProcess::new();

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn with_spans<T>(work: impl FnOnce(&mut HashMap<u64, (Words, usize)>) -> T) -> T {
    work(&mut SPANS.get().lock().unwrap_or_else(PoisonError::into_inner))
}

/// The facts of the innermost span around.
fn facts_around() -> Option<Facts> {
    let innermost = INSIDE.with_borrow(|inside| inside.last().copied())?;
    with_spans(|spans| spans.get(&innermost).map(|(words, _)| words.facts.clone()))
}

impl<L: Log> Subscriber for Lines<L> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let ours = metadata.target().starts_with("evergrant");
        if ours { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.wants(*metadata.level())
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        words.facts.extend(facts_around().into_iter().flatten());
        let line = redact(&words.to_string()).into_owned();
        self.0.take(*event.metadata().level(), line);
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let mut words = Words::default();
        span.record(&mut words);
        with_spans(|spans| spans.insert(id, (words, 1)));
        span::Id::from_u64(id)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        with_spans(|spans| {
            if let Some((words, _)) = spans.get_mut(&id.into_u64()) {
                values.record(words);
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

/// By name. What is told twice, as the status of a call that was sent again, is what was told last.
type Facts = Vec<(&'static str, String)>;

/// What happened, then the facts.
#[derive(Default)]
struct Words {
    message: String,
    facts: Facts,
}

impl Words {
    fn add(&mut self, field: &Field, value: String) {
        let name = field.name();
        if name == "message" {
            self.message = value;
        } else if let Some((_, known)) = self.facts.iter_mut().find(|(known, _)| *known == name) {
            *known = value;
        } else {
            self.facts.push((name, value));
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.facts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl Log for Heard {
        fn wants(&self, level: Level) -> bool {
            level <= Level::DEBUG
        }

        fn take(&self, level: Level, line: String) {
            self.0.lock().unwrap().push(format!("{level} {line}"));
        }
    }

    #[test]
    fn a_line_has_the_facts_of_its_call_and_no_secret() {
        let heard = Heard::default();
        tracing::subscriber::with_default(Lines(heard.clone()), || {
            let span = tracing::debug_span!("call", method = "a.b", status = tracing::field::Empty);
            span.record("status", 503);
            span.record("status", 200);
            let inside = span.enter();
            tracing::warn!(url = "https://a.example/rest/1/qwertyuiop123456/", "it is slow");
            tracing::trace!("nobody wants this");
            drop(inside);
            drop(span);
            tracing::info!("alone");
        });
        assert_eq!(
            *heard.0.lock().unwrap(),
            [
                "WARN it is slow url=https://a.example/rest/1/***/ method=a.b status=200",
                "INFO alone"
            ]
        );
    }
}
