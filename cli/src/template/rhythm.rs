//! Timers: how often they start something, and what comes of it.

use std::collections::BTreeSet;

use super::{Finding, graph::Match};

/// Seconds that a token may be old when a timer comes to it: it lives an hour.
const OLDEST: f64 = 55.0 * 60.0;
/// Seconds between renewals; below, the vendor blocks the application.
const SHORTEST: f64 = 20.0 * 60.0;
/// Seconds; nothing of a template is due more often.
const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// The shortest and the longest time between two starts, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rhythm {
    pub(super) shortest: f64,
    pub(super) longest: f64,
}

/// A node that starts something, and when; unknown where an expression says it.
pub(super) struct Timer<'a> {
    pub(super) id: &'a str,
    pub(super) rhythm: Option<Rhythm>,
}

impl Rhythm {
    pub(super) fn every(seconds: f64) -> Self {
        Self { shortest: seconds, longest: seconds }
    }

    /// That of minute, hour, day, month, weekday, with or without seconds in front.
    pub(super) fn of_cron(expression: &str) -> Option<Self> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let (second, fields) = match fields.as_slice() {
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            rest if rest.len() == 5 => ("0", rest),
            _ => return None,
        };
        let steps = [(second, 1.0, MINUTE), (fields[0], MINUTE, HOUR), (fields[1], HOUR, DAY)];
        let of_field = |(field, unit, all): (&str, f64, f64)| step(field, unit, all);
        let shortest = steps.into_iter().find_map(of_field).unwrap_or(DAY);
        let is_round_the_clock = fields[1..].iter().all(|field| *field == "*" || *field == "?");
        Some(Self { shortest, longest: if is_round_the_clock { shortest } else { DAY } })
    }
}

/// Seconds between two matches of a field; none if it matches once.
fn step(field: &str, unit: f64, all: f64) -> Option<f64> {
    if let Some((_, every)) = field.split_once('/') {
        return every.parse::<f64>().ok().map(|every| every * unit);
    }
    if field.contains(['*', '-']) {
        return Some(unit);
    }
    let times = field.split(',').count();
    (times > 1).then(|| all / times as f64)
}

/// What of a part goes by the clock.
pub(super) struct Clock<'a> {
    pub(super) timers: Vec<Timer<'a>>,
    /// The ids of the shipped ones.
    pub(super) shipped: Vec<String>,
    pub(super) fixed_minutes: f64,
    /// The nodes of the template that decide whether a renewal is due, and the one that spends the token.
    pub(super) decide: &'a [&'a str],
    pub(super) spends: &'a str,
}

impl Clock<'_> {
    /// Timers that renew too often, or too rarely for the renewal that is set.
    pub(super) fn check(&self, made: &Match<'_>) -> Vec<Finding> {
        let often = self.timers.iter().filter_map(|timer| self.too_often(made, timer));
        often.chain(self.too_rarely(made)).collect()
    }

    fn too_often(&self, made: &Match<'_>, timer: &Timer<'_>) -> Option<Finding> {
        let name = made.part.node(timer.id).map_or("", |node| &node.name);
        // What an expression says is not known here.
        let every = timer.rhythm.map_or(DAY, |rhythm| rhythm.shortest);
        if every < SHORTEST && leads_to(made, timer.id, self.spends, self.decide) {
            let what = format!(
                "renews every {every} seconds: Bitrix24 blocks applications that renew so often"
            );
            return Some(Finding::error(name, what));
        }
        let shipped = made.shipped_as(timer.id);
        if !shipped.is_some_and(|node| self.shipped.contains(&node.id)) {
            let what =
                "a timer: whoever asks for the token by the clock has it renewed by the clock";
            return Some(Finding::warning(name, what));
        }
        let what = format!("starts every {every} seconds: nothing is due so often");
        (every < MINUTE).then(|| Finding::warning(name, what))
    }

    fn too_rarely(&self, made: &Match<'_>) -> Option<Finding> {
        let minutes = self.fixed_minutes;
        if minutes <= 0.0 || made.shipped.node(self.spends).is_none() {
            return None;
        }
        let longest = |timer: &&Timer<'_>| timer.rhythm.map_or(0.0, |rhythm| rhythm.longest);
        let renewing =
            self.timers.iter().filter(|timer| leads_to(made, timer.id, self.spends, &[]));
        let best = renewing.min_by(|a, b| longest(a).total_cmp(&longest(b)));
        let Some(timer) = best else {
            let what =
                format!("fixed_renewal_minutes is {minutes}, but no timer starts the renewal");
            return Some(Finding::error(&made.part.title, what));
        };
        let every = longest(&timer);
        if minutes * MINUTE + every <= OLDEST {
            return None;
        }
        let what = format!(
            "starts every {} minutes, too rarely for fixed_renewal_minutes {minutes}: the token would be dead by then",
            every / MINUTE
        );
        Some(Finding::error(made.part.node(timer.id).map_or("", |node| &node.name), what))
    }
}

/// Whether there is a way to a node of the template that does not come by some others of it.
fn leads_to(made: &Match<'_>, from: &str, to: &str, without: &[&str]) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(id) = left.pop() {
        let of_template = made.shipped_as(id).map_or("", |node| node.id.as_str());
        if of_template == to {
            return true;
        }
        if seen.insert(id)
            && !without.contains(&of_template)
            && let Some(node) = made.part.node(id)
        {
            left.extend(node.leads_to());
        }
    }
    false
}
