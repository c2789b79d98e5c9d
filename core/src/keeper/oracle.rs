//! Asking the authorization server whether an access token is still good, which spends nothing.

use serde_json::{Map, Value};
use url::Url;

use crate::{Result, Secret, rest};

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
    word(rest::send(&endpoint, "app.info", &params).await)
}

fn word<T>(answer: Result<T>) -> Word {
    match answer {
        Ok(_) => Word::Accepted,
        Err(error) => match error.code() {
            Some("expired_token" | "invalid_token") => Word::Refused,
            _ => Word::Blind,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Kind};

    #[test]
    fn only_a_word_about_the_token_counts() {
        let said =
            |code: &str| word::<()>(Err(Error::new(Kind::Unauthorized, "no").with_code(code)));
        assert_eq!(word(Ok(())), Word::Accepted);
        for code in ["expired_token", "invalid_token"] {
            assert_eq!(said(code), Word::Refused, "{code}");
        }
        for code in ["PAYMENT_REQUIRED", "APPLICATION_NOT_FOUND", "QUERY_LIMIT_EXCEEDED", ""] {
            assert_eq!(said(code), Word::Blind, "{code}");
        }
        assert_eq!(word::<()>(Err(Error::new(Kind::Network, "away"))), Word::Blind);
    }
}
