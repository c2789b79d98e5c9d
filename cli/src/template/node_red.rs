//! Node-RED: an array of nodes; the settings are variables of the tab.

use serde_json::Value;

use super::{Finding, Settings, graph, graph::Node, plain_sight, timer};

pub(super) const FILES: &[(&str, &str)] = &[(
    "bitrix24-oauth.json",
    include_str!("../../../process-templates/node-red/bitrix24-oauth.json"),
)];

/// Nodes that Node-RED brings itself.
const OWN: &[&str] = &[
    "batch",
    "catch",
    "change",
    "comment",
    "complete",
    "csv",
    "debug",
    "delay",
    "exec",
    "file",
    "file in",
    "function",
    "global-config",
    "group",
    "html",
    "http in",
    "http proxy",
    "http request",
    "http response",
    "inject",
    "join",
    "json",
    "junction",
    "link call",
    "link in",
    "link out",
    "mqtt in",
    "mqtt out",
    "mqtt-broker",
    "range",
    "rbe",
    "sort",
    "split",
    "status",
    "subflow",
    "switch",
    "tab",
    "tcp in",
    "tcp out",
    "tcp request",
    "template",
    "tls-config",
    "trigger",
    "udp in",
    "udp out",
    "unknown",
    "watch",
    "websocket in",
    "websocket out",
    "websocket-client",
    "websocket-listener",
    "xml",
    "yaml",
];

pub(super) fn fill(template: &mut Value, settings: &Settings) -> Result<(), &'static str> {
    for (name, value) in settings.named("fixed_renewal_minutes") {
        *variable(template, name).ok_or(name)? = value.as_str().into();
    }
    Ok(())
}

fn variable<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let tab = template.as_array_mut()?.iter_mut().find(|node| is(node, "tab"))?;
    let variables = tab.get_mut("env")?.as_array_mut()?;
    variables.iter_mut().find(|variable| text(variable, "name") == name)?.get_mut("value")
}

pub(super) fn check(file: &Value, shipped: &Value) -> Vec<Finding> {
    let (nodes, of_shipped) = (nodes(file), nodes(shipped));
    let is_known = |kind: &str| OWN.contains(&kind) || kind.starts_with("subflow:");
    let mut found = graph::check(&nodes, &of_shipped, is_known);
    for node in file.as_array().into_iter().flatten() {
        found.extend(variables(node));
        if is(node, "inject") {
            found.extend(repeats(node, shipped));
        }
    }
    found
}

fn nodes(file: &Value) -> Vec<Node> {
    let read = |node: &Value| {
        let wires = node.get("wires").and_then(Value::as_array).into_iter().flatten();
        let wires = wires.filter_map(Value::as_array).flatten();
        let links = node.get("links").and_then(Value::as_array).into_iter().flatten();
        let ids = wires.chain(links).filter_map(Value::as_str).map(str::to_owned);
        Node {
            id: text(node, "id").to_owned(),
            name: name(node),
            kind: text(node, "type").to_owned(),
            leads_to: ids.collect(),
        }
    };
    file.as_array().into_iter().flatten().map(read).collect()
}

fn variables(node: &Value) -> Vec<Finding> {
    let variables = node.get("env").and_then(Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for variable in variables {
        let (key, value) = (text(variable, "name"), text(variable, "value"));
        if plain_sight::is_secret(key, value) {
            let what = format!(
                "{key} stands here in plain sight: fill it in inside Node-RED, as a credential"
            );
            found.push(Finding::error(name(node), what));
        } else if plain_sight::is_secret(key, "x") && text(variable, "type") != "cred" {
            let what =
                format!("{key} is no credential any more: Node-RED would keep it in plain text");
            found.push(Finding::error(name(node), what));
        }
        if key == "fixed_renewal_minutes" {
            let minutes = value.parse().unwrap_or(0.0);
            found.extend(timer(minutes).map(|finding| finding.at(&name(node))));
        }
    }
    found
}

/// A timer that the template does not have.
fn repeats(node: &Value, shipped: &Value) -> Option<Finding> {
    let every = text(node, "repeat");
    let is_timer = !every.is_empty() || !text(node, "crontab").is_empty();
    let same = |other: &&Value| {
        other.get("id") == node.get("id")
            && other.get("repeat") == node.get("repeat")
            && other.get("crontab") == node.get("crontab")
    };
    if !is_timer || shipped.as_array().into_iter().flatten().any(|other| same(&other)) {
        return None;
    }
    Some(Finding::warning(
        name(node),
        "a timer: whoever asks for the token by the clock has it renewed by the clock",
    ))
}

fn is(node: &Value, kind: &str) -> bool {
    text(node, "type") == kind
}

fn name(node: &Value) -> String {
    let found = ["name", "label", "type"]
        .into_iter()
        .map(|key| text(node, key))
        .find(|text| !text.is_empty());
    found.unwrap_or("a node").to_owned()
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}
