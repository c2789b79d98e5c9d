//! Which hosts may receive a refresh token or a client secret.

use url::Url;

use crate::{
    Error, Result,
    portal::{authority, is_loopback},
};

/// The vendor's authorization servers. Licence regions decide which one a portal uses.
const KNOWN: [&str; 2] = ["oauth.bitrix.info", "oauth.bitrix24.tech"];

pub(crate) fn is_known_authorization_host(host: &str) -> bool {
    KNOWN.contains(&host)
}

/// The authorization server of an application. Besides it, only the vendor's own hosts are ever
/// followed: what a portal or a redirect names is a claim.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationServer {
    base: Url,
}

impl AuthorizationServer {
    /// The vendor's server, unless the configuration names another one.
    ///
    /// A host that is not the vendor's must be confirmed by `also_allowed`, so that a slip in one
    /// setting cannot send secrets elsewhere; loopback needs no second word.
    pub(crate) fn configure(address: Option<&str>, also_allowed: &[String]) -> Result<Self> {
        let text = address.map_or_else(|| format!("https://{}", KNOWN[0]), str::to_owned);
        let refuse = |why: &'static str| {
            Error::invalid_input("authorization_server", why)
                .with("authorization_server", text.clone())
        };
        let base =
            Url::parse(&text).map_err(|_| refuse("the authorization server is not a URL"))?;
        if base.path() != "/" || base.query().is_some() || !base.username().is_empty() {
            return Err(refuse("the authorization server must be an origin without a path"));
        }
        match base.scheme() {
            "https" | "http" if is_loopback(&base) => {}
            "https"
                if base.port().is_none()
                    && base.host_str().is_some_and(is_known_authorization_host) => {}
            "https" if also_allowed.contains(&authority(&base)) => {}
            "https" => {
                return Err(refuse("secrets are only sent to the vendor's authorization servers")
                    .advise("Add the host to authorization_hosts if it really is your authorization server."));
            }
            _ => {
                return Err(refuse(
                    "the authorization server must use https (http on loopback only)",
                ));
            }
        }
        Ok(Self { base })
    }

    /// The server that `claimed` names, if it may be trusted: a vendor host or the configured one.
    /// Anything else falls back to the configured one.
    pub(crate) fn resolve(&self, claimed: Option<&str>) -> Url {
        let host = claimed.map(|claim| {
            let claim = claim.trim();
            claim
                .split_once("://")
                .map_or(claim, |(_, rest)| rest)
                .split('/')
                .next()
                .unwrap_or_default()
        });
        match host {
            Some(host) if is_known_authorization_host(host) => {
                Url::parse(&format!("https://{host}")).unwrap_or_else(|_| self.base.clone())
            }
            _ => self.base.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_receive_secrets() {
        let allowed = ["auth.example.org".to_owned()];
        for good in [
            None,
            Some("https://oauth.bitrix24.tech"),
            Some("http://127.0.0.1:9000"),
            Some("http://[::1]:9000"),
            Some("https://auth.example.org"),
        ] {
            assert!(AuthorizationServer::configure(good, &allowed).is_ok(), "{good:?}");
        }
        for bad in [
            "https://evil.example",
            "http://oauth.bitrix.info",
            "https://oauth.bitrix.info:8443",
            "https://oauth.bitrix.info/rest/",
            "https://oauth.bitrix.info.evil.example",
            "https://u@oauth.bitrix.info",
            "ftp://127.0.0.1",
            "nonsense",
        ] {
            assert!(AuthorizationServer::configure(Some(bad), &allowed).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_claimed_server_is_followed_only_to_the_vendor() {
        let server = AuthorizationServer::configure(None, &[]).unwrap();
        let resolved = |claim| server.resolve(claim).to_string();
        assert_eq!(
            resolved(Some("https://oauth.bitrix24.tech/rest/")),
            "https://oauth.bitrix24.tech/"
        );
        assert_eq!(resolved(Some("oauth.bitrix24.tech")), "https://oauth.bitrix24.tech/");
        for claim in [
            None,
            Some("evil.example"),
            Some("https://oauth.bitrix24.tech.evil.example/rest/"),
            Some(""),
        ] {
            assert_eq!(resolved(claim), "https://oauth.bitrix.info/", "{claim:?}");
        }
    }
}
