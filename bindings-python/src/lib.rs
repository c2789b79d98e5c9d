//! The private native module `evergrant._native`, behind the Python package `evergrant`.
//!
//! It converts, hands over to the core, and converts back; no rule lives here. Work that waits is a
//! [`pending::Pending`], which Python either waits for or awaits.

mod application;
mod batch;
mod changes;
mod client;
mod clock;
mod error;
mod file;
mod json;
mod lane;
mod list;
mod log;
mod options;
mod pending;
mod runtime;
mod settings;
mod tokens;
mod values;

use pyo3::prelude::*;

/// Arguments that Python itself checks; a place that begins with none of them is in the parameters.
const FIELDS: [&str; 16] = [
    "after",
    "commands",
    "file",
    "filter",
    "idempotency_key",
    "idempotent",
    "ids",
    "limit",
    "order",
    "priority",
    "progress",
    "select",
    "strategy",
    "timeout",
    "to",
    "total",
];

/// The native half of `evergrant`.
#[pymodule(name = "_native")]
mod native {
    use evergrant::{Kind, Result};
    use pyo3::{exceptions::PyBaseException, prelude::*, types::PyTuple};

    #[pymodule_export]
    use crate::{
        application::Application,
        changes::Changes,
        client::{Client, V3, counters},
        clock::Clock,
        file::{Download, Upload},
        list::List,
        pending::Pending,
    };
    use crate::{error, lane, log};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        log::install();
        let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
        module.add("KINDS", PyTuple::new(module.py(), kinds)?)?;
        module.add("VERSION", env!("CARGO_PKG_VERSION"))
    }

    /// The error for an argument that Python itself found unusable.
    #[pyfunction]
    fn invalid_input<'py>(
        py: Python<'py>,
        field: &str,
        message: String,
        advice: String,
    ) -> PyResult<Bound<'py, PyBaseException>> {
        let field = super::FIELDS.into_iter().find(|name| *name == field).unwrap_or("params");
        let error = evergrant::Error::invalid_input(field, message).advise(advice);
        Ok(error::to_py(py, &error).into_value(py).into_bound(py))
    }

    /// Ends the thread that talks to event loops; called when the interpreter exits.
    #[pyfunction]
    fn close(py: Python<'_>) {
        lane::close(py);
    }

    /// Panics in a plain call: what a defect of ours looks like from Python.
    #[pyfunction]
    fn panic_now(py: Python<'_>) -> PyResult<()> {
        error::guarded(py, defect)
    }

    /// Panics in work that is waited for.
    #[pyfunction]
    fn panic_later() -> Pending {
        Pending::new(async { defect() })
    }

    #[expect(clippy::panic, reason = "only the tests call it, to see a panic arrive as an error")]
    fn defect() -> Result<()> {
        panic!("a defect made on purpose")
    }
}
