//! OAuth 2.0 as Bitrix24 speaks it: the authorize link, the redirect, code and refresh exchange.

mod authorize;
mod exchange;
mod hosts;
mod refusal;
mod token;

pub use authorize::{AuthorizeLink, Redirect};
pub(crate) use exchange::{Exchanged, Form, LISTEN, LONGEST_ANSWER, connect};
pub(crate) use hosts::{AuthorizationServer, is_known_authorization_host};
pub(crate) use refusal::{About, Refusal};
pub(crate) use token::{Answer, TokenAnswer, refresh_expires_at};
