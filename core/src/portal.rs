//! Addresses: what a person types for a portal, and what may receive a secret.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use crate::{Error, Kind, Result, oauth::is_known_authorization_host};

/// The address of one Bitrix24 installation. It is where calls go, not who the portal is: that is
/// its `member_id`, because addresses change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// Scheme, host and port; no path.
    origin: Url,
}

impl Portal {
    /// Reads what people type: `host`, `host:port`, or a URL without a path. No scheme means https;
    /// http is accepted for loopback addresses only.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `portal`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let refuse = |why: &'static str| {
            Err(Error::invalid_input("portal", why)
                .advise("Give the portal's host, such as example.bitrix24.com."))
        };
        if text.is_empty() {
            return refuse("the portal address is empty");
        }
        if text.len() > 300 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("the portal address is not a host name");
        }
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let Ok(url) = Url::parse(&with_scheme) else {
            return refuse("the portal address is not a host name");
        };
        if !matches!(url.scheme(), "https" | "http") {
            return refuse("the portal address must start with https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("the portal address must not contain a user name");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return refuse("the portal address must not contain a path or a query");
        }
        let portal = Self { origin: url };
        portal.check_host()
    }

    fn check_host(self) -> Result<Self> {
        let host = self.origin.host_str().unwrap_or_default();
        if is_known_authorization_host(host) {
            return Err(Error::invalid_input(
                "portal",
                "this is the authorization server, not a portal",
            )
            .with("portal", host)
            .advise("Give the address that you open Bitrix24 at."));
        }
        if self.origin.scheme() == "http" && !is_loopback(&self.origin) {
            return Err(Error::invalid_input(
                "portal",
                "plain http is only for loopback addresses",
            )
            .with("portal", host)
            .advise("Use https."));
        }
        if !host.contains('.') && !is_loopback(&self.origin) {
            return Err(Error::invalid_input("portal", "the portal address has no domain")
                .with("portal", host)
                .advise(format!("Did you mean {host}.bitrix24.com?")));
        }
        Ok(self)
    }

    /// Host, and port where it is not the scheme's own: `example.bitrix24.com`.
    #[must_use]
    pub fn host(&self) -> String {
        authority(&self.origin)
    }

    /// Scheme, host and port, as [`Portal::parse`] reads them again.
    pub(crate) fn origin(&self) -> &str {
        self.origin.as_str()
    }

    /// Where REST calls go.
    pub(crate) fn rest(&self) -> Url {
        let mut url = self.origin.clone();
        url.set_path("/rest/");
        url
    }

    /// The page where a person consents.
    pub(crate) fn authorize_page(&self) -> Url {
        let mut url = self.origin.clone();
        url.set_path("/oauth/authorize/");
        url
    }
}

impl fmt::Display for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

/// Host, and port where it is not the scheme's own.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// True for addresses that never leave this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// A REST base such as `https://example.bitrix24.com/rest/`, as token answers name it: https, or
/// http on loopback; always ends in a slash.
pub(crate) fn rest_endpoint(text: &str) -> Result<Url> {
    let mut url = Url::parse(text.trim()).map_err(|_| {
        Error::new(Kind::UnexpectedAnswer, "the REST endpoint in the answer is not a URL")
    })?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !secure || url.host_str().is_none() || url.query().is_some() || !url.username().is_empty() {
        return Err(Error::new(
            Kind::UnexpectedAnswer,
            "the REST endpoint in the answer is not acceptable",
        )
        .with("endpoint", text)
        .advise("Tokens are only sent over https (or http on loopback)."));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        for (typed, host) in [
            ("example.bitrix24.com", "example.bitrix24.com"),
            (" Example.Bitrix24.COM ", "example.bitrix24.com"),
            ("https://example.bitrix24.com/", "example.bitrix24.com"),
            ("box.example.org:8443", "box.example.org:8443"),
            ("http://127.0.0.1:8001", "127.0.0.1:8001"),
            ("http://[::1]:8001/", "[::1]:8001"),
            ("http://localhost:80", "localhost"),
            ("портал.рф", "xn--80awhdgm.xn--p1ai"),
        ] {
            assert_eq!(Portal::parse(typed).unwrap().host(), host, "{typed}");
        }
    }

    #[test]
    fn names_the_field_and_refuses_everything_else() {
        for typed in [
            "",
            "   ",
            "corezoid",
            "http://example.bitrix24.com",
            "ftp://example.bitrix24.com",
            "https://example.bitrix24.com/rest/",
            "example.bitrix24.com/oauth/token/",
            "example.com?x=1",
            "https://user@example.com",
            "exam ple.com",
            "example.com\n.evil.org",
            "https://",
            "a..b:99999",
            "oauth.bitrix.info",
            "https://oauth.bitrix24.tech",
            "javascript:alert(1)",
        ] {
            let error = Portal::parse(typed).expect_err(typed);
            assert_eq!(error.kind(), Kind::InvalidInput, "{typed}");
            assert!(error.context().contains(&("field", "portal".into())), "{typed}");
        }
    }

    #[test]
    fn an_endpoint_must_be_safe_to_send_a_token_to() {
        assert_eq!(
            rest_endpoint("https://p.example/rest").unwrap().as_str(),
            "https://p.example/rest/"
        );
        assert!(rest_endpoint("http://127.0.0.1:5/rest/").is_ok());
        for bad in [
            "http://p.example/rest/",
            "p.example",
            "",
            "https://u@p.example/rest/",
            "file:///etc/passwd",
        ] {
            assert!(rest_endpoint(bad).is_err(), "{bad}");
        }
    }
}
