//! `event.*` and `events`: applications say what they want to hear.

use hyper::Uri;
use serde_json::{Map, Value, json};

use super::binding::{Binding, Wanted};
use super::{Occasion, happen, names};
use crate::json;
use crate::params::{integer, scalar, truthy};
use crate::rest::{Call, Page, RestError};

fn answer(out: &mut Vec<u8>, result: &Value) -> Page {
    json::value(out, result);
    Page::default()
}

/// The calling application; webhooks have none.
pub(crate) fn client_id(call: &Call<'_>) -> Result<String, RestError> {
    let client = call.caller.client.as_ref().ok_or_else(|| {
        let text = "Current authorization type is denied for this method";
        RestError::new(403, "WRONG_AUTH_TYPE", text)
    })?;
    Ok(client.client_id.clone())
}

pub(crate) fn denied(detail: &str) -> RestError {
    RestError::new(403, "ACCESS_DENIED", &format!("Access denied!{detail}"))
}

/// A parameter as trimmed text; empty counts as absent.
fn word(call: &Call<'_>, name: &str) -> Option<String> {
    let text = call.params.get(name).and_then(scalar)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn event_name(call: &Call<'_>) -> Option<String> {
    word(call, "event").map(|event| event.to_ascii_uppercase())
}

fn is_offline(call: &Call<'_>) -> Result<Option<bool>, RestError> {
    match word(call, "event_type").as_deref() {
        None => Ok(None),
        Some("online") => Ok(Some(false)),
        Some("offline") => Ok(Some(true)),
        Some(_) => {
            let text = "Value must be one of {online|offline}";
            Err(RestError::new(400, "ERROR_ARGUMENT", text))
        }
    }
}

pub(crate) fn connector(call: &Call<'_>) -> String {
    word(call, "auth_connector").unwrap_or_default()
}

/// `event.bind`.
pub(crate) fn bind(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let client_id = client_id(call)?;
    let event = event_name(call).ok_or_else(|| RestError::argument("EVENT"))?;
    let offline = is_offline(call)?.unwrap_or(false);
    let known = names::scope(&event).is_some_and(|scope| call.covers(scope));
    if offline && !call.is_admin() {
        return Err(denied(" Offline events binding requires administrator access rights"));
    }
    if !known || (offline && event == names::OFFLINE) {
        return Err(RestError::new(400, "ERROR_EVENT_NOT_FOUND", "Event not found"));
    }
    let (handler, auth_type) =
        if offline { (String::new(), 0) } else { (handler(call)?, pinned(call, "binding")?) };
    let binding = Binding {
        id: 0,
        client_id,
        event,
        handler,
        auth_type,
        offline,
        connector: if offline { connector(call) } else { String::new() },
        min_timeout: min_timeout(call),
        secret: String::new(),
    };
    call.world.events.with_bindings(|bindings| bindings.add(binding)).map_err(|reason| {
        RestError::new(400, "ERROR_CORE", &format!("Unable to set event handler: {reason}"))
    })?;
    Ok(answer(out, &json!(true)))
}

/// Where the event is to go: http or https, and a host with a dot.
fn handler(call: &Call<'_>) -> Result<String, RestError> {
    let handler = word(call, "handler").ok_or_else(|| RestError::argument("HANDLER"))?;
    let wrong = || RestError::new(400, "ERROR_WRONG_HANDLER_URL", "Wrong handler URL");
    let scheme = handler.split("://").next().unwrap_or("").to_ascii_lowercase();
    if handler.contains("://") && !matches!(scheme.as_str(), "http" | "https") {
        let text = "Unsupported event handler protocol";
        return Err(RestError::new(400, "ERROR_UNSUPPORTED_PROTOCOL", text));
    }
    let uri: Uri = handler.parse().map_err(|_| wrong())?;
    if uri.scheme().is_none() || !uri.host().is_some_and(|host| host.contains('.')) {
        return Err(wrong());
    }
    Ok(handler)
}

/// The user that a binding is pinned to. Who is no administrator hears only as themselves.
fn pinned(call: &Call<'_>, what: &str) -> Result<u64, RestError> {
    let asked = call.params.get("auth_type").map_or(0, integer);
    let asked = u64::try_from(asked).unwrap_or(0);
    if call.is_admin() || asked == call.caller.user_id {
        return Ok(asked);
    }
    if asked == 0 {
        return Ok(call.caller.user_id);
    }
    Err(denied(&format!(" Event {what} with AUTH_TYPE requires administrator access rights")))
}

fn min_timeout(call: &Call<'_>) -> i64 {
    let options = match call.params.get("options") {
        Some(Value::Object(options)) => options.get("minTimeout"),
        _ => None,
    };
    options.map_or(1, integer).clamp(0, 86_400)
}

/// `event.unbind`: what is not given does not narrow.
pub(crate) fn unbind(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let client_id = client_id(call)?;
    let (event, handler) = (event_name(call), word(call, "handler"));
    let mut offline = is_offline(call)?;
    let mut auth_type = None;
    if offline == Some(true) && !call.is_admin() {
        return Err(denied(" Offline events unbinding requires administrator access rights"));
    }
    if !call.is_admin() {
        offline = Some(false);
        auth_type = Some(pinned(call, "unbinding")?);
    } else if let Some(value) = call.params.get("auth_type").filter(|_| offline != Some(true)) {
        auth_type = Some(u64::try_from(integer(value)).unwrap_or(0));
        // Offline bindings are nobody's.
        offline = Some(false);
    }
    let connector = (offline == Some(true)).then(|| connector(call));
    let wanted = Wanted {
        client_id: &client_id,
        event: event.as_deref(),
        // Offline bindings have none.
        handler: handler.as_deref().filter(|_| offline != Some(true)),
        auth_type,
        offline,
        connector: connector.as_deref(),
    };
    let count = call.world.events.with_bindings(|bindings| bindings.remove(&wanted));
    Ok(answer(out, &json!({"count": count})))
}

/// `event.get`: who is no administrator sees only their own.
pub(crate) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let client_id = client_id(call)?;
    let admin = call.is_admin();
    let bindings = call.world.events.bindings.get();
    let shown: Vec<Value> = bindings
        .all()
        .iter()
        .filter(|known| known.client_id == client_id)
        .filter(|known| admin || (!known.offline && known.auth_type == call.caller.user_id))
        .map(Binding::public_json)
        .collect();
    Ok(answer(out, &Value::Array(shown)))
}

/// `events`: names of one scope, of all scopes, or of those that the application has.
pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    client_id(call)?;
    let asked = word(call, "scope");
    let full = call.params.get("full").is_some_and(truthy);
    let shown: Vec<&str> = names::all()
        .filter(|(_, scope)| match asked.as_deref() {
            Some(asked) => scope.unwrap_or("") == asked.trim_start_matches("basic"),
            None => full || call.covers(*scope),
        })
        .map(|(name, _)| name)
        .collect();
    Ok(answer(out, &json!(shown)))
}

/// `event.test`: fires `ONAPPTEST` with whatever was sent.
pub(crate) fn test(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let client_id = client_id(call)?;
    let query: Map<String, Value> = call
        .params
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "auth" | "access_token" | "auth_connector"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    happen(
        call.world,
        &Occasion {
            event: "ONAPPTEST",
            data: json!({"QUERY": query, "LANGUAGE_ID": "en"}),
            user_id: Some(call.caller.user_id),
            source: None,
            only: Some(&client_id),
            hops: call.caller.hops(),
        },
    );
    Ok(answer(out, &json!(1)))
}
