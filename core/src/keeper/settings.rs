//! How a keeper behaves.

use std::{path::PathBuf, str::FromStr, time::Duration};

use crate::{Error, Result, store::Budget};

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

impl FromStr for RetrySpent {
    type Err = Error;

    /// Reads the word that other languages and the command line use.
    fn from_str(word: &str) -> Result<Self> {
        match word {
            "never" => Ok(Self::Never),
            "after_oracle" => Ok(Self::AfterOracle),
            "always" => Ok(Self::Always),
            _ => Err(Error::invalid_input(
                "retry_spent",
                "retry_spent must be never, after_oracle or always",
            )),
        }
    }
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

impl Settings {
    /// Refuses what would rotate again and again.
    pub(crate) fn check(&self) -> Result<()> {
        if self.interval.is_some_and(|interval| interval < Duration::from_secs(60)) {
            return Err(Error::invalid_input(
                "fixed_interval",
                "a fixed interval must be at least 60 seconds",
            ));
        }
        Ok(())
    }
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
