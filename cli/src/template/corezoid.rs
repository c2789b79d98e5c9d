//! Corezoid: a folder's objects; the settings are parameters of a node and descriptions of inputs.

use serde_json::Value;

use super::{Finding, Settings, graph, graph::Node, plain_sight, timer};

pub(super) const FILES: &[(&str, &str)] = &[(
    "bitrix24-oauth.json",
    include_str!("../../../process-templates/corezoid/standalone/bitrix24-oauth.json"),
)];

/// Logics that Corezoid has.
const LOGICS: &[&str] = &[
    "api",
    "api_callback",
    "api_code",
    "api_copy",
    "api_form",
    "api_get_task",
    "api_queue",
    "api_rpc",
    "api_rpc_reply",
    "api_sum",
    "db_call",
    "git_call",
    "go",
    "go_if_const",
    "set_param",
];

pub(super) fn fill(template: &mut Value, settings: &Settings) -> Result<(), &'static str> {
    let wanted = [
        ("portal", &settings.portal),
        ("client_id", &settings.client_id),
        ("scope", &settings.scope),
    ];
    for (name, value) in wanted {
        let Some(value) = value else { continue };
        *description(template, name).ok_or(name)? = format!("fill in: {value}").into();
    }
    let interval = settings.interval.map(|minutes| minutes.to_string());
    let wanted = [
        ("renew_every_minutes", &interval),
        ("authorization_server", &settings.authorization_server),
    ];
    for (name, value) in wanted {
        let Some(value) = value else { continue };
        let mut objects = template.as_array_mut().ok_or(name)?.iter_mut();
        *objects.find_map(|object| setting(object, name)).ok_or(name)? = value.as_str().into();
    }
    Ok(())
}

/// What stands beside an input of the process that takes the first code.
fn description<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let of = |object: &'a mut Value| object.get_mut("params")?.as_array_mut();
    let mut inputs = template.as_array_mut()?.iter_mut().filter_map(of);
    let inputs = inputs.find(|inputs| inputs.iter().any(|input| text(input, "name") == "code"))?;
    inputs.iter_mut().find(|input| text(input, "name") == name)?.get_mut("descr")
}

/// A value that some node sets under this name.
fn setting<'a>(object: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let nodes = object.get_mut("scheme")?.get_mut("nodes")?.as_array_mut()?;
    let logics = nodes.iter_mut().filter(|node| text(node, "title") == "Settings");
    let mut logics = logics
        .filter_map(|node| node.get_mut("condition")?.get_mut("logics")?.as_array_mut())
        .flatten();
    logics.find_map(|logic| logic.get_mut("extra")?.get_mut(name))
}

pub(super) fn check(file: &Value, shipped: &Value) -> Vec<Finding> {
    let mut found = graph::check(&nodes(file), &nodes(shipped), |kind| {
        kind.split(' ').all(|logic| logic.is_empty() || LOGICS.contains(&logic))
    });
    for object in file.as_array().into_iter().flatten() {
        for node in scheme(object) {
            let logics = list(node.get("condition"), "logics");
            let way_on = logics.iter().any(|logic| text(logic, "type") == "go");
            let waits = !list(node.get("condition"), "semaphors").is_empty();
            let is_final = node.get("obj_type").and_then(Value::as_i64) == Some(2);
            if !is_final && !way_on && !waits {
                found.push(Finding::error(
                    name(object, node),
                    "a wire is missing: tasks would stay here",
                ));
            }
            for logic in logics {
                found.extend(extras(object, node, logic));
            }
        }
    }
    found
}

fn extras(object: &Value, node: &Value, logic: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in ["extra", "data", "extra_headers"] {
        let Some(fields) = logic.get(part).and_then(Value::as_object) else { continue };
        for (key, value) in fields {
            let value = value.as_str().unwrap_or_default();
            if plain_sight::is_secret(key, value) {
                let what = format!("{key} stands here in plain sight: give it in the task instead");
                found.push(Finding::error(name(object, node), what));
            }
            if key == "renew_every_minutes" {
                let said = timer(value.parse().unwrap_or(0.0));
                found.extend(said.map(|finding| finding.at(&name(object, node))));
            }
        }
    }
    found
}

fn nodes(file: &Value) -> Vec<Node> {
    let mut nodes = Vec::new();
    for object in file.as_array().into_iter().flatten() {
        for node in scheme(object) {
            let condition = node.get("condition");
            let (logics, timers) = (list(condition, "logics"), list(condition, "semaphors"));
            let wires = logics.iter().chain(timers);
            let ids = wires.flat_map(|wire| [text(wire, "to_node_id"), text(wire, "err_node_id")]);
            let kinds: Vec<&str> = logics.iter().map(|logic| text(logic, "type")).collect();
            nodes.push(Node {
                id: text(node, "id").to_owned(),
                name: name(object, node),
                kind: kinds.join(" "),
                leads_to: ids.filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            });
        }
    }
    nodes
}

fn scheme(object: &Value) -> &[Value] {
    list(object.get("scheme"), "nodes")
}

fn list<'a>(value: Option<&'a Value>, key: &str) -> &'a [Value] {
    value.and_then(|value| value.get(key)?.as_array()).map_or(&[], Vec::as_slice)
}

fn name(object: &Value, node: &Value) -> String {
    format!("{}: {}", text(object, "title"), text(node, "title"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
