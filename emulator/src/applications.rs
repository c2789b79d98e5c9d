//! The applications that the portals know: local ones of one portal, and mass-market ones of all.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use crate::sync::Shared;

/// Longest credential and the most scopes.
const TEXT: usize = 200;

/// An application's card.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// 1 to 200 visible characters.
    pub client_id: String,
    /// 1 to 200 visible characters.
    pub client_secret: String,
    /// Where the consent page sends the code (an absolute http or https URL).
    pub redirect_uri: String,
    /// What the card grants.
    pub scope: Vec<String>,
    /// A local application's only portal, as its place in [`crate::Ready::portals`]; without it the application is
    /// a mass-market one and installed everywhere.
    pub portal: Option<usize>,
    /// Its letter in token answers and `app.info`; without it `L` for a local application and `F` for others.
    pub status: Option<String>,
}

// By hand: a Debug print must not show secrets, not even of an emulated application.
impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("portal", &self.portal)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Application {
    /// The field that cannot work, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        for (field, text) in
            [("client_id", &self.client_id), ("client_secret", &self.client_secret)]
        {
            if !(1..=TEXT).contains(&text.len())
                || !text.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err((field, "must be 1 to 200 visible ASCII characters".to_owned()));
            }
        }
        check_redirect_uri(&self.redirect_uri).map_err(|reason| ("redirect_uri", reason))?;
        check_scope(&self.scope).map_err(|reason| ("scope", reason))?;
        let status = self.status.as_deref().unwrap_or("L");
        if !(1..=TEXT).contains(&status.len())
            || !status.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(("status", "must be 1 to 200 visible ASCII characters".to_owned()));
        }
        Ok(())
    }

    /// Its status letter.
    pub(crate) fn letter(&self) -> &str {
        self.status.as_deref().unwrap_or(if self.portal.is_some() { "L" } else { "F" })
    }

    /// Whether this portal can have it at all.
    pub(crate) fn belongs_to(&self, portal: usize) -> bool {
        self.portal.is_none_or(|own| own == portal)
    }
}

/// Whether a list of scopes makes sense.
pub(crate) fn check_scope(scope: &[String]) -> Result<(), String> {
    let word = |text: &String| {
        (1..=50).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
    };
    if scope.len() <= TEXT && scope.iter().all(word) {
        return Ok(());
    }
    Err("must be a list of scopes such as crm, user or sign.b2e".to_owned())
}

/// Whether codes can be sent there.
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), String> {
    let absolute = uri.parse::<hyper::Uri>().is_ok_and(|parsed| {
        matches!(parsed.scheme_str(), Some("http" | "https"))
            && parsed.host().is_some_and(|host| !host.is_empty())
    });
    if absolute && uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains('#') {
        return Ok(());
    }
    Err("must be an absolute http or https URL without a fragment".to_owned())
}

/// Whether `granted` covers a method's scope; `user` is also covered by its two smaller relatives.
pub(crate) fn covers(granted: &[String], wanted: Option<&str>) -> bool {
    let has = |scope: &str| granted.iter().any(|known| known == scope);
    match wanted {
        None => true,
        Some("user") => has("user") || has("user_brief") || has("user_basic"),
        Some(scope) => has(scope),
    }
}

/// All applications, in the order in which they were registered.
pub(crate) struct Applications {
    start: Vec<Arc<Application>>,
    list: Shared<Vec<Arc<Application>>>,
}

impl Applications {
    pub(crate) fn new(start: Vec<Application>) -> Self {
        let start: Vec<Arc<Application>> = start.into_iter().map(Arc::new).collect();
        Self { list: Shared::new(start.clone()), start }
    }

    pub(crate) fn reset(&self) {
        *self.list.write() = self.start.clone();
    }

    /// Takes the place of what is registered.
    pub(crate) fn restore(&self, list: Vec<Arc<Application>>) {
        *self.list.write() = list;
    }

    pub(crate) fn get(&self, client_id: &str) -> Option<Arc<Application>> {
        self.list.read().iter().find(|known| known.client_id == client_id).cloned()
    }

    /// Adds an application, or changes the card of a known one.
    pub(crate) fn put(&self, application: Application) {
        let mut list = self.list.write();
        let application = Arc::new(application);
        match list.iter_mut().find(|known| known.client_id == application.client_id) {
            Some(known) => *known = application,
            None => list.push(application),
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Application>> {
        self.list.read().clone()
    }
}
