//! Who wants to hear what.

use serde_json::{Value, json};

/// Most bindings of one portal.
const BINDINGS: usize = 10_000;

/// One handler of one event.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) id: u64,
    /// Empty for an outgoing webhook.
    pub(crate) client_id: String,
    pub(crate) event: String,
    /// Empty when offline.
    pub(crate) handler: String,
    /// The user whose tokens come with it; 0 is whoever caused the event.
    pub(crate) auth_type: u64,
    /// Whether the event waits in the queue instead of being sent.
    pub(crate) offline: bool,
    /// The `auth_connector` of an offline binding.
    pub(crate) connector: String,
    /// Least seconds between two `ONOFFLINEEVENT`; 0 is one for each request.
    pub(crate) min_timeout: i64,
    /// `application_token` of an outgoing webhook.
    pub(crate) secret: String,
}

impl Binding {
    fn is_same(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.event == other.event
            && self.handler == other.handler
            && self.auth_type == other.auth_type
            && self.offline == other.offline
            && self.connector == other.connector
    }

    /// As `event.get` shows it.
    pub(super) fn public_json(&self) -> Value {
        if self.offline {
            return json!({"event": self.event, "connector_id": self.connector, "offline": 1});
        }
        json!({
            "event": self.event,
            "handler": self.handler,
            "auth_type": self.auth_type.to_string(),
            "offline": 0,
        })
    }

    /// As the control port shows it.
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client_id,
            "event": self.event,
            "handler": self.handler,
            "auth_type": self.auth_type,
            "offline": self.offline,
            "auth_connector": self.connector,
        })
    }
}

/// Which bindings are meant; what is `None` does not narrow.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) event: Option<&'a str>,
    pub(crate) handler: Option<&'a str>,
    pub(crate) auth_type: Option<u64>,
    pub(crate) offline: Option<bool>,
    pub(crate) connector: Option<&'a str>,
}

impl Wanted<'_> {
    fn fits(&self, binding: &Binding) -> bool {
        binding.client_id == self.client_id
            && self.event.is_none_or(|event| event == binding.event)
            && self.handler.is_none_or(|handler| handler == binding.handler)
            && self.auth_type.is_none_or(|user| user == binding.auth_type)
            && self.offline.is_none_or(|offline| offline == binding.offline)
            && self.connector.is_none_or(|connector| connector == binding.connector)
    }
}

/// All bindings, in the order in which they were made.
#[derive(Clone, Default)]
pub(crate) struct Bindings {
    list: Vec<Binding>,
    last: u64,
}

impl Bindings {
    pub(crate) fn all(&self) -> &[Binding] {
        &self.list
    }

    /// Adds a binding under a new id; the reason if it cannot be.
    pub(crate) fn add(&mut self, mut binding: Binding) -> Result<(), &'static str> {
        if self.list.iter().any(|known| known.is_same(&binding)) {
            return Err("Handler already binded");
        }
        if self.list.len() >= BINDINGS {
            return Err("Too many handlers");
        }
        self.last += 1;
        binding.id = self.last;
        self.list.push(binding);
        Ok(())
    }

    /// Removes what fits; says how many.
    pub(crate) fn remove(&mut self, wanted: &Wanted<'_>) -> usize {
        let before = self.list.len();
        self.list.retain(|binding| !wanted.fits(binding));
        before - self.list.len()
    }

    pub(crate) fn to_json(&self) -> Value {
        self.list.iter().map(Binding::to_json).collect()
    }
}
