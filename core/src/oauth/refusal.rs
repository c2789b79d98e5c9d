//! What an error of the token endpoint says, and about what.
//!
//! The HTTP statuses of this endpoint are not documented, so the JSON `error` decides alone, with
//! one exception: a 503 without the portal's own code is an infrastructure error, not a refusal.

use crate::{Error, Kind, Retry};

/// A refusal of the authorization server that is understood.
pub(crate) struct Refusal {
    pub(crate) about: About,
    code: String,
    description: String,
    status: u16,
}

/// What a refusal is about, which decides what happens to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The bytes that were sent: the code or refresh token is spent, expired or foreign.
    Grant,
    /// The application: its secret, or its installation on this portal.
    Client,
    /// The portal's subscription.
    Payment,
    /// Our request.
    Request,
    /// The rate; nothing was executed.
    Rate,
    /// A manual block by the vendor.
    Block,
    /// The portal itself is gone.
    Portal,
}

impl Refusal {
    /// `None` for a code that the protocol does not know: the caller must treat it as ambiguous.
    pub(crate) fn classify(code: &str, description: String, status: u16) -> Option<Self> {
        let about = match code.to_ascii_lowercase().as_str() {
            "invalid_grant" | "expired_token" => About::Grant,
            "invalid_client" | "wrong_client" | "unauthorized_client" | "not_installed" => {
                About::Client
            }
            "payment_required" => About::Payment,
            "invalid_request"
            | "invalid_scope"
            | "insufficient_scope"
            | "unsupported_grant_type" => About::Request,
            "query_limit_exceeded" => About::Rate,
            "overload_limit" => About::Block,
            "portal_deleted" => About::Portal,
            _ => return None,
        };
        Some(Self { about, code: code.to_owned(), description, status })
    }

    pub(crate) fn error(&self) -> Error {
        let (kind, message, advice) = match self.about {
            About::Grant => (
                Kind::InvalidGrant,
                "the authorization server refused the code or refresh token",
                "A code lives 30 seconds and works once: ask for a new consent.",
            ),
            About::Client => (
                Kind::InvalidClient,
                "the authorization server refused the application",
                "Check client_id and client_secret, and that the application is installed on this portal.",
            ),
            About::Payment => (
                Kind::Suspended,
                "the portal's subscription does not cover the application",
                "Renew the subscription; the grant resumes by itself afterwards.",
            ),
            About::Request => (
                Kind::InvalidClient,
                "the authorization server did not accept the request",
                "Check the application's scopes in its card on the portal.",
            ),
            About::Rate => {
                (Kind::RateLimited, "the authorization server is throttling", "Wait and try again.")
            }
            About::Block => (
                Kind::Blocked,
                "the vendor has blocked the application",
                "Stop all traffic of this application and contact the vendor.",
            ),
            About::Portal => (
                Kind::Unauthorized,
                "the portal no longer exists",
                "Check the portal's address; if it was deleted, remove the grant.",
            ),
        };
        let retry = if self.about == About::Rate { Retry::Safe } else { Retry::Never };
        let error = Error::new(kind, message)
            .with_code(self.code.clone())
            .with_status(self.status)
            .with_retry(retry)
            .advise(advice);
        if self.description.is_empty() {
            error
        } else {
            error.with("said", self.description.clone())
        }
    }
}
