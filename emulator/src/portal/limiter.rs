//! The leaky bucket: one per client address, on the virtual clock.

use std::net::IpAddr;

use crate::world::World;

/// How full it is, and since when.
pub(crate) struct Bucket {
    level: f64,
    at_micros: i64,
}

/// Takes one request in, unless the bucket would run over.
pub(crate) fn admits(world: &World, peer: IpAddr, now_micros: i64) -> bool {
    let (burst, leak) = {
        let settings = world.settings.read();
        (settings.burst, settings.leak_per_second)
    };
    if burst == 0 {
        return true;
    }
    let mut buckets = world.buckets.get();
    let bucket = buckets.entry(peer).or_insert(Bucket { level: 0.0, at_micros: now_micros });
    // A clock that was turned back leaks nothing.
    let elapsed = seconds(now_micros.saturating_sub(bucket.at_micros).max(0));
    bucket.level = (bucket.level - elapsed * leak).max(0.0);
    bucket.at_micros = now_micros;
    let fits = bucket.level + 1.0 <= f64::from(burst);
    if fits {
        bucket.level += 1.0;
    }
    fits
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds between two requests fit 52 bits for a century"
)]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
