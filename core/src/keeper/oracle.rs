//! Asking the authorization server whether an access token is still good, which spends nothing.

use serde_json::{Map, Value};
use url::Url;

use crate::{Secret, rest};

/// What the answer says about the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The access token is good: the pair has probably not been succeeded yet.
    Accepted,
    /// The access token is dead before its time: the pair has probably been succeeded.
    Refused,
    /// It cannot be told. Other refusals mean payment, or an application that was removed.
    Blind,
}

/// Calls `app.info` on the authorization server (vendor docs, "simple way" of OAuth: the trusted
/// place to ask about a token).
pub(super) async fn ask(server: &Url, access_token: &Secret) -> Word {
    let Ok(endpoint) = server.join("rest/") else { return Word::Blind };
    let mut params = Map::new();
    params.insert("auth".to_owned(), Value::String(access_token.expose().to_owned()));
    match rest::send(&endpoint, "app.info", &params).await {
        Ok(_) => Word::Accepted,
        Err(error) => match error.code() {
            Some("expired_token" | "invalid_token") => Word::Refused,
            _ => Word::Blind,
        },
    }
}
