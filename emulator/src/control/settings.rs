//! `POST /settings`: all given settings are checked before any is changed. Null means "as at the start".

use serde_json::Value;

use super::body::{Fields, Refusal};
use crate::http::Request;
use crate::settings::Settings;
use crate::world::World;

/// Settings that make another bucket or another limit: what was counted against the old one is forgotten.
const LIMITS: [&str; 7] =
    ["bucket", "burst", "leak_per_second", "drained", "front", "profile", "operating_limit"];

pub(super) fn change(world: &World, request: &Request) -> Result<Value, Refusal> {
    let changes = Fields::of(request)?.into_map();
    let fresh = Settings::new(&world.config);
    let shown = {
        let mut settings = world.settings.write();
        settings
            .change(&changes, &fresh)
            .map_err(|(name, reason)| Refusal::field(&name, reason))?;
        settings.to_json()
    };
    if LIMITS.iter().any(|limit| changes.contains_key(*limit)) {
        world.forget_limits();
    }
    Ok(shown)
}
