//! Corezoid: a folder's objects; the settings are parameters of the nodes *Settings*.

mod rules;

use serde_json::Value;

use super::{
    Finding, Settings, Tool,
    graph::{Match, Node, Output, Part},
    items, list, text, written, zip,
};

pub(super) const FILES: &[(&str, &str)] = &[(
    "bitrix24-oauth.json",
    include_str!("../../../../process-templates/corezoid/standalone/bitrix24-oauth.json"),
)];
/// The same objects in the other form that Corezoid imports.
pub(super) const ZIP: &str = "bitrix24-oauth.zip";

/// The node whose parameters are for people to fill in.
const SETTINGS: &str = "Settings";

pub(super) fn fill(template: &mut Value, settings: &Settings) -> Result<(), &'static str> {
    for (name, value) in settings.named("renew_every_minutes") {
        let mut objects = template.as_array_mut().ok_or(name)?.iter_mut();
        *objects.find_map(|object| setting(object, name)).ok_or(name)? = value.into();
    }
    Ok(())
}

/// A value that the node *Settings* sets under this name.
fn setting<'a>(object: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let nodes = object.get_mut("scheme")?.get_mut("nodes")?.as_array_mut()?;
    let logics = nodes.iter_mut().filter(|node| text(node, "title") == SETTINGS);
    let mut logics = logics
        .filter_map(|node| node.get_mut("condition")?.get_mut("logics")?.as_array_mut())
        .flatten();
    logics.find_map(|logic| logic.get_mut("extra")?.get_mut(name))
}

/// A directory of the folder's name, one file per object in it.
pub(super) fn zipped(objects: &Value) -> Vec<u8> {
    let name = |object: &Value| {
        let words = text(object, "title").split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("{}_{}", written(object, "obj_id"), words.join("_"))
    };
    let mut directory = String::new();
    let mut files = Vec::new();
    for object in items(objects) {
        let kind = if scheme(object).is_empty() { "folder" } else { "conv" };
        let name = name(object);
        if directory.is_empty() {
            directory = format!("{name}.folder/");
        }
        files.push((format!("{directory}{name}.{kind}.json"), format!("{object:#}\n")));
    }
    zip::write(&files)
}

/// The objects of a zip; aliases and variables that may lie beside them are none.
pub(super) fn unzipped(files: &[(String, String)]) -> Value {
    let read = files.iter().filter_map(|(_, text)| serde_json::from_str::<Value>(text).ok());
    let all: Vec<Value> = read.flat_map(|file| items(&file).to_vec()).collect();
    all.into_iter().filter(|object| object.get("obj_type").is_some()).collect()
}

pub(super) fn parts(file: &Value) -> Vec<Part> {
    let objects = items(file).iter().filter(|object| !scheme(object).is_empty());
    let part = |object: &Value| Part {
        id: written(object, "obj_id"),
        title: text(object, "title").to_owned(),
        nodes: scheme(object).iter().map(|node| read(object, node)).collect(),
    };
    objects.map(part).collect()
}

fn read(object: &Value, node: &Value) -> Node {
    let logics = logics(node);
    let mut kinds: Vec<String> =
        logics.iter().map(|logic| text(logic, "type").to_owned()).collect();
    kinds.sort();
    kinds.dedup();
    Node {
        id: text(node, "id").to_owned(),
        alias: name(object, node),
        name: name(object, node),
        kinds,
        outputs: outputs(node),
    }
}

/// Conditions are told by what they ask, so that another one in front of them moves nothing.
fn outputs(node: &Value) -> Vec<Output> {
    let mut outputs = Vec::new();
    let mut add = |key: String, name: String, wire: &Value, way: &str| {
        let to = text(wire, way);
        if !to.is_empty() {
            outputs.push(Output { key, name, to: vec![to.to_owned()] });
        }
    };
    let mut conditions = 0;
    for logic in logics(node) {
        if text(logic, "type") == "go_if_const" {
            conditions += 1;
            let asks = logic.get("conditions").map(Value::to_string).unwrap_or_default();
            add(asks, format!("condition {conditions}"), logic, "to_node_id");
        } else {
            add("go".to_owned(), "the way on".to_owned(), logic, "to_node_id");
        }
        add("error".to_owned(), "the error branch".to_owned(), logic, "err_node_id");
    }
    for timer in timers(node) {
        let kind = format!("the {} limit", text(timer, "type"));
        add(kind.clone(), kind.clone(), timer, "to_node_id");
        add(kind.clone(), kind, timer, "esc_node_id");
    }
    outputs
}

pub(super) fn check(file: &Value, matches: &[Match<'_>], shipped: &[Part]) -> Vec<Finding> {
    let objects = items(file);
    let mut found = rules::check(objects);
    for object in objects {
        for node in scheme(object) {
            let is_settings = text(node, "title") == SETTINGS
                && matches.iter().any(|made| made.shipped_as(text(node, "id")).is_some());
            let set = logics(node).iter().filter_map(|logic| logic.get("extra")?.as_object());
            for (key, value) in set.flatten().filter(|_| is_settings) {
                let value = value.as_str().unwrap_or_default();
                found.extend(super::settings::check(
                    Tool::Corezoid,
                    &name(object, node),
                    key,
                    value,
                ));
            }
        }
    }
    // One object may be exported alone; of a folder nothing should be lost.
    let is_there = |part: &Part| matches.iter().any(|made| std::ptr::eq(made.shipped, part));
    for gone in shipped.iter().filter(|part| objects.len() > 1 && !is_there(part)) {
        found.push(Finding::warning(&gone.title, "this object of the template is gone"));
    }
    found
}

fn scheme(object: &Value) -> &[Value] {
    object.get("scheme").map_or(&[], |scheme| list(scheme, "nodes"))
}

fn logics(node: &Value) -> &[Value] {
    node.get("condition").map_or(&[], |condition| list(condition, "logics"))
}

fn timers(node: &Value) -> &[Value] {
    node.get("condition").map_or(&[], |condition| list(condition, "semaphors"))
}

fn name(object: &Value, node: &Value) -> String {
    format!("{}: {}", text(object, "title"), text(node, "title"))
}
