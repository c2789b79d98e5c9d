//! How work ends: with a value, or with a [`Failure`] that carries every field of the core's error.
//!
//! Promises of this module are fulfilled either way; only a defect rejects one.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use evergrant::{Error, Kind};
use napi::{
    Env,
    bindgen_prelude::{Either, PromiseRaw, ToNapiValue},
};
use napi_derive::napi;
use tokio::task::{AbortHandle, JoinError};

/// A value, or why there is none.
pub(crate) type Outcome<T> = Either<T, Failure>;

/// Why there is no value.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// The core's error. Also what tells a failure from a value.
    pub failure: Facts,
}

/// The core's error, field by field.
#[napi(object, object_from_js = false)]
pub struct Facts {
    /// One of `kinds()`.
    pub kind: String,
    /// What happened, where, and what to do next.
    pub message: String,
    /// What to do next.
    pub advice: Option<String>,
    /// The vendor's own code.
    pub code: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Whether the same request may be sent again, as a word.
    pub retry: String,
    /// True if it may be sent again whatever it does.
    pub retryable: bool,
    /// Seconds to wait before.
    pub retry_after: Option<f64>,
    /// Facts as pairs of name and value.
    pub context: Vec<Vec<String>>,
    /// The errors underneath, outermost first.
    pub causes: Vec<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            failure: Facts {
                kind: error.kind().as_str().to_owned(),
                message: error.to_string(),
                advice: error.advice().map(str::to_owned),
                code: error.code().map(str::to_owned),
                status: error.status(),
                retry: error.retry().as_str().to_owned(),
                retryable: error.is_retryable(),
                retry_after: error.retry_after().map(|pause| pause.as_secs_f64()),
                context: error
                    .context()
                    .iter()
                    .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
                    .collect(),
                causes: causes(&error),
            },
        }
    }
}

fn causes(error: &Error) -> Vec<String> {
    let below = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    below.map(|cause| evergrant::redact(&cause.to_string()).into_owned()).collect()
}

pub(crate) fn outcome<T>(result: evergrant::Result<T>) -> Outcome<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(error.into()),
    }
}

/// Ends one piece of work before its time; the public layer ties it to an `AbortSignal`.
#[napi]
#[derive(Default)]
pub struct Cancel {
    work: Arc<Mutex<Option<AbortHandle>>>,
}

#[napi]
impl Cancel {
    /// A handle for work that is about to start.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the work. A rotation that it waits for goes on.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        if let Some(work) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take() {
            work.abort();
        }
    }

    fn holds(&self, work: AbortHandle) {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
    }
}

/// A promise for the outcome of `work`, which starts at once, as a task of its own: so a panic
/// ends the task alone, and `cancel` can.
pub(crate) fn promise<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    work: impl Future<Output = evergrant::Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, Outcome<T>>> {
    let runtime = evergrant::process::runtime()
        .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    let task = runtime.spawn(work);
    if let Some(cancel) = cancel {
        cancel.holds(task.abort_handle());
    }
    env.spawn_future(async move {
        Ok(outcome(task.await.unwrap_or_else(|ended| Err(without_answer(&ended)))))
    })
}

fn without_answer(ended: &JoinError) -> Error {
    if ended.is_cancelled() {
        return Error::new(Kind::Cancelled, "the caller cancelled")
            .advise("What was sent already may have been executed.");
    }
    Error::new(Kind::Internal, "a defect in evergrant ended this work")
        .advise("Please report it, with what the process printed about the panic.")
}
