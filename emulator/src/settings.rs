//! What the control interface can change while the emulator runs.

use serde_json::{Value, json};

use crate::config::Config;

/// What becomes of an access token whose refresh token has been spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldAccess {
    /// It works until its own expiry.
    Lives,
    /// It is refused at once, by the authorization server and the portal.
    Dies,
}

/// The keys of a token answer; each may be left out of it.
pub(crate) const ANSWER_KEYS: [&str; 11] = [
    "access_token",
    "client_endpoint",
    "domain",
    "expires",
    "expires_in",
    "member_id",
    "refresh_token",
    "scope",
    "server_endpoint",
    "status",
    "user_id",
];

/// The present settings.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) auto_consent: Option<u64>,
    pub(crate) old_access: OldAccess,
    pub(crate) omit: Vec<&'static str>,
    pub(crate) status: String,
    pub(crate) burst: u32,
    pub(crate) leak_per_second: f64,
    /// Claimed instead of the authorization server's own host.
    pub(crate) server_domain: Option<String>,
    /// Claimed instead of the portal's own endpoint.
    pub(crate) client_endpoint: Option<String>,
}

impl Settings {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            auto_consent: config.auto_consent,
            old_access: OldAccess::Lives,
            omit: Vec::new(),
            // A local application has status L.
            status: "L".to_owned(),
            burst: config.burst,
            leak_per_second: config.leak_per_second,
            server_domain: None,
            client_endpoint: None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "auto_consent": self.auto_consent,
            "old_access": match self.old_access { OldAccess::Lives => "lives", OldAccess::Dies => "dies" },
            "omit": self.omit,
            "status": self.status,
            "burst": self.burst,
            "leak_per_second": self.leak_per_second,
            "server_domain": self.server_domain,
            "client_endpoint": self.client_endpoint,
        })
    }
}
