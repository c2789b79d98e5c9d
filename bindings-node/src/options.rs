//! How a call or a list is made, as the public layer says it.

use std::time::Duration;

use evergrant::{CallOptions, Client, Error, ListOptions, Result};
use napi_derive::napi;
use serde_json::Value;

use crate::json::json;

/// How fast a portal may be called.
#[napi(object, object_to_js = false)]
pub struct Pace {
    /// Words that the core reads.
    pub rate_limit: Option<String>,
    /// The part that is left to others.
    pub reserve: Option<f64>,
}

impl Pace {
    pub(crate) fn apply(self, mut client: Client) -> Result<Client> {
        if let Some(words) = self.rate_limit {
            client = client.rate_limit(words.parse()?);
        }
        if let Some(part) = self.reserve {
            client = client.reserve(part)?;
        }
        Ok(client)
    }
}

/// Options of a call.
#[napi(object, object_to_js = false)]
pub struct CallSettings {
    /// Whether doing it twice is harmless.
    pub idempotent: Option<bool>,
    /// A word for its urgency.
    pub priority: Option<String>,
    /// Milliseconds.
    pub timeout: Option<f64>,
    /// Of REST 3.0 only.
    pub idempotency_key: Option<String>,
}

impl TryFrom<CallSettings> for CallOptions {
    type Error = Error;

    fn try_from(settings: CallSettings) -> Result<Self> {
        let mut options = Self::new().idempotent(settings.idempotent.unwrap_or_default());
        if let Some(word) = settings.priority {
            options = options.priority(word.parse()?);
        }
        if let Some(millis) = settings.timeout {
            let timeout = Duration::try_from_secs_f64(millis / 1000.0).ok();
            let timeout = timeout.filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
                Error::invalid_input("timeoutMs", "the time is not above 0, or too long")
            })?;
            options = options.deadline(timeout);
        }
        if let Some(key) = settings.idempotency_key {
            options = options.idempotency_key(key);
        }
        Ok(options)
    }
}

/// Options of a list.
#[napi(object, object_to_js = false)]
pub struct ListSettings {
    /// No more rows than these.
    pub limit: Option<i64>,
    /// Fields with their directions, as JSON text.
    pub order: Option<String>,
    /// How the pages are cut.
    pub strategy: Option<String>,
    /// Whether the rows are counted first.
    pub total: Option<bool>,
    /// A cursor to go on behind.
    pub after: Option<String>,
}

impl TryFrom<ListSettings> for ListOptions {
    type Error = Error;

    fn try_from(settings: ListSettings) -> Result<Self> {
        let mut options = Self::new().total(settings.total.unwrap_or_default());
        if let Some(rows) = settings.limit {
            options = options.limit(u64::try_from(rows).unwrap_or_default());
        }
        if let Some(order) = settings.order {
            let Value::Object(order) = json(&order)? else {
                return Err(Error::invalid_input("order", "the order maps fields to ASC or DESC"));
            };
            options = options.order(order);
        }
        if let Some(word) = settings.strategy {
            options = options.strategy(word.parse()?);
        }
        if let Some(cursor) = settings.after {
            options = options.after(cursor);
        }
        Ok(options)
    }
}
