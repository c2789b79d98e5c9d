//! A Bitrix24 authorization server and portal on loopback.
//!
//! Three listeners in one process: the *authorization server* (token endpoint), the *portal* (consent page,
//! REST methods, limits) and the *control* port, where a test turns the clock, arms faults and reads the truth.
//! It shares no code with the client it helps to test, so that both cannot be wrong together.
//!
//! ```no_run
//! # async fn run() -> Result<(), evergrant_emulator::StartError> {
//! use evergrant_emulator::{Config, Emulator};
//!
//! let emulator = Emulator::start(Config { leads: 500, ..Config::default() }).await?;
//! let portal = emulator.ready().portal.clone(); // http://127.0.0.1:<port>
//! emulator.stop().await;
//! # drop(portal); Ok(()) }
//! ```

mod authorization;
mod clock;
mod config;
mod control;
mod counters;
mod emulator;
mod faults;
mod http;
mod json;
mod log;
mod params;
mod portal;
mod ready;
mod redact;
mod rest;
mod rows;
mod settings;
mod sync;
mod tokens;
mod users;
mod world;

pub use config::{Config, DataFile, Entity};
pub use emulator::{Emulator, StartError};
pub use ready::Ready;
