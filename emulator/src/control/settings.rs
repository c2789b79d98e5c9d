//! `POST /settings`: all given settings are checked before any is changed. Null means "as at the start".

use hyper::header::HeaderValue;
use serde_json::Value;

use super::body::{Fields, Refusal};
use crate::http::Request;
use crate::settings::{ANSWER_KEYS, OldAccess, Settings};
use crate::users;
use crate::world::World;

/// Longest text of a setting.
const TEXT: usize = 500;

pub(super) fn change(world: &World, request: &Request) -> Result<Value, Refusal> {
    let mut fields = Fields::of(request)?;
    let fresh = Settings::new(&world.config);
    let mut settings = world.settings.read().clone();

    if let Some(value) = fields.take("auto_consent") {
        settings.auto_consent = match value {
            Value::Null => None,
            other => Some(user_of(&other)?),
        };
    }
    if let Some(old) =
        fields.word("old_access", &[("dies", OldAccess::Dies), ("lives", OldAccess::Lives)])?
    {
        settings.old_access = old;
    }
    if let Some(value) = fields.take("omit") {
        settings.omit = omitted(&value)?;
    }
    if let Some(value) = fields.take("status") {
        settings.status = text_of("status", value)?.unwrap_or(fresh.status);
    }
    if let Some(burst) = fields.integer("burst", 0..=u64::from(u32::MAX))? {
        settings.burst = u32::try_from(burst).unwrap_or(u32::MAX);
    }
    if let Some(leak) = fields.number("leak_per_second")? {
        if leak < 0.0 {
            return Err(Refusal::field("leak_per_second", "must be zero or more"));
        }
        settings.leak_per_second = leak;
    }
    if let Some(value) = fields.take("server_domain") {
        settings.server_domain = text_of("server_domain", value)?;
    }
    if let Some(value) = fields.take("client_endpoint") {
        settings.client_endpoint = text_of("client_endpoint", value)?;
    }
    fields.finish()?;

    let shown = settings.to_json();
    *world.settings.write() = settings;
    Ok(shown)
}

fn user_of(value: &Value) -> Result<u64, Refusal> {
    let user = value.as_u64().filter(|&user| users::is_valid(user));
    user.ok_or_else(|| Refusal::field("auto_consent", format!("{}, or null", users::RULE)))
}

fn omitted(value: &Value) -> Result<Vec<&'static str>, Refusal> {
    let refuse =
        || Refusal::field("omit", format!("must be a list of: {}", ANSWER_KEYS.join(", ")));
    let known = |item: &Value| {
        ANSWER_KEYS.into_iter().find(|key| item.as_str() == Some(key)).ok_or_else(refuse)
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(known).collect(),
        _ => Err(refuse()),
    }
}

fn text_of(name: &str, value: Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        // It ends up in a redirect, so it must fit a header.
        Value::String(text) if text.len() <= TEXT && HeaderValue::from_str(&text).is_ok() => {
            Ok(Some(text))
        }
        _ => Err(Refusal::field(
            name,
            format!("must be a string of at most {TEXT} characters without line breaks, or null"),
        )),
    }
}
