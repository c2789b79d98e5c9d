//! What goes wrong in a call, as the portal says it.

use serde_json::{Value, json};

use crate::http::Answer;
use crate::json;

/// An error answer: `{"error", "error_description", …}` without `time`.
#[derive(Clone, Debug)]
pub(crate) struct RestError {
    pub(crate) status: u16,
    pub(crate) code: String,
    /// The whole body.
    body: Value,
}

impl RestError {
    pub(crate) fn new(status: u16, code: &str, description: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            body: json!({"error": code, "error_description": description}),
        }
    }

    /// What a fault makes of a command.
    pub(crate) fn from_body(body: Value) -> Self {
        let code = body.get("error").and_then(Value::as_str).unwrap_or("").to_owned();
        Self { status: 400, code, body }
    }

    /// Classic CRM methods: no code, only a text.
    pub(crate) fn plain(description: &str) -> Self {
        Self::new(400, "", description)
    }

    pub(crate) fn method_not_found() -> Self {
        Self::new(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
    }

    pub(crate) fn no_auth() -> Self {
        Self::new(401, "NO_AUTH_FOUND", "Wrong authorization data")
    }

    pub(crate) fn invalid_token() -> Self {
        Self::new(401, "invalid_token", "Unable to get application by token")
    }

    pub(crate) fn expired_token() -> Self {
        Self::new(401, "expired_token", "The access token provided has expired")
    }

    pub(crate) fn invalid_credentials() -> Self {
        Self::new(401, "INVALID_CREDENTIALS", "Invalid request credentials")
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
    }

    pub(crate) fn application_required() -> Self {
        Self::new(403, "ACCESS_DENIED", "Access denied! Application context required")
    }

    /// An argument is missing; the answer names it.
    pub(crate) fn argument(name: &str) -> Self {
        let text = format!("Argument '{name}' is null or empty");
        let mut error = Self::new(400, "ERROR_ARGUMENT", &text);
        if let Value::Object(body) = &mut error.body {
            body.insert("argument".to_owned(), name.into());
        }
        error
    }

    pub(crate) fn answer(&self) -> Answer {
        Answer::json(self.status, json::bytes(&self.body))
    }

    /// The body, as batches show it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        json::value(out, &self.body);
    }
}
