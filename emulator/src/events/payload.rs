//! What a handler is sent: form fields in PHP's brackets.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::applications::Application;
use crate::tokens::{ACCESS_LIFE, Opened};
use crate::world::World;

/// What PHP's `urlencode` leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// `a[b][c]=v&…` as `http_build_query` makes it: empty arrays and nulls vanish.
pub(super) fn form(tree: &Value) -> String {
    let mut out = String::new();
    fields(&mut out, "", tree);
    out
}

fn fields(out: &mut String, name: &str, value: &Value) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Null => {}
        Value::Bool(flag) => pair(out, name, if *flag { "1" } else { "0" }),
        Value::Number(number) => pair(out, name, &number.to_string()),
        Value::String(text) => pair(out, name, text),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                fields(out, &inner(&n.to_string()), item);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                fields(out, &inner(key), item);
            }
        }
    }
}

fn pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(&encode(name));
    out.push('=');
    out.push_str(&encode(value));
}

/// One name or value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string().replace("%20", "+")
}

/// The `auth` part for an application.
pub(super) struct Auth<'a> {
    pub(super) world: &'a World,
    pub(super) application: &'a Application,
    /// Whose tokens; `None` is nobody's.
    pub(super) user_id: Option<u64>,
    pub(super) refresh: bool,
    pub(super) opened: Opened,
}

impl<'a> Auth<'a> {
    pub(super) fn event(
        world: &'a World,
        application: &'a Application,
        user_id: Option<u64>,
        hops: u8,
    ) -> Self {
        Self { world, application, user_id, refresh: false, opened: Opened::Event(hops) }
    }

    /// Each event with tokens begins a chain of its own.
    pub(super) fn to_json(&self) -> Value {
        let (world, client_id) = (self.world, &self.application.client_id);
        let mut auth = Map::new();
        if let Some(user_id) = self.user_id {
            let pair = world.open_chain(client_id, user_id, self.opened);
            auth.insert("access_token".to_owned(), pair.access.text().into());
            if matches!(self.opened, Opened::Event(_)) {
                auth.insert("expires".to_owned(), pair.expires_at.to_string().into());
                auth.insert("user_id".to_owned(), user_id.to_string().into());
            }
            auth.insert("expires_in".to_owned(), ACCESS_LIFE.to_string().into());
            if self.refresh {
                auth.insert("refresh_token".to_owned(), pair.refresh.text().into());
            }
        }
        let status = world.settings.read().status.clone();
        auth.insert("scope".to_owned(), self.application.scope.join(",").into());
        let status = status.unwrap_or_else(|| self.application.letter().to_owned());
        auth.insert("status".to_owned(), status.into());
        auth.extend(portal(world));
        auth.insert("application_token".to_owned(), token(world, client_id).into());
        Value::Object(auth)
    }
}

/// The `auth` part of an outgoing webhook.
pub(super) fn webhook_auth(world: &World, secret: &str) -> Value {
    let mut auth = portal(world);
    auth.insert("application_token".to_owned(), secret.into());
    Value::Object(auth)
}

/// What says from which portal a call comes.
pub(super) fn portal(world: &World) -> Map<String, Value> {
    let host = world.portal_host();
    let client = world.settings.read().client_endpoint.clone();
    let fields = json!({
        "domain": &*host,
        "server_endpoint": server_endpoint(world),
        "client_endpoint": client.unwrap_or_else(|| format!("http://{host}/rest/")),
        "member_id": world.member_id,
    });
    match fields {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The authorization server's REST base; a claimed one is another machine and would be https.
pub(super) fn server_endpoint(world: &World) -> String {
    let claimed = world.settings.read().server_domain.is_some();
    let scheme = if claimed { "https" } else { "http" };
    format!("{scheme}://{}/rest/", world.authorization_host())
}

/// An application's `application_token` at a portal: the same until the application is updated.
pub(crate) fn token(world: &World, client_id: &str) -> String {
    world.events.installations.get().token(&world.member_id, client_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::form;

    #[test]
    fn forms_are_written_as_php_writes_them() {
        let tree = json!({"event": "X", "data": {"FIELDS": {"ID": "5"}, "none": [], "null": null}, "l": ["a b", true]});
        assert_eq!(form(&tree), "event=X&data%5BFIELDS%5D%5BID%5D=5&l%5B0%5D=a+b&l%5B1%5D=1");
    }
}
