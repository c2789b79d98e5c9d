//! n8n: a workflow's nodes and connections by name; the settings are the assignments of a node.

use serde_json::Value;

use super::{Finding, Settings, graph, graph::Node, plain_sight, timer};

pub(super) const FILES: &[(&str, &str)] = &[
    ("bitrix24-oauth.json", include_str!("../../../process-templates/n8n/bitrix24-oauth.json")),
    (
        "bitrix24-oauth-errors.json",
        include_str!("../../../process-templates/n8n/bitrix24-oauth-errors.json"),
    ),
    (
        "create-a-new-lead.json",
        include_str!("../../../process-templates/n8n/create-a-new-lead.json"),
    ),
];

pub(super) fn fill(template: &mut Value, settings: &Settings) -> Result<(), &'static str> {
    for (name, value) in settings.named("fixed_renewal_minutes") {
        let place = assignment(template, name).ok_or(name)?;
        *place = match (place.is_number(), value.parse::<u32>()) {
            (true, Ok(number)) => number.into(),
            _ => value.as_str().into(),
        };
    }
    Ok(())
}

fn assignment<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let nodes = template.get_mut("nodes")?.as_array_mut()?;
    let settings = nodes.iter_mut().find(|node| text(node, "name") == "Settings")?;
    let assignments =
        settings.pointer_mut("/parameters/assignments/assignments")?.as_array_mut()?;
    let named = assignments.iter_mut().find(|assignment| text(assignment, "name") == name)?;
    named.get_mut("value")
}

pub(super) fn check(file: &Value, shipped: &Value) -> Vec<Finding> {
    // Its own package, and the vendor's for language models.
    let is_known = |kind: &str| {
        kind.starts_with("n8n-nodes-base.") || kind.starts_with("@n8n/n8n-nodes-langchain.")
    };
    let mut found = graph::check(&nodes(file), &nodes(shipped), is_known);
    for node in list(file, "nodes") {
        for field in assignments(node) {
            let (key, value) = (text(field, "name"), text(field, "value"));
            if plain_sight::is_secret(key, value) && key != "code" {
                let what = format!("{key} stands here in plain sight: keep it in a credential");
                found.push(Finding::error(text(node, "name"), what));
            }
            if key == "fixed_renewal_minutes" {
                let minutes = field.get("value").and_then(Value::as_f64);
                let minutes = minutes.or_else(|| value.parse().ok()).unwrap_or(0.0);
                found.extend(timer(minutes).map(|finding| finding.at(text(node, "name"))));
            }
        }
        if text(node, "type") == "n8n-nodes-base.scheduleTrigger" && !is_shipped(node, shipped) {
            let what =
                "a timer: whoever asks for the token by the clock has it renewed by the clock";
            found.push(Finding::warning(text(node, "name"), what));
        }
        if text(node, "type") == "n8n-nodes-base.httpRequest" {
            found.extend(body(node));
        }
    }
    found
}

/// A secret typed into the fields of a request.
fn body(node: &Value) -> Vec<Finding> {
    let fields = ["bodyParameters", "queryParameters", "headerParameters"]
        .into_iter()
        .filter_map(|part| node.get("parameters")?.get(part)?.get("parameters")?.as_array())
        .flatten();
    let secret =
        fields.filter(|field| plain_sight::is_secret(text(field, "name"), text(field, "value")));
    let found = secret.map(|field| {
        let what = format!("{} stands here in plain sight", text(field, "name"));
        Finding::error(text(node, "name"), what)
    });
    found.collect()
}

fn is_shipped(node: &Value, shipped: &Value) -> bool {
    list(shipped, "nodes").iter().any(|other| {
        other.get("id") == node.get("id") && other.get("parameters") == node.get("parameters")
    })
}

fn assignments(node: &Value) -> &[Value] {
    node.pointer("/parameters/assignments").map_or(&[], |given| list(given, "assignments"))
}

fn nodes(file: &Value) -> Vec<Node> {
    let connections = file.get("connections").and_then(Value::as_object);
    let read = |node: &Value| {
        let name = text(node, "name");
        let mut leads_to = Vec::new();
        let mut left: Vec<&Value> = connections.and_then(|all| all.get(name)).into_iter().collect();
        while let Some(value) = left.pop() {
            match value {
                Value::Object(fields) => match fields.get("node").and_then(Value::as_str) {
                    Some(to) => leads_to.push(to.to_owned()),
                    None => left.extend(fields.values()),
                },
                Value::Array(items) => left.extend(items),
                _ => {}
            }
        }
        Node {
            id: name.to_owned(),
            name: name.to_owned(),
            kind: text(node, "type").to_owned(),
            leads_to,
        }
    };
    list(file, "nodes").iter().map(read).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
