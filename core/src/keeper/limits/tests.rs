use super::*;

fn limits() -> (Limits, Clock) {
    let clock = Clock::system();
    (Limits::new(clock.clone(), 4), clock)
}

fn held_for(limits: &Limits, host: &str, portal: &str) -> Duration {
    let held = limits.check(host, portal).err();
    held.map_or(Duration::ZERO, |error| error.retry_after().unwrap())
}

fn is_open(limits: &Limits, host: &str, portal: &str) -> bool {
    held_for(limits, host, portal).is_zero()
}

#[test]
fn a_breaker_opens_doubles_lets_one_try_and_closes() {
    let (limits, clock) = limits();
    limits.check("a", "1").unwrap().unreachable();
    let error = limits.check("a", "2").err().unwrap();
    assert_eq!((error.kind(), error.retry()), (Kind::Network, Retry::Safe));
    assert!(error.retry_after().unwrap() <= Duration::from_secs(1));
    assert!(is_open(&limits, "b", "1"));
    for _ in 0..10 {
        clock.turn(301);
        let trying = limits.check("a", "1").unwrap();
        assert!(!is_open(&limits, "a", "2"), "one at a time");
        trying.unreachable();
    }
    let longest = held_for(&limits, "a", "1");
    assert!((149..=300).contains(&longest.as_secs()), "{longest:?}");
    clock.turn(301);
    limits.check("a", "1").unwrap().good();
    assert!(is_open(&limits, "a", "1") && is_open(&limits, "a", "2"));
}

#[test]
fn what_fails_side_by_side_is_one_failure() {
    let (limits, clock) = limits();
    let begin = || (0..12).map(|_| limits.check("a", "1").unwrap()).collect::<Vec<_>>();
    for leave in begin() {
        leave.unreachable();
    }
    assert!(held_for(&limits, "a", "1") <= Duration::from_secs(1));
    clock.turn(2);
    limits.check("a", "1").unwrap().good();
    let begun = begin();
    for leave in &begun {
        leave.refused(About::Block);
        // Also one that is heard of after the pause.
        clock.turn(2);
    }
    let hour = held_for(&limits, "a", "1");
    assert!((1770..=3600).contains(&hour.as_secs()), "{hour:?}");
    clock.turn(3600);
    begun[0].refused(About::Block);
    assert!(is_open(&limits, "a", "1"));
}

#[test]
fn throttling_doubles_the_pause() {
    let (limits, clock) = limits();
    for _ in 0..6 {
        limits.check("a", "1").unwrap().refused(About::Rate);
        clock.turn(64);
    }
    limits.check("a", "1").unwrap().refused(About::Rate);
    let seventh = held_for(&limits, "a", "1").as_secs();
    assert!((63..=128).contains(&seventh), "{seventh}");
}

#[test]
fn an_answer_to_something_earlier_takes_no_refusal_back() {
    let (limits, clock) = limits();
    let earlier = limits.check("a", "1").unwrap();
    limits.check("a", "1").unwrap().unreachable();
    earlier.answered();
    assert!(is_open(&limits, "a", "1"), "a server that answers is there");
    let refusals = [About::Rate, About::Block, About::Client, About::Portal];
    for about in refusals {
        let earlier = limits.check("a", "1").unwrap();
        limits.check("a", "1").unwrap().refused(about);
        earlier.good();
        assert!(!is_open(&limits, "a", "1"), "{about:?}");
        clock.turn(24 * 3600);
        limits.check("a", "1").unwrap().good();
        assert!(is_open(&limits, "a", "1"), "{about:?}");
    }
}

#[test]
fn a_try_without_an_outcome_is_given_back() {
    let (limits, clock) = limits();
    for about in [About::Rate, About::Block, About::Portal] {
        limits.check("a", "1").unwrap().refused(about);
        clock.turn(24 * 3600);
        let trying = limits.check("a", "1").unwrap();
        assert!(!is_open(&limits, "a", "1"), "{about:?}");
        drop(trying);
        // The failures are not forgotten with it.
        limits.check("a", "1").unwrap().refused(about);
        assert!(held_for(&limits, "a", "1") > Duration::from_secs(1), "{about:?}");
        clock.turn(24 * 3600);
        limits.check("a", "1").unwrap().good();
    }
}

#[test]
fn a_try_that_lasts_too_long_gives_nothing_of_the_next_one_back() {
    let (limits, clock) = limits();
    limits.check("a", "1").unwrap().unreachable();
    clock.turn(2);
    let slow = limits.check("a", "1").unwrap();
    clock.turn(161);
    let next = limits.check("a", "1").unwrap();
    drop(slow);
    assert!(!is_open(&limits, "a", "1"));
    drop(next);
    assert!(is_open(&limits, "a", "1"));
}

#[test]
fn one_portal_without_the_application_is_not_a_wrong_secret() {
    let (limits, clock) = limits();
    let refuse = |portal| {
        limits.check("h", portal).unwrap().refused(About::Client);
    };
    for _ in 0..5 {
        refuse("portal 1");
        clock.turn(6 * 3600);
    }
    refuse("portal 1");
    assert!(!is_open(&limits, "h", "portal 1"));
    assert!(is_open(&limits, "h", "portal 2"));
    refuse("portal 2");
    assert!(is_open(&limits, "h", "portal 4"));
    refuse("portal 3");
    assert!(!is_open(&limits, "h", "portal 4"), "three portals in a row");
}

#[test]
fn what_the_vendor_forbids_rests_with_the_chain_too() {
    let (limits, _) = limits();
    let rest = |portal: &str, about| limits.check("h", portal).unwrap().refused(about);
    assert_eq!(
        rest("1", About::Client),
        Duration::ZERO,
        "it is mended by a person, and tried at once"
    );
    assert_eq!(rest("2", About::Portal), DAY);
    assert_eq!(rest("3", About::Block), HOUR);
}

#[test]
fn an_outage_is_one_incident_and_is_over_once() {
    let (limits, clock) = limits();
    let host = Scope::Host("a".to_owned());
    let failures = || limits.breakers().get(&host).map_or(0, |breaker| breaker.failures);
    for count in 1..=OUTAGE {
        limits.check("a", "1").unwrap().unreachable();
        assert_eq!(failures(), count);
        clock.turn(301);
    }
    limits.check("a", "1").unwrap().good();
    assert_eq!(failures(), 0);
}

#[test]
fn a_block_by_the_vendor_stops_the_application() {
    let (limits, _) = limits();
    limits.check("h", "portal 1").unwrap().refused(About::Block);
    assert!(held_for(&limits, "h", "portal 2") >= Duration::from_secs(1790));
}

#[tokio::test]
async fn a_host_that_hangs_leaves_room_for_the_others() {
    async fn placed(limits: &Limits, host: &str) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            place = limits.place(host) => Some(place.unwrap()),
            () = std::future::ready(()) => None,
        }
    }
    let (limits, _) = limits();
    let mut hanging = Vec::new();
    while let Some(place) = placed(&limits, "a").await {
        hanging.push((place, limits.in_flight.try_acquire().unwrap()));
    }
    assert_eq!(hanging.len(), 3);
    assert!(placed(&limits, "b").await.is_some());
    assert!(limits.in_flight.try_acquire().is_ok());
    hanging.pop();
    assert!(placed(&limits, "a").await.is_some());
    let alone = Limits::new(Clock::system(), 1);
    assert!(placed(&alone, "a").await.is_some(), "one is enough for one");
}
