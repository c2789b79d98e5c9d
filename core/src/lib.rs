//! Keeps Bitrix24 authorization alive.
//!
//! A Bitrix24 access token lives an hour; the refresh token beside it can be spent once. This crate
//! keeps such pairs: it rotates them when they are needed, makes every answer durable before anybody
//! uses it, and calls the portal's REST API with a token that lives.
//!
//! ```no_run
//! # async fn demo() -> evergrant::Result<()> {
//! use evergrant::Application;
//!
//! let app = Application::builder("local.abc", "secret").store("sqlite:grants.db").open().await?;
//! let link = app.authorize_url("example.bitrix24.com")?;
//! # let redirect_url = "";
//! // A person opens link.url and is sent back to your redirect address.
//! let grant = app.exchange(redirect_url, &link.state).await?;
//! let b24 = app.client(grant.id);
//! let lead = b24.call("crm.lead.get", serde_json::json!({"ID": 5})).await?;
//! println!("{}", lead.result["TITLE"]);
//! # Ok(())
//! # }
//! ```

mod application;
mod audit;
mod clock;
#[cfg(test)]
mod contract;
mod error;
mod keep_alive;
mod keeper;
pub mod log;
mod oauth;
mod portal;
pub mod process;
mod redact;
mod rest;
mod secret;
mod store;

pub use application::{Application, ApplicationBuilder, DEFAULT_MIN_TTL, Grant, LONGEST_EXCHANGE};
pub use audit::AuditEntry;
pub use clock::Clock;
pub use error::{Error, Kind, Result, Retry};
pub use keep_alive::KeepAlive;
pub use keeper::{Change, Changes, RetrySpent, Statistics, Token};
#[cfg(feature = "faults")]
pub use keeper::{Fingerprint, SealedCopy};
pub use oauth::{AuthorizeLink, Redirect};
pub use portal::Portal;
pub use redact::{Redacting, redact};
pub use rest::{
    Answer, Batch, CallCounters, CallOptions, Client, Command, List, ListOptions, Priority,
    RateLimit, Reference, Strategy, file, v3,
};
pub use secret::Secret;
pub use store::{GrantId, KeySource, Status};
