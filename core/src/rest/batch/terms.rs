//! How urgent a batch is, and when it has to have ended.

use std::time::Duration;

use crate::{
    Error, Kind, Result, Retry,
    rest::{CallOptions, Client, Priority},
};

/// What holds for all requests of a batch together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    priority: Priority,
    ends_at: Option<Duration>,
}

impl Terms {
    /// # Errors
    /// [`Kind::InvalidInput`] naming the option that no batch has.
    pub(super) fn of(client: &Client, options: &CallOptions) -> Result<Self> {
        if options.idempotent {
            let why = "a batch is never sent again as a whole, so it cannot be idempotent";
            return Err(Error::invalid_input("idempotent", why).advise(
                "Send the commands that failed again, those for which twice is harmless.",
            ));
        }
        options.check(false)?;
        let now = client.own_clock().boot();
        let ends_at = options.deadline.map(|deadline| now.saturating_add(deadline));
        Ok(Self { priority: options.priority.unwrap_or(Priority::Bulk), ends_at })
    }

    /// For the next request.
    ///
    /// # Errors
    /// [`Kind::Timeout`] once the time is up.
    pub(super) fn options(self, client: &Client) -> Result<CallOptions> {
        let options = CallOptions::new().priority(self.priority);
        let Some(ends_at) = self.ends_at else { return Ok(options) };
        let left = ends_at.saturating_sub(client.own_clock().boot());
        if left.is_zero() { Err(too_late()) } else { Ok(options.deadline(left)) }
    }
}

fn too_late() -> Error {
    Error::new(Kind::Timeout, "the batch's deadline passed before the request could be sent")
        .with_retry(Retry::Safe)
        .advise("These commands were not sent. Give the batch more time.")
}
