//! An incoming webhook: its address is the secret.

use std::sync::{Mutex, PoisonError};

use url::Url;

use crate::{Error, Result, portal::is_loopback};

pub(crate) struct Webhook {
    base: Url,
    /// Where the portal is now, once a redirect there was followed.
    moved: Mutex<Option<Url>>,
}

impl Webhook {
    /// Reads an address as people paste it.
    pub(crate) fn parse(address: &str) -> Result<Self> {
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
        Ok(Self { base: url, moved: Mutex::default() })
    }

    /// Where calls go.
    pub(crate) fn endpoint(&self) -> Url {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.as_ref().unwrap_or(&self.base).clone()
    }

    /// The same webhook at another host: what it is, is its path.
    pub(crate) fn at(&self, host: &Url) -> Url {
        let mut url = host.clone();
        url.set_path(self.base.path());
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    pub(crate) fn move_to(&self, host: &Url) {
        let moved = self.at(host);
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(moved);
    }

    /// What tells it from other webhooks.
    pub(crate) fn identity(&self) -> &str {
        self.base.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_webhook_is_read_as_people_paste_it() {
        for good in [
            "https://p.bitrix24.com/rest/1/qwertyuiop123456/",
            " https://p.bitrix24.com/rest/1/qwertyuiop123456 ",
            "https://p.bitrix24.com/rest/1/qwertyuiop123456/profile.json?x=1",
            "http://127.0.0.1:8001/rest/1/qwertyuiop123456/",
        ] {
            let base = Webhook::parse(good).ok().unwrap().endpoint();
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
            let error = Webhook::parse(bad).err().expect(bad);
            assert_eq!(error.kind(), Kind::InvalidInput, "{bad}");
            assert!(!format!("{error:?}").contains("qwertyuiop123456"), "{bad}");
        }
    }

    #[test]
    fn moving_keeps_the_path() {
        let webhook = Webhook::parse("https://a.bitrix24.com/rest/1/qwertyuiop123456/").unwrap();
        webhook.move_to(&Url::parse("https://b.bitrix24.com/rest/2/other/profile?x=1").unwrap());
        let now = webhook.endpoint();
        assert_eq!(now.as_str(), "https://b.bitrix24.com/rest/1/qwertyuiop123456/");
    }
}
