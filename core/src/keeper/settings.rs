//! How a keeper behaves.

use std::{path::PathBuf, time::Duration};

use crate::store::Budget;

/// What to do with a refresh token that was probably spent by an exchange whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RetrySpent {
    /// Never send it again: a person consents anew unless there is a spare chain.
    Never,
    /// Ask the authorization server first whether the old access token is still good. While it is,
    /// the exchange probably never happened; otherwise spare chains go first.
    #[default]
    AfterOracle,
    /// After the pause, without asking.
    Always,
}

/// The settings of a keeper; see the methods of [`crate::ApplicationBuilder`].
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) budget: Budget,
    /// Exchanges of this process under way at once: a kill makes so many chains ambiguous.
    pub(crate) in_flight: usize,
    /// Whether tasks of ours may run while nobody waits for them.
    pub(crate) background: bool,
    pub(crate) retry_spent: RetrySpent,
    /// Rotates by the clock, wanted or not.
    pub(crate) interval: Option<Duration>,
    /// Where the spool lies, if not beside the store.
    pub(crate) spool: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            budget: Budget { hour: 3, day: 30, application_hour: 20_000 },
            in_flight: 32,
            background: true,
            retry_spent: RetrySpent::default(),
            interval: None,
            spool: None,
        }
    }
}
