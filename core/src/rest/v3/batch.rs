//! A batch of REST 3.0: calls in one request, in order; later ones may use what earlier ones brought.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use super::Client;
use crate::{
    Error, Kind, Result, Retry,
    rest::{CallOptions, attempt::Request, params},
};

/// Calls in one request. The vendor names no limit; this is REST 2's.
const MOST_CALLS: usize = 50;

/// Calls to be made together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    calls: Vec<Value>,
    names: Vec<String>,
}

/// A value that an earlier call of the batch brought, to be used anywhere in a later call's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    key: &'static str,
    path: String,
}

impl Reference {
    /// A field of the call's `item`, or an item of its `items` by its number.
    #[must_use]
    pub fn at(&self, key: impl fmt::Display) -> Self {
        Self { key: "$ref", path: format!("{}.{key}", self.path) }
    }

    /// One field of every item, as a list.
    #[must_use]
    pub fn each(&self, field: impl fmt::Display) -> Self {
        Self { key: "$refArray", path: format!("{}.{field}", self.path) }
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.key, &self.path)?;
        map.end()
    }
}

impl From<Reference> for Value {
    fn from(reference: Reference) -> Self {
        json!({reference.key: reference.path})
    }
}

impl Batch {
    /// Without calls yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call under a name (`as`) that later calls refer to it by.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `name`, `method` or `query`.
    pub fn add(&mut self, name: &str, method: &str, query: impl Into<Value>) -> Result<Reference> {
        params::check_method(method)?;
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || name.len() > 60
            || !name.chars().all(ok)
        {
            return Err(Error::invalid_input("name", "this cannot be the name of a call")
                .with("name", name.chars().take(60).collect::<String>())
                .advise("Use letters, digits and underscores, a letter first."));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(
                Error::invalid_input("name", "two calls have the same name").with("name", name)
            );
        }
        if method == "batch" {
            return Err(Error::invalid_input("method", "a batch cannot hold another batch"));
        }
        let query = match params::shallow(query.into())? {
            Value::Null => Value::Object(Map::new()),
            query @ Value::Object(_) => query,
            _ => return Err(Error::invalid_input("query", "the query of a call is an object")),
        };
        self.calls.push(json!({"method": method, "query": query, "as": name}));
        self.names.push(name.to_owned());
        Ok(Reference { key: "$ref", path: name.to_owned() })
    }
}

impl Client {
    /// Makes the calls in order, in one request; their results in the same order.
    ///
    /// # Errors
    /// The first call that fails ends the batch, and its error is the portal's whole answer: it does not
    /// say which call it was, and the calls before it have been executed. It is never sent again by
    /// itself then. [`Kind::InvalidInput`] for more than fifty calls.
    pub async fn batch(&self, batch: Batch) -> Result<Vec<Value>> {
        let count = batch.calls.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MOST_CALLS {
            return Err(Error::invalid_input(
                "calls",
                format!("a batch takes {MOST_CALLS} calls at most"),
            )
            .with("calls", count.to_string()));
        }
        let request = Request::v3("batch", Value::Array(batch.calls));
        let answer = self.0.perform(request, CallOptions::default()).await.map_err(in_part)?;
        match answer.result {
            Value::Array(results) if results.len() == count => Ok(results),
            _ => Err(Error::new(
                Kind::UnexpectedAnswer,
                "the answer to the batch has not one result for each call",
            )
            .with("method", "batch")),
        }
    }
}

/// An error may be of any of the calls; those before it were executed.
fn in_part(error: Error) -> Error {
    let from_a_call = error.code().is_some_and(|code| !code.is_empty())
        && !matches!(error.status(), Some(401 | 404))
        && error.kind() != Kind::RateLimited;
    if !from_a_call {
        return error;
    }
    error
        .with_retry(Retry::IfIdempotent)
        .advise("Calls before the one that failed have been executed: look before you repeat them.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_references_have_the_vendors_shape() {
        let mut batch = Batch::new();
        let many = batch.add("many", "tasks.task.list", json!({"select": ["id"]})).unwrap();
        batch
            .add(
                "one",
                "tasks.task.get",
                json!({"id": many.at(0).at("id"), "all": [many.each("id")]}),
            )
            .unwrap();
        assert_eq!(
            json!(batch.calls),
            json!([
                {"method": "tasks.task.list", "query": {"select": ["id"]}, "as": "many"},
                {"method": "tasks.task.get", "as": "one",
                 "query": {"id": {"$ref": "many.0.id"}, "all": [{"$refArray": "many.id"}]}},
            ])
        );
        for (name, method) in [
            ("many", "x.y"),
            ("", "x.y"),
            ("1", "x.y"),
            ("a.b", "x.y"),
            ("b", "batch"),
            ("b", "../x"),
        ] {
            assert!(batch.add(name, method, Value::Null).is_err(), "{name} {method}");
        }
    }
}
