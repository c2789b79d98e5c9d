//! What calls cost: time that passes on the real or the virtual clock, and the front's patience.

use std::time::Duration;

use super::Caller;
use crate::http::Answer;
use crate::params::{Params, integer};
use crate::rest::V3;
use crate::settings::{CostClock, Settings};
use crate::world::World;

/// Lets the emulated work of one command pass; returns its microseconds.
pub(super) fn charge(world: &World, caller: &Caller, method: &str, params: &Params) -> i64 {
    let settings = world.settings.read();
    let mut cost = micros(settings.command_ms);
    if settings.count_ms > 0.0 && counts(method, params) {
        cost += micros(settings.count_ms);
    }
    if cost > 0 {
        caller.spend(cost);
        pass(world, &settings, cost);
    }
    cost
}

/// Lets the way to the portal and back pass, waits for the real costs, and cuts what took too long.
pub(super) fn settle(world: &World, spent: i64, answer: Answer) -> Answer {
    let settings = world.settings.read();
    let round_trip = micros(settings.round_trip_ms);
    if spent == 0 && round_trip == 0 {
        return answer;
    }
    pass(world, &settings, round_trip);
    let patience = micros(settings.cut_after * 1000.0);
    let cut = settings.has_front() && patience > 0 && spent > patience;
    let (answer, waited) =
        if cut { (Answer::plain_page(504, "Gateway Time-out"), patience) } else { (answer, spent) };
    match settings.cost_clock {
        CostClock::Virtual => answer,
        CostClock::Real => answer.after(duration(waited + round_trip)),
    }
}

fn pass(world: &World, settings: &Settings, micros: i64) {
    if settings.cost_clock == CostClock::Virtual {
        world.clock.advance(micros);
    }
}

/// Whether a call makes the portal count: a list, unless its `start` is negative. REST 3.0 tells no totals.
fn counts(method: &str, params: &Params) -> bool {
    method.ends_with(".list")
        && !method.starts_with(V3)
        && params.get("start").is_none_or(|start| integer(start) >= 0)
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[expect(clippy::cast_possible_truncation, reason = "settings allow a day at most")]
fn micros(millis: f64) -> i64 {
    (millis * 1000.0) as i64
}
