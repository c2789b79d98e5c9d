//! Reading what a portal answers.
//!
//! The body decides, not the status: the vendor's documents disagree about statuses, and some
//! methods put an error into a 200. Vendor documentation: "Error codes", "REST 3.0".

use std::collections::HashMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use crate::{Error, Kind, Result, Retry};

/// What one successful call brought.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The method's own result: object, array, scalar or null.
    pub result: Value,
    /// Offset of the next page, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// How many rows match, where the method counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The portal's timings, as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Value>,
    /// Results of a batch's commands as the portal wrote them, where those were asked for. `result`
    /// lacks them then.
    #[serde(skip)]
    pub(crate) texts: Option<Texts>,
}

/// Results of commands by the commands' names.
pub(crate) type Texts = HashMap<String, Box<RawValue>>;

/// The answer to a batch, its results unread.
#[derive(Deserialize)]
struct OfBatch {
    result: Maps,
    time: Option<Value>,
}

#[derive(Deserialize)]
struct Maps {
    result: Texts,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Answer {
    /// Reads the body of an answer to a batch, and leaves the results of its commands as they are:
    /// thousands of rows, of which a list wants no more than the ids.
    pub(crate) fn read_batch(status: u16, body: &[u8]) -> Result<Self> {
        match serde_json::from_slice(body) {
            Ok(OfBatch { result: Maps { result, others }, time }) if status < 300 => {
                let texts = Some(result);
                Ok(Self { result: Value::Object(others), next: None, total: None, time, texts })
            }
            // An error, an empty list for an empty map, or nonsense.
            _ => Self::read(status, body),
        }
    }

    /// Reads the body of an answer to one method.
    pub(crate) fn read(status: u16, body: &[u8]) -> Result<Self> {
        if (300..400).contains(&status) {
            return Err(Error::new(
                Kind::UnexpectedAnswer,
                "the portal has moved to another address",
            )
            .with_status(status)
            .with_retry(Retry::Never)
            .advise("Use the portal's new address; a token is never sent along a redirect."));
        }
        let value: Value =
            serde_json::from_slice(body).map_err(|error| unreadable(status, body, &error))?;
        match value {
            Value::Object(fields) => Self::from_fields(status, fields),
            other if (200..300).contains(&status) => Ok(Self::of(other)),
            _ => Err(not_json(status, body)),
        }
    }

    fn from_fields(status: u16, mut fields: Map<String, Value>) -> Result<Self> {
        if let (Some(error), None) = (fields.get("error"), fields.get("result")) {
            let description =
                fields.get("error_description").and_then(Value::as_str).unwrap_or_default();
            return Err(vendor_error(error, description, Some(status)));
        }
        let (next, total) = (count(fields.get("next")), count(fields.get("total")));
        match fields.shift_remove("result") {
            Some(result) => {
                Ok(Self { result, next, total, time: fields.shift_remove("time"), texts: None })
            }
            // A few methods, such as the OpenAPI document, answer without an envelope.
            None if (200..300).contains(&status) => Ok(Self::of(Value::Object(fields))),
            None => Err(Error::new(
                Kind::UnexpectedAnswer,
                "the portal's answer has neither result nor error",
            )
            .with_status(status)),
        }
    }

    /// The result as a type of yours.
    ///
    /// # Errors
    /// [`Kind::UnexpectedAnswer`] if it is something else; the call was executed all the same.
    pub fn into<T: DeserializeOwned>(self) -> Result<T> {
        serde_json::from_value(self.result).map_err(|error| {
            Error::new(Kind::UnexpectedAnswer, "the result is not of the type that was asked for")
                .with_retry(Retry::Never)
                .with("found", error.to_string())
                .advise("The call was executed. Numbers often come as texts, and empty objects as lists.")
        })
    }

    pub(crate) fn of(result: Value) -> Self {
        Self { result, next: None, total: None, time: None, texts: None }
    }
}

/// Counters come as numbers or as text.
pub(crate) fn count(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// An error object of either REST generation: a string, a number, an empty text, or an object with
/// `code` and `message`.
pub(crate) fn vendor_error(error: &Value, description: &str, status: Option<u16>) -> Error {
    let inner = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, description) = match error {
        Value::String(code) => (code.clone(), description),
        Value::Number(code) => (code.to_string(), description),
        Value::Object(_) => (inner("code").to_owned(), inner("message")),
        _ => (String::new(), description),
    };
    let (kind, retry, advice) = classify(&code, status);
    let said = if description.is_empty() {
        "the portal refused the call".to_owned()
    } else {
        format!("the portal answered: {}", description.trim().trim_end_matches('.'))
    };
    let mut answer = Error::new(kind, said).with_code(code).with_retry(retry);
    if let Some(status) = status {
        answer = answer.with_status(status);
    }
    if let Some(fields) = invalid_fields(error) {
        answer = answer.with("invalid", fields);
    }
    if advice.is_empty() { answer } else { answer.advise(advice) }
}

/// The fields that REST 3.0 finds wrong, each with what is wrong with it.
fn invalid_fields(error: &Value) -> Option<String> {
    let text = |item: &Value, key: &str| {
        item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let fields: Vec<String> = error
        .get("validation")?
        .as_array()?
        .iter()
        .take(20)
        .map(|item| format!("{}: {}", text(item, "field"), text(item, "message")))
        .collect();
    (!fields.is_empty()).then(|| fields.join("; "))
}

fn classify(code: &str, status: Option<u16>) -> (Kind, Retry, &'static str) {
    let code = code.to_ascii_lowercase();
    // REST 3.0 codes are class names; the namespace differs between portals, the end does not.
    match code.rsplit('_').next().filter(|_| code.starts_with("bitrix_rest_v3_")) {
        Some("accessdeniedexception") if status == Some(401) => {
            return (Kind::Unauthorized, Retry::Never, "The token or webhook is not accepted.");
        }
        Some("accessdeniedexception" | "insufficientscopeexception") => return DENIED,
        Some("methodnotfoundexception") => return NO_METHOD,
        Some("ratelimitexception") => return (Kind::OperatingLimit, Retry::Safe, ""),
        _ => {}
    }
    match code.as_str() {
        "expired_token" | "invalid_token" => {
            (Kind::Unauthorized, Retry::Never, "Authorize the application again.")
        }
        "no_auth_found" | "invalid_credentials" => (
            Kind::Unauthorized,
            Retry::Never,
            "Check the webhook's address, or authorize the application again.",
        ),
        "application_not_found" | "portal_deleted" => (
            Kind::Unauthorized,
            Retry::Never,
            "Check that the portal exists and that the application is installed there.",
        ),
        "user_access_error" | "authorization_error" => (
            Kind::Unauthorized,
            Retry::Never,
            "Let the user use the application again (dismissed, or without rights to it), or move the grant to another one: evergrant grants transfer.",
        ),
        "query_limit_exceeded" => {
            (Kind::RateLimited, Retry::Safe, "Send fewer requests to this portal.")
        }
        "operation_time_limit" => (
            Kind::OperatingLimit,
            Retry::Safe,
            "Wait some minutes: the method has used up its operating time on this portal.",
        ),
        "overload_limit" => (
            Kind::Blocked,
            Retry::Never,
            "Stop all traffic of this application and contact the vendor.",
        ),
        "access_denied"
        | "insufficient_scope"
        | "wrong_auth_type"
        | "wrong_license"
        | "method_confirm_waiting"
        | "method_confirm_denied"
        | "allowed_only_intranet_user" => DENIED,
        "error_method_not_found" | "method_not_found" => NO_METHOD,
        "internal_server_error" | "error_unexpected_answer" => (
            Kind::Rest,
            Retry::IfIdempotent,
            "The call may have been executed: look before you repeat it.",
        ),
        _ => (Kind::Rest, Retry::Never, ""),
    }
}

const DENIED: (Kind, Retry, &str) = (
    Kind::AccessDenied,
    Retry::Never,
    "Check the user's rights, the scopes and the portal's plan.",
);
const NO_METHOD: (Kind, Retry, &str) = (
    Kind::MethodNotFound,
    Retry::Never,
    "Check the method's name, and that the portal has the module.",
);

fn unreadable(status: u16, body: &[u8], error: &serde_json::Error) -> Error {
    if let Err(error) = std::str::from_utf8(body) {
        return not_read("the portal's answer is not UTF-8")
            .with_status(status)
            .with("byte", error.valid_up_to().to_string());
    }
    if is_too_deep(error) {
        return not_read("the portal's answer is nested too deep to be read").with_status(status);
    }
    not_json(status, body)
}

/// The value of a part of an answer, such as the result of a command.
pub(crate) fn read_part<T: DeserializeOwned>(text: &RawValue) -> Result<T> {
    serde_json::from_str(text.get()).map_err(|error| match is_too_deep(&error) {
        true => not_read("the portal's answer is nested too deep to be read"),
        false => not_read("a result in the portal's answer cannot be read")
            .with("found", error.to_string()),
    })
}

fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

fn not_read(what: &'static str) -> Error {
    Error::new(Kind::UnexpectedAnswer, what)
        .with_retry(Retry::Never)
        .advise("The call was probably executed. Ask for other fields, or tell the vendor.")
}

fn not_json(status: u16, body: &[u8]) -> Error {
    let start = body.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let what = match start {
        None => "an empty page",
        Some(b'<') => "a page of HTML",
        _ => "something that is not whole JSON",
    };
    Error::new(Kind::UnexpectedAnswer, format!("the portal answered with {what} instead of JSON"))
        .with_status(status)
        .advise("Check the portal's address; if it is right, the portal or a proxy before it is in trouble.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> Error {
        Answer::read(status, body.as_bytes()).expect_err(body)
    }

    #[test]
    fn every_shape_of_error_decodes() {
        for (status, body, kind, code) in [
            (
                401,
                r#"{"error":"expired_token","error_description":"x"}"#,
                Kind::Unauthorized,
                "expired_token",
            ),
            (400, r#"{"error":"","error_description":"Not found"}"#, Kind::Rest, ""),
            (400, r#"{"error":0,"error_description":"x"}"#, Kind::Rest, "0"),
            (400, r#"{"error":200040300010,"error_description":"x"}"#, Kind::Rest, "200040300010"),
            (
                400,
                r#"{"error":{"code":"BITRIX_REST_V3_EXCEPTIONS_METHODNOTFOUNDEXCEPTION","message":"x"}}"#,
                Kind::MethodNotFound,
                "BITRIX_REST_V3_EXCEPTIONS_METHODNOTFOUNDEXCEPTION",
            ),
            (
                401,
                r#"{"error":{"code":"BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION","message":"x"}}"#,
                Kind::Unauthorized,
                "BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION",
            ),
            (400, r#"{"error":{}}"#, Kind::Rest, ""),
            (400, r#"{"error":null}"#, Kind::Rest, ""),
            (
                200,
                r#"{"error":"ACCESS_DENIED","error_description":"no"}"#,
                Kind::AccessDenied,
                "ACCESS_DENIED",
            ),
            (
                503,
                r#"{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}"#,
                Kind::RateLimited,
                "QUERY_LIMIT_EXCEEDED",
            ),
            (503, r#"{"error":"OVERLOAD_LIMIT"}"#, Kind::Blocked, "OVERLOAD_LIMIT"),
        ] {
            let error = error(status, body);
            assert_eq!(
                (error.kind(), error.code(), error.status()),
                (kind, Some(code), Some(status)),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_said_plainly() {
        for (status, body) in [
            (502, "<html>Bad gateway</html>"),
            (200, ""),
            (200, r#"{"result":{"#),
            (500, "[]"),
            (403, "{}"),
        ] {
            assert_eq!(error(status, body).kind(), Kind::UnexpectedAnswer, "{body}");
        }
        assert!(error(502, " <html>").to_string().contains("HTML"));
        assert!(error(302, "").to_string().contains("moved"));
    }

    #[test]
    fn nonsense_has_a_name() {
        let deep = format!(r#"{{"result":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(error(200, &deep).to_string().contains("too deep"));
        let cut = format!(r#"{{"result":{}"#, "[".repeat(10_000));
        assert!(error(200, &cut).to_string().contains("too deep"));
        let latin = Answer::read(200, b"{\"result\":\"caf\xe9\"}").unwrap_err();
        assert!(latin.to_string().contains("not UTF-8"), "{latin}");
        assert!(latin.context().contains(&("byte", "14".to_owned())), "{latin}");
    }

    #[test]
    fn a_result_becomes_a_type() {
        #[derive(serde::Deserialize)]
        struct Lead {
            #[serde(rename = "ID")]
            id: u64,
        }
        let answer = |body: &str| Answer::read(200, body.as_bytes()).unwrap();
        assert_eq!(answer(r#"{"result":{"ID":5,"TITLE":"x"}}"#).into::<Lead>().unwrap().id, 5);
        assert_eq!(answer(r#"{"result":[1,2]}"#).into::<Vec<u8>>().unwrap(), [1, 2]);
        let error = answer(r#"{"result":{"ID":"5"}}"#).into::<Lead>().err().unwrap();
        assert_eq!((error.kind(), error.retry()), (Kind::UnexpectedAnswer, Retry::Never));
        assert!(error.to_string().contains("expected u64"), "{error}");
    }

    #[test]
    fn a_result_may_be_anything() {
        for body in [
            r#"{"result":null}"#,
            r#"{"result":false}"#,
            r#"{"result":7}"#,
            r#"{"result":"x"}"#,
            r#"{"openapi":"3.0.0"}"#,
        ] {
            assert!(Answer::read(200, body.as_bytes()).is_ok(), "{body}");
        }
        let answer =
            Answer::read(200, br#"{"result":[],"next":50,"total":"654","time":{}}"#).unwrap();
        assert_eq!((answer.next, answer.total), (Some(50), Some(654)));
        // `error` beside a `result` belongs to the method.
        assert!(Answer::read(200, br#"{"result":true,"error":""}"#).is_ok());
    }
}
