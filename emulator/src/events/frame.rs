//! A frame opens: the browser posts tokens of the user who opened it, part in the query and part in the form.

use serde_json::{Value, json};

use super::outbox::Parcel;
use super::payload;
use crate::applications::Application;
use crate::faults::Place;
use crate::tokens::{ACCESS_LIFE, Opened};
use crate::world::World;

/// What is opened by whom.
pub(crate) struct Frame<'a> {
    pub(crate) handler: &'a str,
    pub(crate) user_id: u64,
    pub(crate) placement: &'a str,
    /// Sent as JSON text; null is left out.
    pub(crate) options: Value,
    pub(crate) language: &'a str,
    /// Whether the portal calls itself an https one.
    pub(crate) https: bool,
}

/// Opens a frame; returns the numbers of the deliveries. Each opening begins a chain of its own.
pub(crate) fn open(world: &World, application: &Application, frame: &Frame<'_>) -> Vec<u64> {
    let query = payload::form(&json!({
        "DOMAIN": &*world.portal_host(),
        "PROTOCOL": u8::from(frame.https),
        "LANG": frame.language,
        "APP_SID": format!("{:032x}", rand::random::<u128>()),
    }));
    let pair = world.open_chain(&application.client_id, frame.user_id, Opened::Frame);
    let status = world.settings.read().status.clone();
    let options = match &frame.options {
        Value::Null => Value::Null,
        options => options.to_string().into(),
    };
    let body = payload::form(&json!({
        "AUTH_ID": pair.access.text(),
        "AUTH_EXPIRES": ACCESS_LIFE.to_string(),
        "REFRESH_ID": pair.refresh.text(),
        "SERVER_ENDPOINT": payload::server_endpoint(world),
        "APPLICATION_TOKEN": payload::token(world, &application.client_id),
        "APPLICATION_SCOPE": application.scope.join(","),
        "member_id": world.member_id,
        "status": status.unwrap_or_else(|| application.letter().to_owned()),
        "PLACEMENT": frame.placement,
        "PLACEMENT_OPTIONS": options,
    }));
    let parcel = Parcel {
        place: Place::Frame,
        event: frame.placement.to_owned(),
        url: with_query(frame.handler, &query),
        body,
        client_id: application.client_id.clone(),
        user_id: Some(frame.user_id),
        wait: std::time::Duration::ZERO,
        lost: false,
    };
    super::send(world, parcel)
}

/// The handler's own query stays in front.
fn with_query(handler: &str, query: &str) -> String {
    let (url, _) = handler.split_once('#').unwrap_or((handler, ""));
    format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' })
}
