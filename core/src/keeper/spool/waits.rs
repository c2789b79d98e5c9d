//! Answers that the store does not take: tried again more and more rarely.

use std::{collections::HashMap, mem, time::Duration};

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(3600);

/// How long each answer waits, by a name of its own.
#[derive(Default)]
pub(super) struct Waits(HashMap<String, Wait>);

#[derive(Clone, Copy, Default)]
struct Wait {
    tries: u32,
    /// Boot time.
    until: Duration,
}

/// One look at all answers. Those that nobody names any more are forgotten.
pub(super) struct Round<'a> {
    before: HashMap<String, Wait>,
    waits: &'a mut Waits,
    now: Duration,
}

impl Waits {
    pub(super) fn round(&mut self, now: Duration) -> Round<'_> {
        Round { before: mem::take(&mut self.0), waits: self, now }
    }
}

impl Round<'_> {
    /// Whether it is time to try. The next time is then later.
    pub(super) fn is_due(&mut self, name: String) -> bool {
        let mut wait = self.before.remove(&name).unwrap_or_default();
        let due = wait.until <= self.now;
        if due {
            let pause = FIRST.saturating_mul(2_u32.saturating_pow(wait.tries)).min(LONGEST);
            wait = Wait { tries: wait.tries.saturating_add(1), until: self.now + pause };
        }
        self.waits.0.insert(name, wait);
        due
    }
}
