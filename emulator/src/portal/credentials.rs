//! Who calls: an application with a token, or an incoming webhook.

use hyper::header::AUTHORIZATION;

use crate::http::Request;
use crate::params::Params;
use crate::rest::{Caller, RestError};
use crate::tokens::{Token, Verdict};
use crate::world::World;

/// What a path under `/rest/` asks for.
pub(crate) struct Target<'a> {
    /// Without `.json`.
    pub(crate) method: &'a str,
    webhook: Option<(&'a str, &'a str)>,
}

impl<'a> Target<'a> {
    /// `METHOD` or `USER/SECRET/METHOD`; slashes too many are forgiven.
    pub(crate) fn of(path: &'a str) -> Self {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
        let (method, webhook) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(method), None, None, None) => (method, None),
            (Some(user), Some(secret), Some(method), None) => (method, Some((user, secret))),
            _ => ("", None),
        };
        Self { method: method.strip_suffix(".json").unwrap_or(method), webhook }
    }
}

/// Applications first, then webhooks; nobody is `NO_AUTH_FOUND`.
pub(crate) fn check(
    world: &World,
    request: &Request,
    target: &Target<'_>,
    params: &Params,
) -> Result<Caller, RestError> {
    if let Some(token) = access_token(request, params) {
        return application(world, &token);
    }
    let webhook = match target.webhook {
        Some((user, secret)) => Some((user.to_owned(), secret.to_owned())),
        None => params.text("aplogin").zip(params.text("ap")),
    };
    match webhook {
        Some((user, secret)) if user == "1" && secret == world.config.webhook_secret => {
            Ok(Caller::webhook(1))
        }
        Some(_) => Err(RestError::invalid_credentials()),
        None => Err(RestError::no_auth()),
    }
}

fn application(world: &World, text: &str) -> Result<Caller, RestError> {
    let now = world.clock.now();
    let verdict =
        Token::parse(text).map_or(Verdict::Unknown, |token| world.tokens.read().check(&token, now));
    match verdict {
        Verdict::Alive { user_id } => Ok(Caller::application(user_id)),
        Verdict::Expired => Err(RestError::expired_token()),
        Verdict::Unknown => Err(RestError::invalid_token()),
    }
}

/// The Bearer header wins over `auth`, which wins over `access_token`; empty values count as absent.
fn access_token(request: &Request, params: &Params) -> Option<String> {
    let header =
        request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
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
