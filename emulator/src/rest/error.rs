//! What goes wrong in a call, as the portal says it.

use serde_json::{Value, json};

use super::Call;
use crate::http::Answer;
use crate::json;

/// What REST 3.0 codes begin with.
const V3: &str = "BITRIX_REST_V3_EXCEPTION_";

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
        let error = body.get("error");
        let code = error.and_then(|error| error.get("code").unwrap_or(error).as_str());
        Self { status: 400, code: code.unwrap_or("").to_owned(), body }
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

    /// What becomes of a request that takes more than the server has.
    pub(crate) fn internal() -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", "Internal server error")
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
    }

    pub(crate) fn application_required() -> Self {
        Self::new(403, "ACCESS_DENIED", "Access denied! Application context required")
    }

    /// A link that nobody signed, or not for this.
    pub(crate) fn broken_link() -> Self {
        Self::new(403, "ACCESS_DENIED", "Access denied! Link check failed")
    }

    /// The caller's grant does not cover the method.
    pub(crate) fn insufficient_scope(call: &Call<'_>) -> Self {
        let by = if call.caller.application { "access token" } else { "webhook token" };
        let text = format!("The request requires higher privileges than provided by the {by}");
        Self::new(if call.is_box() { 401 } else { 403 }, "insufficient_scope", &text)
    }

    /// An administrator was asked for a method, and has not answered yet or said no.
    pub(crate) fn confirmation(denied: bool) -> Self {
        if denied {
            return Self::new(403, "METHOD_CONFIRM_DENIED", "Method call denied");
        }
        Self::new(401, "METHOD_CONFIRM_WAITING", "Waiting for confirmation")
    }

    /// The portal's plan does not include something.
    pub(crate) fn license(feature: &str) -> Self {
        let text = format!("This feature is not enabled for the current license: {feature}");
        Self::new(403, "WRONG_LICENSE", &text)
    }

    /// A method of a controller got something it cannot use.
    pub(crate) fn controller(text: &str) -> Self {
        Self::new(400, "100", text)
    }

    /// A REST 3.0 error: the code is the name of an exception.
    pub(crate) fn v3(status: u16, exception: &str, message: &str) -> Self {
        Self::v3_own(status, &format!("{V3}{exception}EXCEPTION"), message)
    }

    /// A REST 3.0 error with a code of the method's own.
    pub(crate) fn v3_own(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"code": code, "message": message}});
        Self { status, code: code.to_owned(), body }
    }

    /// A REST 3.0 error about one field of the request.
    pub(crate) fn v3_field(field: &str, message: &str) -> Self {
        let text = "Error during request object validation";
        let mut error = Self::v3(400, "VALIDATION_REQUESTVALIDATION", text);
        error.body["error"]["validation"] = json!([{"message": message, "field": field}]);
        error
    }

    /// The same error from an implementation's own namespace.
    pub(crate) fn realisation(mut self) -> Self {
        self.code = self.code.replace(V3, "BITRIX_REST_V3_REALISATION_EXCEPTION_");
        self.body["error"]["code"] = self.code.as_str().into();
        self
    }

    /// How a boxed portal spells REST 3.0 codes: the name of the namespace is a plural there.
    pub(crate) fn plural(mut self) -> Self {
        if let Some(rest) = self.code.strip_prefix(V3) {
            self.code = format!("BITRIX_REST_V3_EXCEPTIONS_{rest}");
            self.body["error"]["code"] = self.code.as_str().into();
        }
        self
    }

    /// The same error without words, as batches tell of missing scopes.
    pub(crate) fn wordless(&self) -> Self {
        Self::new(self.status, &self.code, "")
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
