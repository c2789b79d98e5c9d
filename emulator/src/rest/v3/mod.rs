//! REST 3.0: `/rest/api/…`. JSON bodies only, exact names, errors of their own shape.

mod aggregate;
mod batch;
pub(super) mod collection;
mod dto;
pub(super) mod event_log;
pub(super) mod follow_up;
mod idempotency;
mod keyset;
mod openapi;
mod query;
pub(super) mod task;

use serde_json::{Map, Value};

pub(crate) use idempotency::Kept;
pub(super) use openapi::{openapi, scopes};

use super::methods::{self, METHODS};
use super::{Call, Caller, Page, RestError, dispatch};
use crate::http::{Answer, Request};
use crate::params::{Params, parse_query};
use crate::portal::{Stint, envelope};
use crate::world::World;

/// A request as far as it concerns REST 3.0.
struct Incoming<'a> {
    world: &'a World,
    method: usize,
    name: &'a str,
    body: Result<Value, RestError>,
    started: i64,
}

/// Answers a call. `check` finds out who the caller is.
pub(crate) fn answer(
    world: &World,
    request: &Request,
    name: &str,
    started: i64,
    check: impl FnOnce(&Params) -> Result<Caller, RestError>,
) -> Result<Answer, RestError> {
    let method = find(name)?;
    let body = body_of(request);
    let caller =
        check(&credentials(request, body.as_ref().ok())).map_err(|error| anonymous(&error))?;
    let incoming = Incoming { world, method, name, body, started };
    let scope = METHODS[method].scope;
    let probe = Call { world, caller: &caller, params: &Params::default(), method };
    if !probe.covers(scope) {
        return Err(insufficient_scope());
    }
    match idempotency::key_of(request, name)? {
        None => respond(&incoming, &caller),
        Some(key) => {
            let owner = format!("{}\n{}\n{name}\n{key}", probe.principal(), caller.user_id);
            idempotency::answer(world, &owner, &key, &request.body, || respond(&incoming, &caller))
        }
    }
}

/// How errors of this world look: a boxed portal spells codes with a plural.
pub(crate) fn spelled(error: RestError, boxed: bool) -> RestError {
    if boxed { error.plural() } else { error }
}

fn find(name: &str) -> Result<usize, RestError> {
    methods::find_v3(name).ok_or_else(|| {
        RestError::v3(404, "METHODNOTFOUND", &format!("Method \"{name}\" was not found."))
    })
}

/// Whatever is wrong with the credentials, the answer does not say.
fn anonymous(error: &RestError) -> RestError {
    let status = if error.code == "insufficient_scope" { 403 } else { 401 };
    RestError::v3(status, "ACCESSDENIED", "Access denied.")
}

/// What the common part of a call refuses, as it is said here. Only the cloud's front keeps its flat errors, for it
/// does not know what stands behind it.
fn shaped(error: RestError) -> RestError {
    match error.code.as_str() {
        "OPERATION_TIME_LIMIT" => RestError::v3(429, "RATELIMIT", "Too many requests."),
        "METHOD_CONFIRM_WAITING" | "METHOD_CONFIRM_DENIED" => {
            RestError::v3(error.status, "ACCESSDENIED", "Access denied.")
        }
        "WRONG_LICENSE" => RestError::v3(403, "LICENSE", "The license does not include this."),
        _ => error,
    }
}

fn insufficient_scope() -> RestError {
    let text = "The request requires higher privileges than provided by the access token";
    RestError::v3(403, "INSUFFICIENTSCOPE", text)
}

/// The JSON of a POST; null where there is none.
fn body_of(request: &Request) -> Result<Value, RestError> {
    if request.method != hyper::Method::POST || request.body.is_empty() {
        return Ok(Value::Null);
    }
    let parsed = if request.is_json() { serde_json::from_slice(&request.body).ok() } else { None };
    match parsed {
        Some(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        _ => Err(RestError::v3(400, "INVALIDJSON", "Invalid JSON.")),
    }
}

/// Credentials may stand in the query although parameters may not.
fn credentials(request: &Request, body: Option<&Value>) -> Params {
    let mut params = parse_query(request.query.as_bytes());
    if let Some(Value::Object(body)) = body {
        params.extend(body.clone());
    }
    Params::from_map(params)
}

fn respond(incoming: &Incoming<'_>, caller: &Caller) -> Result<Answer, RestError> {
    let body = incoming.body.clone()?;
    let world = incoming.world;
    let raw = openapi::is_raw(incoming.name);
    let mut out = Vec::with_capacity(2048);
    if !raw {
        out.extend_from_slice(b"{\"result\":");
    }
    let page = if incoming.name == "batch" {
        let stint = Stint::begin(world, caller, "batch", &Params::default()).map_err(shaped)?;
        world.counters.method(incoming.method);
        batch::run(world, caller, body, &mut out)?;
        Page { waited: stint.waited(), operating: stint.end(), ..Page::default() }
    } else {
        run(world, caller, incoming.method, body, &mut out)?
    };
    if !raw {
        // No marks of pages here.
        let page = Page { next: None, total: None, countless: false, ..page };
        envelope::finish(world, &mut out, &page, incoming.started);
    }
    Ok(envelope::with_cors(Answer::json(200, out)))
}

fn run(
    world: &World,
    caller: &Caller,
    method: usize,
    body: Value,
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    let mut map = match body {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        _ => return Err(RestError::v3(400, "INVALIDSELECT", "Invalid request.")),
    };
    for name in ["auth", "access_token", "aplogin", "ap"] {
        map.shift_remove(name);
    }
    let params = Params::from_map(map);
    dispatch(&Call { world, caller, params: &params, method }, out).map_err(shaped)
}

/// Never called: `batch` reads its body itself.
pub(super) fn nothing(_: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    out.extend_from_slice(b"[]");
    Ok(Page::default())
}
