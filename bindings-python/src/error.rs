//! Errors of the core as exceptions of Python, and panics as errors.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use evergrant::{Error, Kind, Result, redact};
use pyo3::{prelude::*, sync::PyOnceLock};

/// What the exceptions' factory in `evergrant/errors.py` takes.
#[derive(IntoPyObject)]
struct Fields<'a> {
    kind: &'static str,
    message: &'a str,
    advice: Option<&'a str>,
    code: Option<&'a str>,
    status: Option<u16>,
    retry: &'static str,
    retry_after: Option<f64>,
    context: Vec<(&'static str, &'a str)>,
    causes: Vec<String>,
    text: String,
}

impl<'a> From<&'a Error> for Fields<'a> {
    fn from(error: &'a Error) -> Self {
        let context = error.context().iter().map(|(key, value)| (*key, value.as_str()));
        Self {
            kind: error.kind().as_str(),
            message: error.message(),
            advice: error.advice(),
            code: error.code(),
            status: error.status(),
            retry: error.retry().as_str(),
            retry_after: error.retry_after().map(|pause| pause.as_secs_f64()),
            context: context.collect(),
            causes: causes(error),
            text: error.to_string(),
        }
    }
}

fn causes(error: &Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .map(|cause| redact(&cause.to_string()).into_owned())
        .collect()
}

/// The exception for `error`, of the class that its kind belongs to.
pub(crate) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    static FACTORY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = FACTORY.import(py, "evergrant.errors", "from_core").and_then(|factory| {
        let fields = Fields::from(error).into_pyobject(py)?;
        factory.call((), Some(&fields))
    });
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Runs work that does not wait.
pub(crate) fn guarded<T>(py: Python<'_>, work: impl FnOnce() -> Result<T>) -> PyResult<T> {
    contained(work).and_then(|result| result).map_err(|error| to_py(py, &error))
}

/// Runs `work`; a panic inside is an error of the kind `internal`.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| defect(&*panic))
}

fn defect(panic: &(dyn Any + Send)) -> Error {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "unknown",
    };
    Error::new(Kind::Internal, "evergrant met a defect of its own")
        .with("panic", text)
        .advise("Please report it, with what led here.")
}
