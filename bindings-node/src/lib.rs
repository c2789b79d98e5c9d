//! The native half of the Node package: converts, delegates to the core, and nothing else.
//!
//! It is private. The public package, `lib/`, stands on it and turns every [`outcome::Failure`] into
//! an error class. What has no fixed shape (parameters, results) crosses as JSON text, once.
#![cfg_attr(test, allow(dead_code, reason = "a test build exports nothing to Node"))]
#![expect(clippy::needless_pass_by_value, reason = "Node's strings arrive by value")]

mod application;
mod batch;
mod changes;
mod client;
mod clock;
#[cfg(debug_assertions)]
mod defect;
mod file;
mod json;
mod list;
mod log;
mod options;
mod outcome;
mod runtime;
mod settings;
mod v3;
mod values;

use napi_derive::napi;

/// The stable words of all kinds of error, so that a test can see that each has its class.
#[napi(catch_unwind)]
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    evergrant::Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}
