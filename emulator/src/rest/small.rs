//! Lists short enough to be built whole: filtered, ordered and cut as trees.

use std::cmp::Ordering;

use serde_json::Value;

use super::find::PAGE;
use super::list::{Start, is_descending};
use super::{Call, Page};
use crate::json;
use crate::params::scalar;

/// Rows that match a filter of plain values (`!` before a name negates), in the order asked for.
pub(super) fn arranged(
    mut rows: Vec<Value>,
    filter: Option<&Value>,
    order: Option<&Value>,
) -> Vec<Value> {
    if let Some(Value::Object(filter)) = filter {
        rows.retain(|row| filter.iter().all(|(name, wanted)| matches(row, name, wanted)));
    }
    if let Some(Value::Object(order)) = order {
        rows.sort_by(|a, b| {
            let by = |(name, direction): (&String, &Value)| {
                let found = compare(field(a, name), field(b, name));
                if is_descending(direction) { found.reverse() } else { found }
            };
            order.iter().map(by).find(|found| found.is_ne()).unwrap_or(Ordering::Equal)
        });
    }
    rows
}

fn field<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    row.get(name).or_else(|| row.get(name.to_ascii_uppercase()))
}

fn matches(row: &Value, name: &str, wanted: &Value) -> bool {
    let (negated, name) = match name.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start_matches('=')),
        None => (false, name.trim_start_matches(['=', '@'])),
    };
    let contains = name.strip_prefix('%');
    let Some(value) = field(row, contains.unwrap_or(name)) else { return true };
    let value = text(value);
    let one = |wanted: &Value| {
        let wanted = text(wanted);
        if contains.is_some() { value.contains(&wanted) } else { value == wanted }
    };
    let found = match wanted {
        Value::Array(items) => items.iter().any(one),
        Value::Object(items) => items.values().any(one),
        single => one(single),
    };
    found != negated
}

/// Flags are compared in whatever form they came.
fn text(value: &Value) -> String {
    match value {
        Value::Bool(true) => "y".to_owned(),
        Value::Bool(false) => "n".to_owned(),
        Value::Array(items) => items.first().map_or_else(String::new, text),
        other => scalar(other).unwrap_or_default().to_lowercase(),
    }
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let (a, b) = (a.map_or_else(String::new, text), b.map_or_else(String::new, text));
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(&b),
    }
}

/// Writes the page of a list that `start` asks for.
pub(super) fn page(call: &Call<'_>, rows: Vec<Value>, out: &mut Vec<u8>) -> Page {
    let total = rows.len();
    let (skip, counted) = match Start::of(call) {
        Start::Uncounted => (0, false),
        Start::At(start) => (start / PAGE * PAGE, true),
    };
    let rows: Vec<Value> = rows.into_iter().skip(skip).take(PAGE).collect();
    let next = Start::next(skip + rows.len(), total).filter(|_| counted);
    json::value(out, &rows.into());
    Page { next, total: call.total(counted.then_some(total)), ..Page::default() }
}
