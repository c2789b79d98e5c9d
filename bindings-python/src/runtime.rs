//! The core's runtime, as `pyo3-async-runtimes` wants to see one.

use std::{any::Any, cell::OnceCell, future::Future, pin::Pin};

use evergrant::process;
use pyo3_async_runtimes::{TaskLocals, generic};

use crate::lane;

/// Spawns on the process's one runtime, and finishes on the lane.
pub(crate) struct CoreRuntime;

/// Why a task ended without a result; `None` if it could not start.
pub(crate) struct Lost(Option<tokio::task::JoinError>);

impl generic::JoinError for Lost {
    fn is_panic(&self) -> bool {
        self.0.as_ref().is_some_and(tokio::task::JoinError::is_panic)
    }

    fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.0 {
            Some(error) => error.into_panic(),
            None => Box::new("the runtime did not start"),
        }
    }
}

impl generic::Runtime for CoreRuntime {
    type JoinError = Lost;
    type JoinHandle = Pin<Box<dyn Future<Output = Result<(), Lost>> + Send>>;

    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> Self::JoinHandle {
        let task = process::runtime().map(|runtime| runtime.spawn(future));
        Box::pin(async move {
            match task {
                Ok(task) => task.await.map_err(|error| Lost(Some(error))),
                Err(_) => Err(Lost(None)),
            }
        })
    }

    /// Only used for what needs the GIL.
    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> Self::JoinHandle {
        lane::send(Box::new(work));
        Box::pin(std::future::ready(Ok(())))
    }
}

tokio::task_local! {
    static LOCALS: OnceCell<TaskLocals>;
}

impl generic::ContextExt for CoreRuntime {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(LOCALS.scope(OnceCell::from(locals), future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        LOCALS.try_with(|locals| locals.get().cloned()).unwrap_or_default()
    }
}
