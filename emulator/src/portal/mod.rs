//! The portal: consent page, proxy of the token endpoint, REST with its limits.

mod caller;
mod consent;
mod cost;
mod credentials;
pub(crate) mod envelope;
mod limiter;
mod operating;
mod target;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use caller::{Caller, Meter};
pub(crate) use consent::{Forms, grant_code};
pub(crate) use limiter::{Bucket, statistics};
pub(crate) use operating::{Operating, Reading, Stint};
pub(crate) use target::Target;
pub(crate) use verdicts::Verdicts;

use crate::authorization::{self, Door};
use crate::faults::{Place, When};
use crate::http::{Answer, Request, Service};
use crate::network::Network;
use crate::params::Params;
use crate::rest::{self, Call, RestError, v3, xml};
use crate::settings::Profile;
use crate::world::World;

/// The longest REST body; longer ones never reach the application on a real portal either.
const REST_BODY_LIMIT: usize = 16 << 20;
/// Forms of people and of the token endpoint.
const FORM_BODY_LIMIT: usize = 64 << 10;

/// One listener of a portal. A portal that moved has two, and the old one only says where the new one is.
pub(crate) struct Portal {
    network: Arc<Network>,
    world: Arc<World>,
    /// `host:port` of this listener.
    host: String,
}

impl Portal {
    pub(crate) fn new(network: Arc<Network>, world: Arc<World>, host: String) -> Self {
        Self { network, world, host }
    }

    fn route(&self, request: &Request) -> Answer {
        let host = self.world.portal_host();
        if *host != *self.host {
            return moved(request, &host);
        }
        match request.path.as_str() {
            "/oauth/authorize/" | "/oauth/authorize" => consent::page(&self.world, request),
            "/oauth/token/" | "/oauth/token" => self.token(request),
            path if path == "/rest" || path.starts_with("/rest/") => self.rest(request),
            _ => Answer::plain_page(404, "Not Found"),
        }
    }

    /// The portal passes token requests on, unless it does not.
    fn token(&self, request: &Request) -> Answer {
        if !self.world.settings.read().proxy_token {
            return Answer::plain_page(404, "Not Found");
        }
        authorization::endpoint(&self.network, request, Door::Proxy(&self.world))
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
            return self.refuse(RestError::too_many_requests());
        }
        let target = Target::of(&request.path);
        let strike = |when| {
            let fault = world.faults.strike(Place::Rest, when, target.method)?;
            Some(if target.v3 { fault.in_v3() } else { fault })
        };
        if let Some(fault) = strike(When::Before) {
            return fault.answer(None, &world.clock);
        }
        let meter = Meter::default();
        let outcome = if target.v3 {
            self.call_v3(request, &target, started, &meter)
        } else {
            self.call(request, &target, started, &meter)
        };
        let real = outcome.unwrap_or_else(|error| self.refuse(error));
        let real =
            cost::settle(world, meter.get(), if target.xml { xml::transport(real) } else { real });
        match strike(When::After) {
            Some(fault) => fault.answer(Some(real), &world.clock),
            None => real,
        }
    }

    /// The portal's own order of checks: its state, the method, credentials, then the method itself.
    fn call(
        &self,
        request: &Request,
        target: &Target<'_>,
        started: i64,
        meter: &Meter,
    ) -> Result<Answer, RestError> {
        let world = &*self.world;
        self.check_state()?;
        let method = rest::find(target.method).ok_or_else(RestError::method_not_found)?;
        let params = Params::of(request);
        let caller = credentials::check(world, request, target, &params, meter)?;
        let call = Call { world, caller: &caller, params: &params, method };
        call.check_link()?;
        let mut out = Vec::with_capacity(2048);
        out.extend_from_slice(b"{\"result\":");
        let page = rest::run(&call, &mut out)?;
        if let Some(file) = page.file {
            return Ok(envelope::with_cors(download(&file.name, file.bytes)));
        }
        envelope::finish(world, &mut out, &page, started);
        Ok(self.cloud_headers(envelope::with_cors(Answer::json(200, out)), &caller, started))
    }

    fn call_v3(
        &self,
        request: &Request,
        target: &Target<'_>,
        started: i64,
        meter: &Meter,
    ) -> Result<Answer, RestError> {
        let world = &*self.world;
        self.check_state()?;
        let check = |params: &Params| credentials::check(world, request, target, params, meter);
        v3::answer(world, request, target.method, started, check)
            .map_err(|error| v3::spelled(error, world.settings.read().profile == Profile::Box))
    }

    fn check_state(&self) -> Result<(), RestError> {
        if self.world.settings.read().deleted {
            return Err(RestError::new(403, "PORTAL_DELETED", "Portal was deleted"));
        }
        Ok(())
    }

    /// What only cloud portals say about a call.
    fn cloud_headers(&self, answer: Answer, caller: &Caller, started: i64) -> Answer {
        if self.world.settings.read().profile != Profile::Cloud {
            return answer;
        }
        let took = (self.world.clock.micros() - started).max(0);
        let took = format!("{}.{:06}", took / 1_000_000, took % 1_000_000);
        let answer = match &caller.client {
            Some(client) => answer.with("x-bitrix-rest-application", client.client_id.clone()),
            None => answer,
        };
        answer
            .with("x-bitrix-rest-time", took.clone())
            .with("x-bitrix-rest-user-time", took)
            .with("x-bitrix-rest-system-time", "0.000000")
    }

    fn refuse(&self, mut error: RestError) -> Answer {
        self.world.counters.portal_errors.add(&error.code);
        error.status = self.world.settings.read().error_status(&error.code, error.status);
        envelope::with_cors(error.answer())
    }
}

/// A file, as it is.
fn download(name: &str, bytes: Bytes) -> Answer {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let answer = Answer::empty(200)
        .with("content-disposition", format!("attachment; filename*=utf-8''{name}"));
    Answer { content_type: "application/octet-stream", body: bytes, ..answer }
}

/// Where the portal is now; GET and POST alike.
fn moved(request: &Request, host: &str) -> Answer {
    let query =
        if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    Answer::redirect(format!("{}://{host}{}{query}", request.scheme(), request.path))
}

impl Service for Portal {
    fn body_limit(&self, path: &str) -> usize {
        if path.starts_with("/rest") { REST_BODY_LIMIT } else { FORM_BODY_LIMIT }
    }

    fn hold(&self, request: &Request) -> Duration {
        let world = &self.world;
        match request.path.as_str() {
            // The usual case costs one look.
            _ if world.faults.len() == 0 => Duration::ZERO,
            "/oauth/token/" | "/oauth/token" => authorization::hold(&self.network, request),
            path => world.faults.hold(Place::Rest, Target::of(path).method, &world.clock),
        }
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
