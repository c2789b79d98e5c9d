//! Clock, consent, revocation, seed, reset.

use serde_json::{Value, json};

use super::Outcome;
use super::body::{Fields, Refusal};
use super::route::Ask;
use crate::clock as time;
use crate::portal::grant_code;
use crate::tokens::Selection;
use crate::users;

pub(super) fn reset(ask: &Ask<'_>) -> Outcome {
    Fields::of(ask.request)?.finish()?;
    ask.network.reset();
    Ok(Value::Object(serde_json::Map::new()))
}

pub(super) fn clock(ask: &Ask<'_>) -> Outcome {
    Ok(json!({"now": ask.world.clock.now(), "offset": ask.world.clock.offset()}))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "float to int saturates; the clock refuses what is out of range"
)]
pub(super) fn turn_clock(ask: &Ask<'_>) -> Outcome {
    let mut fields = Fields::of(ask.request)?;
    let advance = fields.number("advance")?;
    let set = fields.number("set")?;
    fields.finish()?;
    let (field, target) = match (advance, set) {
        (Some(seconds), None) => {
            ("advance", ask.world.clock.micros().saturating_add((seconds * 1e6) as i64))
        }
        (None, Some(seconds)) => ("set", (seconds * 1e6) as i64),
        (None, None) => {
            return Err(Refusal::field("advance", "advance or set must be given, in seconds"));
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::field("set", "advance and set cannot be given together"));
        }
    };
    if !ask.world.clock.set_micros(target) {
        return Err(Refusal::field(field, format!("the clock {}", time::RULE)));
    }
    clock(ask)
}

pub(super) fn consent(ask: &Ask<'_>) -> Outcome {
    let world = ask.world;
    let mut fields = Fields::of(ask.request)?;
    let user_id = fields.integer("user_id", users::RANGE)?.unwrap_or(1);
    let state = fields.text("state")?;
    let client_id = fields.text("client_id")?;
    fields.finish()?;
    let application = match &client_id {
        Some(client_id) => world.application(client_id),
        None => world.default_application(),
    };
    let application = application
        .ok_or_else(|| Refusal::field("client_id", "no such application is installed"))?;
    let (code, redirect_url) = grant_code(world, &application, user_id, state.as_deref());
    Ok(json!({"redirect_url": redirect_url, "code": code, "state": state}))
}

pub(super) fn revoke(ask: &Ask<'_>) -> Outcome {
    let mut fields = Fields::of(ask.request)?;
    let user_id = fields.integer("user_id", users::RANGE)?;
    let member_id = fields.text("member_id")?;
    let client_id = fields.text("client_id")?;
    fields.finish()?;
    let selection =
        Selection { user_id, member_id: member_id.as_deref(), client_id: client_id.as_deref() };
    let revoked = ask.world.tokens.write().revoke(&selection);
    Ok(json!({"revoked": revoked}))
}

/// Identities stay: only rows follow from the new seed. A reset brings the first one back.
pub(super) fn seed(ask: &Ask<'_>) -> Outcome {
    let mut fields = Fields::of(ask.request)?;
    let seed = fields.integer("seed", 0..=u64::MAX)?;
    fields.finish()?;
    let seed = seed.ok_or_else(|| Refusal::field("seed", "must be given"))?;
    ask.world.tables.reseed(seed);
    Ok(json!({"seed": seed}))
}
