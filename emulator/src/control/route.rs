//! What a route of the control port is. The table of them is also what its OpenAPI document is made from.

use std::sync::Arc;

use super::Outcome;
use super::body::Refusal;
use super::snapshot::Snapshots;
use crate::http::{Answer, Request};
use crate::network::Network;
use crate::params::parse_query;
use crate::world::World;

/// A request at the control port and what it speaks of.
pub(super) struct Ask<'a> {
    pub(super) network: &'a Arc<Network>,
    pub(super) world: &'a Arc<World>,
    pub(super) request: &'a Request,
    pub(super) snapshots: &'a Snapshots,
}

/// What a route does.
pub(super) enum Run {
    Json(fn(&Ask<'_>) -> Outcome),
    Page(fn() -> Answer),
}

/// A field of a JSON body, or a parameter of a query.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// JSON Schema's word for its type; empty is any.
    pub(super) kind: &'static str,
    pub(super) about: &'static str,
    pub(super) required: bool,
}

/// What comes with a request.
pub(super) enum Input {
    None,
    Query(&'static [Field]),
    Body(&'static [Field]),
    /// The settings of a portal by their names.
    Settings,
}

/// One method of one path.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) input: Input,
    pub(super) run: Run,
}

impl Route {
    /// Refuses a query parameter that nobody would look at.
    pub(super) fn check_query(&self, request: &Request) -> Result<(), Refusal> {
        let known = match &self.input {
            Input::Query(fields) => *fields,
            Input::None | Input::Body(_) | Input::Settings => &[],
        };
        let query = parse_query(request.query.as_bytes());
        match query.keys().find(|name| !known.iter().any(|field| field.name == **name)) {
            None => Ok(()),
            Some(name) => Err(Refusal::unknown(name)),
        }
    }
}

pub(super) const fn route(
    method: &'static str,
    path: &'static str,
    about: &'static str,
    input: Input,
    run: fn(&Ask<'_>) -> Outcome,
) -> Route {
    Route { method, path, about, input, run: Run::Json(run) }
}

pub(super) const fn page(path: &'static str, about: &'static str, run: fn() -> Answer) -> Route {
    Route { method: "GET", path, about, input: Input::None, run: Run::Page(run) }
}

pub(super) const fn field(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, about, required: false }
}

pub(super) const fn required(name: &'static str, kind: &'static str, about: &'static str) -> Field {
    Field { name, kind, about, required: true }
}
