//! Helpers of the tests that cross crates: the emulator as a process of its own, and patterns.

mod emulator;
pub mod limits;
mod pattern;
pub mod processes;
pub mod proxy;
pub mod stage;
pub mod store;
pub mod trace;

pub use emulator::{Emulator, program};
pub use pattern::mismatch;
