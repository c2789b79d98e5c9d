//! What a token request is answered with.

use serde_json::{Map, Value, json};

use crate::applications::Application;
use crate::http::{Answer, Request};
use crate::json;
use crate::tokens::Pair;
use crate::world::World;

/// An OAuth error (RFC 6749, 5.2, and the portal's own).
pub(super) struct GrantError {
    pub(super) code: &'static str,
    description: String,
}

pub(super) fn fail(code: &'static str, description: impl Into<String>) -> GrantError {
    GrantError { code, description: description.into() }
}

impl GrantError {
    /// The status that its code usually has. `wrong_client` was seen with 200.
    fn usual_status(&self) -> u16 {
        match self.code {
            "wrong_client" => 200,
            "NOT_INSTALLED" => 401,
            "invalid_scope" | "insufficient_scope" => 403,
            _ => 400,
        }
    }

    /// `world` is the portal that it is about; its settings can change the status.
    pub(super) fn answer(&self, world: Option<&World>) -> Answer {
        let usual = self.usual_status();
        let status =
            world.map_or(usual, |world| world.settings.read().error_status(self.code, usual));
        Answer::json(
            status,
            json::bytes(&json!({"error": self.code, "error_description": self.description})),
        )
    }
}

/// A granted pair and what its answer tells of it.
pub(super) struct Granted<'a> {
    pub(super) world: &'a World,
    pub(super) application: &'a Application,
    pub(super) pair: Pair,
    /// The scopes that were asked for, if any were.
    pub(super) scope: Option<String>,
}

impl Granted<'_> {
    /// The answer; `domain` is the host that gives it, unless it is the portal's authorization server itself.
    pub(super) fn answer(&self, request: &Request, domain: Option<&str>) -> Answer {
        let (world, pair, scheme) = (self.world, &self.pair, request.scheme());
        let server = world.authorization_host();
        let settings = world.settings.read();
        let client_endpoint = settings
            .client_endpoint
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{}/rest/", world.portal_host()));
        // A claimed authorization server is another machine: there it would be https.
        let server_scheme = if settings.server_domain.is_some() { "https" } else { scheme };
        let left = pair.expires_at - world.clock.now();
        let answer = json!({
            "access_token": pair.access.text(),
            "client_endpoint": client_endpoint,
            "domain": domain.unwrap_or(&server),
            "expires": pair.expires_at,
            "expires_in": left.max(0),
            "member_id": world.member_id,
            "refresh_token": pair.refresh.text(),
            "scope": self.scope.clone().unwrap_or_else(|| self.application.scope.join(",")),
            "server_endpoint": format!("{server_scheme}://{server}/rest/"),
            "status": settings.status.as_deref().unwrap_or(self.application.letter()),
            "user_id": pair.holder.user_id,
        });
        let answer = match answer {
            Value::Object(map) => {
                map.into_iter().filter(|(key, _)| !settings.omit.contains(&key.as_str())).collect()
            }
            _ => Map::new(),
        };
        Answer::json(200, json::bytes(&Value::Object(answer)))
    }
}
