//! Work that waits, as a value that Python either waits for or awaits: one method here, two there.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use evergrant::{Error, Kind, Result, process};
use pyo3::{IntoPyObjectExt, prelude::*};
use pyo3_async_runtimes::generic;

use crate::{
    error::{contained, to_py},
    lane, log,
    runtime::CoreRuntime,
};

/// How long a blocking call leaves signals unheard.
const SIGNALS: Duration = Duration::from_millis(50);

/// Makes the Python object of a result, once there is a GIL to do so.
type Deliver = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
type Work = Pin<Box<dyn Future<Output = Result<Deliver>> + Send>>;

/// One piece of work that has not begun. Either `wait()` or `start()`, once.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Pending(Mutex<Option<Work>>);

impl Pending {
    pub(crate) fn new<T>(future: impl Future<Output = Result<T>> + Send + 'static) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        let work = async move {
            let value = future.await?;
            Ok(Box::new(move |py: Python<'_>| value.into_py_any(py)) as Deliver)
        };
        Self(Mutex::new(Some(Box::pin(work))))
    }

    /// The work, with panics contained.
    fn take(&self) -> Result<impl Future<Output = Result<Deliver>> + Send + use<>> {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut work =
            work.ok_or_else(|| Error::new(Kind::Internal, "this work was begun already"))?;
        Ok(poll_fn(move |context| match contained(|| work.as_mut().poll(context)) {
            Ok(poll) => poll,
            Err(error) => Poll::Ready(Err(error)),
        }))
    }
}

#[pymethods]
impl Pending {
    /// Does the work and answers with its result. The GIL is free meanwhile; a signal handler that
    /// raises, as Ctrl-C does, drops the work.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        log::tune(py);
        let raise = |error| to_py(py, &error);
        let runtime = process::runtime().map_err(raise)?;
        let mut work = Box::pin(self.take().map_err(raise)?);
        loop {
            let turn = py.detach(|| {
                contained(|| {
                    runtime.block_on(async { tokio::time::timeout(SIGNALS, &mut work).await })
                })
            });
            match turn {
                Ok(Ok(result)) => return result.map_err(raise)?(py),
                Ok(Err(_)) => py.check_signals()?,
                Err(error) => return Err(raise(error)),
            }
        }
    }

    /// Starts the work and answers with an `asyncio.Future` of the running loop. Cancelling the
    /// future drops the work.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        log::tune(py);
        let begun = process::runtime().and_then(|_| lane::open()).and_then(|()| self.take());
        let work = begun.map_err(|error| to_py(py, &error))?;
        generic::future_into_py::<CoreRuntime, _, _>(py, async move { Ok(Outcome(work.await)) })
    }
}

/// A result on its way to an event loop; becomes a value or an exception where the GIL is held.
struct Outcome(Result<Deliver>);

impl<'py> IntoPyObject<'py> for Outcome {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.0 {
            Ok(deliver) => Ok(deliver(py)?.into_bound(py)),
            Err(error) => Err(to_py(py, &error)),
        }
    }
}
