//! The control port: clock, consent, settings, faults and the truth. For tests in every language.

mod body;
mod calls;
mod events;
mod faults;
mod openapi;
mod page;
mod portals;
mod route;
mod routes;
mod settings;
mod snapshot;
mod truth;

use std::sync::Arc;

use serde_json::Value;

use crate::http::{Answer, Request, Service};
use crate::network::Network;
use crate::world::World;
use body::Refusal;
use route::{Ask, Run};
use routes::ROUTES;
use snapshot::Snapshots;

/// Longest body.
const BODY_LIMIT: usize = 1 << 20;

/// The control listener.
pub(crate) struct Control {
    network: Arc<Network>,
    snapshots: Snapshots,
}

type Outcome = Result<Value, Refusal>;

impl Control {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network, snapshots: Snapshots::default() }
    }

    /// `/portals/<member_id>/…` speaks of that portal, everything else of the first one.
    fn portal<'a>(&self, path: &'a str) -> (Option<Arc<World>>, &'a str) {
        match path.strip_prefix("/portals/") {
            None => (self.network.portal(0), path),
            Some(rest) => {
                let (member_id, _) = rest.split_once('/').unwrap_or((rest, ""));
                (self.network.member(member_id), &rest[member_id.len()..])
            }
        }
    }

    fn route(&self, request: &Request) -> Answer {
        let (world, path) = self.portal(request.path.trim_end_matches('/'));
        let Some(world) = &world else {
            return body::error(404, "not_found", "No portal has this member_id");
        };
        let path = if path.is_empty() { "/" } else { path };
        let route =
            ROUTES.iter().find(|route| route.path == path && request.method == route.method);
        let Some(route) = route else { return unknown(path) };
        if let Err(refusal) = route.check_query(request) {
            return refusal.answer();
        }
        let ask = Ask { network: &self.network, world, request, snapshots: &self.snapshots };
        match &route.run {
            Run::Page(page) => page(),
            // Plain JSON, not the portal's dialect: empty maps are maps.
            Run::Json(run) => match run(&ask) {
                Ok(value) => Answer::json(200, value.to_string()),
                Err(refusal) => refusal.answer(),
            },
        }
    }
}

fn unknown(path: &str) -> Answer {
    let methods: Vec<&str> =
        ROUTES.iter().filter(|route| route.path == path).map(|route| route.method).collect();
    if methods.is_empty() {
        let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
        paths.dedup();
        let text = format!("No such path; there are {}", paths.join(", "));
        return body::error(404, "not_found", &text);
    }
    let methods = methods.join(", ");
    body::error(405, "method_not_allowed", &format!("Use {methods} here")).with("allow", methods)
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
        self.network.common.clock.now()
    }
}
