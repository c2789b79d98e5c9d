//! REST 3.0: methods at `/rest/api/`, with lists, aggregates and batches of their own.
//!
//! Vendor documentation: "REST 3.0". A method's name may exist in both generations, with other
//! parameters; [`Client::v3`](crate::Client::v3) chooses this one.

mod batch;
mod list;

use serde_json::Value;

pub use batch::{Batch, Reference};
pub use list::{List, Paging};

use super::{Answer, CallOptions, attempt::Request, params};
use crate::{Error, Result};

/// Calls methods of REST 3.0. Shares token, limiter and connections with the client it came from.
#[derive(Clone)]
pub struct Client(crate::Client);

impl crate::Client {
    /// The same client for methods of REST 3.0.
    #[must_use]
    pub fn v3(&self) -> Client {
        Client(self.clone())
    }
}

impl Client {
    /// Calls one method; `params` is an object or null.
    ///
    /// # Errors
    /// As [`crate::Client::call`]. An error of the portal has the vendor's code, and names the fields
    /// that are wrong as `invalid`.
    pub async fn call(&self, method: &str, params: impl Into<Value>) -> Result<Answer> {
        self.call_with(method, params, CallOptions::default()).await
    }

    /// As [`Client::call`], in the way that `options` says; with an idempotency key, if it has one.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_with(
        &self,
        method: &str,
        params: impl Into<Value>,
        options: CallOptions,
    ) -> Result<Answer> {
        params::check_method(method)?;
        let params =
            params::shallow(params.into()).map_err(|error| error.with("method", method))?;
        let params = match params {
            Value::Null => Value::Object(serde_json::Map::new()),
            params @ Value::Object(_) => params,
            _ => {
                return Err(Error::invalid_input("params", "parameters of REST 3.0 are an object")
                    .with("method", method));
            }
        };
        self.0.perform(Request::v3(method, params), options).await
    }

    /// Counts, sums and extremes of a method such as `main.eventlog.aggregate`: `select` maps
    /// functions (`count`, `countDistinct`, `sum`, `avg`, `min`, `max`) to lists of fields, `filter` is
    /// as in lists. The result has the same shape as `select`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn aggregate(
        &self,
        method: &str,
        select: impl Into<Value>,
        filter: impl Into<Value>,
    ) -> Result<Value> {
        let mut params = serde_json::Map::new();
        params.insert("select".to_owned(), params::shallow(select.into())?);
        let filter = params::shallow(filter.into())?;
        if !filter.is_null() {
            params.insert("filter".to_owned(), filter);
        }
        let options = CallOptions::new().idempotent(true);
        Ok(self.call_with(method, Value::Object(params), options).await?.result)
    }

    /// All items of a list method, in the way that the method is known to page.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Kind::InvalidInput) for bad parameters; nothing is sent yet.
    pub fn list(&self, method: &str, params: impl Into<Value>) -> Result<List> {
        self.list_by(method, params, Paging::of(method))
    }

    /// All items of a method with a cursor field, such as `main.eventlog.tail`. `params` may hold a
    /// `cursor` to begin at: `{field, order, value, limit}`, the id upwards from 0 unless said.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn tail(&self, method: &str, params: impl Into<Value>) -> Result<List> {
        self.list_by(method, params, Paging::Tail)
    }

    /// As [`Client::list`], for a method that pages as `paging` says.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn list_by(&self, method: &str, params: impl Into<Value>, paging: Paging) -> Result<List> {
        params::check_method(method)?;
        let params = params::named(params.into()).map_err(|error| error.with("method", method))?;
        List::new(self.clone(), method, params, paging)
    }
}
