//! The portal: consent page, proxy of the token endpoint, REST with its limit.

mod consent;
mod credentials;
pub(crate) mod envelope;
mod limiter;

use std::sync::Arc;

pub(crate) use consent::{Forms, grant_code};
pub(crate) use limiter::Bucket;

use crate::authorization;
use crate::faults::{Place, When};
use crate::http::{Answer, Request, Service};
use crate::params::Params;
use crate::rest::{self, Call, RestError};
use crate::world::World;
use credentials::Target;

/// The longest REST body; longer ones never reach the application on a real portal either.
const REST_BODY_LIMIT: usize = 16 << 20;
/// Forms of people and of the token endpoint.
const FORM_BODY_LIMIT: usize = 64 << 10;

/// The portal's listener.
pub(crate) struct Portal {
    world: Arc<World>,
}

impl Portal {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    fn route(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/oauth/authorize/" | "/oauth/authorize" => consent::page(&self.world, request),
            "/oauth/token/" | "/oauth/token" => {
                authorization::endpoint(&self.world, request, self.world.portal_host())
            }
            path if path == "/rest" || path.starts_with("/rest/") => self.rest(request),
            _ => Answer::plain_page(404, "Not Found"),
        }
    }

    fn rest(&self, request: &Request) -> Answer {
        if request.method == hyper::Method::OPTIONS {
            return envelope::with_cors(Answer::empty(200));
        }
        let world = &*self.world;
        let started = world.clock.micros();
        world.counters.requests.add();
        if !limiter::admits(world, request.peer, started) {
            world.counters.limited.add();
            return self.refuse(&RestError::too_many_requests());
        }
        let target = Target::of(&request.path);
        if let Some(fault) = world.faults.strike(Place::Rest, When::Before, target.method) {
            return fault.answer(None);
        }
        let real = match self.call(request, &target, started) {
            Ok(answer) => answer,
            Err(error) => self.refuse(&error),
        };
        match world.faults.strike(Place::Rest, When::After, target.method) {
            Some(fault) => fault.answer(Some(real)),
            None => real,
        }
    }

    /// The portal's own order of checks: method, credentials, then the method itself.
    fn call(
        &self,
        request: &Request,
        target: &Target<'_>,
        started: i64,
    ) -> Result<Answer, RestError> {
        let world = &*self.world;
        let method = rest::find(target.method).ok_or_else(RestError::method_not_found)?;
        let params = Params::of(request);
        let caller = credentials::check(world, request, target, &params)?;
        let mut out = Vec::with_capacity(2048);
        out.extend_from_slice(b"{\"result\":");
        let page = rest::run(&Call { world, caller: &caller, params: &params, method }, &mut out)?;
        envelope::finish(world, &mut out, &page, started);
        Ok(envelope::with_cors(Answer::json(200, out)))
    }

    fn refuse(&self, error: &RestError) -> Answer {
        self.world.counters.portal_errors.add(&error.code);
        envelope::with_cors(error.answer())
    }
}

impl Service for Portal {
    fn body_limit(&self, path: &str) -> usize {
        if path.starts_with("/rest") { REST_BODY_LIMIT } else { FORM_BODY_LIMIT }
    }

    fn handle(&self, request: &Request) -> Answer {
        let answer = self.route(request);
        self.world.log.add(self.world.clock.now(), "portal", request, &answer);
        answer
    }

    fn too_large(&self, _: &Request) -> Answer {
        Answer::plain_page(413, "Request Entity Too Large")
    }

    fn now(&self) -> i64 {
        self.world.clock.now()
    }
}
