//! The core's warnings, such as a master key that was just made, on their way to Node's own.

use std::{
    fmt::{self, Write},
    sync::{Mutex, Once, PoisonError},
};

use evergrant::redact;
use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// A function that takes a warning's text. Weak: it holds no process.
type Listener = ThreadsafeFunction<String, (), String, Status, false, true>;

/// One for every environment that loaded this module, the oldest first.
static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());

/// Sends warnings to `listener` from now on, or to that of an older environment while it lives.
#[napi(catch_unwind, ts_args_type = "listener: (text: string) => void")]
pub(crate) fn on_warning(listener: Listener) {
    static SUBSCRIBED: Once = Once::new();
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    SUBSCRIBED.call_once(|| {
        // This module is alone with its copy of `tracing`, so nobody was there before.
        let _ = tracing::subscriber::set_global_default(Warnings);
    });
}

fn tell(text: &str) {
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    // What does not take it belongs to an environment that has ended.
    while let Some(listener) = listeners.first() {
        match listener.call(text.to_owned(), ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => return,
            _ => drop(listeners.remove(0)),
        }
    }
}

struct Warnings;

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= Level::WARN
            && metadata.target().starts_with("evergrant")
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        tell(&redact(&format!("{}{}", words.message, words.facts)));
    }

    // Spans are not for people.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// What happened, then the facts.
#[derive(Default)]
struct Words {
    message: String,
    facts: String,
}

impl Words {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            name => write!(self.facts, " {name}={value}"),
        };
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}
