//! A portal that answers with a redirect has another address. Vendor documentation: "Domain change".
//!
//! A redirect proves nothing. A grant's new address is proven where tokens are made: a rotation's
//! answer names the portal's endpoint, and only there the call is sent again, as it was. A webhook
//! carries its secret in its path and nobody to ask, so it goes along only within the vendor's
//! cloud, or where a person has said so. Loopback is no cloud.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use url::{Host, Url};

use super::{
    call::{Access, Client},
    counters::counters,
    limit::registry,
    webhook::Webhook,
};
use crate::{
    Error, Kind, Result, Retry, Token,
    keeper::Keeper,
    portal::{authority, is_loopback, rest_endpoint},
    process::PerProcess,
};

/// Where the vendor's cloud has portals, after `bitrix24.`. Somebody else may own the name elsewhere.
const ZONES: [&str; 24] = [
    "by", "cn", "co", "com", "com.br", "com.tr", "de", "es", "eu", "fr", "id", "in", "it", "jp",
    "kz", "mx", "pl", "ru", "tech", "ua", "uk", "uz", "vn", "tr",
];

/// A new address that was not confirmed is not asked about again for so long: each proof spends a
/// refresh token.
const REFUTED: Duration = Duration::from_secs(3600);

/// A client, grant and host, and until when its redirects are not believed.
type Refuted = Mutex<HashMap<(u64, String), Duration>>;
static REFUTATIONS: PerProcess<Refuted> = PerProcess::new();

impl Client {
    /// Goes to the portal's new address, or says why not. `token` is what the call was made with.
    pub(super) async fn follow(&self, from: &Url, to: &Url, token: Option<&Token>) -> Result<()> {
        if authority(from) == authority(to) && from.scheme() == to.scheme() {
            return Err(refused(to, "the portal redirects the call to another of its pages")
                .advise("REST may be switched off there: open the portal in a browser."));
        }
        let is_safe = to.scheme() == "https" || (to.scheme() == "http" && is_loopback(to));
        if !is_safe || !to.username().is_empty() || to.host().is_none() {
            return Err(refused(to, "the portal redirects to an address that is not safe"));
        }
        match (&self.access, token) {
            (Access::Webhook(webhook), _) => self.follow_webhook(webhook, from, to)?,
            (Access::Grant { keeper, .. }, Some(token)) => {
                self.follow_grant(keeper, from, to, token).await?;
            }
            _ => return Err(refused(to, "the portal has moved to another address")),
        }
        let (from, to) = (authority(from), authority(to));
        registry::rename(&from, &to);
        counters().moved.add(1);
        tracing::info!(from, to, "the portal has moved, and its new address was followed");
        Ok(())
    }

    fn follow_webhook(&self, webhook: &Webhook, from: &Url, to: &Url) -> Result<()> {
        let confirmed = self.moved_to.as_deref() == Some(authority(to).as_str());
        let within_the_cloud = is_cloud(from) && is_cloud(to);
        if !confirmed && !within_the_cloud {
            return Err(refused(to, "the portal has moved to another address")
                .advise(format!(
                    "A webhook's address is its secret, so it does not go along by itself. If {} is \
                     the portal, use the webhook's address there, or confirm the move with moved_to.",
                    authority(to)
                )));
        }
        webhook.move_to(to);
        Ok(())
    }

    async fn follow_grant(
        &self,
        keeper: &Keeper,
        from: &Url,
        to: &Url,
        token: &Token,
    ) -> Result<()> {
        let (host, now) = (authority(to), keeper.clock().boot());
        let key = (self.caller(), host.clone());
        let unproven = |named: &str| {
            refused(to, "the portal redirects to an address that the authorization server does not confirm")
                .with("confirmed", named.to_owned())
                .advise("If the portal was renamed just now, try again in an hour; otherwise find out who redirects.")
        };
        if refutations(|known| known.get(&key).is_some_and(|until| *until > now)) {
            return Err(unproven(&authority(from)));
        }
        let fresh = keeper.renew(token.grant, token.generation).await?;
        let named = authority(&rest_endpoint(&fresh.client_endpoint)?);
        if named == host {
            return Ok(());
        }
        refutations(|known| {
            known.retain(|_, until| *until > now);
            known.insert(key, now + REFUTED);
        });
        Err(unproven(&named))
    }
}

fn refutations<T>(work: impl FnOnce(&mut HashMap<(u64, String), Duration>) -> T) -> T {
    work(&mut REFUTATIONS.get().lock().unwrap_or_else(PoisonError::into_inner))
}

fn refused(to: &Url, why: &'static str) -> Error {
    Error::new(Kind::UnexpectedAnswer, why).with("moved_to", authority(to)).with_retry(Retry::Never)
}

fn is_cloud(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    let is_in = |zone: &str| {
        let portal = host.strip_suffix(zone).and_then(|rest| rest.strip_suffix(".bitrix24."));
        portal.is_some_and(|name| !name.is_empty() && !name.starts_with('.'))
    };
    url.scheme() == "https" && url.port().is_none() && ZONES.into_iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_is_what_the_vendor_owns() {
        let is_cloud = |url: &str| is_cloud(&Url::parse(url).unwrap());
        for yes in [
            "https://b24-abc.bitrix24.com/rest/",
            "https://a.bitrix24.com.br",
            "https://a.bitrix24.de/x?y",
            "https://A.BITRIX24.RU",
        ] {
            assert!(is_cloud(yes), "{yes}");
        }
        for no in [
            "http://a.bitrix24.com",
            "https://bitrix24.com",
            "https://.bitrix24.com",
            "https://a.bitrix24.com:8443",
            "https://a.bitrix24.example",
            "https://a.bitrix24.com.evil.example",
            "https://evilbitrix24.com",
            "https://a.notbitrix24.com",
            "https://127.0.0.1",
            "https://a.bitrix24.com@evil.example/",
        ] {
            assert!(!Url::parse(no).is_ok_and(|url| super::is_cloud(&url)), "{no}");
        }
    }

    #[tokio::test]
    async fn a_webhook_goes_along_within_the_cloud_only() {
        let address = "https://old.bitrix24.com/rest/1/qwertyuiop123456/";
        let from = Url::parse(address).unwrap();
        let follow = async |client: &Client, to: &str| {
            client.follow(&from, &Url::parse(to).unwrap(), None).await
        };
        let client = Client::from_webhook(address).unwrap();
        for bad in [
            "https://evil.example/rest/1/qwertyuiop123456/profile",
            "http://new.bitrix24.com/rest/1/qwertyuiop123456/profile",
            "https://old.bitrix24.com/login",
        ] {
            let error = follow(&client, bad).await.unwrap_err();
            assert_eq!(error.kind(), Kind::UnexpectedAnswer, "{bad}");
            assert!(!format!("{error:?}").contains("qwertyuiop"), "{error:?}");
        }
        let error = follow(&client, "https://box.example/rest/").await.unwrap_err();
        assert!(error.to_string().contains("box.example"), "{error}");
        follow(&client, "https://new.bitrix24.eu/rest/9/zzz/profile").await.unwrap();
        assert_eq!(client.portal().as_deref(), Some("new.bitrix24.eu"));
        let boxed = Client::from_webhook(address).unwrap().moved_to("box.example").unwrap();
        follow(&boxed, "https://box.example/rest/1/x/profile").await.unwrap();
        assert_eq!(boxed.portal().as_deref(), Some("box.example"));
    }
}
