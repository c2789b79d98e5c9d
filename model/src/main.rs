//! `make model`: the whole check, as a table, with the counterexamples of the rules that were taken away.

use std::{
    io::{self, Write, stdout},
    process::ExitCode,
    time::Instant,
};

use evergrant_model::{
    check::{check_all, counterexample},
    report,
    scenarios::{Bar, Scenario, Size, ours, without},
};

fn main() -> io::Result<ExitCode> {
    let started = Instant::now();
    let mut out = stdout().lock();
    let mut wrong = table(&mut out, "The protocol", &ours(Size::Full))?;
    let without = without(Size::Full);
    wrong += table(&mut out, "Without one of its rules, or beyond what it promises", &without)?;
    writeln!(out, "\nThe shortest ways to break it")?;
    for scenario in &without {
        let Bar::Breaks(property) = scenario.bar else { continue };
        if let Some(trace) = counterexample(scenario.config, property) {
            report::trace(&mut out, scenario, &trace)?;
        }
    }
    writeln!(out, "\n{wrong} wrong, {} s", started.elapsed().as_secs())?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a table and counts what is not as it should be.
fn table(out: &mut impl Write, title: &str, scenarios: &[Scenario]) -> io::Result<usize> {
    report::head(out, title)?;
    let mut lines = Ok(());
    let mut wrong = 0;
    check_all(scenarios, |scenario, outcome| {
        wrong += usize::from(!report::passes(scenario, outcome));
        if lines.is_ok() {
            lines = report::line(out, scenario, outcome);
        }
    });
    lines.map(|()| wrong)
}
