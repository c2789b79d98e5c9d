//! A client: who calls, and what is tried again by itself.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use serde_json::{Map, Value};
use url::Url;

use super::{Answer, List, ListOptions, params, send::send};
use crate::{
    Error, Kind, Result,
    keeper::{Keeper, Token},
    portal::{authority, is_loopback},
    process,
    store::GrantId,
};

/// Least life of a token that a call is started with: a call may take half a minute.
const CALL_TTL: i64 = 30;

/// Calls one portal as one user. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Client(Access);

#[derive(Clone)]
enum Access {
    /// The address is the secret.
    Webhook(Url),
    Grant {
        keeper: Keeper,
        grant: GrantId,
    },
}

impl Client {
    /// A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `webhook`.
    pub fn from_webhook(address: &str) -> Result<Self> {
        let refuse = |why: &'static str| {
            Err(Error::invalid_input("webhook", why).advise(
                "Copy the whole address from the portal: https://<portal>/rest/<user id>/<secret>/",
            ))
        };
        let Ok(mut url) = Url::parse(address.trim()) else {
            return refuse("the webhook's address is not a URL");
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !secure || !url.username().is_empty() || url.password().is_some() {
            return refuse("a webhook's address must use https (http on loopback only)");
        }
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        let base = match parts.as_slice() {
            // People also paste the example with a method at its end.
            ["rest", user, secret] | ["rest", user, secret, _]
                if user.parse::<u64>().is_ok_and(|id| id > 0)
                    && !secret.is_empty()
                    && secret.chars().all(|c| c.is_ascii_alphanumeric()) =>
            {
                format!("/rest/{user}/{secret}/")
            }
            _ => return refuse("this is not the address of an incoming webhook"),
        };
        url.set_path(&base);
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(Access::Webhook(url)))
    }

    pub(crate) fn of_grant(keeper: Keeper, grant: GrantId) -> Self {
        Self(Access::Grant { keeper, grant })
    }

    /// Calls one method. `params` is an object, a list for methods with positional parameters, or null.
    ///
    /// An expired token is renewed and the call replayed once. A refusal for the rate is waited out.
    /// Nothing else is repeated: the call may have been executed.
    ///
    /// # Errors
    /// Names the portal and the method; [`Error::retry`] says whether to send it again.
    pub async fn call(&self, method: &str, params: impl Into<Value>) -> Result<Answer> {
        params::check_method(method)?;
        let (client, method, params) =
            (self.clone(), method.to_owned(), params::named(params.into())?);
        process::run(async move { client.call_patiently(&method, params).await }).await
    }

    /// All rows of a list method, in the best way. `params` must not contain `start`.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for a bad method or parameters; nothing is sent yet.
    pub fn list(&self, method: &str, params: impl Into<Value>) -> Result<List> {
        self.list_with(method, params, ListOptions::new())
    }

    /// The rows of a list method, with a limit, an order, a strategy, a count, or behind a cursor.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for a bad method, parameters or options; nothing is sent yet.
    pub fn list_with(
        &self,
        method: &str,
        params: impl Into<Value>,
        options: ListOptions,
    ) -> Result<List> {
        params::check_method(method)?;
        List::new(self.clone(), method, params::named(params.into())?, options)
    }

    async fn call_patiently(&self, method: &str, params: Map<String, Value>) -> Result<Answer> {
        let mut pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_factor(1.5)
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(20)
            .build();
        loop {
            let error = match self.call_once(method, params.clone()).await {
                // What the keeper holds back itself takes longer than a caller should wait.
                Err(error) if error.kind() == Kind::RateLimited && error.status().is_some() => {
                    error
                }
                other => return other,
            };
            let Some(pause) = pauses.next() else { return Err(error) };
            tracing::debug!(
                method,
                pause = pause.as_millis(),
                "waiting for the portal's rate limit"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn call_once(&self, method: &str, params: Map<String, Value>) -> Result<Answer> {
        let (keeper, grant) = match &self.0 {
            Access::Webhook(base) => return send(base, method, &params).await,
            Access::Grant { keeper, grant } => (keeper, *grant),
        };
        let token = keeper.token(grant, CALL_TTL).await?;
        match self.call_with(&token, method, params.clone()).await {
            Err(error) if is_stale(&error) => {
                tracing::debug!(
                    grant,
                    generation = token.generation,
                    "the portal calls the token expired"
                );
                let fresh = keeper.renew(grant, token.generation).await?;
                self.call_with(&fresh, method, params).await
            }
            other => other,
        }
    }

    async fn call_with(
        &self,
        token: &Token,
        method: &str,
        mut params: Map<String, Value>,
    ) -> Result<Answer> {
        let endpoint = crate::portal::rest_endpoint(&token.client_endpoint)?;
        params.insert("auth".to_owned(), Value::String(token.access_token.expose().to_owned()));
        send(&endpoint, method, &params).await
    }

    /// The portal's host, for messages.
    pub(crate) fn portal(&self) -> Option<String> {
        match &self.0 {
            Access::Webhook(base) => Some(authority(base)),
            Access::Grant { .. } => None,
        }
    }
}

/// Only these two codes mean that a rotation may help; a bare 401 means many things.
fn is_stale(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        code.eq_ignore_ascii_case("expired_token") || code.eq_ignore_ascii_case("invalid_token")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_read_as_people_paste_it() {
        for good in [
            "https://p.bitrix24.com/rest/1/qwertyuiop123456/",
            " https://p.bitrix24.com/rest/1/qwertyuiop123456 ",
            "https://p.bitrix24.com/rest/1/qwertyuiop123456/profile.json?x=1",
            "http://127.0.0.1:8001/rest/1/qwertyuiop123456/",
        ] {
            let Access::Webhook(base) = Client::from_webhook(good).ok().unwrap().0 else {
                panic!("{good}")
            };
            assert!(base.as_str().ends_with("/rest/1/qwertyuiop123456/"), "{base}");
        }
        for bad in [
            "",
            "p.bitrix24.com/rest/1/qwertyuiop123456/",
            "http://p.bitrix24.com/rest/1/qwertyuiop123456/",
            "https://p.bitrix24.com/",
            "https://p.bitrix24.com/rest/x/qwertyuiop123456/",
            "https://p.bitrix24.com/rest/1/",
            "https://u:p@p.bitrix24.com/rest/1/qwertyuiop123456/",
            "https://:p@p.bitrix24.com/rest/1/qwertyuiop123456/",
            "https://p.bitrix24.com/rest/1/../../oauth/token/",
        ] {
            let error = Client::from_webhook(bad).err().expect(bad);
            assert_eq!(error.kind(), Kind::InvalidInput, "{bad}");
            assert!(!format!("{error:?}").contains("qwertyuiop123456"), "{bad}");
        }
    }
}
