//! Files on their way to the portal and back.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Buffer, PromiseRaw},
};
use napi_derive::napi;
use tokio::{sync::Mutex, task::AbortHandle};

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

/// A file on its way to the portal.
#[napi]
pub struct Upload {
    core: Arc<Mutex<evergrant::file::Upload>>,
    size: i64,
    aborter: AbortHandle,
}

impl From<evergrant::file::Upload> for Upload {
    fn from(upload: evergrant::file::Upload) -> Self {
        let size = i64::try_from(upload.size()).unwrap_or(i64::MAX);
        let aborter = upload.aborter();
        Self { core: Arc::new(Mutex::new(upload)), size, aborter }
    }
}

#[napi]
impl Upload {
    /// How many bytes it has.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn size(&self) -> i64 {
        self.size
    }

    /// How many bytes have left, once there are more; null once there is an outcome.
    #[napi(catch_unwind, ts_return_type = "Promise<number | null | Failure>")]
    pub fn progress<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Option<i64>>>> {
        let core = Arc::clone(&self.core);
        promise(env, cancel, async move {
            let sent = core.lock().await.progress().await?;
            Ok(sent.map(|sent| i64::try_from(sent).unwrap_or(i64::MAX)))
        })
    }

    /// What the portal says of the file; fulfilled with the result as JSON text.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let core = Arc::clone(&self.core);
        promise(
            env,
            cancel,
            async move { Ok(core.lock().await.finish().await?.result.to_string()) },
        )
    }

    /// Cancels the upload, which otherwise goes on until this is collected.
    #[napi(catch_unwind)]
    pub fn abort(&self) {
        self.aborter.abort();
    }
}
