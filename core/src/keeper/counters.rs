//! What has happened in this process, counted.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A number that only grows.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) rotations: Counter,
    pub(super) ambiguous: Counter,
    pub(super) salvaged: Counter,
    pub(super) promoted: Counter,
    pub(super) taken_over: Counter,
    pub(super) orphaned: Counter,
    longest_gap: AtomicU64,
}

/// What a keeper of this process has done since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Pairs received and committed.
    pub rotations: u64,
    /// Exchanges whose answer was lost.
    pub ambiguous: u64,
    /// Pairs brought into the store that some process had left in the spool, or the store had lost.
    pub salvaged: u64,
    /// Spare chains that became primary.
    pub promoted: u64,
    /// Chains taken over from silent holders.
    pub taken_over: u64,
    /// Answers that found no pair to succeed.
    pub orphaned: u64,
    /// The longest time between the last confirmation and the first byte of a refresh token.
    pub longest_confirm_to_write: Duration,
}

impl Counters {
    pub(super) fn sent(&self, gap: Duration) {
        let nanos = u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX);
        self.longest_gap.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            rotations: self.rotations.get(),
            ambiguous: self.ambiguous.get(),
            salvaged: self.salvaged.get(),
            promoted: self.promoted.get(),
            taken_over: self.taken_over.get(),
            orphaned: self.orphaned.get(),
            longest_confirm_to_write: Duration::from_nanos(
                self.longest_gap.load(Ordering::Relaxed),
            ),
        }
    }
}
