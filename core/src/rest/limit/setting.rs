//! How fast a portal may be called. Vendor documentation: "Limits".

use std::str::FromStr;

use crate::{Error, Result};

/// The leaky bucket of a portal: each request fills it by one, it leaks steadily, and a request
/// that would make it run over is refused. The vendor counts per portal and calling address, so all
/// clients of one portal in a process share one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RateLimit {
    /// A bucket of `burst` requests that leaks `per_second`.
    Bucket {
        /// Requests that it holds; at least two.
        burst: f64,
        /// Requests that leak in a second.
        per_second: f64,
    },
    /// Nothing is held back: an installation of one's own without a limit.
    Off,
}

impl RateLimit {
    /// What the vendor allows on every tariff but the largest: 50 at once, 2 a second.
    pub const STANDARD: Self = Self::Bucket { burst: 50.0, per_second: 2.0 };
    /// What the vendor allows on the tariff Enterprise: 250 at once, 5 a second.
    pub const ENTERPRISE: Self = Self::Bucket { burst: 250.0, per_second: 5.0 };

    /// A bucket of one's own measure.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `rate_limit`, unless `burst` is at least 2 and
    /// `per_second` more than 0, both finite.
    pub fn bucket(burst: f64, per_second: f64) -> Result<Self> {
        let is_sound = (2.0..=1e6).contains(&burst) && (1e-3..=1e6).contains(&per_second);
        if is_sound { Ok(Self::Bucket { burst, per_second }) } else { Err(refused()) }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl FromStr for RateLimit {
    type Err = Error;

    /// Reads `standard`, `enterprise`, `off`, or `<burst>,<per second>`.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            "standard" => Ok(Self::STANDARD),
            "enterprise" => Ok(Self::ENTERPRISE),
            "off" => Ok(Self::Off),
            other => {
                let (burst, per_second) = other.split_once(',').ok_or_else(refused)?;
                let number = |text: &str| text.trim().parse().map_err(|_| refused());
                Self::bucket(number(burst)?, number(per_second)?)
            }
        }
    }
}

fn refused() -> Error {
    Error::invalid_input("rate_limit", "this is no rate that a portal could be called at")
        .advise("Say standard, enterprise, off, or a burst and requests a second, such as 50,2.")
}

/// How urgent a call is. A more urgent one goes first when the bucket is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// One of many: batches, and the pages of lists.
    Bulk,
}

impl FromStr for Priority {
    type Err = Error;

    /// Reads `interactive` or `bulk`.
    fn from_str(word: &str) -> Result<Self> {
        match word {
            "interactive" => Ok(Self::Interactive),
            "bulk" => Ok(Self::Bulk),
            _ => Err(Error::invalid_input("priority", "there is no such priority")
                .advise("Use interactive or bulk.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_words_and_the_numbers() {
        for (text, limit) in [
            ("standard", RateLimit::STANDARD),
            (" enterprise ", RateLimit::ENTERPRISE),
            ("off", RateLimit::Off),
            ("50,2", RateLimit::STANDARD),
            ("10, 0.5", RateLimit::Bucket { burst: 10.0, per_second: 0.5 }),
        ] {
            assert_eq!(text.parse::<RateLimit>().unwrap(), limit, "{text}");
        }
        for text in ["", "fast", "50", "0,2", "1,2", "50,0", "50,-2", "NaN,2", "50,inf", "1e9,1"] {
            let error = text.parse::<RateLimit>().expect_err(text);
            assert!(error.context().contains(&("field", "rate_limit".into())), "{text}");
        }
    }
}
