//! What Corezoid refuses at import or deploy, or hangs on.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, logics, name, scheme, text, timers, written};

/// Processes and diagrams, folders, dashboards, configurations, projects and stages.
const OBJECTS: [i64; 8] = [0, 1, 2, 3, 4, 5, 6, 10];
/// Normal, start, final and escalation nodes.
const NODES: [i64; 4] = [0, 1, 2, 3];
const FINAL: i64 = 2;
/// Maps of values, each with the map of types that must have its keys.
const TYPED: [(&str, &str); 4] = [
    ("extra", "extra_type"),
    ("data", "data_type"),
    ("res_data", "res_data_type"),
    ("response", "response_type"),
];
/// Seconds; a shorter timer is refused.
const SHORTEST_TIMER: f64 = 30.0;

pub(super) fn check(objects: &[Value]) -> Vec<Finding> {
    let ids: BTreeSet<String> =
        objects.iter().filter_map(|object| object.get("obj_id")).map(Value::to_string).collect();
    let mut found = Vec::new();
    for object in objects {
        if !number(object, "obj_type").is_some_and(|kind| OBJECTS.contains(&kind)) {
            found.push(Finding::error(
                text(object, "title"),
                "obj_type: Corezoid has no such object",
            ));
        }
        for node in scheme(object) {
            let wrong = of_node(object, node, (objects.len() > 1).then_some(&ids));
            found.extend(wrong.into_iter().map(|finding| finding.at(&name(object, node))));
        }
    }
    found
}

/// `ids`: the objects that a wire can lead to; none if the object stands alone.
fn of_node(object: &Value, node: &Value, ids: Option<&BTreeSet<String>>) -> Vec<Finding> {
    let mut found = Vec::new();
    let error = |what: &str| Finding::error("", what);
    let kind = number(node, "obj_type");
    match kind {
        Some(4) => found
            .push(error("this node only plays its part (obj_type 4): switch off its test mode")),
        Some(kind) if NODES.contains(&kind) => {}
        _ => found.push(error("obj_type: Corezoid has no such node")),
    }
    let way_on = logics(node).iter().any(|logic| text(logic, "type") == "go");
    if kind != Some(FINAL) && !way_on && timers(node).is_empty() {
        found.push(error("a wire is missing: tasks would stay here"));
    }
    let clocks = timers(node).iter().filter(|timer| text(timer, "type") == "time");
    found.extend(clocks.filter_map(wrong_timer).map(error));
    for logic in logics(node) {
        for (values, types) in TYPED {
            if keys(logic, values) != keys(logic, types) {
                let what = format!("{values} and {types} have not the same keys");
                found.push(error(&format!("{what}: Corezoid refuses the node")));
            }
        }
        found.extend(wrong_target(object, logic, ids));
    }
    found
}

fn wrong_timer(timer: &Value) -> Option<&'static str> {
    let value = timer.get("value")?;
    let seconds = match value.as_str() {
        Some(text) if text.contains("{{") || text.contains("$.") => return None,
        Some(text) => text.trim().parse().ok(),
        None => value.as_f64(),
    };
    match seconds {
        None => Some("the timer has no number of seconds"),
        Some(seconds) if seconds.is_nan() || seconds < SHORTEST_TIMER => {
            Some("a timer under 30 seconds: Corezoid refuses it (count in seconds, dimension sec)")
        }
        Some(_) => None,
    }
}

/// A task that is sent to an object by its number.
fn wrong_target(object: &Value, logic: &Value, ids: Option<&BTreeSet<String>>) -> Option<Finding> {
    let to = written(logic, "conv_id");
    let is_number = !to.is_empty() && to.chars().all(|c| c.is_ascii_digit());
    if !is_number {
        return None;
    }
    if written(object, "obj_id") == to {
        return Some(Finding::warning("", "tasks are sent to the process that they come from"));
    }
    match ids {
        Some(ids) if !ids.contains(&to) => Some(Finding::error(
            "",
            format!(
                "tasks are sent to object {to}, which is not in this file: export it in the same folder"
            ),
        )),
        _ => None,
    }
}

fn keys<'a>(logic: &'a Value, field: &str) -> BTreeSet<&'a str> {
    let fields = logic.get(field).and_then(Value::as_object);
    fields.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn number(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(Value::as_i64)
}
