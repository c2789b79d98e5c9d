//! What surrounds every REST answer: `next`, `total`, `time`, CORS headers.

use serde_json::Value;

use crate::clock;
use crate::http::Answer;
use crate::json;
use crate::rest::Page;
use crate::world::World;

/// Seconds until the oldest basket of the operating-time limit leaves the window.
const OPERATING_WINDOW: i64 = 600;

/// Closes `{"result":…` with the page marks and the time block.
pub(crate) fn finish(world: &World, out: &mut Vec<u8>, page: &Page, started: i64) {
    if let Some(next) = page.next {
        json::key(out, "next");
        json::raw(out, next);
    }
    if let Some(total) = page.total {
        json::key(out, "total");
        json::raw(out, total);
    }
    json::key(out, "time");
    write_time(out, started, world.clock.micros());
    out.push(b'}');
}

/// A success that is not a list.
pub(crate) fn plain(world: &World, result: &Value, started: i64) -> Answer {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"result\":");
    json::value(&mut out, result);
    finish(world, &mut out, &Page::default(), started);
    with_cors(Answer::json(200, out))
}

/// The time block between two moments in microseconds: `start` is a whole second, `finish` is not.
pub(crate) fn write_time(out: &mut Vec<u8>, started: i64, finished: i64) {
    // A clock turned back in between must not make a duration negative.
    let finished = finished.max(started);
    let (start, finish) = (started.div_euclid(1_000_000), finished.div_euclid(1_000_000));
    out.extend_from_slice(b"{\"start\":");
    json::raw(out, start);
    out.extend_from_slice(b",\"finish\":");
    json::raw(out, format_args!("{finish}.{:06}", finished.rem_euclid(1_000_000)));
    let duration = finished - start * 1_000_000;
    out.extend_from_slice(b",\"duration\":");
    json::raw(out, format_args!("{}.{:06}", duration / 1_000_000, duration % 1_000_000));
    out.extend_from_slice(b",\"processing\":0,\"date_start\":\"");
    clock::write_iso(out, start);
    out.extend_from_slice(b"\",\"date_finish\":\"");
    clock::write_iso(out, finish);
    out.extend_from_slice(b"\",\"operating_reset_at\":");
    json::raw(out, start + OPERATING_WINDOW);
    out.extend_from_slice(b",\"operating\":0}");
}

/// The headers of everything under `/rest/`.
pub(crate) fn with_cors(answer: Answer) -> Answer {
    answer
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-headers", "origin, content-type, accept")
        .with("x-content-type-options", "nosniff")
}
