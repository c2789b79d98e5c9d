//! Files on their way from the portal.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::pending::Pending;

/// A file on its way.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Download {
    core: Arc<Mutex<evergrant::file::Download>>,
    size: Option<u64>,
}

impl From<evergrant::file::Download> for Download {
    fn from(download: evergrant::file::Download) -> Self {
        let size = download.size();
        Self { core: Arc::new(Mutex::new(download)), size }
    }
}

#[pymethods]
impl Download {
    /// How many bytes it has, where the portal says so.
    #[getter]
    fn size(&self) -> Option<u64> {
        self.size
    }

    /// The next bytes; `None` at the end.
    fn chunk(&self) -> Pending {
        let core = Arc::clone(&self.core);
        Pending::new(async move { core.lock().await.chunk().await })
    }
}
