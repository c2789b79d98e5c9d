//! What stands before a portal: its leaky bucket, its methods' operating time, a block by the vendor.
//!
//! One [`Limiter`] per portal and process, whatever clients there are ([`registry`]); with a store
//! that other processes use too, they share the bucket through it ([`shared`]).

mod bucket;
mod operating;
mod queue;
pub(crate) mod registry;
mod setting;
mod shared;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};

pub use self::setting::{Priority, RateLimit};
use self::{bucket::Bucket, queue::Queue, shared::Lease};
pub(crate) use self::{
    operating::{Operating, Reading},
    shared::sharing,
};
use crate::{Clock, Error, Kind, Result, process, rest::counters::counters, store::Store};

/// So long nothing is sent to a portal after the vendor said that it is blocked. Then one call finds
/// out whether it still is.
const BLOCKED: Duration = Duration::from_secs(15 * 60);

/// What a client says of how a portal is to be called. What it does not say stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Pace {
    pub(crate) limit: Option<RateLimit>,
    /// Which part of the bucket is left to others behind the same address.
    pub(crate) reserve: Option<f64>,
}

impl Pace {
    pub(crate) fn check(self) -> Result<Self> {
        if self.reserve.is_none_or(|part| (0.0..=0.9).contains(&part)) {
            return Ok(self);
        }
        Err(Error::invalid_input("reserve", "the part to be left to others is from 0 to 0.9"))
    }
}

/// Lets requests to one portal through.
pub(crate) struct Limiter {
    portal: String,
    clock: Clock,
    state: Mutex<State>,
    /// Something has changed for the one that lets the queue through.
    changed: Notify,
    pub(crate) operating: Mutex<Operating>,
}

/// Where somebody who waits hears that it is their turn.
type Turn = oneshot::Sender<Result<Permit>>;

struct State {
    limit: RateLimit,
    reserve: f64,
    /// None where nothing is limited.
    bucket: Option<Bucket>,
    queue: Queue<Turn>,
    is_served: bool,
    blocked_until: Option<Duration>,
    /// Since when the portal has let nobody in.
    refusing_since: Option<Duration>,
    lease: Lease,
}

/// What the queue's server does next.
enum Step {
    Done,
    Go(Turn),
    Wait(Duration),
    Ask(Arc<dyn Store>, crate::store::Take),
}

impl Limiter {
    pub(crate) fn new(portal: String, clock: Clock, limit: RateLimit) -> Self {
        let reserve = 0.0;
        let state = State {
            bucket: Bucket::new(limit, reserve, clock.boot()),
            limit,
            reserve,
            queue: Queue::default(),
            is_served: false,
            blocked_until: None,
            refusing_since: None,
            lease: Lease::default(),
        };
        let (changed, operating) = (Notify::new(), Mutex::default());
        Self { portal, clock, state: Mutex::new(state), changed, operating }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn operating(&self) -> MutexGuard<'_, Operating> {
        self.operating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on as `pace` says; what is in the bucket stays.
    pub(crate) fn set_pace(&self, pace: Pace) {
        let mut state = self.state();
        let limit = pace.limit.unwrap_or(state.limit);
        let reserve = pace.reserve.unwrap_or(state.reserve);
        if (limit, reserve) == (state.limit, state.reserve) {
            return;
        }
        let now = self.clock.boot();
        (state.limit, state.reserve) = (limit, reserve);
        match &mut state.bucket {
            bucket if limit == RateLimit::Off => *bucket = None,
            Some(bucket) => bucket.resize(limit, reserve, now),
            bucket => *bucket = Bucket::new(limit, reserve, now),
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Counts together with the other processes of `store` from now on.
    pub(crate) fn share(&self, store: &Weak<dyn Store>) {
        self.state().lease.share(store);
    }

    /// Waits for its turn, and for room in the bucket. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`Kind::Blocked`] while the vendor blocks the portal.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        priority: Priority,
        caller: u64,
    ) -> Result<Permit> {
        self.wait(priority, caller, Queue::push).await
    }

    /// As [`Self::acquire`], for a request that was refused: it keeps its place.
    pub(crate) async fn acquire_again(
        self: &Arc<Self>,
        priority: Priority,
        caller: u64,
    ) -> Result<Permit> {
        self.wait(priority, caller, Queue::push_again).await
    }

    /// How long the portal has refused whatever was sent to it.
    pub(crate) fn refusing_for(&self) -> Duration {
        let since = self.state().refusing_since;
        since.map_or(Duration::ZERO, |since| self.clock.boot().saturating_sub(since))
    }

    async fn wait(
        self: &Arc<Self>,
        priority: Priority,
        caller: u64,
        push: fn(&mut Queue<Turn>, Priority, u64, Turn),
    ) -> Result<Permit> {
        let turn = {
            let mut state = self.state();
            let now = self.clock.boot();
            self.check_block(&mut state, now)?;
            if state.queue.is_empty() && state.takes_at_once(now) {
                return Ok(self.permit());
            }
            let (told, turn) = oneshot::channel();
            push(&mut state.queue, priority, caller, told);
            if !state.is_served {
                state.is_served = true;
                let limiter = Arc::clone(self);
                process::detach(async move { limiter.serve().await })?;
            }
            turn
        };
        turn.await.map_err(|_| Error::new(Kind::Internal, "the queue before the portal is gone"))?
    }

    /// Lets the queue through until it is empty.
    async fn serve(self: Arc<Self>) {
        loop {
            let step = self.step();
            match step {
                Step::Done => return,
                Step::Go(told) => {
                    // Who left meanwhile drops the permit, which goes back by itself.
                    let _ = told.send(Ok(self.permit()));
                }
                Step::Wait(wait) => {
                    tokio::select! {
                        () = self.clock.sleep(wait) => {}
                        () = self.changed.notified() => {}
                    }
                }
                Step::Ask(store, take) => {
                    let taken = shared::ask(&*store, &self.portal, take).await;
                    self.state().lease.answered(&self.portal, &take, taken, self.clock.boot());
                }
            }
        }
    }

    fn step(&self) -> Step {
        let mut state = self.state();
        let now = self.clock.boot();
        state.queue.retain(|told| !told.is_closed());
        if let Err(error) = self.check_block(&mut state, now) {
            while let Some(told) = state.queue.pop() {
                let _ = told.send(Err(error.clone()));
            }
        }
        if state.queue.is_empty() {
            state.is_served = false;
            return Step::Done;
        }
        let State { bucket, queue, lease, .. } = &mut *state;
        if let Some(bucket) = bucket {
            if let Some(wait) = bucket.obstacle(now) {
                return Step::Wait(wait);
            }
            if let Some(step) = lease.step(bucket, queue.len(), now) {
                return step;
            }
            bucket.take();
        }
        queue.pop().map_or(Step::Done, Step::Go)
    }

    fn check_block(&self, state: &mut State, now: Duration) -> Result<()> {
        let Some(until) = state.blocked_until else { return Ok(()) };
        if now >= until {
            state.blocked_until = None;
            return Ok(());
        }
        Err(blocked().with("portal", self.portal.clone()).with_retry_after(until - now))
    }

    fn permit(self: &Arc<Self>) -> Permit {
        Permit { limiter: Arc::clone(self), sent_at: None }
    }

    #[cfg(test)]
    pub(crate) fn pace(&self) -> (RateLimit, f64) {
        let state = self.state();
        (state.limit, state.reserve)
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state().queue.len()
    }
}

impl State {
    fn takes_at_once(&mut self, now: Duration) -> bool {
        let Some(bucket) = &mut self.bucket else { return true };
        if bucket.obstacle(now).is_some() || self.lease.step(bucket, 1, now).is_some() {
            return false;
        }
        bucket.take();
        true
    }
}

/// The vendor's own words for it are "blocked due to overload"; only the vendor ends it.
pub(crate) fn blocked() -> Error {
    Error::new(
        Kind::Blocked,
        "the vendor has blocked REST on this portal, so nothing is sent to it",
    )
    .with_code("OVERLOAD_LIMIT")
    .advise("Find out what overloads the portal, and ask the vendor's support to lift the block.")
}

/// Leave for one request; also when it was refused and is sent again.
pub(crate) struct Permit {
    limiter: Arc<Limiter>,
    /// None while nothing was sent.
    sent_at: Option<Duration>,
}

/// What became of the request, as far as the limiter cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The portal took it in.
    Admitted,
    /// It was over the bucket's edge.
    Refused,
    /// The vendor blocks the portal.
    Blocked,
}

impl Permit {
    /// The request leaves now.
    pub(crate) fn send(&mut self) {
        self.sent_at = Some(self.limiter.clock.boot());
    }

    /// As [`Self::tell`], of an error.
    pub(crate) fn hear(self, error: &Error) {
        match error.kind() {
            Kind::RateLimited => {
                counters().refused.add(1);
                self.tell(Fate::Refused);
            }
            Kind::Blocked => self.tell(Fate::Blocked),
            _ if error.code().is_some() => self.tell(Fate::Admitted),
            // A page of HTML says nothing of the bucket.
            _ => drop(self),
        }
    }

    /// What the portal said. Without a word, dropping it is enough.
    pub(crate) fn tell(self, fate: Fate) {
        let limiter = &self.limiter;
        let mut state = limiter.state();
        let now = limiter.clock.boot();
        match fate {
            Fate::Admitted => {
                state.refusing_since = None;
                if let Some(bucket) = &mut state.bucket {
                    bucket.admitted();
                }
            }
            Fate::Refused => {
                state.refusing_since.get_or_insert(now);
                state.refused(&limiter.portal, self.sent_at.unwrap_or(now), now);
            }
            Fate::Blocked => {
                state.blocked_until = Some(now + BLOCKED);
                if let Some(bucket) = &mut state.bucket {
                    bucket.prove();
                }
                tracing::error!(
                    portal = limiter.portal,
                    "the vendor blocks REST on the portal: all calls to it stop"
                );
            }
        }
    }
}

impl State {
    fn refused(&mut self, portal: &str, sent_at: Duration, now: Duration) {
        if self.bucket.is_none() {
            tracing::warn!(
                portal,
                "the portal limits the rate, though the program says it does not"
            );
            self.bucket = Bucket::new(RateLimit::STANDARD, self.reserve, now);
        }
        let Some(bucket) = &mut self.bucket else { return };
        if bucket.refused(sent_at, now) {
            self.lease.refused();
            let share = bucket.share();
            tracing::debug!(portal, share, "the portal's bucket is fuller than we knew");
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(bucket) = &mut self.limiter.state().bucket {
            match self.sent_at {
                Some(_) => bucket.done(),
                None => bucket.give_back(),
            }
        }
        self.limiter.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
