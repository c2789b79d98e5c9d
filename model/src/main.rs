//! `make model`: the whole check, as a table, with the counterexamples of the rules that were taken away.

use std::{
    io::{self, Write, stdout},
    process::ExitCode,
    time::Instant,
};

use evergrant_model::{
    check::{check_all, counterexample},
    report,
    scenarios::{Bar, Size, ours, without},
};

fn main() -> io::Result<ExitCode> {
    let started = Instant::now();
    let mut out = stdout().lock();
    let ours = check_all(&ours(Size::Full));
    writeln!(out, "The protocol: runs that end in a loss of ours\n")?;
    report::by_server(&mut out, &ours)?;
    writeln!(out, "\nThe same in full\n")?;
    report::details(&mut out, &ours)?;
    let without = check_all(&without(Size::Full));
    writeln!(out, "\nWithout one of its rules, or beyond what it promises\n")?;
    report::missing_rules(&mut out, &without)?;
    writeln!(out, "\nThe shortest ways to break it")?;
    for (scenario, _) in &without {
        let Bar::Breaks(property) = scenario.bar else { continue };
        if let Some(trace) = counterexample(scenario.config, property) {
            report::trace(&mut out, scenario, &trace)?;
        }
    }
    let results = ours.iter().chain(&without);
    let states: usize = results.clone().map(|(_, outcome)| outcome.states).sum();
    let wrong = results.filter(|(scenario, outcome)| !report::passes(scenario, outcome)).count();
    writeln!(out, "\n{wrong} wrong, {states} states, {} s", started.elapsed().as_secs())?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
