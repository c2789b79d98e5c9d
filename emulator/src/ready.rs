//! What a launcher prints and other languages read.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// The addresses and credentials of a running emulator; serialises to the one ready line.
#[derive(Clone, Serialize)]
pub struct Ready {
    /// Base URL of the authorization server, without a trailing slash.
    pub authorization: String,
    /// Base URL of the first portal.
    pub portal: String,
    /// Base URL of the control interface.
    pub control: String,
    /// The first application.
    pub client_id: String,
    /// Its (emulated) secret.
    pub client_secret: String,
    /// Where its codes are sent.
    pub redirect_uri: String,
    /// Identity of the first portal: 32 hexadecimal digits.
    pub member_id: String,
    /// Incoming webhook of user 1 of the first portal, with a trailing slash.
    pub webhook: String,
    /// Process id of the emulator.
    pub pid: u32,
    /// Base URL of the second authorization server, the one of another region.
    pub regional_authorization: String,
    /// All portals, the first one too.
    pub portals: Vec<ReadyPortal>,
    /// All applications, the first one too.
    pub applications: Vec<ReadyApplication>,
    /// How to trust the certificate, when https is served.
    pub tls: Option<ReadyTls>,
}

/// One portal.
#[derive(Clone, Serialize)]
pub struct ReadyPortal {
    /// Its present base URL, without a trailing slash.
    pub portal: String,
    /// Its identity.
    pub member_id: String,
    /// Incoming webhook of user 1, with a trailing slash.
    pub webhook: String,
}

/// One application.
#[derive(Clone, Serialize)]
pub struct ReadyApplication {
    /// Its id.
    pub client_id: String,
    /// Its (emulated) secret.
    pub client_secret: String,
    /// Where its codes are sent.
    pub redirect_uri: String,
    /// What its card grants.
    pub scope: Vec<String>,
    /// `member_id` of a local application's only portal; without it the application is on all portals.
    pub member_id: Option<String>,
}

/// The https listeners have the ports of the http ones: put `https` in place of `http` in any URL.
#[derive(Clone, Debug, Serialize)]
pub struct ReadyTls {
    /// The authority's certificate, as PEM.
    pub ca: String,
    /// A file that holds it.
    pub ca_file: PathBuf,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("authorization", &self.authorization)
            .field("portal", &self.portal)
            .field("control", &self.control)
            .field("client_id", &self.client_id)
            .field("member_id", &self.member_id)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}
