//! What is sent again after an error, and what is not.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::{Error, Kind, Retry};

/// How long a call may take if nobody says.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Long enough for a method's operating time to come back.
pub(super) const BULK_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long a portal that cannot be reached is tried, if nobody says: an address may be mistyped.
pub(super) const RECONNECT: Duration = Duration::from_secs(5);
/// The same for bulk: a list of an hour outlives a router that starts anew.
pub(super) const BULK_RECONNECT: Duration = Duration::from_secs(60);

/// What follows an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is the call's answer.
    Give,
    /// Nothing was executed; the limiter says when it may be sent again.
    Again,
    /// Nothing was executed; with a new token.
    Renewed,
    /// Nothing was sent; after a pause.
    Reconnect,
    /// It may have been executed, and twice is harmless; after a pause.
    Repeat,
}

/// By the error alone, and by what the caller said of the call.
pub(super) fn next(error: &Error, idempotent: bool) -> Next {
    // What the keeper holds back itself takes longer than a caller should wait.
    let from_portal = error.status().is_some();
    if is_stale(error) {
        return Next::Renewed;
    }
    match (error.kind(), error.retry()) {
        (Kind::RateLimited | Kind::OperatingLimit, _) if from_portal => Next::Again,
        (Kind::Network, Retry::Safe) => Next::Reconnect,
        (_, Retry::IfIdempotent) if idempotent => Next::Repeat,
        _ => Next::Give,
    }
}

/// Only these mean that a rotation may help; a bare 401 means many things. REST 3.0 has one word for
/// every reason.
fn is_stale(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        let code = code.to_ascii_lowercase();
        let is_v3 = code.starts_with("bitrix_rest_v3_") && code.ends_with("_accessdeniedexception");
        matches!(code.as_str(), "expired_token" | "invalid_token")
            || is_v3 && error.status() == Some(401)
    })
}

/// Pauses that grow, each a little by chance.
pub(super) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(10))
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::read;

    #[test]
    fn the_table() {
        let answer = |status: u16, body: &str| read(status, body.as_bytes()).unwrap_err();
        let code = |status, code: &str| answer(status, &format!(r#"{{"error":"{code}"}}"#));
        let v3 = r#"{"error":{"code":"BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION"}}"#;
        for (error, once, idempotent) in [
            (code(503, "QUERY_LIMIT_EXCEEDED"), Next::Again, Next::Again),
            (code(429, "OPERATION_TIME_LIMIT"), Next::Again, Next::Again),
            (code(401, "expired_token"), Next::Renewed, Next::Renewed),
            (code(401, "invalid_token"), Next::Renewed, Next::Renewed),
            (answer(401, v3), Next::Renewed, Next::Renewed),
            (answer(403, v3), Next::Give, Next::Give),
            (code(401, "NO_AUTH_FOUND"), Next::Give, Next::Give),
            (code(503, "OVERLOAD_LIMIT"), Next::Give, Next::Give),
            (code(500, "INTERNAL_SERVER_ERROR"), Next::Give, Next::Repeat),
            (code(500, "ERROR_UNEXPECTED_ANSWER"), Next::Give, Next::Repeat),
            (code(400, "ERROR_CORE"), Next::Give, Next::Give),
            (code(400, ""), Next::Give, Next::Give),
            (answer(502, "<html>"), Next::Give, Next::Repeat),
            (answer(504, ""), Next::Give, Next::Repeat),
            (answer(302, ""), Next::Give, Next::Give),
            (Error::new(Kind::Network, "x"), Next::Reconnect, Next::Reconnect),
            (Error::new(Kind::Timeout, "x"), Next::Give, Next::Repeat),
            (Error::new(Kind::Ambiguous, "x"), Next::Give, Next::Repeat),
            (Error::new(Kind::RateLimited, "the keeper's own"), Next::Give, Next::Give),
            (Error::new(Kind::NeedsReauthorization, "x"), Next::Give, Next::Give),
            (Error::new(Kind::InvalidInput, "x"), Next::Give, Next::Give),
        ] {
            assert_eq!(next(&error, false), once, "{error:?}");
            assert_eq!(next(&error, true), idempotent, "{error:?}");
        }
    }
}
