mod fill;
mod forms;
mod graph;
mod secrets;
mod settings;

use serde_json::{Value, json};

use super::*;

/// The node that every tool's template has for a person to change.
const ESCALATION: &str = "\"access_token\" doesn't update. Escalation to the process author";

/// The template's file that has the settings, as it ships.
fn shipped(tool: Tool) -> Value {
    built_in(tool.files()[0].1).unwrap()
}

/// As a person reads it.
fn said(file: &Value) -> Vec<String> {
    said_with(file, &[])
}

fn said_with(file: &Value, nodes: &[&str]) -> Vec<String> {
    let nodes: Vec<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
    let (_, findings) = check(file.to_string().as_bytes(), &nodes).unwrap();
    let line = |found: &Finding| format!("{:?}: {}: {}", found.level, found.node, found.what);
    findings.iter().map(line).collect()
}

fn errors(file: &Value) -> Vec<String> {
    said(file).into_iter().filter(|line| line.starts_with("Error")).collect()
}

/// What is said of a shipped file after a change, and was not before.
fn after(tool: Tool, change: impl Fn(&mut Value)) -> Vec<String> {
    let file = shipped(tool);
    let mut edited = file.clone();
    change(&mut edited);
    assert_ne!(edited, file, "the change did nothing");
    let before = said(&file);
    said(&edited).into_iter().filter(|line| !before.contains(line)).collect()
}

fn has(lines: &[String], words: &[&str]) -> bool {
    lines.iter().any(|line| words.iter().all(|word| line.contains(word)))
}

/// The node with this name or title, of any file.
fn node<'a>(file: &'a mut Value, name: &str) -> &'a mut Value {
    find(file, name).unwrap()
}

fn find<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let is_node = value.get("condition").is_some() || value.get("type").is_some();
    let is_named = ["name", "title", "label"].iter().any(|key| text(value, key) == name);
    if is_node && is_named {
        return Some(value);
    }
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, name)),
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, name)),
        _ => None,
    }
}

/// A setting of the node, or the tab, that holds them.
fn setting<'a>(tool: Tool, file: &'a mut Value, name: &str) -> &'a mut Value {
    if tool == Tool::Corezoid {
        return &mut node(file, "Settings")["condition"]["logics"][0]["extra"][name];
    }
    let list = match tool {
        Tool::N8n => &mut node(file, "Settings")["parameters"]["assignments"]["assignments"],
        _ => &mut file[0]["env"],
    };
    let mut list = list.as_array_mut().unwrap().iter_mut();
    &mut list.find(|setting| setting["name"] == name).unwrap()["value"]
}

#[test]
fn what_ships_is_sound() {
    for tool in Tool::ALL {
        for (name, text) in tool.files() {
            let file = built_in(text).unwrap();
            assert_eq!(check(text.as_bytes(), &[]).unwrap().0, tool, "{name}");
            assert_eq!(errors(&file), Vec::<String>::new(), "{tool:?} {name}");
        }
        // What is to be filled in, and Corezoid's timer: its readers cannot ask.
        let words: &[&str] = match tool {
            Tool::Corezoid => &["every 25 minutes"],
            Tool::NodeRed => &["portal is empty", "client_id is empty"],
            Tool::N8n => &["portal is empty", "client_id is empty", "nobody is told"],
        };
        let said = said(&shipped(tool));
        assert_eq!(said.len(), words.len(), "{said:?}");
        assert!(words.iter().all(|word| has(&said, &[word])), "{said:?}");
    }
}
