//! One line of rotating pairs: who holds it, how it began, what has been done with it.

use std::sync::Arc;

use serde_json::{Value, json};

/// Who a chain belongs to.
pub(crate) struct Holder {
    /// Place of the portal among all portals.
    pub(crate) portal: usize,
    pub(crate) member_id: String,
    pub(crate) client_id: String,
    pub(crate) user_id: u64,
    /// Of tokens that came with an event: how many could still follow when it was sent, one out of the other, itself
    /// included.
    pub(crate) hops: Option<u8>,
}

/// What began a chain. Each consent and each frame opening begins one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// A code was exchanged.
    Consent,
    /// A frame was opened.
    Frame,
    /// The application was installed.
    Install,
    /// An event carried tokens; the number is what [`Holder::hops`] will be.
    Event(u8),
}

impl Opened {
    fn name(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Frame => "frame",
            Self::Install => "install",
            Self::Event(_) => "event",
        }
    }
}

/// Moments that are remembered of one chain: enough for a test to see a storm of refreshes.
const REMEMBERED: usize = 1000;

#[derive(Clone)]
pub(super) struct Chain {
    pub(super) holder: Arc<Holder>,
    pub(super) opened: Opened,
    pub(super) opened_at: i64,
    pub(super) revoked: bool,
    /// Refresh tokens that were spent.
    pub(super) refreshes: u64,
    /// Spent refresh tokens that came again, whatever the answer was.
    pub(super) reuses: u64,
    /// When a pair was issued for a refresh token; the last ones.
    refreshed_at: Vec<i64>,
}

impl Chain {
    pub(super) fn new(holder: Arc<Holder>, opened: Opened, now: i64) -> Self {
        Self {
            holder,
            opened,
            opened_at: now,
            revoked: false,
            refreshes: 0,
            reuses: 0,
            refreshed_at: Vec::new(),
        }
    }

    pub(super) fn remember(&mut self, now: i64) {
        if self.refreshed_at.len() == REMEMBERED {
            self.refreshed_at.remove(0);
        }
        self.refreshed_at.push(now);
    }

    pub(super) fn to_json(&self, index: usize, living: u64) -> Value {
        json!({
            "chain": index + 1,
            "client_id": self.holder.client_id,
            "member_id": self.holder.member_id,
            "user_id": self.holder.user_id,
            "opened": self.opened.name(),
            "opened_at": self.opened_at,
            "revoked": self.revoked,
            "refreshes": self.refreshes,
            "reuses": self.reuses,
            "living": living,
            "refreshed_at": self.refreshed_at,
        })
    }
}
