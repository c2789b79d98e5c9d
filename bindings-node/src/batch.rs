//! Commands of a batch, as the public layer writes them.

use evergrant::{Batch, Result, v3};
use serde_json::Value;

/// A method, its parameters, and the name that others refer to it by.
type Entry = (String, Value, Option<String>);

pub(crate) fn read(entries: Vec<Entry>) -> Result<Batch> {
    let mut batch = Batch::new();
    for (index, (method, params, name)) in entries.into_iter().enumerate() {
        let added = match name {
            Some(name) => batch.add(&name, &method, params).map(drop),
            None => batch.push(&method, params),
        };
        added.map_err(|error| error.with("command", index.to_string()))?;
    }
    Ok(batch)
}

/// As [`read`]; there every call has a name, its caller's or one of ours.
pub(crate) fn read_v3(entries: Vec<Entry>) -> Result<v3::Batch> {
    let mut batch = v3::Batch::new();
    for (index, (method, query, name)) in entries.into_iter().enumerate() {
        let name = name.unwrap_or_else(|| format!("unnamed{index}"));
        batch
            .add(&name, &method, query)
            .map_err(|error| error.with("command", index.to_string()))?;
    }
    Ok(batch)
}
