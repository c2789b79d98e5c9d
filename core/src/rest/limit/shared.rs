//! The part of the bucket that this process took from the store's.
//!
//! The store counts for all processes; each of them keeps its own count too, which knows what
//! refusals taught. Room is taken a few requests at a time while there is plenty, and what is not
//! used within a moment is forgotten: the store's bucket has leaked it by then. A store that does
//! not answer stops nobody: then each process counts alone.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{Step, bucket::Bucket};
use crate::{
    Error, Kind, Result,
    store::{Store, Take, Taken},
};

/// Room that was taken is used within this.
const FRESH: Duration = Duration::from_secs(1);
/// So many requests at once while the bucket is not half full.
const AHEAD: u32 = 5;
const MOST: u32 = 50;
/// Longest wait for the store.
const PATIENCE: Duration = Duration::from_secs(2);
/// A store that did not answer is left alone for so long.
const REST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Lease {
    store: Option<Weak<dyn Store>>,
    /// Requests that may be sent until `fresh_until`.
    granted: u32,
    fresh_until: Duration,
    /// When to ask again.
    ask_at: Duration,
    /// The portal refused, and the store has not been told yet.
    is_full: bool,
    /// How full the store's bucket was.
    level: f64,
    was_lost: bool,
}

impl Lease {
    pub(super) fn share(&mut self, store: &Weak<dyn Store>) {
        let is_there = self.store.as_ref().is_some_and(|store| store.strong_count() > 0);
        if !is_there {
            *self = Self { store: Some(Weak::clone(store)), ..Self::default() };
        }
    }

    pub(super) fn refused(&mut self) {
        self.is_full = true;
        self.granted = 0;
    }

    /// None if a request may go, which uses up what was granted.
    pub(super) fn step(&mut self, bucket: &Bucket, waiting: usize, now: Duration) -> Option<Step> {
        let store = self.store.as_ref()?.upgrade()?;
        if self.granted > 0 && now < self.fresh_until {
            self.granted -= 1;
            return None;
        }
        if now < self.ask_at {
            // Lost: this process counts alone meanwhile.
            return if self.was_lost { None } else { Some(Step::Wait(self.ask_at - now)) };
        }
        let (room, per_second, full) = bucket.measure();
        let ahead = if self.level < room / 2.0 { AHEAD } else { 1 };
        let waiting = u32::try_from(waiting).unwrap_or(MOST);
        let want = waiting.max(ahead).min(bucket.free()).clamp(1, MOST);
        let at_least = if self.is_full { full } else { 0.0 };
        Some(Step::Ask(store, Take { want, room, per_second, at_least }))
    }

    pub(super) fn answered(
        &mut self,
        portal: &str,
        take: &Take,
        taken: Result<Taken>,
        now: Duration,
    ) {
        match taken {
            Ok(taken) => {
                if self.was_lost {
                    tracing::info!(portal, "the store counts the portal's requests again");
                }
                self.was_lost = false;
                self.is_full = false;
                self.level = taken.level;
                self.granted = taken.granted;
                self.fresh_until = now + FRESH;
                self.ask_at = if taken.granted == 0 { now + take.wait(&taken) } else { now };
            }
            Err(error) => {
                if !self.was_lost {
                    tracing::warn!(portal, %error, "the store does not count the portal's requests: this process counts alone");
                }
                self.was_lost = true;
                self.granted = 0;
                self.ask_at = now + REST;
            }
        }
    }
}

/// What the store grants, unless it takes too long: calls must not wait for a store that hangs.
pub(super) async fn ask(store: &dyn Store, portal: &str, take: Take) -> Result<Taken> {
    match tokio::time::timeout(PATIENCE, store.take_permits(portal, take)).await {
        Ok(taken) => taken,
        Err(_) => Err(Error::new(Kind::Store, "the store did not answer in time")
            .with("store", store.address())),
    }
}

/// The store, if processes beside this one may use it.
pub(crate) fn sharing(store: &Arc<dyn Store>) -> Option<Weak<dyn Store>> {
    (store.is_shared() || store.path().is_some()).then(|| Arc::downgrade(store))
}
