//! JSON text from the public layer.

use evergrant::{Error, Result};
use serde::de::DeserializeOwned;

/// Reads parameters. The public layer writes them, so only depth and broken text can be wrong.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| {
        Error::invalid_input(
            "params",
            "parameters are nested too deeply, or hold text that is not Unicode",
        )
    })
}
