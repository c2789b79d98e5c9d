//! Against a model of the portal's own bucket.

use proptest::prelude::*;

use super::*;

const fn at(millis: u64) -> Duration {
    Duration::from_millis(1000 + millis)
}

/// The portal's bucket. It leaks once a second, as documented, or often.
struct Portal {
    level: f64,
    burst: f64,
    per_second: f64,
    /// Milliseconds.
    tick: u64,
    ticked: u64,
}

impl Portal {
    fn new(level: f64) -> Self {
        Self { level, burst: 50.0, per_second: 2.0, tick: 1000, ticked: 0 }
    }

    fn smooth() -> Self {
        Self { tick: 1, ..Self::new(0.0) }
    }

    fn admits(&mut self, millis: u64) -> bool {
        while self.ticked + self.tick <= millis {
            self.ticked += self.tick;
            self.level = (self.level - self.per_second * self.tick as f64 / 1000.0).max(0.0);
        }
        let fits = self.level + 1.0 <= self.burst;
        if fits {
            self.level += 1.0;
        }
        fits
    }
}

fn bucket() -> Bucket {
    Bucket::new(RateLimit::STANDARD, 0.0, at(0)).unwrap()
}

fn take(bucket: &mut Bucket, millis: u64) -> Result<(), Duration> {
    match bucket.obstacle(at(millis)) {
        Some(wait) => Err(wait),
        None => {
            bucket.take();
            Ok(())
        }
    }
}

/// Sends as fast as the bucket lets it until `until` (milliseconds), each answer after `trip`; what
/// the portal refuses is sent again. Answers how many were admitted and refused.
fn send(bucket: &mut Bucket, portal: &mut Portal, until: u64, trip: u64) -> (u32, u32) {
    send_beside(bucket, portal, until, trip, |_| 0)
}

fn send_beside(
    bucket: &mut Bucket,
    portal: &mut Portal,
    until: u64,
    trip: u64,
    mut neighbours: impl FnMut(u64) -> u32,
) -> (u32, u32) {
    let (mut admitted, mut refused) = (0, 0);
    let mut under_way = std::collections::VecDeque::<(u64, u64, bool)>::new();
    for now in 0..until {
        for _ in 0..neighbours(now) {
            portal.admits(now);
        }
        while under_way.front().is_some_and(|(back, ..)| *back <= now) {
            let Some((_, sent, fits)) = under_way.pop_front() else { break };
            bucket.done();
            if fits {
                bucket.admitted();
                admitted += 1;
            } else {
                bucket.refused(at(sent), at(now));
                refused += 1;
            }
        }
        while take(bucket, now).is_ok() {
            under_way.push_back((now + trip, now, portal.admits(now)));
        }
    }
    (admitted, refused)
}

#[test]
fn an_empty_bucket_is_used_without_a_refusal() {
    let (admitted, refused) = send(&mut bucket(), &mut Portal::smooth(), 50_000, 20);
    assert_eq!(refused, 0);
    assert!(admitted >= 148, "{admitted} of 150");
}

#[test]
fn a_bucket_that_leaks_once_a_second_costs_one_refusal() {
    let (admitted, refused) = send(&mut bucket(), &mut Portal::new(0.0), 600_000, 20);
    assert!(refused <= 1, "{refused} refusals");
    assert!(admitted >= 1246, "{admitted} of 1250");
}

#[test]
fn a_drained_bucket_costs_one_refusal() {
    for trip in [0, 5, 100, 400] {
        let (admitted, refused) = send(&mut bucket(), &mut Portal::new(50.0), 60_000, trip);
        assert_eq!(refused, 1, "trip of {trip} ms");
        assert!(admitted >= 112, "{admitted} of 120, trip of {trip} ms");
    }
}

#[test]
fn one_slow_answer_does_not_hold_up_the_others() {
    let mut bucket = bucket();
    take(&mut bucket, 0).unwrap();
    assert_eq!(take(&mut bucket, 0), Err(Duration::from_millis(500)));
    take(&mut bucket, 500).unwrap();
    bucket.done();
    bucket.admitted();
    take(&mut bucket, 501).unwrap();
}

#[test]
fn what_was_under_way_at_a_refusal_teaches_nothing_more() {
    let mut bucket = bucket();
    assert!(bucket.refused(at(0), at(100)));
    assert!(!bucket.refused(at(50), at(120)));
    assert!((bucket.share() - 1.0).abs() < 0.01, "one refusal corrects the level alone");
    assert!(bucket.refused(at(5000), at(5100)));
    assert!(bucket.share() < 0.8, "another one lowers the share");
    take(&mut bucket, 120_000).unwrap();
    assert!(bucket.share() > 0.99, "and time raises it again");
}

#[test]
fn a_neighbour_gets_its_part() {
    // A fifth of the leak, evenly.
    let neighbour = |now: u64| u32::from(now.is_multiple_of(2500));
    let (admitted, refused) =
        send_beside(&mut bucket(), &mut Portal::new(50.0), 600_000, 50, neighbour);
    // 1.6 a second are left: 960.
    assert!(admitted > 800, "{admitted}");
    assert!(refused < 60, "{refused} refusals");
}

#[test]
fn a_reserve_leaves_room_without_a_refusal() {
    let mut bucket = Bucket::new(RateLimit::STANDARD, 0.2, at(0)).unwrap();
    let neighbour = |now: u64| u32::from(now.is_multiple_of(2500));
    let (admitted, refused) =
        send_beside(&mut bucket, &mut Portal::new(0.0), 300_000, 50, neighbour);
    assert_eq!(refused, 0);
    assert!(admitted > 500, "{admitted}");
}

#[test]
fn a_portal_that_allows_more_is_used_to_the_full_when_told() {
    let mut bucket = bucket();
    bucket.resize(RateLimit::ENTERPRISE, 0.0, at(0));
    let mut portal = Portal { burst: 250.0, per_second: 5.0, ..Portal::smooth() };
    let (admitted, refused) = send(&mut bucket, &mut portal, 52_000, 20);
    assert!(admitted >= 495 && refused == 0, "{admitted}, {refused}");
}

#[test]
fn off_counts_nothing() {
    assert!(Bucket::new(RateLimit::Off, 0.0, at(0)).is_none());
}

proptest! {
    /// Whatever the pauses: never more in any time than the bucket holds and leaks in it.
    #[test]
    fn never_more_than_the_bucket_holds(
        pauses in prop::collection::vec(0_u64..3000, 1..400), leaks_often: bool,
    ) {
        let mut portal = if leaks_often { Portal::smooth() } else { Portal::new(0.0) };
        let mut bucket = bucket();
        bucket.window = u32::MAX;
        let (mut now, mut refused) = (0, 0);
        for pause in pauses {
            now += pause;
            for _ in 0..60 {
                if take(&mut bucket, now).is_err() { break }
                bucket.done();
                if !portal.admits(now) {
                    bucket.refused(at(now), at(now));
                    refused += 1;
                }
            }
        }
        // One says that it leaks once a second.
        prop_assert!(refused <= u32::from(!leaks_often), "{refused} refusals");
    }

    /// Waiting as long as it says is enough.
    #[test]
    fn a_wait_is_long_enough(
        burst in 2.0_f64..300.0, rate in 0.01_f64..50.0, reserve in 0.0_f64..0.9, level in 0.0_f64..1.0,
    ) {
        let limit = RateLimit::bucket(burst, rate).unwrap();
        let mut bucket = Bucket::new(limit, reserve, at(0)).unwrap();
        bucket.level = bucket.full() * level;
        if let Some(wait) = bucket.obstacle(at(0)) {
            prop_assert_eq!(bucket.obstacle(at(0) + wait + Duration::from_micros(1)), None);
        }
    }

    /// No order of events brings nonsense about.
    #[test]
    fn its_numbers_stay_sound(events in prop::collection::vec((0_u8..5, 0_u64..100_000), 1..200)) {
        let mut bucket = bucket();
        let mut now = 0;
        for (event, pause) in events {
            match event {
                0 => { let _ = take(&mut bucket, now); }
                1 => bucket.give_back(),
                2 => { bucket.refused(at(now.saturating_sub(pause)), at(now)); }
                3 => { bucket.done(); bucket.admitted(); }
                _ => now += pause,
            }
            prop_assert!((0.0..=50.0).contains(&bucket.level), "{}", bucket.level);
            prop_assert!((LEAST_SHARE..=1.0).contains(&bucket.share));
            prop_assert!(bucket.window >= 1);
        }
    }
}
