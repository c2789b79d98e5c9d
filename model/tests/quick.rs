//! The seconds-long form of the check: smaller bounds, the same questions.

use std::io;

use evergrant_model::{
    check::{check_all, counterexample},
    report,
    scenarios::{Bar, Scenario, Size, ours, without},
    server::Manner,
};

fn run(scenarios: &[Scenario]) -> io::Result<()> {
    let mut results = check_all(scenarios);
    results.retain(|(scenario, outcome)| {
        // Bounds so small that nothing happens would prove nothing.
        let busy = scenario.config.faults.kills == 0 || outcome.ends.all > 10;
        !busy || !report::passes(scenario, outcome)
    });
    let mut wrong = Vec::new();
    report::details(&mut wrong, &results)?;
    assert!(results.is_empty(), "{}", String::from_utf8_lossy(&wrong));
    Ok(())
}

#[test]
fn the_protocol_loses_nothing_it_could_have_kept() -> io::Result<()> {
    run(&ours(Size::Quick))
}

#[test]
fn without_one_of_its_rules_it_does() -> io::Result<()> {
    run(&without(Size::Quick))
}

#[test]
fn every_counterexample_is_told_in_words() -> io::Result<()> {
    for scenario in without(Size::Quick) {
        let Bar::Breaks(property) = scenario.bar else { continue };
        let trace = counterexample(scenario.config, property).expect(scenario.name);
        let mut words = Vec::new();
        report::trace(&mut words, &scenario, &trace)?;
        let words = String::from_utf8_lossy(&words);
        assert!(words.lines().count() > 4, "{words}");
        assert!(words.contains(scenario.name) && words.contains("   1. "), "{words}");
    }
    Ok(())
}

#[test]
fn a_punctual_server_that_revokes_takes_nothing_that_we_held() {
    let mut families = ours(Size::Quick);
    families.retain(|scenario| {
        let Scenario { config, bar, .. } = scenario;
        config.manner == Manner::Family && *bar == Bar::Holds && config.faults.kills > 0
    });
    assert_eq!(families.len(), 2, "with and without a rollback");
    for (scenario, outcome) in check_all(&families) {
        assert_eq!(outcome.ends.ours(), 0, "{}", scenario.name);
        assert!(outcome.ends.unavoidable > 0, "a kill does lose the answer that nobody has yet");
    }
}
