//! The leaky bucket: one per client address, on the virtual clock.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::world::World;

/// How full it is, since when, and what has been done with it.
#[derive(Clone)]
pub(crate) struct Bucket {
    level: f64,
    at_micros: i64,
    first_micros: i64,
    last_micros: i64,
    admitted: u64,
    refused: u64,
}

impl Bucket {
    fn new(level: f64, now_micros: i64) -> Self {
        Self {
            level,
            at_micros: now_micros,
            first_micros: now_micros,
            last_micros: now_micros,
            admitted: 0,
            refused: 0,
        }
    }
}

/// Takes one request in, unless the bucket would run over.
pub(super) fn admits(world: &World, peer: IpAddr, now_micros: i64) -> bool {
    let ((burst, leak), drained) = {
        let settings = world.settings.read();
        (settings.bucket(), settings.drained)
    };
    if burst == 0 {
        return true;
    }
    let threshold = f64::from(burst);
    let mut buckets = world.buckets.get();
    let bucket = buckets
        .entry(peer)
        .or_insert_with(|| Bucket::new(if drained { threshold } else { 0.0 }, now_micros));
    // A clock that was turned back leaks nothing.
    let elapsed = seconds(now_micros.saturating_sub(bucket.at_micros).max(0));
    bucket.level = (bucket.level - elapsed * leak).max(0.0);
    bucket.at_micros = now_micros;
    let fits = bucket.level + 1.0 <= threshold;
    if fits {
        bucket.level += 1.0;
        bucket.admitted += 1;
        bucket.last_micros = now_micros;
    } else {
        bucket.refused += 1;
    }
    fits
}

/// What each address has done since its bucket was new, and the least time in which anybody could have done it.
pub(crate) fn statistics(world: &World) -> Value {
    let ((burst, leak), drained) = {
        let settings = world.settings.read();
        (settings.bucket(), settings.drained)
    };
    let buckets = world.buckets.get();
    buckets
        .iter()
        .map(|(address, bucket)| {
            json!({
                "member_id": world.member_id,
                "address": address.to_string(),
                "burst": burst,
                "leak_per_second": leak,
                "drained": drained,
                "admitted": bucket.admitted,
                "refused": bucket.refused,
                "seconds": seconds(bucket.last_micros - bucket.first_micros),
                "floor_seconds": floor(bucket.admitted, burst, leak, drained),
            })
        })
        .collect()
}

/// Seconds between the first and the last of `requests`, if each came as early as the bucket could take it; null if
/// the bucket could never have taken them.
fn floor(requests: u64, burst: u32, leak: f64, drained: bool) -> Option<f64> {
    if requests == 0 {
        return Some(0.0);
    }
    let room = if drained { 0.0 } else { f64::from(burst) };
    #[expect(clippy::cast_precision_loss, reason = "a run has less than 2^52 requests")]
    let waited_for = (requests as f64 - room).max(0.0);
    if waited_for == 0.0 {
        return Some(0.0);
    }
    (leak > 0.0).then(|| waited_for / leak)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds between two requests fit 52 bits for a century"
)]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::floor;

    #[test]
    fn the_floor_is_what_the_bucket_allows() {
        assert_eq!(floor(0, 50, 2.0, false), Some(0.0));
        assert_eq!(floor(50, 50, 2.0, false), Some(0.0));
        assert_eq!(floor(150, 50, 2.0, false), Some(50.0));
        assert_eq!(floor(150, 50, 2.0, true), Some(75.0));
        assert_eq!(floor(51, 50, 0.0, false), None);
    }
}
