//! When a schedule trigger starts its workflow.

use serde_json::Value;

use super::{list, text};
use crate::template::rhythm::{Rhythm, Timer};

/// What a rule counts, where it keeps the number, the number where it keeps none, and the seconds of one.
const UNITS: [(&str, &str, f64, f64); 6] = [
    ("seconds", "secondsInterval", 30.0, 1.0),
    ("minutes", "minutesInterval", 5.0, 60.0),
    ("hours", "hoursInterval", 1.0, 3600.0),
    ("days", "daysInterval", 1.0, 86_400.0),
    ("weeks", "weeksInterval", 1.0, 7.0 * 86_400.0),
    ("months", "monthsInterval", 1.0, 30.0 * 86_400.0),
];

pub(super) fn timer(node: &Value) -> Option<Timer<'_>> {
    let is_on = text(node, "type") == "n8n-nodes-base.scheduleTrigger"
        && node.get("disabled") != Some(&Value::Bool(true));
    let rules = node.pointer("/parameters/rule").map_or(&[][..], |rule| list(rule, "interval"));
    let all = rules.iter().map(rhythm).reduce(|a, b| {
        let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
        let shortest = a.shortest.min(b.shortest);
        Some(Rhythm { shortest, longest: a.longest.min(b.longest) })
    });
    is_on.then(|| Timer { id: text(node, "name"), rhythm: all.flatten() })
}

fn rhythm(rule: &Value) -> Option<Rhythm> {
    let field = Some(text(rule, "field")).filter(|field| !field.is_empty()).unwrap_or("days");
    if field == "cronExpression" {
        return Rhythm::of_cron(text(rule, "expression"));
    }
    let (_, key, usual, seconds) = UNITS.into_iter().find(|(unit, ..)| *unit == field)?;
    let number = match rule.get(key) {
        None => usual,
        Some(Value::String(text)) => text.trim().parse().ok()?,
        Some(number) => number.as_f64()?,
    };
    Some(Rhythm::every(number * seconds))
}
