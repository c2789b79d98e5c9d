//! The authorize link and the redirect that answers it.
//!
//! Vendor documentation: "Complete OAuth 2.0 protocol", steps 1 and 2; CSRF `state`: RFC 6749
//! section 10.12.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

use crate::{Error, Kind, Portal, Result, Secret};

/// Where to send a person for consent, and the state to expect back.
#[derive(Debug, Clone)]
pub struct AuthorizeLink {
    /// The page to open in a browser.
    pub url: String,
    /// Keep it with the person's session; pass it as `expected_state` when the redirect comes.
    pub state: String,
}

impl AuthorizeLink {
    pub(crate) fn new(portal: &Portal, client_id: &str) -> Self {
        let state = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let mut url = portal.authorize_page();
        url.query_pairs_mut().append_pair("client_id", client_id).append_pair("state", &state);
        Self { url: url.into(), state }
    }
}

/// The six parameters with which a portal sends the browser back. All but `code` are claims until
/// the authorization server has answered.
pub struct Redirect {
    /// The authorization code: thirty seconds, once.
    pub code: Secret,
    /// The state that was sent.
    pub state: Option<String>,
    /// The portal's host, without a scheme.
    pub domain: Option<String>,
    /// The portal's stable identity.
    pub member_id: Option<String>,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// The authorization server that should exchange the code.
    pub server_domain: Option<String>,
}

impl Redirect {
    /// Reads a redirect: the whole URL from the address bar, or its query string.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `redirect_url` or `code`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 8192 {
            return Err(Error::invalid_input(
                "redirect_url",
                "the redirect address is empty or too long",
            )
            .advise("Paste the whole address that the browser was sent to."));
        }
        let query = match Url::parse(text) {
            Ok(url) => url.query().unwrap_or_default().to_owned(),
            Err(_) => text.split_once('?').map_or(text, |(_, query)| query).to_owned(),
        };
        let field = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .filter(|value| !value.is_empty())
        };
        let code = field("code").ok_or_else(|| {
            Error::invalid_input("code", "the redirect address carries no code")
                .advise("If the portal showed an error page instead, the application is not installed there or access was denied.")
        })?;
        if field("member_id").is_some_and(|id| id.len() > 64) {
            return Err(Error::invalid_input(
                "redirect_url",
                "the redirect's member_id is too long",
            ));
        }
        Ok(Self {
            code: Secret::new(code),
            state: field("state"),
            domain: field("domain"),
            member_id: field("member_id"),
            scope: field("scope").as_deref().map(split_scope).unwrap_or_default(),
            server_domain: field("server_domain"),
        })
    }

    /// Compares the state in constant time.
    ///
    /// # Errors
    /// [`Kind::StateMismatch`]; nothing of the redirect may be used then.
    pub fn check_state(&self, expected: &str) -> Result<()> {
        let got = self.state.as_deref().unwrap_or_default();
        if expected.is_empty() {
            return Err(Error::invalid_input("expected_state", "the expected state is empty")
                .advise("Pass the state that came with the authorize link."));
        }
        if bool::from(got.as_bytes().ct_eq(expected.as_bytes())) {
            return Ok(());
        }
        let what = if got.is_empty() { "carries no state" } else { "carries another state" };
        Err(Error::new(
            Kind::StateMismatch,
            format!("the redirect {what} than the one that was sent"),
        )
        .with("field", "state")
        .advise("Start again from a new authorize link; somebody may have forged this redirect."))
    }
}

/// Scopes come separated by commas, spaces or both.
pub(crate) fn split_scope(text: &str) -> Vec<String> {
    text.split([',', ' ', '\t', '\n']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_carries_a_fresh_state() {
        let portal = Portal::parse("example.bitrix24.com").unwrap();
        let (first, second) =
            (AuthorizeLink::new(&portal, "local.1&x"), AuthorizeLink::new(&portal, "local.1"));
        assert_eq!(first.state.len(), 43);
        assert_ne!(first.state, second.state);
        assert_eq!(
            first.url,
            format!(
                "https://example.bitrix24.com/oauth/authorize/?client_id=local.1%26x&state={}",
                first.state
            )
        );
    }

    #[test]
    fn reads_all_six_parameters() {
        let text = "https://app.example/cb?code=c1&state=s1&domain=p.example&member_id=m1&scope=crm%2Cuser%20im&server_domain=oauth.bitrix.info";
        for text in [
            text,
            &text[23..],
            "?code=c1&state=s1&domain=p.example&member_id=m1&scope=crm,user+im&server_domain=oauth.bitrix.info",
        ] {
            let redirect = Redirect::parse(text).unwrap();
            assert_eq!(redirect.code.expose(), "c1");
            assert_eq!(redirect.domain.as_deref(), Some("p.example"));
            assert_eq!(redirect.member_id.as_deref(), Some("m1"));
            assert_eq!(redirect.scope, ["crm", "user", "im"]);
            assert_eq!(redirect.server_domain.as_deref(), Some("oauth.bitrix.info"));
            redirect.check_state("s1").unwrap();
        }
    }

    #[test]
    fn a_wrong_or_missing_state_is_refused() {
        let with =
            |query: &str| Redirect::parse(query).unwrap().check_state("s1").unwrap_err().kind();
        assert_eq!(with("code=c&state=s2"), Kind::StateMismatch);
        assert_eq!(with("code=c&state=s12"), Kind::StateMismatch);
        assert_eq!(with("code=c"), Kind::StateMismatch);
        assert_eq!(
            Redirect::parse("code=c").unwrap().check_state("").unwrap_err().kind(),
            Kind::InvalidInput
        );
        assert!(Redirect::parse("https://app.example/cb?error=x").is_err());
        assert!(Redirect::parse("").is_err());
    }
}
