//! Changes of grants, on their way to JavaScript.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::{
    Env, Status,
    bindgen_prelude::PromiseRaw,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tokio::{sync::Notify, task::AbortHandle};

use crate::outcome::{Cancel, Outcome, promise};

/// A function that is told that there is news. Weak: it holds no process.
type Listener = ThreadsafeFunction<(), (), (), Status, false, true>;

/// A grant has another pair or another status.
#[napi(object, object_from_js = false)]
pub struct Change {
    /// The grant.
    pub grant: i64,
    /// Its generation now.
    pub generation: i64,
    /// Its status now.
    pub status: String,
}

impl From<evergrant::Change> for Change {
    fn from(change: evergrant::Change) -> Self {
        Self {
            grant: change.grant,
            generation: change.generation,
            status: change.status.as_str().to_owned(),
        }
    }
}

/// Changes for one listener. Waiting and taking are apart: who is cancelled while waiting has taken
/// nothing.
#[napi]
pub struct Changes {
    core: Arc<evergrant::Changes>,
    /// The change that was handed out, until its handler is done with it.
    taken: Mutex<Option<evergrant::Change>>,
    told: Arc<Notify>,
    listening: Mutex<Option<AbortHandle>>,
}

impl From<evergrant::Changes> for Changes {
    fn from(core: evergrant::Changes) -> Self {
        Self {
            core: Arc::new(core),
            taken: Mutex::default(),
            told: Arc::default(),
            listening: Mutex::default(),
        }
    }
}

#[napi]
impl Changes {
    /// Fulfilled once there is a change to take.
    #[napi(catch_unwind, ts_return_type = "Promise<void | Failure>")]
    pub fn ready<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<()>>> {
        let core = Arc::clone(&self.core);
        promise(env, cancel, async move {
            core.give_back(core.next().await);
            Ok(())
        })
    }

    /// Calls `listener` once there is something to take, and then whenever there is after `proceed`.
    #[napi(catch_unwind, ts_args_type = "listener: () => void")]
    pub fn listen(&self, listener: Listener) -> napi::Result<()> {
        let (core, told) = (Arc::clone(&self.core), Arc::clone(&self.told));
        let runtime = evergrant::process::runtime()
            .map_err(|error| napi::Error::from_reason(error.to_string()))?;
        let task = runtime.spawn(async move {
            loop {
                core.give_back(core.next().await);
                let status = listener.call((), ThreadsafeFunctionCallMode::NonBlocking);
                if status != Status::Ok {
                    // The environment has ended.
                    return;
                }
                told.notified().await;
            }
        });
        *lock(&self.listening) = Some(task.abort_handle());
        Ok(())
    }

    /// The listener has taken what there was.
    #[napi(catch_unwind)]
    pub fn proceed(&self) {
        self.told.notify_one();
    }

    /// The next change, if there is one. The one before counts as dealt with.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take(&self) -> Option<Change> {
        let change = self.core.try_next();
        *lock(&self.taken) = change;
        change.map(Change::from)
    }

    /// Puts back what was taken last, unless there is a newer change of that grant.
    #[napi(catch_unwind)]
    pub fn give_back(&self) {
        if let Some(change) = lock(&self.taken).take() {
            self.core.give_back(change);
        }
    }

    /// Ends `listen`.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        if let Some(task) = lock(&self.listening).take() {
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
