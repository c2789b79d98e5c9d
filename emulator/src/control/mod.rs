//! The control port: clock, consent, settings, faults and the truth. For tests in every language.

mod body;
mod settings;

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use crate::clock;
use crate::faults::{Fault, Kind, Place, When};
use crate::http::{Answer, Request, Service};
use crate::params::{Params, parse_query};
use crate::portal::grant_code;
use crate::tokens::Selection;
use crate::users;
use crate::world::World;
use body::{Fields, Refusal};

/// Longest body.
const BODY_LIMIT: usize = 1 << 20;
/// Largest number of strikes of one fault.
const STRIKES: u64 = 1_000_000_000;

/// The control listener.
pub(crate) struct Control {
    world: Arc<World>,
}

type Outcome = Result<Value, Refusal>;

impl Control {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    fn route(&self, request: &Request) -> Answer {
        let world = &*self.world;
        let path = request.path.trim_end_matches('/');
        let outcome = match (path, &request.method) {
            ("", &Method::GET) => Ok(json!(world.ready)),
            ("/reset", &Method::POST) => reset(world, request),
            ("/clock", &Method::GET) => Ok(clock_json(world)),
            ("/clock", &Method::POST) => turn_clock(world, request),
            ("/consent", &Method::POST) => consent(world, request),
            ("/settings", &Method::GET) => Ok(world.settings.read().to_json()),
            ("/settings", &Method::POST) => settings::change(world, request),
            ("/revoke", &Method::POST) => revoke(world, request),
            ("/faults", &Method::GET) => Ok(world.faults.to_json()),
            ("/faults", &Method::POST) => arm(world, request),
            ("/faults", &Method::DELETE) => {
                world.faults.clear();
                Ok(json!({}))
            }
            ("/counters", &Method::GET) => Ok(world.counters.to_json()),
            ("/tokens", &Method::GET) => Ok(world.tokens.read().to_json(world.clock.now())),
            ("/log", &Method::GET) => log(world, request),
            ("/log", &Method::DELETE) => {
                world.log.clear();
                Ok(json!({}))
            }
            _ => return unknown(path),
        };
        match outcome {
            // Plain JSON, not the portal's dialect: empty maps are maps.
            Ok(value) => Answer::json(200, value.to_string()),
            Err(refusal) => refusal.answer(),
        }
    }
}

fn unknown(path: &str) -> Answer {
    let known = [
        ("", "GET"),
        ("/reset", "POST"),
        ("/clock", "GET, POST"),
        ("/consent", "POST"),
        ("/settings", "GET, POST"),
        ("/revoke", "POST"),
        ("/faults", "GET, POST, DELETE"),
        ("/counters", "GET"),
        ("/tokens", "GET"),
        ("/log", "GET, DELETE"),
    ];
    match known.iter().find(|(known, _)| *known == path) {
        Some((_, methods)) => {
            body::error(405, "method_not_allowed", &format!("Use {methods} here"))
                .with("allow", *methods)
        }
        None => {
            let paths: Vec<&str> =
                known.iter().map(|(path, _)| if path.is_empty() { "/" } else { path }).collect();
            body::error(404, "not_found", &format!("No such path; there are {}", paths.join(", ")))
        }
    }
}

fn reset(world: &World, request: &Request) -> Outcome {
    Fields::of(request)?.finish()?;
    world.reset();
    Ok(json!({}))
}

fn clock_json(world: &World) -> Value {
    json!({"now": world.clock.now(), "offset": world.clock.offset()})
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "float to int saturates; the clock refuses what is out of range"
)]
fn turn_clock(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let advance = fields.number("advance")?;
    let set = fields.number("set")?;
    fields.finish()?;
    let (field, target) = match (advance, set) {
        (Some(seconds), None) => {
            ("advance", world.clock.micros().saturating_add((seconds * 1e6) as i64))
        }
        (None, Some(seconds)) => ("set", (seconds * 1e6) as i64),
        (None, None) => {
            return Err(Refusal::field("advance", "advance or set must be given, in seconds"));
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::field("set", "advance and set cannot be given together"));
        }
    };
    if !world.clock.set_micros(target) {
        return Err(Refusal::field(field, format!("the clock {}", clock::RULE)));
    }
    Ok(clock_json(world))
}

fn consent(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let user_id = fields.integer("user_id", users::RANGE)?.unwrap_or(1);
    let state = fields.text("state")?;
    let client_id = fields.text("client_id")?;
    fields.finish()?;
    if client_id.is_some_and(|client_id| client_id != world.ready.client_id) {
        return Err(Refusal::field("client_id", "no such application is installed"));
    }
    let (code, redirect_url) = grant_code(world, user_id, state.as_deref());
    Ok(json!({"redirect_url": redirect_url, "code": code, "state": state}))
}

fn revoke(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let user_id = fields.integer("user_id", users::RANGE)?;
    let member_id = fields.text("member_id")?;
    let client_id = fields.text("client_id")?;
    fields.finish()?;
    let selection =
        Selection { user_id, member_id: member_id.as_deref(), client_id: client_id.as_deref() };
    let revoked = world.tokens.write().revoke(&selection);
    Ok(json!({"revoked": revoked}))
}

fn arm(world: &World, request: &Request) -> Outcome {
    let mut fields = Fields::of(request)?;
    let missing = |name: &'static str| move || Refusal::field(name, "must be given");
    let at = fields
        .word("at", &[("token", Place::Token), ("rest", Place::Rest)])?
        .ok_or_else(missing("at"))?;
    let kinds = [
        ("html", Kind::Html),
        ("json", Kind::Json),
        ("drop", Kind::Drop),
        ("truncate", Kind::Truncate),
        ("status", Kind::Status),
    ];
    let kind = fields.word("kind", &kinds)?.ok_or_else(missing("kind"))?;
    let when = fields
        .word("when", &[("before", When::Before), ("after", When::After)])?
        .unwrap_or(When::Before);
    let method = fields.text("method")?;
    let status = fields.integer("status", 200..=599)?.and_then(|status| u16::try_from(status).ok());
    let body = fields.take("body").filter(|body| !body.is_null());
    let times = fields.integer("times", 1..=STRIKES)?.unwrap_or(1);
    let skip = fields.integer("skip", 0..=STRIKES)?.unwrap_or(0);
    fields.finish()?;
    world.faults.arm(Fault { at, method, kind, when, status, body, times, skip });
    Ok(json!({"armed": world.faults.to_json()}))
}

fn log(world: &World, request: &Request) -> Outcome {
    let params = Params::from_map(parse_query(request.query.as_bytes()));
    let after = match params.text("after") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::field("after", "must be the number of a log entry"))?,
    };
    Ok(world.log.to_json(after, &world.redactor))
}

impl Service for Control {
    fn body_limit(&self, _: &str) -> usize {
        BODY_LIMIT
    }

    fn handle(&self, request: &Request) -> Answer {
        self.route(request).with("cache-control", "no-store")
    }

    fn too_large(&self, _: &Request) -> Answer {
        body::error(413, "invalid_request", &format!("The body is longer than {BODY_LIMIT} bytes"))
    }

    fn now(&self) -> i64 {
        self.world.clock.now()
    }
}
