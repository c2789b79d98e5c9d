//! Figures, each with its bar.

use std::time::Duration;

/// What a figure has to be.
#[derive(Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    Below(f64),
    /// Told, not judged.
    None,
}

/// Prints the head of a table.
pub fn head(title: &str) {
    println!("\n{title}");
    println!("{:<58} {:>12} {:>12}  {:<14}", "", "best", "median", "bar");
}

/// Prints one figure, measured several times. `rounds` is not empty.
pub fn line(what: &str, unit: &str, bar: Bar, mut rounds: Vec<f64>) {
    rounds.sort_unstable_by(f64::total_cmp);
    let median = rounds[rounds.len() / 2];
    let (least, most) = (rounds[0], rounds[rounds.len() - 1]);
    let (best, bar) = match bar {
        Bar::AtLeast(bar) => (most, format!(">= {bar} {}", verdict(median >= bar))),
        Bar::Below(bar) => (least, format!("< {bar} {}", verdict(median < bar))),
        // What is counted by the second is better where it is more.
        Bar::None if unit.starts_with('/') => (most, String::new()),
        Bar::None => (least, String::new()),
    };
    println!("{what:<58} {:>12} {:>12}  {bar}", shown(best, unit), shown(median, unit));
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn shown(value: f64, unit: &str) -> String {
    let digits = if value >= 1000.0 || value == 0.0 {
        0
    } else if value >= 100.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
