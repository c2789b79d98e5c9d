//! What a call or a transfer came to: told by its span, and added to the counters.

use std::time::Duration;

use tracing::{Span, field::Empty};

use super::counters::counters;
use crate::Result;

/// Filled while it is under way.
pub(super) struct Tally {
    span: Span,
    pub(super) portal: Option<String>,
    pub(super) requests: u32,
    /// Before requests were sent, all together.
    pub(super) waited: Duration,
}

impl Tally {
    pub(super) fn new(method: &str) -> Self {
        let span = tracing::debug_span!(
            "call",
            method,
            portal = Empty,
            status = Empty,
            requests = Empty,
            waited_ms = Empty,
        );
        Self { span, portal: None, requests: 0, waited: Duration::ZERO }
    }

    /// To be entered while it is under way.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Where it goes.
    pub(super) fn goes_to(&mut self, portal: String) {
        self.span.record("portal", &portal);
        self.portal = Some(portal);
    }

    /// A request leaves now.
    pub(super) fn request(&mut self) {
        counters().requests.add(1);
        self.requests += 1;
    }

    /// A request was answered.
    pub(super) fn answered(&self, status: u16) {
        self.span.record("status", status);
    }

    /// Writes down what it came to.
    pub(super) fn close<T>(&self, result: &Result<T>) {
        let millis = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        self.span.record("requests", self.requests).record("waited_ms", millis);
        let _entered = self.span.enter();
        let counters = counters();
        counters.calls.add(1);
        if millis > 0 {
            counters.waited.add(1);
            counters.waited_millis.add(millis);
        }
        match result {
            Ok(_) => tracing::debug!("answered"),
            Err(error) => {
                counters.failed.add(1);
                tracing::debug!(%error, "failed");
            }
        }
    }
}
