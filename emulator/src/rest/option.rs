//! `app.option.*`: what an application keeps at the portal.

use serde_json::{Map, Value};

use super::{Call, Page, RestError};
use crate::json;
use crate::params::scalar;

fn application_required(call: &Call<'_>) -> RestError {
    if call.is_box() {
        RestError::application_required()
    } else {
        RestError::new(400, "AccessException", "Application context required")
    }
}

/// All options, one of them, or null.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if !call.caller.application {
        return Err(application_required(call));
    }
    let kept = call.world.rest.options.get().get(&call.principal()).cloned().unwrap_or_default();
    let result = match call.params.get("option").and_then(scalar).filter(|name| !name.is_empty()) {
        None => Value::Object(kept),
        Some(name) => kept.get(&name).cloned().unwrap_or(Value::Null),
    };
    json::value(out, &result);
    Ok(Page::default())
}

/// Most options of one application.
const OPTIONS: usize = 1000;

/// Puts options over those that are kept. Administrators only.
pub(super) fn set(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if !call.caller.application {
        return Err(application_required(call));
    }
    if !call.is_admin() {
        return Err(RestError::new(400, "AccessException", "Administrator authorization required"));
    }
    // Named in a map, or as plain parameters.
    let given: Map<String, Value> = match call.params.get("options") {
        Some(Value::Object(options)) => options.clone(),
        Some(_) => Map::new(),
        None => call
            .params
            .iter()
            .filter(|(name, _)| {
                !matches!(name.as_str(), "auth" | "access_token" | "aplogin" | "ap")
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    if given.is_empty() {
        return Err(RestError::new(400, "ArgumentNullException", "options is empty"));
    }
    let mut options = call.world.rest.options.get();
    let kept = options.entry(call.principal()).or_default();
    kept.extend(given);
    kept.retain(|_, value| !value.is_null());
    while kept.len() > OPTIONS {
        let Some(oldest) = kept.keys().next().cloned() else { break };
        kept.shift_remove(&oldest);
    }
    json::value(out, &Value::Bool(true));
    Ok(Page::default())
}
