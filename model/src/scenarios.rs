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
    let full = size == Size::Full;
    let (some, many) = if full { (4, 5) } else { (2, 3) };
    let once = Faults { kills: 1, losses: 1, freezes: 1, outages: 1, rollbacks: 0, offers: 1 };
    let twice = Faults { kills: 2, losses: 2, freezes: 2, outages: 2, ..once };
    let rollback = Faults { rollbacks: 1, outages: 0, ..once };
    let unless_harmless = if harmless(manner) { Bar::Holds } else { Bar::Reported };
    let unnoticed = Protocol { notices_rollback: false, ..Protocol::OURS };
    let run = |name, bar, attempts, faults| Scenario {
        name,
        config: Config { faults, ..Config::new(manner, attempts) },
        bar,
        earlier: "",
    };
    let mut runs = [
        run("no faults", Bar::Holds, many, NONE),
        run(
            "kills, losses, freezes, outages, offers",
            Bar::Holds,
            many,
            if full { twice } else { once },
        ),
        run("the same, beyond the hold-back", unless_harmless, some, once),
        run("a noticed rollback, kill, loss, freeze, offer", Bar::Holds, some, rollback),
        run(
            "all together, beyond the hold-back",
            unless_harmless,
            some.min(3),
            Faults { outages: 1, ..rollback },
        ),
        run(
            "an unnoticed rollback, kill, loss",
            unless_harmless,
            some,
            Faults { freezes: 0, offers: 0, ..rollback },
        ),
        run(
            "readers, an unnoticed rollback",
            unless_harmless,
            some,
            Faults { rollbacks: 1, ..NONE },
        ),
        run(
            "a server later than the lease, kill, loss",
            Bar::Reported,
            some,
            Faults { kills: 1, losses: 1, ..NONE },
        ),
    ];
    runs[2].config.outlasts_hold_back = true;
    runs[4].config.outlasts_hold_back = true;
    runs[5].config.protocol = unnoticed;
    runs[6].config.protocol = unnoticed;
    runs[6].config.readers = true;
    runs[7].config.horizon = Horizon::Beyond;
    runs
}

/// The protocol without one of its rules (or two). Two nodes, up to four attempts, as the earlier models had.
#[must_use]
pub fn without() -> Vec<Scenario> {
    let ours = Protocol::OURS;
    let free = Protocol { hears_before_takeover: false, ..ours };
    let unnoticed = Protocol { notices_rollback: false, ..ours };
    let loss = Bar::Breaks(NO_AVOIDABLE_LOSS);
    let kill = Faults { kills: 1, ..NONE };
    let lost = Faults { losses: 1, ..NONE };
    let freeze = Faults { freezes: 1, ..NONE };
    let outage = Faults { outages: 1, freezes: 1, ..NONE };
    let rollback = Faults { rollbacks: 1, ..NONE };
    let offer = Faults { offers: 1, ..NONE };
    let run = |name, manner, protocol, faults, bar, earlier| Scenario {
        name,
        config: Config { protocol, faults, ..Config::new(manner, 4) },
        bar,
        earlier,
    };
    let held_back = |mut scenario: Scenario| {
        scenario.config.outlasts_hold_back = true;
        scenario
    };
    let readers = |mut scenario: Scenario| {
        scenario.config.readers = true;
        scenario
    };
    vec![
        run(
            "a deadline drops the answer",
            Strict,
            Protocol { reads_on: false, ..ours },
            NONE,
            loss,
            "86 of 149",
        ),
        run(
            "success commits by fence, takeover when the lease is over",
            Strict,
            Protocol { commits_by_lineage: false, ..free },
            NONE,
            loss,
            "7 of 13",
        ),
        held_back(run(
            "success commits by fence, beyond the hold-back",
            Strict,
            Protocol { commits_by_lineage: false, ..ours },
            freeze,
            loss,
            "",
        )),
        run("takeover when the lease is over", Family, free, NONE, loss, "62 of 125"),
        run(
            "takeover when the lease is over, no orphans",
            NewestSuccessor,
            Protocol { keeps_orphans: false, ..free },
            NONE,
            loss,
            "43 of 209",
        ),
        run("takeover when the lease is over", NewestSuccessor, free, lost, loss, ""),
        held_back(run(
            "no orphans, beyond the hold-back",
            NewestSuccessor,
            Protocol { keeps_orphans: false, ..ours },
            outage,
            loss,
            "",
        )),
        run(
            "no orphans, an unnoticed rollback",
            NewestSuccessor,
            Protocol { keeps_orphans: false, ..unnoticed },
            rollback,
            Bar::Breaks(DEATH),
            "",
        ),
        run(
            "no kept answers, a rollback",
            Strict,
            Protocol { keeps_answers: false, ..unnoticed },
            rollback,
            loss,
            "631 of 1278",
        ),
        run("an unnoticed rollback", Family, unnoticed, rollback, loss, "958 of 1694"),
        run(
            "ancestors become spares",
            Family,
            Protocol { refuses_ancestors: false, ..ours },
            offer,
            loss,
            "",
        ),
        run(
            "no confirmation before the write",
            Strict,
            Protocol { confirms: false, ..ours },
            freeze,
            Bar::Breaks(ONE_WRITER),
            "",
        ),
        run(
            "an open slot is reported as empty",
            Family,
            Protocol { counts_open_slots: false, ..ours },
            freeze,
            loss,
            "",
        ),
        run(
            "an ambiguous token is tried again at once",
            Family,
            Protocol { pause_outlasts_server: false, ..ours },
            lost,
            loss,
            "",
        ),
        run(
            "an ambiguous token is tried again at once",
            NewestSuccessor,
            Protocol { pause_outlasts_server: false, ..ours },
            lost,
            loss,
            "",
        ),
        held_back(run(
            "invalid_grant is a verdict",
            Strict,
            Protocol { careful_verdict: false, ..ours },
            outage,
            Bar::Breaks(DEATH),
            "",
        )),
        readers(run(
            "readers believe the store, a rollback",
            Strict,
            Protocol { raises_generation: false, ..unnoticed },
            rollback,
            Bar::Breaks(GENERATIONS),
            "",
        )),
        server_late(run(
            "a server later than the lease, kill",
            Family,
            ours,
            kill,
            loss,
            "65 of 377",
        )),
    ]
}

fn server_late(mut scenario: Scenario) -> Scenario {
    scenario.config.horizon = Horizon::Beyond;
    scenario
}
