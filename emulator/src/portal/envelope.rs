//! What surrounds every REST answer: `next`, `total`, `time`, headers.

use serde_json::Value;

use super::operating::{Reading, WINDOW};
use crate::clock::{self, Clock};
use crate::http::Answer;
use crate::json;
use crate::rest::{Page, TimeShape};
use crate::world::World;

/// Closes `{"result":…` with the page marks and the time block.
pub(crate) fn finish(world: &World, out: &mut Vec<u8>, page: &Page, started: i64) {
    if let Some(next) = page.next {
        json::key(out, "next");
        json::raw(out, next);
    }
    if let Some(total) = page.told_total() {
        json::key(out, "total");
        json::raw(out, total);
    }
    let shape = world.settings.read().time;
    if shape != TimeShape::Absent {
        json::key(out, "time");
        write_block(out, shape, started, world.clock.micros() + page.waited, page.operating);
    }
    out.push(b'}');
}

/// The time block of one call.
pub(crate) fn write_time(world: &World, out: &mut Vec<u8>, page: &Page, started: i64) {
    let shape = match world.settings.read().time {
        // Inside a batch every command has a block.
        TimeShape::Absent => TimeShape::IntegerStart,
        shape => shape,
    };
    write_block(out, shape, started, world.clock.micros() + page.waited, page.operating);
}

/// A success that is not a list, at the authorization server.
pub(crate) fn plain(clock: &Clock, result: &Value, started: i64) -> Answer {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"result\":");
    json::value(&mut out, result);
    json::key(&mut out, "time");
    let operating = Some(Reading::default());
    write_block(&mut out, TimeShape::IntegerStart, started, clock.micros(), operating);
    out.push(b'}');
    with_cors(Answer::json(200, out))
}

/// Its `start` is a whole second in [`TimeShape::IntegerStart`], and the duration counts from there. Without a reading
/// the portal has no operating-time limit.
fn write_block(
    out: &mut Vec<u8>,
    shape: TimeShape,
    started: i64,
    finished: i64,
    operating: Option<Reading>,
) {
    let whole = shape == TimeShape::IntegerStart;
    // A clock turned back in between must not make a duration negative.
    let finished = finished.max(started);
    let (start, finish) = (started.div_euclid(1_000_000), finished.div_euclid(1_000_000));
    let from = if whole { start * 1_000_000 } else { started };
    let fraction = |out: &mut Vec<u8>, micros: i64| {
        json::raw(
            out,
            format_args!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)),
        );
    };
    out.extend_from_slice(b"{\"start\":");
    if whole {
        json::raw(out, start);
    } else {
        fraction(out, started);
    }
    out.extend_from_slice(b",\"finish\":");
    fraction(out, finished);
    out.extend_from_slice(b",\"duration\":");
    fraction(out, finished - from);
    out.extend_from_slice(b",\"processing\":");
    if whole {
        out.push(b'0');
    } else {
        fraction(out, finished - from);
    }
    out.extend_from_slice(b",\"date_start\":\"");
    clock::write_iso(out, start);
    out.extend_from_slice(b"\",\"date_finish\":\"");
    clock::write_iso(out, finish);
    out.push(b'"');
    if let Some(reading) = operating.filter(|_| shape != TimeShape::WithoutOperating) {
        if shape != TimeShape::WithoutReset {
            out.extend_from_slice(b",\"operating_reset_at\":");
            json::raw(out, reading.reset_at.unwrap_or(start + WINDOW));
        }
        out.extend_from_slice(b",\"operating\":");
        json::raw(out, reading.seconds);
    }
    out.push(b'}');
}

/// The headers of everything under `/rest/`.
pub(crate) fn with_cors(answer: Answer) -> Answer {
    answer
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-headers", "origin, content-type, accept")
        .with("x-content-type-options", "nosniff")
}
