//! Commands of a batch on their way in, their outcomes on the way out.

use evergrant::{Batch, Result, v3};
use pyo3::prelude::*;

use crate::{error::to_py, json};

/// A method, its parameters as JSON, and the name that others refer to it by.
pub(crate) type Entry = (String, Vec<u8>, Option<String>);

pub(crate) fn read(entries: Vec<Entry>) -> Result<Batch> {
    let mut batch = Batch::new();
    for (index, (method, params, name)) in entries.into_iter().enumerate() {
        let added = json::read(&params).and_then(|params| match name {
            Some(name) => batch.add(&name, &method, params).map(drop),
            None => batch.push(&method, params),
        });
        added.map_err(|error| error.with("command", index.to_string()))?;
    }
    Ok(batch)
}

/// As [`read`]; there every call has a name, its caller's or one of ours.
pub(crate) fn read_v3(entries: Vec<Entry>) -> Result<v3::Batch> {
    let mut batch = v3::Batch::new();
    for (index, (method, query, name)) in entries.into_iter().enumerate() {
        let name = name.unwrap_or_else(|| format!("unnamed{index}"));
        json::read(&query)
            .and_then(|query| batch.add(&name, &method, query))
            .map_err(|error| error.with("command", index.to_string()))?;
    }
    Ok(batch)
}

/// One command's result as JSON, or its error: `(bytes, None)` or `(None, exception)`.
pub(crate) struct Outcome(Result<Vec<u8>>);

impl From<Result<evergrant::Answer>> for Outcome {
    fn from(answer: Result<evergrant::Answer>) -> Self {
        Self(answer.and_then(|answer| json::write(&answer.result)))
    }
}

impl<'py> IntoPyObject<'py> for Outcome {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let pair = match self.0 {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(to_py(py, &error).into_value(py))),
        };
        Ok(pair.into_pyobject(py)?.into_any())
    }
}
