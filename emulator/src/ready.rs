//! What a launcher prints and other languages read.

use std::fmt;

use serde::Serialize;

/// The addresses and credentials of a running emulator; serialises to the one ready line.
#[derive(Clone, Serialize)]
pub struct Ready {
    /// Base URL of the authorization server, without a trailing slash.
    pub authorization: String,
    /// Base URL of the portal.
    pub portal: String,
    /// Base URL of the control interface.
    pub control: String,
    /// The registered application.
    pub client_id: String,
    /// Its (emulated) secret.
    pub client_secret: String,
    /// Where codes are sent.
    pub redirect_uri: String,
    /// Identity of the portal: 32 hexadecimal digits.
    pub member_id: String,
    /// Incoming webhook of user 1, with a trailing slash.
    pub webhook: String,
    /// Process id of the emulator.
    pub pid: u32,
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
