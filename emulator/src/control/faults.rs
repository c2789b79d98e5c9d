//! `POST /faults`: what a test arms.

use std::time::Duration;

use serde_json::json;

use super::Outcome;
use super::body::{Fields, Refusal};
use crate::faults::{Chance, Fault, KINDS, Kind, MOMENTS, PLACES, When};
use crate::http::Request;
use crate::world::World;

/// Largest number of strikes of one fault.
const STRIKES: u64 = 1_000_000_000;
/// Most faults that are armed at once.
const ARMED: usize = 1000;
/// Longest delay: a day.
const DELAY_MS: u64 = 86_400_000;
/// How late something is when nobody says it.
const USUAL_DELAY_MS: u64 = 200;
/// How wrong a `Date` is when nobody says it.
const USUAL_SKEW: i64 = -3600;
/// Most seconds that a `Date` may be wrong by: ten years.
const SKEW: f64 = 315_360_000.0;

pub(super) fn arm(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let fault = read(&mut fields)?;
    fields.finish()?;
    if world.faults.len() >= ARMED {
        return Err(Refusal::field("at", "1000 faults are armed already"));
    }
    world.faults.arm(fault);
    Ok(json!({"armed": world.faults.to_json()}))
}

fn read(fields: &mut Fields) -> Result<Fault, Refusal> {
    let missing = |name: &'static str| move || Refusal::field(name, "must be given");
    let at = fields.word("at", &PLACES)?.ok_or_else(missing("at"))?;
    let kind = fields.word("kind", &KINDS)?.ok_or_else(missing("kind"))?;
    if !kind.fits(at) {
        let fitting: Vec<&str> =
            KINDS.iter().filter(|(_, kind)| kind.fits(at)).map(|(word, _)| *word).collect();
        let text = format!("cannot happen there; what can: {}", fitting.join(", "));
        return Err(Refusal::field("kind", text));
    }
    let chance = chance(fields)?;
    let times = match fields.integer("times", 1..=STRIKES)? {
        Some(times) => times,
        None => {
            if chance.is_some() {
                STRIKES
            } else {
                1
            }
        }
    };
    Ok(Fault {
        at,
        method: fields.text("method")?,
        command: command(fields)?,
        kind,
        when: fields.word("when", &MOMENTS)?.unwrap_or(When::Before),
        status: fields.integer("status", 200..=599)?.and_then(|status| u16::try_from(status).ok()),
        body: fields.take("body").filter(|body| !body.is_null()),
        times,
        skip: fields.integer("skip", 0..=STRIKES)?.unwrap_or(0),
        chance,
        delay: delay(fields, kind)?,
        virtual_delay: fields
            .word("clock", &[("real", false), ("virtual", true)])?
            .unwrap_or(false),
        skew: skew(fields, kind)?,
    })
}

/// A key of a batch: text, or a number as lists have them.
fn command(fields: &mut Fields) -> Result<Option<String>, Refusal> {
    match fields.take("command") {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => {
            Err(Refusal::field("command", "must be the key of a command: a string or a number"))
        }
    }
}

fn chance(fields: &mut Fields) -> Result<Option<Chance>, Refusal> {
    let seed = fields.integer("seed", 0..=u64::MAX)?;
    let Some(probability) = fields.number("probability")? else {
        return match seed {
            Some(_) => Err(Refusal::field("seed", "has no use without a probability")),
            None => Ok(None),
        };
    };
    if !(0.0..=1.0).contains(&probability) {
        return Err(Refusal::field("probability", "must be between 0 and 1"));
    }
    Ok(Some(Chance { probability, seed: seed.unwrap_or(24), draws: 0 }))
}

fn delay(fields: &mut Fields, kind: Kind) -> Result<Duration, Refusal> {
    let usual =
        if matches!(kind, Kind::Delay | Kind::Late | Kind::Slow) { USUAL_DELAY_MS } else { 0 };
    Ok(Duration::from_millis(fields.integer("delay_ms", 0..=DELAY_MS)?.unwrap_or(usual)))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn skew(fields: &mut Fields, kind: Kind) -> Result<i64, Refusal> {
    match fields.number("skew")? {
        None => Ok(if kind == Kind::Skew { USUAL_SKEW } else { 0 }),
        Some(seconds) if seconds.abs() <= SKEW => Ok(seconds as i64),
        Some(_) => Err(Refusal::field("skew", "must be seconds, ten years at most")),
    }
}
