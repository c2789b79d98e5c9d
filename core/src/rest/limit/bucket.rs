//! What we know of a portal's leaky bucket: arithmetic alone, told the time by its caller.
//!
//! Our count can be wrong in two ways. The bucket may be fuller than we think, because somebody else
//! uses the same address: a refusal says so, and from then on it counts as full. Or it leaks slower
//! for us, because somebody else goes on using it: then refusals come again before it could have run
//! empty, and our share of the leak is lowered by a factor, then raised again little by little.

use std::time::Duration;

use super::RateLimit;

/// Requests overtake one another on their way: so many seconds' leak is not used.
const SLACK: f64 = 0.5;
/// A bucket that leaks once a second, as documented, is fuller than we count by up to a second's leak.
/// Whether it does shows in a refusal.
const TICK: f64 = 1.0;
/// A share that met a refusal becomes so much of itself.
const LOWER: f64 = 0.75;
/// What a share gains in a second without a refusal.
const RAISE: f64 = 0.01;
const LEAST_SHARE: f64 = 0.05;
/// So long after a refusal others may still be at work.
const NEIGHBOURS: Duration = Duration::from_secs(600);

#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    burst: f64,
    per_second: f64,
    /// Which part of both is left to others.
    reserve: f64,
    /// Requests in the bucket at `at`, as far as we know.
    level: f64,
    at: Duration,
    /// So many seconds' leak is not used: the portal may leak less often than we count.
    slack: f64,
    /// Which part of the leak is ours, from what refusals taught.
    share: f64,
    /// When a refusal last corrected the level.
    corrected_at: Option<Duration>,
    in_flight: u32,
    /// So many requests may be under way, or one at a time at the leak's pace. It grows with each
    /// success, so that a start with a bucket that others have filled meets one refusal, not fifty.
    window: u32,
    taken_at: Option<Duration>,
}

impl Bucket {
    /// `None` where nothing is to be counted.
    pub(crate) fn new(limit: RateLimit, reserve: f64, now: Duration) -> Option<Self> {
        let RateLimit::Bucket { burst, per_second } = limit else { return None };
        Some(Self {
            burst,
            per_second,
            reserve: if reserve.is_finite() { reserve.clamp(0.0, 0.9) } else { 0.0 },
            level: 0.0,
            at: now,
            slack: SLACK,
            share: 1.0,
            corrected_at: None,
            in_flight: 0,
            window: 1,
            taken_at: None,
        })
    }

    /// How long there is no room for a request; `None` if there is. After [`Self::done`] it may be
    /// there earlier.
    pub(crate) fn obstacle(&mut self, now: Duration) -> Option<Duration> {
        self.leak(now);
        let missing = self.level + 1.0 - self.room();
        // Rounding must not make a wait that is over a new one.
        if missing > 1e-6 {
            return Some(Duration::from_secs_f64(missing / self.leaks()));
        }
        if self.in_flight < self.window {
            return None;
        }
        let pace = Duration::from_secs_f64(1.0 / self.leaks());
        let next = self.taken_at.map_or(Duration::ZERO, |taken| taken + pace);
        Some(next.saturating_sub(now)).filter(|wait| !wait.is_zero())
    }

    /// Takes room for one request, where [`Self::obstacle`] sees none.
    pub(crate) fn take(&mut self) {
        self.taken_at = Some(self.at);
        self.level += 1.0;
        self.in_flight += 1;
    }

    /// What others that count the same bucket have to know: how much of it is used, how fast it
    /// leaks, and how full it is at a refusal.
    pub(crate) fn measure(&self) -> (f64, f64, f64) {
        (self.room(), self.per_second * (1.0 - self.reserve), self.full())
    }

    /// So many requests could go at once, about.
    pub(crate) fn free(&self) -> u32 {
        let room = (self.room() - self.level).clamp(0.0, f64::from(u32::MAX)) as u32;
        room.min(self.window.saturating_sub(self.in_flight))
    }

    /// One that was taken was never sent.
    pub(crate) fn give_back(&mut self) {
        self.level = (self.level - 1.0).max(0.0);
        self.done();
    }

    /// One under way came back, whatever with.
    pub(crate) fn done(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// One that was sent was let in.
    pub(crate) fn admitted(&mut self) {
        self.window = self.window.saturating_add(1);
    }

    /// One that was sent at `sent_at` was refused. True if it says something new.
    pub(crate) fn refused(&mut self, sent_at: Duration, now: Duration) -> bool {
        self.leak(now);
        // What was under way at the last correction says the same again.
        let is_news = self.corrected_at.is_none_or(|corrected| sent_at >= corrected);
        if !is_news {
            return false;
        }
        let empties_in = Duration::from_secs_f64(self.burst / self.per_second);
        let knew = self.corrected_at.is_some_and(|corrected| now < corrected + empties_in);
        if knew {
            self.share = (self.share * LOWER).max(LEAST_SHARE);
        }
        self.corrected_at = Some(now);
        self.level = self.level.max(self.full());
        // From here on the level is right, and holds back enough.
        self.window = u32::MAX;
        self.slack = TICK;
        true
    }

    /// One at a time again, until the portal takes requests in.
    pub(crate) fn prove(&mut self) {
        self.window = 1;
    }

    /// Which part of the leak is ours at the moment.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// Another measure for the same bucket; what is in it stays.
    pub(crate) fn resize(&mut self, limit: RateLimit, reserve: f64, now: Duration) {
        self.leak(now);
        if let Some(new) = Self::new(limit, reserve, now) {
            let level = self.level.min(new.full());
            *self = Self {
                level,
                in_flight: self.in_flight,
                window: self.window,
                slack: self.slack,
                ..new
            };
        }
    }

    fn leak(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.level = (self.level - passed * self.leaks()).max(0.0);
        self.share = (self.share + passed * RAISE).min(1.0);
        // We have been silent, others perhaps not.
        if self.level == 0.0 && self.corrected_at.is_some_and(|at| now < at + NEIGHBOURS) {
            self.window = 1;
        }
    }

    fn leaks(&self) -> f64 {
        self.per_second * (1.0 - self.reserve) * self.share
    }

    fn full(&self) -> f64 {
        self.burst * (1.0 - self.reserve)
    }

    fn room(&self) -> f64 {
        (self.full() - self.per_second * self.slack).max(1.0)
    }
}

#[cfg(test)]
mod tests;
