//! Who calls: an application with a token, an incoming webhook, or a browser session (which nobody has here).

use std::sync::Arc;

use hyper::header::AUTHORIZATION;
use serde_json::json;

use super::target::Target;
use super::{Caller, Meter, verdicts};
use crate::applications::Application;
use crate::http::Request;
use crate::params::Params;
use crate::rest::RestError;
use crate::settings::{Settings, UnknownToken, UnknownWebhook};
use crate::tokens::{Holder, Token, Verdict};
use crate::world::World;

/// Applications first, then webhooks, then sessions; nobody is `NO_AUTH_FOUND`. The first that is there decides.
pub(super) fn check(
    world: &World,
    request: &Request,
    target: &Target<'_>,
    params: &Params,
    meter: &Meter,
) -> Result<Caller, RestError> {
    if let Some(token) = access_token(world, request, params) {
        let (holder, client) = application(world, &token)?;
        return Ok(Caller::application(&holder, client, request.scheme(), Meter::clone(meter)));
    }
    let webhook = match target.webhook {
        Some((user, secret)) => Some((user.to_owned(), secret.to_owned())),
        None => params.text("aplogin").zip(params.text("ap")),
    };
    if let Some((login, secret)) = webhook {
        let (user_id, scope) = self::webhook(world, request, &login, &secret)?;
        return Ok(Caller::webhook(user_id, scope, request.scheme(), Meter::clone(meter)));
    }
    match session(request, params) {
        Some(sessid) => Err(no_session(&sessid)),
        None => Err(RestError::no_auth()),
    }
}

/// The Bearer header wins over `auth`, which wins over `access_token`; empty values count as absent.
fn access_token(world: &World, request: &Request, params: &Params) -> Option<String> {
    let header = request
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer)
        .filter(|_| world.settings.read().bearer);
    header
        .map(str::to_owned)
        .or_else(|| params.text("auth").filter(|value| !value.is_empty()))
        .or_else(|| params.text("access_token").filter(|value| !value.is_empty()))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whose token it is, and the application behind it.
type Client = (Arc<Holder>, Arc<Application>);

fn application(world: &World, text: &str) -> Result<Client, RestError> {
    let now = world.clock.now();
    let verdict =
        Token::parse(text).map_or(Verdict::Unknown, |token| verdicts::ask(world, &token, now));
    let settings = world.settings.read();
    match verdict {
        // A token of another portal is no token here.
        Verdict::Alive { holder, .. } if holder.portal != world.place => Err(unknown(&settings)),
        Verdict::Alive { holder, expires_at } => {
            let client = in_good_standing(world, &settings, &holder, expires_at, now)?;
            Ok((holder, client))
        }
        Verdict::Expired => Err(RestError::expired_token()),
        Verdict::Unknown => Err(unknown(&settings)),
    }
}

/// The portal's own look at what the authorization server knows, in its order.
fn in_good_standing(
    world: &World,
    settings: &Settings,
    holder: &Holder,
    expires_at: i64,
    now: i64,
) -> Result<Arc<Application>, RestError> {
    let limit = settings.refreshes_per_hour;
    if settings.blocked || (limit > 0 && world.tokens.read().is_blocked(holder, now, limit)) {
        return Err(blocked());
    }
    if !settings.paid {
        let text = "REST is available only on commercial plans.";
        return Err(unpaid(settings, text));
    }
    let Some(client) = world.application(&holder.client_id) else {
        return Err(RestError::new(401, "APPLICATION_NOT_FOUND", "Application not found"));
    };
    if expires_at <= now {
        return Err(RestError::expired_token());
    }
    let (active, access) = world.people.standing(holder.user_id);
    if !active {
        return Err(RestError::new(401, "authorization_error", "Unable to authorize user"));
    }
    if !access {
        let text = "The user does not have access to the application.";
        return Err(RestError::new(401, "user_access_error", text));
    }
    Ok(client)
}

fn webhook(
    world: &World,
    request: &Request,
    login: &str,
    secret: &str,
) -> Result<(u64, Arc<[String]>), RestError> {
    let settings = world.settings.read();
    if !request.secure && !settings.http_webhooks {
        return Err(RestError::new(401, "INVALID_REQUEST", "Https required."));
    }
    let webhook = world.people.webhook(login, secret).ok_or_else(|| unknown_webhook(&settings))?;
    if !webhook.active {
        return Err(RestError::invalid_credentials());
    }
    if settings.blocked {
        return Err(blocked());
    }
    if !settings.paid {
        return Err(unpaid(&settings, "REST is available only by subscription."));
    }
    let scope = webhook.scope.map_or_else(|| Arc::clone(&world.scope), Arc::from);
    Ok((webhook.user_id, scope))
}

fn session(request: &Request, params: &Params) -> Option<String> {
    let header = request.headers.get("x-bitrix-csrf-token").and_then(|value| value.to_str().ok());
    params.text("sessid").or_else(|| header.map(str::to_owned))
}

/// Nobody is logged in at the portal.
fn no_session(sessid: &str) -> RestError {
    let mut error = RestError::from_body(json!({
        "error": "access_denied",
        "error_description": "User not authorized",
        "sessid": sessid,
        "extended_error": "user_not_authorized",
    }));
    error.status = 401;
    error
}

fn unknown(settings: &Settings) -> RestError {
    match settings.unknown_token {
        UnknownToken::Invalid => RestError::invalid_token(),
        UnknownToken::NoAuth => RestError::no_auth(),
    }
}

fn unknown_webhook(settings: &Settings) -> RestError {
    match settings.unknown_webhook() {
        UnknownWebhook::NoAuth => RestError::no_auth(),
        UnknownWebhook::Credentials => RestError::invalid_credentials(),
    }
}

fn blocked() -> RestError {
    RestError::new(401, "OVERLOAD_LIMIT", "REST API is blocked due to overload.")
}

/// Rights and plans share a code, but not a status.
fn unpaid(settings: &Settings, text: &str) -> RestError {
    RestError::new(settings.error_status("ACCESS_DENIED_PLAN", 401), "ACCESS_DENIED", text)
}
