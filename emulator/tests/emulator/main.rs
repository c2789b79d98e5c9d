//! The emulator as its users meet it: over HTTP, in-process, on free ports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod authorization;
mod bad_input;
mod batch;
mod consent;
mod control;
mod crm;
mod faults;
mod import;
mod limits;
mod rest;
mod start;
mod support;
