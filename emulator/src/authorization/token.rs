//! `/oauth/token/`: both grants of the protocol, GET with a query or POST with a form.

use serde_json::{Map, Value, json};

use crate::faults::{Place, When};
use crate::http::{Answer, Request};
use crate::json;
use crate::params::{Params, parse_query};
use crate::settings::OldAccess;
use crate::tokens::{ACCESS_LIFE, Pair, Token};
use crate::world::{SCOPE, World};

/// An OAuth error (RFC 6749, 5.2).
struct GrantError {
    code: &'static str,
    description: String,
}

fn fail(code: &'static str, description: impl Into<String>) -> GrantError {
    GrantError { code, description: description.into() }
}

/// Answers a token request; `host` is what the answer calls `domain`.
pub(crate) fn endpoint(world: &World, request: &Request, host: &str) -> Answer {
    if request.method != hyper::Method::GET && request.method != hyper::Method::POST {
        return Answer::plain_page(405, "Method Not Allowed").with("allow", "GET, POST");
    }
    let params = form(request);
    let grant_type = params.text("grant_type").unwrap_or_default();
    if let Some(fault) = world.faults.strike(Place::Token, When::Before, &grant_type) {
        return fault.answer(None);
    }
    let real = match grant(world, &params, &grant_type) {
        Ok(pair) => Answer::json(200, json::bytes(&Value::Object(success(world, &pair, host)))),
        Err(error) => {
            world.counters.authorization_errors.add(error.code);
            Answer::json(
                400,
                json::bytes(&json!({"error": error.code, "error_description": error.description})),
            )
        }
    };
    let real = real.with("cache-control", "no-store");
    match world.faults.strike(Place::Token, When::After, &grant_type) {
        Some(fault) => fault.answer(Some(real)),
        None => real,
    }
}

/// Query and form; a JSON body is not part of the protocol and is not read.
fn form(request: &Request) -> Params {
    let mut params = parse_query(request.query.as_bytes());
    if request.method == hyper::Method::POST && !request.is_json() {
        params.extend(parse_query(&request.body));
    }
    Params::from_map(params)
}

fn grant(world: &World, params: &Params, grant_type: &str) -> Result<Pair, GrantError> {
    let refreshing = match grant_type {
        "refresh_token" => true,
        "authorization_code" => false,
        "" => return Err(fail("invalid_request", "The grant_type parameter is missing")),
        _ => {
            let known = "grant_type must be authorization_code or refresh_token";
            return Err(fail("invalid_request", known));
        }
    };
    let client_id = required(params, "client_id")?;
    let client_secret = required(params, "client_secret")?;
    if client_id != world.ready.client_id || client_secret != world.ready.client_secret {
        return Err(fail("invalid_client", "The client credentials are invalid"));
    }
    let now = world.clock.now();
    if refreshing {
        let token = required(params, "refresh_token")?;
        let old_dies = world.settings.read().old_access == OldAccess::Dies;
        let pair = Token::parse(&token)
            .and_then(|token| world.tokens.write().rotate(&token, &client_id, now, old_dies))
            .ok_or_else(|| {
                fail("invalid_grant", "The refresh token is invalid, expired or already used")
            })?;
        world.counters.refreshes.add();
        return Ok(pair);
    }
    let code = required(params, "code")?;
    let pair = Token::parse(&code)
        .and_then(|code| world.tokens.write().exchange(&code, &client_id, now))
        .ok_or_else(|| {
            fail("invalid_grant", "The authorization code is invalid, expired or already used")
        })?;
    world.counters.exchanges.add();
    Ok(pair)
}

fn required(params: &Params, name: &'static str) -> Result<String, GrantError> {
    params
        .text(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| fail("invalid_request", format!("The {name} parameter is missing")))
}

fn success(world: &World, pair: &Pair, host: &str) -> Map<String, Value> {
    let settings = world.settings.read();
    let client_endpoint =
        settings.client_endpoint.clone().unwrap_or_else(|| format!("{}/rest/", world.ready.portal));
    // A claimed authorization server is another machine: there it would be https.
    let server_endpoint = match &settings.server_domain {
        Some(claimed) => format!("https://{claimed}/rest/"),
        None => format!("{}/rest/", world.ready.authorization),
    };
    let answer = json!({
        "access_token": pair.access.text(),
        "client_endpoint": client_endpoint,
        "domain": host,
        "expires": pair.expires_at,
        "expires_in": ACCESS_LIFE,
        "member_id": world.ready.member_id,
        "refresh_token": pair.refresh.text(),
        "scope": SCOPE.join(","),
        "server_endpoint": server_endpoint,
        "status": settings.status,
        "user_id": pair.user_id,
    });
    match answer {
        Value::Object(map) => {
            map.into_iter().filter(|(key, _)| !settings.omit.contains(&key.as_str())).collect()
        }
        _ => Map::new(),
    }
}
