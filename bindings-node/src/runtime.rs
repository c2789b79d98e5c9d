//! Node's promises are driven by the core's runtime: one pool of threads in the process, whichever
//! and however many environments (worker threads) load this module.
#![allow(unsafe_code, reason = "AsyncRuntime is an unsafe trait; this is the one file that may")]

use std::{future::Future, pin::Pin};

use napi::bindgen_prelude::{
    AsyncRuntime, AsyncRuntimeRejection, AsyncRuntimeTask, register_async_runtime,
};

struct CoreRuntime;

fn refused(error: &evergrant::Error) -> napi::Error {
    napi::Error::from_reason(error.to_string())
}

// SAFETY: the contract is that no thread of the runtime runs unmapped code after Node unloads the
// module. The core's threads live as long as the process, and napi keeps the module mapped from
// the registration of a runtime on, so it is never unloaded under them.
unsafe impl AsyncRuntime for CoreRuntime {
    fn spawn(&self, task: AsyncRuntimeTask) -> Result<(), AsyncRuntimeRejection<AsyncRuntimeTask>> {
        match evergrant::process::runtime() {
            Ok(runtime) => {
                runtime.spawn(task);
                Ok(())
            }
            Err(error) => Err(AsyncRuntimeRejection::new(task, refused(&error))),
        }
    }

    fn block_on(&self, future: Pin<&mut dyn Future<Output = ()>>) -> napi::Result<()> {
        evergrant::process::runtime().map_err(|error| refused(&error))?.block_on(future);
        Ok(())
    }

    /// Nothing ends with an environment: others may live, and a rotation must finish.
    fn shutdown(&self) -> napi::Result<()> {
        Ok(())
    }
}

#[napi_derive::module_init]
fn register() {
    register_async_runtime(CoreRuntime);
}
