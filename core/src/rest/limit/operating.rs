//! Operating time: how long a method has worked for one application or webhook in the last ten
//! minutes, as its answers tell. Arithmetic alone, told the time by its caller.
//!
//! Vendor documentation: "Limits", operating time. A method over its cap is refused until its oldest
//! minute leaves the window. Nothing is held back far from the cap, and nothing where a portal tells
//! no numbers.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

/// The vendor's example; a portal may have another, which shows when it refuses earlier.
const CAP: f64 = 480.0;
/// From this part of the cap on, what is left is spread over the time that is left.
const NEAR: f64 = 0.9;
/// Wait after a refusal of which the portal never said how long it holds.
const PAUSE: Duration = Duration::from_secs(60);
/// The window's length: no refusal holds longer.
const WINDOW: Duration = Duration::from_secs(600);
/// Methods are forgotten when they are more.
const MANY: usize = 10_000;

/// Who is billed: an application or a webhook, and a method.
type Account = (u64, String);

#[derive(Debug, Default)]
pub(crate) struct Operating(HashMap<Account, Method>);

#[derive(Debug)]
struct Method {
    /// Seconds in the window, at the last answer.
    spent: f64,
    /// When the oldest minute leaves.
    resets_at: Duration,
    /// Seconds that a call adds, about.
    cost: f64,
    cap: f64,
    /// When the next call may start, near the cap.
    next_at: Duration,
    refused_until: Duration,
}

/// What an answer says of its method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// Seconds in the window.
    pub(crate) spent: f64,
    /// Until the oldest minute leaves.
    pub(crate) resets_in: Option<Duration>,
}

impl Reading {
    /// From an answer's `time`, or one of a batch's `result_time`.
    pub(crate) fn of(time: &Value) -> Option<Self> {
        let spent = time.get("operating")?.as_f64().filter(|spent| spent.is_finite())?;
        let resets_at = time.get("operating_reset_at").and_then(Value::as_f64);
        // Both by the portal's clock.
        let finished = time.get("finish").and_then(Value::as_f64);
        let resets_in = resets_at.zip(finished).map(|(reset, now)| reset - now);
        let resets_in = resets_in
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|wait| *wait <= WINDOW + PAUSE);
        Some(Self { spent: spent.max(0.0), resets_in })
    }
}

impl Operating {
    /// How long somebody waits whose refusal names no method.
    pub(crate) const UNKNOWN: Duration = Duration::from_secs(PAUSE.as_secs() + 1);

    /// How long so many calls of the method, sent together, have to wait. Near the cap they take
    /// their places among the others.
    pub(crate) fn wait(&mut self, who: u64, method: &str, calls: usize, now: Duration) -> Duration {
        let Some(method) = self.0.get_mut(&account(who, method)) else { return Duration::ZERO };
        if method.refused_until > now {
            return method.refused_until - now;
        }
        if method.resets_at <= now || method.spent < method.cap * NEAR {
            return Duration::ZERO;
        }
        let left = method.resets_at - now;
        let (calls, cost) = (calls as f64, method.cost.max(0.01));
        // The last one is let in if those before it leave room.
        if method.spent + cost * (calls - 1.0) > method.cap {
            return left;
        }
        let places = ((method.cap - method.spent) / cost).floor() + 1.0;
        let start = method.next_at.max(now);
        let end = start + left.mul_f64(calls / places);
        // Many together fill what is left of the window, and no more.
        method.next_at = if calls > 1.0 { end.min(method.resets_at).max(start) } else { end };
        start - now
    }

    /// As [`Self::wait`], but takes no place.
    pub(crate) fn refused_for(&self, who: u64, method: &str, now: Duration) -> Duration {
        let method = self.0.get(&account(who, method));
        method.map_or(Duration::ZERO, |method| method.refused_until.saturating_sub(now))
    }

    pub(crate) fn read(&mut self, who: u64, method: &str, reading: Reading, now: Duration) {
        let known = self.0.contains_key(&account(who, method));
        // What is far from any cap need not be remembered.
        if !known && reading.spent < 1.0 {
            return;
        }
        let method = self.entry(who, method, now);
        let added = reading.spent - method.spent;
        if added > 0.0 && known {
            method.cost = (method.cost + added) / 2.0;
        } else if !known {
            method.cost = added.min(5.0);
        }
        method.spent = reading.spent;
        method.cap = method.cap.max(reading.spent.min(CAP));
        if let Some(resets_in) = reading.resets_in {
            method.resets_at = now + resets_in;
        }
    }

    /// The portal refused the method for its time. Answers how long to wait.
    pub(crate) fn refused(&mut self, who: u64, method: &str, now: Duration) -> Duration {
        let method = self.entry(who, method, now);
        if method.refused_until > now {
            return method.refused_until - now;
        }
        let reset = method.resets_at.saturating_sub(now);
        let wait = if reset.is_zero() { PAUSE } else { reset.min(WINDOW) };
        if !reset.is_zero() && method.spent > 0.0 {
            method.cap = method.cap.min(method.spent);
        }
        // The portal counts in whole seconds.
        method.refused_until = now + wait + Duration::from_secs(1);
        method.refused_until - now
    }

    fn entry(&mut self, who: u64, method: &str, now: Duration) -> &mut Method {
        if self.0.len() >= MANY {
            self.0.retain(|_, method| method.resets_at.max(method.refused_until) > now);
        }
        self.0.entry(account(who, method)).or_insert(Method {
            spent: 0.0,
            resets_at: Duration::ZERO,
            cost: 1.0,
            cap: CAP,
            next_at: Duration::ZERO,
            refused_until: Duration::ZERO,
        })
    }
}

fn account(who: u64, method: &str) -> Account {
    // Portals find methods whatever their case.
    (who, method.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::from_secs(10_000);

    fn reading(spent: f64, resets_in: u64) -> Reading {
        Reading { spent, resets_in: Some(Duration::from_secs(resets_in)) }
    }

    fn after(spent: f64, resets_in: u64) -> Operating {
        let mut operating = Operating::default();
        operating.read(1, "crm.lead.list", reading(spent - 2.0, resets_in), NOW);
        operating.read(1, "crm.lead.list", reading(spent, resets_in), NOW);
        operating
    }

    #[test]
    fn far_from_the_cap_nobody_waits() {
        for spent in [3.0, 44.0, 240.0, 431.0] {
            let mut operating = after(spent, 500);
            for _ in 0..1000 {
                assert_eq!(operating.wait(1, "crm.lead.list", 1, NOW), Duration::ZERO, "{spent}");
            }
        }
    }

    #[test]
    fn near_the_cap_the_rest_is_spread() {
        let mut operating = after(440.0, 300);
        let waits: Vec<_> = (0..5).map(|_| operating.wait(1, "crm.lead.list", 1, NOW)).collect();
        assert_eq!(waits[0], Duration::ZERO);
        let step = waits[1];
        assert!(step > Duration::from_secs(5) && step < Duration::from_secs(40), "{step:?}");
        assert!((waits[4].as_secs_f64() - 4.0 * step.as_secs_f64()).abs() < 0.1);
        assert_eq!(operating.wait(1, "crm.deal.list", 1, NOW), Duration::ZERO, "another method");
        assert_eq!(operating.wait(2, "crm.lead.list", 1, NOW), Duration::ZERO, "another caller");
    }

    #[test]
    fn calls_that_are_sent_together_take_as_many_places() {
        let mut operating = after(440.0, 300);
        operating.wait(1, "crm.lead.list", 1, NOW);
        let step = operating.wait(1, "crm.lead.list", 5, NOW);
        let behind = operating.wait(1, "crm.lead.list", 1, NOW);
        assert!((behind.as_secs_f64() - 6.0 * step.as_secs_f64()).abs() < 0.1, "{behind:?}");
        let together = operating.wait(1, "crm.lead.list", 50, NOW);
        assert_eq!(together, Duration::from_secs(300), "more than what is left of the cap");
        let mut far = after(240.0, 300);
        assert_eq!(far.wait(1, "crm.lead.list", 50, NOW), Duration::ZERO);
    }

    #[test]
    fn over_the_cap_it_waits_for_the_reset() {
        let mut operating = after(490.0, 300);
        assert_eq!(operating.wait(1, "CRM.Lead.List", 1, NOW), Duration::from_secs(300));
        let later = NOW + Duration::from_secs(300);
        assert_eq!(operating.wait(1, "crm.lead.list", 1, later), Duration::ZERO);
    }

    #[test]
    fn a_refusal_holds_until_the_reset_and_teaches_the_cap() {
        let mut operating = after(421.0, 200);
        assert_eq!(operating.refused(1, "crm.lead.list", NOW), Duration::from_secs(201));
        assert_eq!(operating.wait(1, "crm.lead.list", 1, NOW), Duration::from_secs(201));
        let later = NOW + Duration::from_secs(201);
        operating.read(1, "crm.lead.list", reading(425.0, 100), later);
        operating.wait(1, "crm.lead.list", 1, later);
        let second = operating.wait(1, "crm.lead.list", 1, later);
        assert!(second > Duration::ZERO, "425 of 480 is not near, of the 421 it learned it is");
    }

    #[test]
    fn a_portal_without_numbers_is_waited_for_a_minute() {
        let mut operating = Operating::default();
        assert_eq!(operating.wait(1, "m", 1, NOW), Duration::ZERO);
        assert_eq!(operating.refused(1, "m", NOW), Duration::from_secs(61));
        assert_eq!(operating.refused(1, "m", NOW), Duration::from_secs(61), "once for all of them");
        assert_eq!(operating.refused_for(1, "m", NOW), Duration::from_secs(61));
        assert_eq!(operating.wait(1, "m", 1, NOW + Duration::from_secs(61)), Duration::ZERO);
    }

    #[test]
    fn reads_every_shape_of_the_time_block() {
        let full = json!({"finish": 1000.5, "operating": 12.25, "operating_reset_at": 1600});
        let read = Reading::of(&full).unwrap();
        assert_eq!(read.spent, 12.25);
        assert_eq!(read.resets_in, Some(Duration::from_millis(599_500)));
        for (time, known) in [
            (json!({"finish": 1000.5, "operating": 0}), true),
            (json!({"operating": 5, "operating_reset_at": 1600}), true),
            (json!({"finish": 1000, "operating": 5, "operating_reset_at": 900}), true),
            (json!({"finish": 1000, "operating": 5, "operating_reset_at": 9e300}), true),
            (json!({"operating": "5"}), false),
            (json!({"finish": 1000.5}), false),
            (json!([]), false),
            (json!(null), false),
        ] {
            let read = Reading::of(&time);
            assert_eq!(read.is_some(), known, "{time}");
            assert!(read.is_none_or(|read| read.resets_in.is_none()), "{time}");
        }
    }
}
