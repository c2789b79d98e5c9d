//! JSON crosses the border as bytes; Python's own `json` reads and writes it on the other side.

use evergrant::{Error, Kind, Result};
use serde::Serialize;
use serde_json::Value;

/// Reads parameters. Their order is kept.
pub(crate) fn read(params: &[u8]) -> Result<Value> {
    serde_json::from_slice(params).map_err(|error| {
        Error::invalid_input("params", "the parameters are not valid JSON").with_source(error)
    })
}

/// Writes a result.
pub(crate) fn write(result: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(result).map_err(|error| {
        Error::new(Kind::Internal, "a result could not be written as JSON").with_source(error)
    })
}
