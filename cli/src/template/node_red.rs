//! Node-RED: an array of nodes; the settings are variables of the tab.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Finding, Settings, Tool,
    graph::{Match, Node, Output, Part},
    items, list, plain_sight,
    rhythm::{Clock, Rhythm, Timer},
    settings, text, written,
};

pub(super) const FILES: &[(&str, &str)] = &[(
    "bitrix24-oauth.json",
    include_str!("../../../process-templates/node-red/bitrix24-oauth.json"),
)];

/// What decides whether a renewal is due, and what spends the token; by their ids in the template.
const DECIDE: &[&str] = &["b24oauth-due", "b24oauth-code"];
const SPENDS: &str = "b24oauth-token-request";

pub(super) fn fill(template: &mut Value, settings: &Settings) -> Result<(), &'static str> {
    for (name, value) in settings.named("fixed_renewal_minutes") {
        *variable(template, name).ok_or(name)? = value.into();
    }
    Ok(())
}

fn variable<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let tab = template.as_array_mut()?.iter_mut().find(|node| is(node, "tab"))?;
    let variables = tab.get_mut("env")?.as_array_mut()?;
    variables.iter_mut().find(|variable| text(variable, "name") == name)?.get_mut("value")
}

/// The tabs and subflows, and what stands in none of them.
pub(super) fn parts(file: &Value) -> Vec<Part> {
    let all = items(file);
    let mut parts: Vec<Part> = Vec::new();
    // A junction is a corner of a wire.
    for node in all.iter().filter(|node| !is(node, "junction")) {
        let id = text(node, "z");
        let place = parts.iter().position(|part| part.id == id).unwrap_or_else(|| {
            let tab = all.iter().find(|tab| !id.is_empty() && text(tab, "id") == id);
            let title = tab.map(name).unwrap_or_default();
            parts.push(Part { id: id.to_owned(), title, nodes: Vec::new() });
            parts.len() - 1
        });
        parts[place].nodes.push(read(all, node));
    }
    parts
}

fn read(all: &[Value], node: &Value) -> Node {
    let kind = text(node, "type");
    let group = all.iter().find(|group| is(group, "group") && group.get("id") == node.get("g"));
    let group = group.map(name).unwrap_or_default();
    let wires = list(node, "wires");
    let mut outputs = Vec::new();
    for (place, wires) in wires.iter().enumerate() {
        let wires = wires.as_array().into_iter().flatten().filter_map(Value::as_str);
        let number = place + 1;
        outputs.push(Output {
            key: place.to_string(),
            name: if list(node, "wires").len() > 1 {
                format!("output {number}")
            } else {
                "it".into()
            },
            to: wires.flat_map(|id| through_junctions(all, id)).collect(),
        });
    }
    // Those of a link in only say where it is linked from.
    if kind != "link in" {
        let links = list(node, "links").iter().filter_map(Value::as_str);
        outputs.push(Output {
            key: "links".to_owned(),
            name: "it".to_owned(),
            to: links.map(str::to_owned).collect(),
        });
    }
    Node {
        id: text(node, "id").to_owned(),
        alias: format!("{kind}\n{}\n{group}", name(node)),
        name: name(node),
        // A subflow is a node of this file.
        kinds: (!kind.starts_with("subflow:")).then(|| kind.to_owned()).into_iter().collect(),
        outputs,
    }
}

fn through_junctions(all: &[Value], id: &str) -> Vec<String> {
    let (mut ends, mut seen, mut left) = (Vec::new(), BTreeSet::new(), vec![id]);
    while let Some(id) = left.pop() {
        let corner = all.iter().find(|node| is(node, "junction") && text(node, "id") == id);
        match corner {
            Some(corner) if seen.insert(id) => {
                let on = list(corner, "wires").iter().filter_map(Value::as_array).flatten();
                left.extend(on.filter_map(Value::as_str));
            }
            Some(_) => {}
            None => ends.push(id.to_owned()),
        }
    }
    ends
}

pub(super) fn check(file: &Value, shipped: &[Value], matches: &[Match<'_>]) -> Vec<Finding> {
    let all = items(file);
    let mut found = Vec::new();
    for node in all {
        if let Some(id) = text(node, "type").strip_prefix("subflow:")
            && !all.iter().any(|subflow| is(subflow, "subflow") && text(subflow, "id") == id)
        {
            let what = "its subflow is not in this file: export it along with the flow";
            found.push(Finding::error(name(node), what));
        }
        found.extend(credentials(node));
    }
    for made in matches {
        let originals = || shipped.iter().flat_map(items);
        let (now, was) = (tab(all.iter(), &made.part.id), tab(originals(), &made.shipped.id));
        if let (Some(now), Some(was)) = (now, was) {
            found.extend(variables(now, was));
        }
        let fixed = now.into_iter().flat_map(|tab| list(tab, "env"));
        let fixed = fixed.filter(|variable| text(variable, "name") == "fixed_renewal_minutes");
        let here = all.iter().filter(|node| text(node, "z") == made.part.id);
        let clock = Clock {
            timers: here.filter_map(timer).collect(),
            shipped: originals().filter_map(timer).map(|timer| timer.id.to_owned()).collect(),
            fixed_minutes: fixed.map(|field| settings::minutes(&written(field, "value"))).sum(),
            decide: DECIDE,
            spends: SPENDS,
        };
        found.extend(clock.check(made));
    }
    found
}

fn tab<'a>(mut nodes: impl Iterator<Item = &'a Value>, id: &str) -> Option<&'a Value> {
    nodes.find(|node| is(node, "tab") && text(node, "id") == id)
}

/// Node-RED never writes them into a file itself.
fn credentials(node: &Value) -> Vec<Finding> {
    let inline = node.get("credentials").and_then(Value::as_object).into_iter().flatten();
    let inline = inline.filter(|(key, value)| {
        value.as_str().is_some_and(|value| !value.is_empty())
            && plain_sight::secret_named(key).is_none_or(|secret| secret == "code")
    });
    let say = |(key, _)| {
        let what = format!(
            "{key} stands here in plain sight: fill it in inside Node-RED, as a credential"
        );
        Finding::error(name(node), what)
    };
    inline.map(say).collect()
}

fn variables(tab: &Value, shipped: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for original in list(shipped, "env") {
        let key = text(original, "name");
        let Some(now) = list(tab, "env").iter().find(|now| text(now, "name") == key) else {
            found.push(Finding::warning(name(tab), format!("the setting {key} is gone")));
            continue;
        };
        let kind = text(now, "type");
        if text(original, "type") == "cred" {
            if kind != "cred" && kind != "env" {
                let what = format!(
                    "{key} is no credential any more: Node-RED would keep it in plain text"
                );
                found.push(Finding::error(name(tab), what));
            }
            continue;
        }
        if kind == "env" || kind == "jsonata" {
            continue;
        }
        let value = written(now, "value");
        if value.trim().is_empty() && matches!(key, "portal" | "client_id") {
            found.push(Finding::warning(name(tab), format!("{key} is empty: fill it in")));
        }
        found.extend(settings::check(Tool::NodeRed, &name(tab), key, &value));
    }
    found
}

fn timer(node: &Value) -> Option<Timer<'_>> {
    let (every, cron) = (written(node, "repeat"), text(node, "crontab"));
    let is_on = is(node, "inject") && node.get("d") != Some(&Value::Bool(true));
    if !is_on || (every.is_empty() && cron.is_empty()) {
        return None;
    }
    let rhythm = match every.parse() {
        Ok(seconds) if cron.is_empty() => Some(Rhythm::every(seconds)),
        _ => Rhythm::of_cron(cron),
    };
    Some(Timer { id: text(node, "id"), rhythm })
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
