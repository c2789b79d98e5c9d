//! The authorization server: the only place that turns codes and refresh tokens into pairs.

mod answer;
mod token;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use token::{Door, endpoint, hold};

use crate::applications::Application;
use crate::http::{Answer, Request, Service};
use crate::json;
use crate::network::Network;
use crate::params::Params;
use crate::portal::envelope;
use crate::rest::RestError;
use crate::tokens::{Holder, Token, Verdict};
use crate::world::World;

/// Token requests are short.
const BODY_LIMIT: usize = 64 << 10;

/// An authorization server's listener. Both regions know all grants.
pub(crate) struct Authorization {
    network: Arc<Network>,
}

impl Authorization {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network }
    }

    fn route(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/oauth/token/" | "/oauth/token" => endpoint(&self.network, request, Door::Own),
            path if path.starts_with("/rest/") => self.rest(request, path),
            _ => Answer::plain_page(404, "Not Found"),
        }
    }

    /// `app.info` tells whether the issuer still knows an access token; other methods are not for applications.
    fn rest(&self, request: &Request, path: &str) -> Answer {
        let common = &self.network.common;
        let started = common.clock.micros();
        let method = path.trim_start_matches("/rest").trim_matches('/');
        let outcome = if method.trim_end_matches(".json").eq_ignore_ascii_case("app.info") {
            self.app_info(&Params::of(request))
        } else {
            Err(RestError::method_not_found())
        };
        match outcome {
            Ok(info) => envelope::plain(&common.clock, &info, started),
            Err(error) => {
                common.counters.authorization_errors.add(&error.code);
                error.answer()
            }
        }
    }

    fn app_info(&self, params: &Params) -> Result<Value, RestError> {
        let token = params.text("auth").or_else(|| params.text("access_token")).unwrap_or_default();
        let common = &self.network.common;
        let now = common.clock.now();
        let verdict = Token::parse(&token)
            .map_or(Verdict::Unknown, |token| common.tokens.read().check(&token, now));
        match verdict {
            Verdict::Alive { holder, .. } => {
                let (world, application) =
                    self.parties(&holder).ok_or_else(RestError::invalid_token)?;
                Ok(app_info(&world, &application))
            }
            Verdict::Expired => Err(RestError::expired_token()),
            Verdict::Unknown => Err(RestError::invalid_token()),
        }
    }

    /// The portal and the application of a chain, while the one has the other.
    fn parties(&self, holder: &Holder) -> Option<(Arc<World>, Arc<Application>)> {
        let world = self.network.portal(holder.portal)?;
        let application = world.application(&holder.client_id)?;
        Some((world, application))
    }
}

/// The application as `app.info` describes it, at both servers.
pub(crate) fn app_info(world: &World, application: &Application) -> Value {
    let settings = world.settings.read();
    json!({
        "ID": 1,
        "CODE": application.client_id,
        "VERSION": 1,
        "STATUS": settings.status.as_deref().unwrap_or(application.letter()),
        "INSTALLED": world.events.installations.get().is_finished(&application.client_id),
        "PAYMENT_EXPIRED": if settings.paid { "N" } else { "Y" },
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

    fn hold(&self, request: &Request) -> Duration {
        match request.path.as_str() {
            "/oauth/token/" | "/oauth/token" => hold(&self.network, request),
            _ => Duration::ZERO,
        }
    }

    fn handle(&self, request: &Request) -> Answer {
        let answer = self.route(request);
        let common = &self.network.common;
        common.log.add(common.clock.now(), "authorization", request, &answer);
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
        self.network.common.clock.now()
    }
}
