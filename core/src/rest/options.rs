//! How one call is made.

use std::time::Duration;

use super::limit::Priority;
use crate::{Error, Result};

/// How a call is made; see [`crate::Client::call_with`], and [`crate::Client::run_batch_with`], which
/// takes deadline and priority. Made with [`CallOptions::new`].
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    pub(crate) idempotent: bool,
    pub(crate) priority: Option<Priority>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) idempotency_key: Option<String>,
}

impl CallOptions {
    /// What [`crate::Client::call`] does.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that doing it twice is harmless: then it is sent again also when nobody knows whether it
    /// was executed (no answer in time, a broken connection, a page of HTML, an internal error of the
    /// portal). A batch as a whole is never sent again then.
    #[must_use]
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = yes;
        self
    }

    /// Who goes first when the portal's bucket is full. Unless said: batches are
    /// [`Priority::Bulk`], other calls [`Priority::Interactive`].
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// How long the call may take, all waits and repetitions together. Unless said: five minutes
    /// (fifteen for [`Priority::Bulk`]), not counting the time in the queue before the portal's rate
    /// limit unless the portal refuses this very call, or lets nobody in for so long.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// A key by which REST 3.0 recognises the same call for 24 hours and answers as it did: makes
    /// the call idempotent. One to 255 printable ASCII characters. REST 2 has no such keys.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    pub(crate) fn check(&self, knows_keys: bool) -> Result<()> {
        if self.deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Error::invalid_input("deadline", "a deadline lies above 0"));
        }
        let refuse = |why| Err(Error::invalid_input("idempotency_key", why));
        match &self.idempotency_key {
            None => Ok(()),
            Some(_) if !knows_keys => refuse("REST 2 has no idempotency keys"),
            Some(key) if key.is_empty() || key.len() > 255 => {
                refuse("an idempotency key has 1 to 255 characters")
            }
            Some(key) if !key.chars().all(|c| c.is_ascii_graphic() || c == ' ') => {
                refuse("an idempotency key is printable ASCII")
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked_before_anything_is_sent() {
        let check = |key: &str, v3| CallOptions::new().idempotency_key(key).check(v3);
        assert!(check("order-7", true).is_ok());
        for (key, v3) in [
            ("order-7", false),
            ("", true),
            ("a\nb", true),
            ("\u{e9}", true),
            (&"x".repeat(256), true),
        ] {
            let error = check(key, v3).unwrap_err();
            assert!(error.context().contains(&("field", "idempotency_key".into())), "{key}");
        }
        assert!(CallOptions::new().check(false).is_ok());
    }

    #[test]
    fn a_call_that_has_no_time_is_not_sent() {
        let check = |time| CallOptions::new().deadline(time).check(false);
        assert!(check(Duration::from_nanos(1)).is_ok());
        let error = check(Duration::ZERO).unwrap_err();
        assert!(error.context().contains(&("field", "deadline".into())), "{error}");
    }
}
