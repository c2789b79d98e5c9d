//! The authorization server: the only place that turns codes and refresh tokens into pairs.

mod token;

use std::sync::Arc;

use serde_json::json;

pub(crate) use token::endpoint;

use crate::http::{Answer, Request, Service};
use crate::json;
use crate::params::Params;
use crate::portal::envelope;
use crate::rest::RestError;
use crate::tokens::{Token, Verdict};
use crate::world::World;

/// Token requests are short.
const BODY_LIMIT: usize = 64 << 10;

/// The authorization server's listener.
pub(crate) struct Authorization {
    world: Arc<World>,
}

impl Authorization {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    fn route(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/oauth/token/" | "/oauth/token" => {
                let host = self.world.authorization_host();
                endpoint(&self.world, request, &host)
            }
            path if path.starts_with("/rest/") => self.rest(request, path),
            _ => Answer::plain_page(404, "Not Found"),
        }
    }

    /// `app.info` tells whether the issuer still knows an access token; other methods are not for applications.
    fn rest(&self, request: &Request, path: &str) -> Answer {
        let started = self.world.clock.micros();
        let method = path.trim_start_matches("/rest").trim_matches('/');
        let outcome = if method.trim_end_matches(".json").eq_ignore_ascii_case("app.info") {
            self.app_info(&Params::of(request))
        } else {
            Err(RestError::method_not_found())
        };
        match outcome {
            Ok(info) => envelope::plain(&self.world, &info, started),
            Err(error) => {
                self.world.counters.authorization_errors.add(&error.code);
                error.answer()
            }
        }
    }

    fn app_info(&self, params: &Params) -> Result<serde_json::Value, RestError> {
        let token = params.text("auth").or_else(|| params.text("access_token")).unwrap_or_default();
        let now = self.world.clock.now();
        let tokens = self.world.tokens.read();
        match Token::parse(&token).map_or(Verdict::Unknown, |token| tokens.check(&token, now)) {
            Verdict::Alive { .. } => Ok(app_info(&self.world)),
            Verdict::Expired => Err(RestError::expired_token()),
            Verdict::Unknown => Err(RestError::invalid_token()),
        }
    }
}

/// The application as `app.info` describes it, at both servers.
pub(crate) fn app_info(world: &World) -> serde_json::Value {
    json!({
        "ID": 1,
        "CODE": world.ready.client_id,
        "VERSION": 1,
        "STATUS": world.settings.read().status,
        "INSTALLED": true,
        "PAYMENT_EXPIRED": "N",
        "DAYS": null,
        "LANGUAGE_ID": "en",
        "LICENSE": "en_pro100",
        "LICENSE_TYPE": "pro100",
        "LICENSE_FAMILY": "pro",
    })
}

impl Service for Authorization {
    fn body_limit(&self, _: &str) -> usize {
        BODY_LIMIT
    }

    fn handle(&self, request: &Request) -> Answer {
        let answer = self.route(request);
        self.world.log.add(self.world.clock.now(), "authorization", request, &answer);
        answer
    }

    fn too_large(&self, _: &Request) -> Answer {
        Answer::json(
            413,
            json::bytes(&json!({
                "error": "invalid_request",
                "error_description": format!("The body is longer than {BODY_LIMIT} bytes"),
            })),
        )
    }

    fn now(&self) -> i64 {
        self.world.clock.now()
    }
}
