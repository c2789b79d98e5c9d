//! Changes of grants, on their way to a thread that calls back or to an event loop.

use std::sync::Arc;

use evergrant::{Change, GrantId, process};
use pyo3::prelude::*;
use tokio::sync::watch;

use crate::{
    error::{contained, to_py},
    pending::Pending,
};

/// Changes for one listener. Waiting and taking are apart: who is cancelled while waiting has taken
/// nothing.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Changes {
    core: Arc<evergrant::Changes>,
    closed: watch::Sender<bool>,
    /// The change that was handed out, until its handler is done with it.
    taken: std::sync::Mutex<Option<Change>>,
}

/// Becomes the fields of Python's `Change`.
#[derive(IntoPyObject)]
struct Fields {
    grant: GrantId,
    generation: i64,
    status: &'static str,
}

impl From<evergrant::Changes> for Changes {
    fn from(core: evergrant::Changes) -> Self {
        Self {
            core: Arc::new(core),
            closed: watch::Sender::new(false),
            taken: std::sync::Mutex::default(),
        }
    }
}

impl Changes {
    /// True once there is a change to take; false once nobody listens any more.
    fn news(&self) -> impl Future<Output = bool> + Send + use<> {
        let (core, mut closed) = (Arc::clone(&self.core), self.closed.subscribe());
        async move {
            tokio::select! {
                biased;
                _ = closed.wait_for(|closed| *closed) => false,
                change = core.next() => {
                    core.give_back(change);
                    true
                }
            }
        }
    }
}

#[pymethods]
impl Changes {
    /// As `ready`, for a thread that does nothing else; the GIL is free meanwhile.
    fn wait(&self, py: Python<'_>) -> PyResult<bool> {
        let raise = |error| to_py(py, &error);
        let runtime = process::runtime().map_err(raise)?;
        let news = self.news();
        py.detach(|| contained(|| runtime.block_on(news))).map_err(raise)
    }

    /// True once there is a change to take; false once this is closed.
    fn ready(&self) -> Pending {
        let news = self.news();
        Pending::new(async move { Ok(news.await) })
    }

    /// The next change, if there is one. The one before counts as dealt with.
    fn take(&self) -> Option<Fields> {
        let change = self.core.try_next();
        *self.last() = change;
        let Change { grant, generation, status } = change?;
        Some(Fields { grant, generation, status: status.as_str() })
    }

    /// Puts back what was taken last, unless there is a newer change of that grant.
    fn give_back(&self) {
        if let Some(change) = self.last().take() {
            self.core.give_back(change);
        }
    }

    /// Ends all waiting, now and later.
    fn close(&self) {
        self.closed.send_replace(true);
    }
}

impl Changes {
    fn last(&self) -> std::sync::MutexGuard<'_, Option<Change>> {
        self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
