//! `/oauth/token/`: both grants of the protocol, GET with a query or POST with a form.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{GrantError, Granted, fail};
use crate::applications::Application;
use crate::faults::{Place, When};
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::params::{Params, parse_query};
use crate::settings::{NotInstalled, ScopeError, StaleCode};
use crate::tokens::{CodeState, Holder, Pair, Rules, Token};
use crate::world::World;

/// Where a token request came in.
#[derive(Clone, Copy)]
pub(crate) enum Door<'a> {
    /// At the authorization server.
    Own,
    /// At a portal, which passes it on and names itself in the answer.
    Proxy(&'a World),
}

/// What a request wants to turn into a pair.
enum Grant {
    Code(Token),
    Refresh(Token),
}

/// A refusal and the portal that it is about, as far as that is known.
type Refusal = (GrantError, Option<Arc<World>>);

/// Answers a token request.
pub(crate) fn endpoint(network: &Network, request: &Request, door: Door<'_>) -> Answer {
    if request.method != hyper::Method::GET && request.method != hyper::Method::POST {
        return Answer::plain_page(405, "Method Not Allowed").with("allow", "GET, POST");
    }
    let params = form(request);
    let grant_type = params.text("grant_type").unwrap_or_default();
    let common = &network.common;
    if let Some(fault) = common.faults.strike(Place::Token, When::Before, &grant_type) {
        return fault.answer(None, &common.clock);
    }
    let real = match decide(network, request, &params, &grant_type, door) {
        Ok(answer) => answer,
        Err((error, world)) => {
            common.counters.authorization_errors.add(error.code);
            // Before the portal is known, the one that was asked or the first one has its say about statuses.
            let world = world.or_else(|| match door {
                Door::Own => network.portal(0),
                Door::Proxy(world) => network.portal(world.place),
            });
            error.answer(world.as_deref())
        }
    };
    let real = real.with("cache-control", "no-store");
    match common.faults.strike(Place::Token, When::After, &grant_type) {
        Some(fault) => fault.answer(Some(real), &common.clock),
        None => real,
    }
}

/// How long a token request lies about first.
pub(crate) fn hold(network: &Network, request: &Request) -> Duration {
    let common = &network.common;
    if common.faults.len() == 0 {
        return Duration::ZERO;
    }
    let grant_type = form(request).text("grant_type").unwrap_or_default();
    common.faults.hold(Place::Token, &grant_type, &common.clock)
}

/// Query and form; a JSON body is not part of the protocol and is not read.
fn form(request: &Request) -> Params {
    let mut params = parse_query(request.query.as_bytes());
    if request.method == hyper::Method::POST && !request.is_json() {
        params.extend(parse_query(&request.body));
    }
    Params::from_map(params)
}

fn decide(
    network: &Network,
    request: &Request,
    params: &Params,
    grant_type: &str,
    door: Door<'_>,
) -> Result<Answer, Refusal> {
    let early = |error| (error, None);
    check_grant_type(grant_type).map_err(early)?;
    let application = client(network, params).map_err(early)?;
    let grant = grant(params, grant_type).map_err(early)?;
    let (world, holder) = parties(network, &grant)?;
    let about = |error| (error, Some(Arc::clone(&world)));
    check_state(&world, &application, &holder).map_err(about)?;
    let scope = check_scope(&world, &application, params).map_err(about)?;
    let pair = spend(&world, &grant, &holder).map_err(about)?;
    let granted = Granted { world: &world, application: &application, pair, scope };
    let host = match door {
        Door::Own => None,
        Door::Proxy(portal) => Some(portal.portal_host()),
    };
    Ok(granted.answer(request, host.as_deref()))
}

fn check_grant_type(grant_type: &str) -> Result<(), GrantError> {
    match grant_type {
        "refresh_token" | "authorization_code" => Ok(()),
        "" => Err(fail("invalid_request", "The grant_type parameter is missing")),
        _ => {
            let known = "grant_type must be authorization_code or refresh_token";
            Err(fail("invalid_request", known))
        }
    }
}

/// The application that proves itself.
fn client(network: &Network, params: &Params) -> Result<Arc<Application>, GrantError> {
    let client_id = required(params, "client_id")?;
    let client_secret = required(params, "client_secret")?;
    network
        .common
        .applications
        .get(&client_id)
        .filter(|known| known.client_secret == client_secret)
        .ok_or_else(|| fail("invalid_client", "The client credentials are invalid"))
}

fn grant(params: &Params, grant_type: &str) -> Result<Grant, GrantError> {
    if grant_type == "refresh_token" {
        let token = required(params, "refresh_token")?;
        return Token::parse(&token).map(Grant::Refresh).ok_or_else(dead_refresh_token);
    }
    let code = required(params, "code")?;
    Token::parse(&code).map(Grant::Code).ok_or_else(dead_code)
}

fn required(params: &Params, name: &'static str) -> Result<String, GrantError> {
    params
        .text(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| fail("invalid_request", format!("The {name} parameter is missing")))
}

fn dead_refresh_token() -> GrantError {
    fail("invalid_grant", "The refresh token is invalid, expired or already used")
}

fn dead_code() -> GrantError {
    fail("invalid_grant", "The authorization code is invalid, expired or already used")
}

/// The portal and the holder of what was sent; a stale code is told from an unknown one only if the portal says so.
fn parties(network: &Network, grant: &Grant) -> Result<(Arc<World>, Arc<Holder>), Refusal> {
    let common = &network.common;
    let (holder, stale) = match grant {
        Grant::Refresh(token) => {
            let holder = common.tokens.read().holder(token);
            (holder.ok_or_else(|| (dead_refresh_token(), None))?, false)
        }
        Grant::Code(code) => {
            let state = common.tokens.read().code(code, common.clock.now());
            match state.ok_or_else(|| (dead_code(), None))? {
                CodeState::Fresh(holder) | CodeState::Used(holder) => (holder, false),
                CodeState::Stale(holder) => (holder, true),
            }
        }
    };
    let world = network.portal(holder.portal).ok_or_else(|| (dead_refresh_token(), None))?;
    if stale && world.settings.read().stale_code == StaleCode::ExpiredToken {
        let text = "The authorization token provided has expired.";
        return Err((fail("expired_token", text), Some(world)));
    }
    Ok((world, holder))
}

/// What stands between a good token and a new pair.
fn check_state(
    world: &World,
    application: &Application,
    holder: &Holder,
) -> Result<(), GrantError> {
    let settings = world.settings.read();
    if settings.deleted {
        return Err(fail("PORTAL_DELETED", "Portal was deleted"));
    }
    if holder.client_id != application.client_id {
        return Err(fail("wrong_client", "The token was issued to another application"));
    }
    if !world.has(application) {
        let code = match settings.not_installed() {
            NotInstalled::InvalidClient => "invalid_client",
            NotInstalled::NotInstalled => "NOT_INSTALLED",
        };
        return Err(fail(code, "Application not installed"));
    }
    if !settings.paid {
        return Err(fail("PAYMENT_REQUIRED", "Payment required"));
    }
    if settings.blocked {
        return Err(overload());
    }
    Ok(())
}

fn overload() -> GrantError {
    fail("OVERLOAD_LIMIT", "REST API is blocked due to overload")
}

/// The scopes that were asked for: all of them must be on the card.
fn check_scope(
    world: &World,
    application: &Application,
    params: &Params,
) -> Result<Option<String>, GrantError> {
    let Some(asked) = params.text("scope").filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let mut words = asked.split([',', ' ', '+']).filter(|word| !word.is_empty());
    if words.all(|word| application.scope.iter().any(|known| known == word)) {
        return Ok(Some(asked));
    }
    let code = match world.settings.read().scope_error {
        ScopeError::Invalid => "invalid_scope",
        ScopeError::Insufficient => "insufficient_scope",
    };
    Err(fail(code, "The scope is wider than the application's card grants"))
}

fn spend(world: &World, grant: &Grant, holder: &Holder) -> Result<Pair, GrantError> {
    let (rules, limit) = {
        let settings = world.settings.read();
        (settings.rules(), settings.refreshes_per_hour)
    };
    match grant {
        Grant::Refresh(token) => refresh(world, token, holder, rules, limit),
        Grant::Code(code) => {
            let pair = world.tokens.write().exchange(code, world.clock.now(), rules);
            let pair = pair.ok_or_else(dead_code)?;
            world.counters.exchanges.add();
            Ok(pair)
        }
    }
}

fn refresh(
    world: &World,
    token: &Token,
    holder: &Holder,
    rules: Rules,
    limit: u32,
) -> Result<Pair, GrantError> {
    let now = world.clock.now();
    let mut tokens = world.tokens.write();
    if limit > 0 && !tokens.count_refresh(holder, now, limit) {
        return Err(overload());
    }
    let pair = tokens.rotate(token, &holder.client_id, now, rules);
    drop(tokens);
    let pair = pair.ok_or_else(dead_refresh_token)?;
    world.counters.refreshes.add();
    Ok(pair)
}
