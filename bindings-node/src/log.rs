//! The core's events on their way to listeners in Node.

use std::sync::{
    Mutex, MutexGuard, Once, PoisonError,
    atomic::{AtomicU8, AtomicU32, Ordering},
};

use evergrant::log::{self, Level, Log};
use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

/// What happened.
#[napi(object)]
pub(crate) struct LogRecord {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// In words, with its facts as ` name=value`.
    pub message: String,
}

/// A function that takes records. Weak: it holds no process.
type Function = ThreadsafeFunction<LogRecord, (), LogRecord, Status, false, true>;

struct Listener {
    id: u32,
    /// The least severe level that it wants.
    least: Level,
    function: Function,
}

/// One for every environment that loaded this module, the oldest first. The first that lives gets the
/// warnings.
static WARNED: Mutex<Vec<Function>> = Mutex::new(Vec::new());
/// Each gets all that it wants.
static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());
/// The least severe level that any of them wants, as [`rank`].
static LEAST: AtomicU8 = AtomicU8::new(1);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends warnings to `listener` from now on, or to that of an older environment while it lives.
#[napi(catch_unwind, ts_args_type = "listener: (record: LogRecord) => void")]
pub(crate) fn on_warning(listener: Function) {
    static INSTALLED: Once = Once::new();
    locked(&WARNED).push(listener);
    // This module is alone with its copy of `tracing`, so nobody was there before.
    INSTALLED.call_once(|| log::install(Records));
}

/// Sends what is as severe as `level` to `listener`. Answers what [`off_log`] ends that with.
#[napi(catch_unwind, ts_args_type = "level: string, listener: (record: LogRecord) => void")]
pub(crate) fn on_log(level: String, listener: Function) -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    // The other half has looked at the word.
    let least = level.parse().unwrap_or(Level::INFO);
    let mut listeners = locked(&LISTENERS);
    listeners.push(Listener { id, least, function: listener });
    tune(&listeners);
    id
}

/// Ends what [`on_log`] began.
#[napi(catch_unwind)]
pub(crate) fn off_log(id: u32) {
    let mut listeners = locked(&LISTENERS);
    listeners.retain(|listener| listener.id != id);
    tune(&listeners);
}

fn tune(listeners: &[Listener]) {
    let least = listeners.iter().map(|listener| rank(listener.least)).max();
    LEAST.store(least.unwrap_or(0).max(rank(Level::WARN)), Ordering::Relaxed);
}

/// The less severe, the higher.
fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}

struct Records;

impl Log for Records {
    fn wants(&self, level: Level) -> bool {
        rank(level) <= LEAST.load(Ordering::Relaxed)
    }

    fn take(&self, level: Level, line: String) {
        let tell = |function: &Function| {
            let level = level.as_str().to_ascii_lowercase();
            let record = LogRecord { level, message: line.clone() };
            function.call(record, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
        };
        if level <= Level::WARN {
            let mut warned = locked(&WARNED);
            // What does not take it belongs to an environment that has ended.
            while warned.first().is_some_and(|first| !tell(first)) {
                drop(warned.remove(0));
            }
        }
        let mut listeners = locked(&LISTENERS);
        let before = listeners.len();
        listeners.retain(|listener| level > listener.least || tell(&listener.function));
        if listeners.len() < before {
            tune(&listeners);
        }
    }
}
