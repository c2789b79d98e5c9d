//! Files on their way to the portal and back.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::{sync::Mutex, task::AbortHandle};

use crate::{json, pending::Pending};

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

/// A file on its way to the portal.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Upload {
    core: Arc<Mutex<evergrant::file::Upload>>,
    size: u64,
    aborter: AbortHandle,
}

impl From<evergrant::file::Upload> for Upload {
    fn from(upload: evergrant::file::Upload) -> Self {
        let size = upload.size();
        let aborter = upload.aborter();
        Self { core: Arc::new(Mutex::new(upload)), size, aborter }
    }
}

#[pymethods]
impl Upload {
    /// How many bytes it has.
    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes have left, once there are more; `None` once there is an outcome.
    fn progress(&self) -> Pending {
        let core = Arc::clone(&self.core);
        Pending::new(async move { core.lock().await.progress().await })
    }

    /// What the portal says of the file; the result as JSON.
    fn finish(&self) -> Pending {
        let core = Arc::clone(&self.core);
        Pending::new(async move { json::write(&core.lock().await.finish().await?.result) })
    }

    /// Cancels the upload, which otherwise goes on until this is collected.
    fn abort(&self) {
        self.aborter.abort();
    }
}
