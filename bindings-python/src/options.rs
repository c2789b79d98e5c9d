//! How a call or a list is made, as Python says it.

use evergrant::{CallOptions, Client, Error, ListOptions, Result};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{json, settings::duration};

/// How fast a portal may be called.
pub(crate) struct Pace<'a> {
    pub(crate) rate_limit: Option<&'a str>,
    pub(crate) reserve: Option<f64>,
}

impl Pace<'_> {
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

/// The keyword arguments of a call.
#[derive(FromPyObject)]
pub(crate) struct CallSettings(bool, Option<String>, Option<f64>, Option<String>);

impl CallSettings {
    pub(crate) fn read(self) -> Result<CallOptions> {
        let Self(idempotent, word, timeout, key) = self;
        let mut options = CallOptions::new().idempotent(idempotent);
        if let Some(word) = word {
            options = options.priority(word.parse()?);
        }
        if let Some(seconds) = timeout {
            let timeout = duration("timeout", seconds)?;
            if timeout.is_zero() {
                return Err(Error::invalid_input("timeout", "the time is not above 0"));
            }
            options = options.deadline(timeout);
        }
        if let Some(key) = key {
            options = options.idempotency_key(key);
        }
        Ok(options)
    }
}

/// The keyword arguments of a list: limit, order as JSON, strategy, total, after.
#[derive(FromPyObject)]
pub(crate) struct ListSettings(Option<u64>, Option<Vec<u8>>, Option<String>, bool, Option<String>);

impl ListSettings {
    pub(crate) fn read(self) -> Result<ListOptions> {
        let Self(limit, order, strategy, total, after) = self;
        let mut options = ListOptions::new().total(total);
        if let Some(rows) = limit {
            options = options.limit(rows);
        }
        if let Some(order) = order {
            let Value::Object(order) = json::read(&order)? else {
                return Err(Error::invalid_input("order", "the order maps fields to ASC or DESC"));
            };
            options = options.order(order);
        }
        if let Some(word) = strategy {
            options = options.strategy(word.parse()?);
        }
        if let Some(cursor) = after {
            options = options.after(cursor);
        }
        Ok(options)
    }
}
