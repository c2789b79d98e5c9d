//! A Bitrix24 authorization server and portal on loopback.
//!
//! Listeners in one process: the *authorization server* (token endpoint; a second one for another region), one or
//! more *portals* (consent page, REST methods, limits) and the *control* port, where a test turns the clock, arms
//! faults and reads the truth. With [`Config::tls`] all of them take https beside http, on the same ports.
//! It shares no code with the client it helps to test, so that both cannot be wrong together.
//!
//! # Control port
//!
//! JSON over HTTP. A refusal is `400 {"error", "field", "error_description"}` and changes nothing. What is about a
//! portal is about the first one; under `/portals/<member_id>/…` the same request is about another.
//!
//! | Request | Meaning |
//! |---|---|
//! | `GET /` | the [`Ready`] line |
//! | `POST /reset` | like a fresh start, on the same ports |
//! | `GET /clock`, `POST /clock {"advance": s}` or `{"set": unix}` | virtual time: real time plus an offset |
//! | `POST /consent {"user_id", "state", "client_id"}` | a code without a browser |
//! | `GET /settings`, `POST /settings {…}` | the portal's settings: all are shown with their names; null is "as at the start" |
//! | `POST /revoke {"user_id", "member_id", "client_id"}` | kills the chains that match |
//! | `POST /faults {"at", "kind", "method", "command", "when", "status", "body", "times", "skip", "probability", "seed", "delay_ms", "clock", "skew"}`, `GET`, `DELETE` | the next matching requests fail, all or by chance |
//! | `GET /counters` | what happened, in numbers |
//! | `GET /tokens`, `GET /chains` | every token ever issued and its true state |
//! | `GET /log?after=n`, `DELETE /log` | the last 10,000 requests, without secrets |
//! | `POST /events/install`, `finish`, `update`, `uninstall`, `payment`, `fire`, `webhook`; `GET /events` | what the portal tells by itself |
//! | `POST /frame {"handler", "user_id", …}` | an application's page is opened |
//! | `GET /deliveries?after=n`, `DELETE` | calls to handlers and what became of them |
//! | `POST /seed {"seed"}`, `POST /snapshot`, `POST /restore {"id"}` | other rows; the whole state kept and brought back |
//! | `GET /page`, `GET /openapi.json` | the log for people; all routes with all their fields |
//!
//! A fault at `rest` matches a REST method, at `token` a grant type, at `event` an event; one that is an error object
//! also matches one command inside a batch. With `"when": "after"` the server has done the work and only its answer is
//! lost. Handlers of events are called on loopback alone.
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

mod applications;
mod authorization;
mod clock;
mod config;
mod control;
mod counters;
mod emulator;
mod events;
mod faults;
mod http;
mod json;
mod log;
mod network;
mod offline;
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

pub use applications::Application;
pub use config::{Config, DataFile, Entity, PortalConfig};
pub use emulator::{Emulator, StartError};
pub use ready::{Ready, ReadyApplication, ReadyPortal, ReadyTls};
pub use settings::Profile;
pub use users::{UserConfig, UserKind};
