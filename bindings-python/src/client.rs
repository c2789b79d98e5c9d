//! Calls of a portal.

use std::sync::Arc;

use evergrant::{Command, Result};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::{
    error::{guarded, to_py},
    json,
    pending::Pending,
};

/// Calls one portal as one user.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Client(evergrant::Client);

impl From<evergrant::Client> for Client {
    fn from(client: evergrant::Client) -> Self {
        Self(client)
    }
}

#[pymethods]
impl Client {
    /// A client over an incoming webhook.
    #[staticmethod]
    fn from_webhook(py: Python<'_>, url: Option<&str>) -> PyResult<Self> {
        // A variable that is not set comes as None: to the core that is an empty one.
        guarded(py, || evergrant::Client::from_webhook(url.unwrap_or_default())).map(Self)
    }

    /// Calls one method; the result as JSON.
    fn call(&self, py: Python<'_>, method: String, params: &[u8]) -> PyResult<Pending> {
        let client = self.0.clone();
        let params = guarded(py, || json::read(params))?;
        Ok(Pending::new(async move { json::write(&client.call(&method, params).await?.result) }))
    }

    /// Runs commands in one request; one outcome for each, in their order.
    fn batch(&self, py: Python<'_>, commands: Vec<(String, Vec<u8>)>) -> PyResult<Pending> {
        let client = self.0.clone();
        let commands = guarded(py, || read_commands(commands))?;
        Ok(Pending::new(async move {
            let answers = client.batch(commands).await?;
            Ok(answers.into_iter().map(Outcome::from).collect::<Vec<_>>())
        }))
    }

    /// All rows of a list method.
    fn list(&self, py: Python<'_>, method: &str, params: &[u8]) -> PyResult<List> {
        let list = guarded(py, || self.0.list(method, json::read(params)?))?;
        Ok(List(Arc::new(Mutex::new(list))))
    }
}

fn read_commands(commands: Vec<(String, Vec<u8>)>) -> Result<Vec<Command>> {
    let command = |(index, (method, params)): (usize, (String, Vec<u8>))| {
        json::read(&params)
            .and_then(|params| Command::new(&method, params))
            .map_err(|error| error.with("command", index.to_string()))
    };
    commands.into_iter().enumerate().map(command).collect()
}

/// One command's result as JSON, or its error: `(bytes, None)` or `(None, exception)`.
struct Outcome(Result<Vec<u8>>);

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

/// The rows of a list method, a page at a time.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct List(Arc<Mutex<evergrant::List>>);

#[pymethods]
impl List {
    /// The next rows as a JSON array; `None` at the end.
    fn next_page(&self) -> Pending {
        let list = Arc::clone(&self.0);
        Pending::new(async move {
            let page = list.lock().await.next_page().await?;
            page.map(|rows| json::write(&rows)).transpose()
        })
    }
}
