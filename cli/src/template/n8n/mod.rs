//! n8n: workflows, with nodes and connections by name; the settings are the assignments of a node.

mod schedule;

use serde_json::Value;

use super::{
    Finding, Settings, Tool,
    graph::{Match, Node, Output, Part},
    items, list,
    rhythm::Clock,
    settings, text, written,
};

pub(super) const FILES: &[(&str, &str)] = &[
    ("bitrix24-oauth.json", include_str!("../../../../process-templates/n8n/bitrix24-oauth.json")),
    (
        "bitrix24-oauth-errors.json",
        include_str!("../../../../process-templates/n8n/bitrix24-oauth-errors.json"),
    ),
    (
        "create-a-new-lead.json",
        include_str!("../../../../process-templates/n8n/create-a-new-lead.json"),
    ),
];

/// The node whose assignments are for people to fill in.
const SETTINGS: &str = "Settings";
/// What decides whether a renewal is due, and what spends the token.
const DECIDES: &str = "What is to be done?";
const SPENDS: &str = "Ask the authorization server";

/// The workflow that keeps the token has a place for every setting, the others for some.
pub(super) fn fill(
    template: &mut Value,
    settings: &Settings,
    keeps_the_token: bool,
) -> Result<(), &'static str> {
    for (name, value) in settings.named("fixed_renewal_minutes") {
        let Some(place) = assignment(template, name) else {
            if keeps_the_token {
                return Err(name);
            }
            continue;
        };
        *place = match (place.is_number(), value.parse::<u32>()) {
            (true, Ok(number)) => number.into(),
            _ => value.into(),
        };
    }
    Ok(())
}

fn assignment<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let nodes = template.get_mut("nodes")?.as_array_mut()?;
    let settings = nodes.iter_mut().find(|node| text(node, "name") == SETTINGS)?;
    let assignments =
        settings.pointer_mut("/parameters/assignments/assignments")?.as_array_mut()?;
    let named = assignments.iter_mut().find(|assignment| text(assignment, "name") == name)?;
    named.get_mut("value")
}

/// The workflows, in their order. Where there are several, the names of their nodes alone would say little.
pub(super) fn parts(file: &Value) -> Vec<Part> {
    let is_one = items(file).len() < 2;
    let part = |workflow: &Value| Part {
        id: text(workflow, "id").to_owned(),
        title: text(workflow, "name").to_owned(),
        nodes: list(workflow, "nodes").iter().map(|node| read(workflow, node, is_one)).collect(),
    };
    items(file).iter().map(part).collect()
}

fn read(workflow: &Value, node: &Value, is_one: bool) -> Node {
    let name = text(node, "name");
    let mut outputs = Vec::new();
    let connections = workflow.get("connections").and_then(|all| all.get(name)?.as_object());
    for (kind, connections) in connections.into_iter().flatten() {
        let connections = connections.as_array().map_or(&[][..], Vec::as_slice);
        for (place, wires) in connections.iter().enumerate() {
            let wires = wires.as_array().into_iter().flatten();
            let number = place + 1;
            outputs.push(Output {
                key: format!("{kind} {place}"),
                name: if connections.len() > 1 { format!("output {number}") } else { "it".into() },
                to: wires.map(|wire| text(wire, "node").to_owned()).collect(),
            });
        }
    }
    Node {
        id: name.to_owned(),
        alias: text(node, "id").to_owned(),
        name: if is_one { name.to_owned() } else { format!("{}: {name}", text(workflow, "name")) },
        kinds: vec![text(node, "type").to_owned()],
        outputs,
    }
}

pub(super) fn check(file: &Value, shipped: &[Value], matches: &[Match<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for made in matches {
        let (Some(workflow), Some(original)) =
            (items(file).get(made.place), shipped.get(made.shipped_place))
        else {
            continue;
        };
        found.extend(of_workflow(workflow, original));
        let settings_node = made.edited(SETTINGS);
        let now = settings_node.and_then(|settings| node(workflow, &settings.id));
        if let (Some(now), Some(was)) = (now, node(original, SETTINGS)) {
            let name = settings_node.map_or(SETTINGS, |settings| &settings.name);
            found.extend(assigned(workflow, name, now, was));
        }
        let fixed = now.into_iter().flat_map(assignments);
        let fixed = fixed.filter(|field| text(field, "name") == "fixed_renewal_minutes");
        let timers = |workflow| list(workflow, "nodes").iter().filter_map(schedule::timer);
        let clock = Clock {
            timers: timers(workflow).collect(),
            shipped: timers(original).map(|timer| timer.id.to_owned()).collect(),
            fixed_minutes: fixed.map(|field| settings::minutes(&written(field, "value"))).sum(),
            decide: &[DECIDES],
            spends: SPENDS,
        };
        found.extend(clock.check(made));
    }
    found
}

/// What n8n is told of the whole workflow.
fn of_workflow(workflow: &Value, shipped: &Value) -> Vec<Finding> {
    let setting = |workflow: &Value, name: &str| {
        workflow.get("settings").map(|settings| written(settings, name)).unwrap_or_default()
    };
    let title = text(workflow, "name");
    let mut found = Vec::new();
    if setting(workflow, "saveDataSuccessExecution") != setting(shipped, "saveDataSuccessExecution")
    {
        let what = "saves its successful executions, and the token with them: set saveDataSuccessExecution to none";
        found.push(Finding::warning(title, what));
    }
    let told = |workflow| !setting(workflow, "errorWorkflow").is_empty();
    if told(shipped) && !told(workflow) {
        let what = "has no error workflow any more: nobody is told when a node breaks";
        found.push(Finding::warning(title, what));
    }
    found
}

fn assigned(workflow: &Value, name: &str, now: &Value, shipped: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for original in assignments(shipped) {
        let key = text(original, "name");
        let Some(field) = assignments(now).iter().find(|field| text(field, "name") == key) else {
            found.push(Finding::warning(name, format!("the setting {key} is gone")));
            continue;
        };
        let value = written(field, "value");
        if value.trim().is_empty() {
            let why = match key {
                "portal" | "client_id" => "fill it in",
                "alert_url" if is_read(workflow, "alert_url") => "nobody is told",
                _ => "",
            };
            if !why.is_empty() {
                found.push(Finding::warning(name, format!("{key} is empty: {why}")));
            }
        }
        found.extend(settings::check(Tool::N8n, name, key, &value));
    }
    found
}

/// Whether a request goes to the address that a setting holds.
fn is_read(workflow: &Value, setting: &str) -> bool {
    let nodes = list(workflow, "nodes").iter();
    let urls = nodes.filter_map(|node| Some(text(node.get("parameters")?, "url")));
    urls.into_iter().any(|url| url.contains(setting))
}

fn node<'a>(workflow: &'a Value, name: &str) -> Option<&'a Value> {
    list(workflow, "nodes").iter().find(|node| text(node, "name") == name)
}

fn assignments(node: &Value) -> &[Value] {
    node.pointer("/parameters/assignments").map_or(&[], |given| list(given, "assignments"))
}
