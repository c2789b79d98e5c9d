//! Files on their way from the portal.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Buffer, PromiseRaw},
};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::outcome::{Cancel, Outcome, promise};

/// A file on its way.
#[napi]
pub struct Download {
    core: Arc<Mutex<evergrant::file::Download>>,
    size: Option<i64>,
}

impl From<evergrant::file::Download> for Download {
    fn from(download: evergrant::file::Download) -> Self {
        let size = download.size().and_then(|size| i64::try_from(size).ok());
        Self { core: Arc::new(Mutex::new(download)), size }
    }
}

#[napi]
impl Download {
    /// How many bytes it has, where the portal says so.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn size(&self) -> Option<i64> {
        self.size
    }

    /// The next bytes; null at the end.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint8Array | null | Failure>")]
    pub fn chunk<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Option<Buffer>>>> {
        let core = Arc::clone(&self.core);
        promise(env, cancel, async move { Ok(core.lock().await.chunk().await?.map(Buffer::from)) })
    }
}
