//! Panics on purpose, for the tests of what a panic becomes. Not in release builds.
#![expect(clippy::panic, reason = "that is what these are for")]

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::outcome::{Outcome, promise};

/// Panics in the caller's thread.
#[napi(catch_unwind, skip_typescript)]
pub(crate) fn panic_now() {
    panic!("on purpose");
}

/// Panics inside a task.
#[napi(catch_unwind, skip_typescript)]
pub(crate) fn panic_later(env: &Env) -> napi::Result<PromiseRaw<'_, Outcome<()>>> {
    promise(env, None, async { panic!("on purpose") })
}
