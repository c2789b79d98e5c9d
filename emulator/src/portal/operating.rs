//! The operating-time limit: for each caller and method, baskets of one minute that leave after ten.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Caller, cost};
use crate::params::Params;
use crate::rest::RestError;
use crate::settings::{BatchBill, CostClock, Settings};
use crate::world::World;

/// Seconds after which a basket leaves the window.
pub(super) const WINDOW: i64 = 600;
/// Seconds of one basket.
const BASKET: i64 = 60;
/// Calls up to this long are not counted, in seconds.
const FREE: f64 = 0.1;

#[derive(Clone)]
struct Basket {
    minute: i64,
    /// Unix seconds of its first call.
    first: i64,
    seconds: f64,
}

/// The baskets of everybody who has called something long.
#[derive(Clone, Default)]
pub(crate) struct Operating(HashMap<(u64, &'static str), VecDeque<Basket>>);

/// What the time block says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    /// Operating seconds in the window.
    pub(crate) seconds: f64,
    /// When the oldest basket leaves, unix seconds; absent while there is none.
    pub(crate) reset_at: Option<i64>,
}

impl Operating {
    fn read(&mut self, key: (u64, &'static str), now: i64) -> Reading {
        let Some(baskets) = self.0.get_mut(&key) else { return Reading::default() };
        while baskets.front().is_some_and(|oldest| oldest.first + WINDOW <= now) {
            baskets.pop_front();
        }
        Reading {
            seconds: baskets.iter().map(|basket| basket.seconds).sum(),
            reset_at: baskets.front().map(|oldest| oldest.first + WINDOW),
        }
    }

    fn add(&mut self, key: (u64, &'static str), now: i64, seconds: f64) {
        let baskets = self.0.entry(key).or_default();
        let minute = now.div_euclid(BASKET);
        match baskets.back_mut() {
            Some(last) if last.minute == minute => last.seconds += seconds,
            _ => baskets.push_back(Basket { minute, first: now, seconds }),
        }
    }
}

/// One method at work: it was admitted, and will be billed.
pub(crate) struct Stint<'a> {
    world: &'a World,
    caller: &'a Caller,
    method: &'static str,
    started: i64,
    cost: i64,
}

impl<'a> Stint<'a> {
    /// Admits a method unless its caller has used up the method's time; lets its emulated work pass.
    pub(crate) fn begin(
        world: &'a World,
        caller: &'a Caller,
        method: &'static str,
        params: &Params,
    ) -> Result<Self, RestError> {
        let limit = world.settings.read().operating_limit();
        let started = world.clock.micros();
        if limit > 0 {
            let now = started.div_euclid(1_000_000);
            let mut operating = world.operating.get();
            // Nobody has called anything long: nothing to look up.
            if !operating.0.is_empty()
                && operating.read((principal(caller), method), now).seconds > f64::from(limit)
            {
                let text = "Method is blocked due to operation time limit.";
                return Err(RestError::new(429, "OPERATION_TIME_LIMIT", text));
            }
        }
        let cost = if method == "batch" {
            caller.begin_batch();
            0
        } else {
            cost::charge(world, caller, method, params)
        };
        Ok(Self { world, caller, method, started, cost })
    }

    /// Microseconds of emulated work that the clock has not shown.
    pub(crate) fn waited(&self) -> i64 {
        match self.world.settings.read().cost_clock {
            CostClock::Real if self.method == "batch" => self.caller.spent(),
            CostClock::Real => self.cost,
            CostClock::Virtual => 0,
        }
    }

    /// Bills the method; `None` when the portal has no such limit.
    pub(crate) fn end(self) -> Option<Reading> {
        let settings = self.world.settings.read();
        if settings.operating_limit() == 0 {
            return None;
        }
        let finished = self.world.clock.micros();
        let seconds = self.seconds(&settings, finished);
        let now = finished.div_euclid(1_000_000);
        let mut operating = self.world.operating.get();
        if seconds > FREE {
            let key = (principal(self.caller), self.method);
            operating.add(key, now, seconds * settings.operating_share);
        } else if operating.0.is_empty() {
            return Some(Reading::default());
        }
        Some(operating.read((principal(self.caller), self.method), now))
    }

    /// What the call took, as far as it is this method that pays for it.
    fn seconds(&self, settings: &Settings, finished: i64) -> f64 {
        let took = finished - self.started;
        match (self.method == "batch", settings.operating_batch) {
            (true, BatchBill::Methods) => 0.0,
            (true, BatchBill::Batch) => as_seconds(self.caller.spent().max(took)),
            (false, BatchBill::Batch) if self.caller.batches() => 0.0,
            (false, _) => match settings.operating_cost.get(self.method) {
                Some(seconds) => *seconds,
                None => as_seconds(self.cost.max(took)),
            },
        }
    }
}

/// Who is billed: the kind of authorization and the application or webhook.
fn principal(caller: &Caller) -> u64 {
    let mut hasher = DefaultHasher::new();
    match &caller.client {
        Some(client) => ("oauth", &client.client_id).hash(&mut hasher),
        None => ("apauth", caller.user_id).hash(&mut hasher),
    }
    hasher.finish()
}

#[expect(clippy::cast_precision_loss, reason = "a call takes less than a century")]
fn as_seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
