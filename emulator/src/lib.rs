//! A Bitrix24 authorization server and portal on loopback.
//!
//! Three listeners in one process: the *authorization server* (token endpoint), the *portal* (consent page,
//! REST methods, limits) and the *control* port, where a test turns the clock, arms faults and reads the truth.
//! It shares no code with the client it helps to test, so that both cannot be wrong together.
//!
//! # Control port
//!
//! JSON over HTTP. A refusal is `400 {"error", "field", "error_description"}` and changes nothing.
//!
//! | Request | Meaning |
//! |---|---|
//! | `GET /` | the [`Ready`] line |
//! | `POST /reset` | like a fresh start, on the same ports |
//! | `GET /clock`, `POST /clock {"advance": s}` or `{"set": unix}` | virtual time: real time plus an offset |
//! | `POST /consent {"user_id", "state", "client_id"}` | a code without a browser |
//! | `GET /settings`, `POST /settings {…}` | `auto_consent`, `old_access`, `omit`, `status`, `burst`, `leak_per_second`, `server_domain`, `client_endpoint`; null is "as at the start" |
//! | `POST /revoke {"user_id", "member_id", "client_id"}` | kills the chains that match |
//! | `POST /faults {"at", "method", "kind", "when", "status", "body", "times", "skip"}`, `GET`, `DELETE` | the next matching requests fail |
//! | `GET /counters` | what happened, in numbers |
//! | `GET /tokens` | every token ever issued and its true state |
//! | `GET /log?after=n`, `DELETE /log` | the last 10,000 requests, without secrets |
//!
//! A fault at `rest` matches a REST method, at `token` a grant type; a `json` fault also matches one command inside a
//! batch. With `"when": "after"` the server has done the work and only its answer is lost.
//!
//! # Example
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
