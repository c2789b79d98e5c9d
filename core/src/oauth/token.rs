//! Reading what the token endpoint answers, without losing a pair to strictness.
//!
//! The server has rotated by the time we read, so a missing `expires` or an unknown `status` must
//! never turn a success into an error.

use serde_json::{Map, Value};

use super::{Refusal, authorize::split_scope};
use crate::Secret;

/// What one answer of the token endpoint means.
pub(crate) enum Answer {
    /// A pair was issued.
    Token(Box<TokenAnswer>),
    /// The server understood and refused.
    Refused(Refusal),
    /// HTML, cut-off JSON, an unknown error: the pair may or may not have been rotated.
    Unreadable(&'static str),
}

/// A successful answer. Only the access token is certain to be there.
pub(crate) struct TokenAnswer {
    /// When it came, in Unix seconds, if that was not just now: its tokens have lived since.
    pub(crate) received_at: Option<i64>,
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    expires: Option<i64>,
    expires_in: Option<i64>,
    pub(crate) member_id: Option<String>,
    pub(crate) user_id: Option<i64>,
    pub(crate) client_endpoint: Option<String>,
    pub(crate) server_endpoint: Option<String>,
    pub(crate) scope: Vec<String>,
    /// Status letter of the application; an open set.
    pub(crate) status: Option<String>,
}

impl Answer {
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let Some(fields) = object(body).or_else(|| cut_off(body)) else {
            return Self::Unreadable("the answer is not a JSON object");
        };
        if let Some(access_token) = text(&fields, "access_token") {
            return Self::Token(Box::new(TokenAnswer::read(access_token, &fields)));
        }
        match text(&fields, "error") {
            Some(code) => {
                let description = text(&fields, "error_description").unwrap_or_default();
                Refusal::classify(&code, description, status).map_or(
                    Self::Unreadable("the error is not one of the protocol's"),
                    Self::Refused,
                )
            }
            None => Self::Unreadable("the answer holds neither a token nor an error"),
        }
    }
}

impl TokenAnswer {
    fn read(access_token: String, fields: &Map<String, Value>) -> Self {
        Self {
            received_at: None,
            access_token: Secret::new(access_token),
            refresh_token: text(fields, "refresh_token").map(Secret::new),
            expires: number(fields, "expires"),
            expires_in: number(fields, "expires_in"),
            member_id: text(fields, "member_id"),
            user_id: number(fields, "user_id").filter(|id| *id > 0),
            client_endpoint: text(fields, "client_endpoint"),
            server_endpoint: text(fields, "server_endpoint"),
            scope: text(fields, "scope").as_deref().map(split_scope).unwrap_or_default(),
            status: text(fields, "status"),
        }
    }

    /// When the access token dies, in Unix seconds: the earliest of what the answer says and what
    /// the token itself says. A pair just received is never already expired, whatever our clock
    /// thinks, so only times ahead of `now` count.
    pub(crate) fn access_expires_at(&self, now: i64) -> i64 {
        let by_duration = now.saturating_add(
            self.expires_in.filter(|s| (1..=86_400 * 366).contains(s)).unwrap_or(3600),
        );
        [self.expires, embedded_expiry(self.access_token.expose())]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .fold(by_duration, i64::min)
    }
}

/// Thirty days: what refresh tokens carry, though the documentation says 180 days.
const REFRESH_LIFE: i64 = 30 * 86_400;

/// When a refresh token received at `now` probably dies, in Unix seconds. A hint: it can only make
/// us earlier.
pub(crate) fn refresh_expires_at(refresh_token: &Secret, now: i64) -> i64 {
    let longest = now.saturating_add(REFRESH_LIFE);
    embedded_expiry(refresh_token.expose())
        .filter(|at| *at > now)
        .map_or(longest, |at| at.min(longest))
}

/// The first four bytes of a 70-digit token, little-endian, are its Unix expiry.
fn embedded_expiry(token: &str) -> Option<i64> {
    if token.len() != 70 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(&token[..8], 16).ok()?;
    Some(i64::from(number.swap_bytes()))
}

fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

/// The whole members of an object whose end is missing, if both tokens are among them: the server has
/// rotated. With one of them alone the other may be what is missing.
fn cut_off(body: &[u8]) -> Option<Map<String, Value>> {
    let ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b',').take(64);
    let mut whole = ends.filter_map(|(end, _)| object(&[body.get(..end)?, b"}"].concat()));
    whole.find(|fields| {
        ["access_token", "refresh_token"].iter().all(|name| fields.contains_key(*name))
    })
}

fn text(fields: &Map<String, Value>, key: &str) -> Option<String> {
    match fields.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(fields: &Map<String, Value>, key: &str) -> Option<i64> {
    match fields.get(key)? {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_771_940_028;

    fn token(body: &str) -> TokenAnswer {
        match Answer::read(200, body.as_bytes()) {
            Answer::Token(token) => *token,
            _ => panic!("not a token: {body}"),
        }
    }

    #[test]
    fn a_lean_answer_is_still_a_pair() {
        let lean = token(r#"{"access_token":"a","refresh_token":"r","status":"unheard of"}"#);
        assert_eq!(lean.access_expires_at(NOW), NOW + 3600);
        assert_eq!((lean.user_id, lean.member_id.as_deref()), (None, None));
        let texts = token(
            r#"{"access_token":"a","expires_in":"1800","user_id":"67","scope":"crm, user im"}"#,
        );
        assert_eq!(texts.access_expires_at(NOW), NOW + 1800);
        assert_eq!(texts.user_id, Some(67));
        assert_eq!(texts.scope, ["crm", "user", "im"]);
        assert!(texts.refresh_token.is_none());
    }

    #[test]
    fn the_earliest_future_expiry_counts() {
        // ccb69d69, little-endian, is 1771943628 = NOW + 3600.
        let embedded = format!("ccb69d69{}", "0".repeat(62));
        let body = |expires: i64| {
            format!(r#"{{"access_token":"{embedded}","expires":{expires},"expires_in":7200}}"#)
        };
        assert_eq!(token(&body(NOW + 100)).access_expires_at(NOW), NOW + 100);
        assert_eq!(token(&body(NOW + 9999)).access_expires_at(NOW), NOW + 3600);
        // Our clock is a day ahead: everything absolute lies in the past, the pair lives all the same.
        assert_eq!(token(&body(NOW + 100)).access_expires_at(NOW + 86_400), NOW + 86_400 + 7200);
    }

    #[test]
    fn a_refresh_token_is_never_believed_to_live_longer_than_thirty_days() {
        let short = Secret::new(format!("ccb69d69{}", "0".repeat(62)));
        assert_eq!(refresh_expires_at(&short, NOW), NOW + 3600);
        assert_eq!(refresh_expires_at(&Secret::from("opaque"), NOW), NOW + REFRESH_LIFE);
        assert_eq!(refresh_expires_at(&short, NOW + 86_400), NOW + 86_400 + REFRESH_LIFE);
    }

    #[test]
    fn an_answer_that_is_cut_off_after_both_tokens_is_a_pair() {
        let whole = r#"{"access_token":"a,b","member_id":"m","refresh_token":"r","scope":"crm,user","user_id":7}"#;
        let needed = whole.find(r#""scope""#).unwrap();
        for end in 0..whole.len() {
            match Answer::read(200, &whole.as_bytes()[..end]) {
                Answer::Token(token) if end >= needed => {
                    assert_eq!(token.access_token.expose(), "a,b");
                    assert_eq!(token.refresh_token.unwrap().expose(), "r");
                    assert_eq!(token.member_id.as_deref(), Some("m"));
                }
                Answer::Unreadable(_) if end < needed => {}
                _ => panic!("{}", &whole[..end]),
            }
        }
    }

    #[test]
    fn anything_unknown_is_unreadable_never_dead() {
        for body in [
            "",
            "<html>",
            "[]",
            "null",
            r#"{"access_token":"#,
            r#"{"error":"brand_new_code"}"#,
            r#"{"error":{}}"#,
            "{}",
            r#"{"access_token":null}"#,
        ] {
            assert!(matches!(Answer::read(400, body.as_bytes()), Answer::Unreadable(_)), "{body}");
        }
        assert!(matches!(Answer::read(200, br#"{"error":"invalid_grant"}"#), Answer::Refused(_)));
    }
}
