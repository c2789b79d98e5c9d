//! The runs: our protocol under every server, and the protocol without one of its rules.

use crate::{
    config::{Config, Faults, Horizon, Protocol},
    properties::{DEATH, GENERATIONS, NO_AVOIDABLE_LOSS, ONE_WRITER},
    server::Manner::{self, AnySuccessor, Family, NewestSuccessor, SameSuccessor, Strict},
};

/// What a run must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Every property holds.
    Holds,
    /// Losses are counted, not forbidden: no client can prevent them all.
    Reported,
    /// This property does not hold: the rule that was taken away is needed.
    Breaks(&'static str),
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is about.
    pub name: &'static str,
    /// What is asked.
    pub config: Config,
    /// What must be shown.
    pub bar: Bar,
    /// What two earlier, smaller models of the design counted for the same question.
    pub earlier: &'static str,
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds, without optimisation.
    Quick,
    /// Minutes.
    Full,
}

const NONE: Faults =
    Faults { kills: 0, losses: 0, freezes: 0, outages: 0, rollbacks: 0, offers: 0 };

/// Servers on which a token spent twice cannot hurt one that we hold.
fn harmless(manner: Manner) -> bool {
    matches!(manner, Strict | SameSuccessor | AnySuccessor)
}

/// Our protocol.
#[must_use]
pub fn ours(size: Size) -> Vec<Scenario> {
    Manner::ALL.into_iter().flat_map(|manner| under(manner, size)).collect()
}

fn under(manner: Manner, size: Size) -> [Scenario; 8] {
    let (some, many) = if size == Size::Full { (4, 5) } else { (2, 3) };
    let once = Faults { kills: 1, losses: 1, freezes: 1, outages: 1, rollbacks: 0, offers: 1 };
    let twice = Faults { kills: 2, losses: 2, freezes: 2, outages: 2, ..once };
    let many_faults = if size == Size::Full { twice } else { once };
    let rollback = Faults { rollbacks: 1, ..once };
    let all = if size == Size::Full { rollback } else { Faults { losses: 0, ..rollback } };
    let unless_harmless = if harmless(manner) { Bar::Holds } else { Bar::Reported };
    let run = |name, bar, attempts, faults| Scenario {
        name,
        config: Config { faults, ..Config::new(manner, attempts) },
        bar,
        earlier: "",
    };
    let unnoticed = |mut scenario: Scenario| {
        scenario.config.protocol.notices_rollback = false;
        scenario
    };
    [
        run("no faults", Bar::Holds, many, NONE),
        run("kills, losses, freezes, outages, offer", Bar::Holds, many, many_faults),
        run("the same once each, beyond the hold-back", unless_harmless, some, once).held_back(),
        run(
            "rollback, kill, loss, freeze, offer",
            Bar::Holds,
            some,
            Faults { outages: 0, ..rollback },
        ),
        run("rollback and all, beyond the hold-back", unless_harmless, some.min(3), all)
            .held_back(),
        unnoticed(run(
            "unnoticed rollback, kill, loss",
            unless_harmless,
            some,
            Faults { kills: 1, losses: 1, rollbacks: 1, ..NONE },
        )),
        unnoticed(run(
            "unnoticed rollback, seen by readers",
            unless_harmless,
            some,
            Faults { rollbacks: 1, ..NONE },
        ))
        .with_readers(),
        run(
            "server later than the lease, kill, loss",
            Bar::Reported,
            some,
            Faults { kills: 1, losses: 1, ..NONE },
        )
        .late(),
    ]
}

/// The protocol without one of its rules (or two), and beyond what it promises. Two nodes; four attempts, as
/// the earlier models had, in the full size.
#[must_use]
pub fn without(size: Size) -> Vec<Scenario> {
    let attempts = if size == Size::Full { 4 } else { 2 };
    let ours = Protocol::OURS;
    let free = Protocol { hears_before_takeover: false, ..ours };
    let unnoticed = Protocol { notices_rollback: false, ..ours };
    let no_orphans = Protocol { keeps_orphans: false, ..ours };
    let kill = Faults { kills: 1, ..NONE };
    let lost = Faults { losses: 1, ..NONE };
    let freeze = Faults { freezes: 1, ..NONE };
    let outage = Faults { outages: 1, freezes: 1, ..NONE };
    let rollback = Faults { rollbacks: 1, ..NONE };
    let offer = Faults { offers: 1, ..NONE };
    let run = |manner, name, protocol, faults| Scenario {
        name,
        config: Config { protocol, faults, ..Config::new(manner, attempts) },
        bar: Bar::Breaks(NO_AVOIDABLE_LOSS),
        earlier: "",
    };
    vec![
        run(Strict, "every rule, no faults", ours, NONE).holds().earlier("0 of 63"),
        run(Family, "every rule, no faults", ours, NONE).holds().earlier("0 of 63"),
        run(NewestSuccessor, "every rule, no faults", ours, NONE).holds().earlier("0 of 63"),
        run(Strict, "a deadline drops the answer", Protocol { reads_on: false, ..ours }, NONE)
            .earlier("86 of 149"),
        run(
            Strict,
            "fenced commit, takeover at the end of the lease",
            Protocol { commits_by_lineage: false, ..free },
            NONE,
        )
        .earlier("7 of 13"),
        run(
            Strict,
            "fenced commit, freeze beyond the hold-back",
            Protocol { commits_by_lineage: false, ..ours },
            freeze,
        )
        .held_back(),
        run(Family, "takeover at the end of the lease", free, NONE).earlier("62 of 125"),
        run(
            NewestSuccessor,
            "takeover at the end of the lease, no orphans",
            Protocol { hears_before_takeover: false, ..no_orphans },
            NONE,
        )
        .earlier("43 of 209"),
        run(NewestSuccessor, "takeover at the end of the lease, loss", free, lost),
        run(NewestSuccessor, "no orphans, outage beyond the hold-back", no_orphans, outage)
            .held_back(),
        run(
            NewestSuccessor,
            "no orphans, unnoticed rollback",
            Protocol { keeps_orphans: false, ..unnoticed },
            rollback,
        )
        .attempts(attempts.max(3))
        .breaks(DEATH),
        run(
            Strict,
            "no kept answers, unnoticed rollback",
            Protocol { keeps_answers: false, ..unnoticed },
            rollback,
        )
        .earlier("631 of 1278"),
        run(Strict, "kept answers, unnoticed rollback", unnoticed, rollback)
            .holds()
            .earlier("0 of 1256"),
        run(Family, "unnoticed rollback", unnoticed, rollback).earlier("958 of 1694"),
        run(
            Family,
            "quarantine shorter than the lease, kill",
            Protocol { quarantine_outlasts_server: false, ..ours },
            Faults { kills: 1, ..rollback },
        ),
        run(Family, "server later than the lease, kill", ours, kill).late().earlier("65 of 377"),
        run(
            Family,
            "ancestors become spares",
            Protocol { refuses_ancestors: false, ..ours },
            offer,
        ),
        run(
            Strict,
            "spares are not spooled, rollback",
            Protocol { spools_spares: false, ..ours },
            Faults { offers: 1, ..rollback },
        ),
        run(
            Family,
            "an open slot is reported as empty, freeze",
            Protocol { counts_open_slots: false, ..ours },
            freeze,
        ),
        run(
            Family,
            "ambiguous is tried again at once, loss",
            Protocol { pause_outlasts_server: false, ..ours },
            lost,
        ),
        run(
            NewestSuccessor,
            "ambiguous is tried again at once, loss",
            Protocol { pause_outlasts_server: false, ..ours },
            lost,
        ),
        run(
            Strict,
            "no confirmation before the write, freeze",
            Protocol { confirms: false, ..ours },
            freeze,
        )
        .breaks(ONE_WRITER),
        run(
            Strict,
            "unnoticed rollback, freeze beyond the hold-back",
            unnoticed,
            Faults { freezes: 1, ..rollback },
        )
        .attempts(3)
        .held_back()
        .breaks(ONE_WRITER),
        run(
            Strict,
            "invalid_grant is a verdict, outage beyond the hold-back",
            Protocol { careful_verdict: false, ..ours },
            outage,
        )
        .held_back()
        .breaks(DEATH),
        run(
            Strict,
            "readers believe the store, unnoticed rollback",
            Protocol { raises_generation: false, ..unnoticed },
            rollback,
        )
        .with_readers()
        .breaks(GENERATIONS),
        run(
            SameSuccessor,
            "readers believe the store, outage beyond the hold-back",
            Protocol { raises_generation: false, ..ours },
            outage,
        )
        .with_readers()
        .held_back()
        .breaks(GENERATIONS),
    ]
}

impl Scenario {
    fn earlier(mut self, earlier: &'static str) -> Self {
        self.earlier = earlier;
        self
    }

    fn breaks(mut self, property: &'static str) -> Self {
        self.bar = Bar::Breaks(property);
        self
    }

    fn attempts(mut self, attempts: u8) -> Self {
        self.config.attempts = attempts;
        self
    }

    fn holds(mut self) -> Self {
        self.bar = Bar::Holds;
        self
    }

    fn held_back(mut self) -> Self {
        self.config.outlasts_hold_back = true;
        self
    }

    fn with_readers(mut self) -> Self {
        self.config.readers = true;
        self
    }

    fn late(mut self) -> Self {
        self.config.horizon = Horizon::Beyond;
        self
    }
}
