//! The control port described for machines (OpenAPI 3.1), made from the table that requests are routed by.

use serde_json::{Map, Value, json};

use super::Outcome;
use super::route::{Ask, Field, Input, Route, Run};
use super::routes::ROUTES;
use crate::settings::Settings;

pub(super) fn document(ask: &Ask<'_>) -> Outcome {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Control port of the emulator",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Clock, consent, faults, events and the truth about tokens, for tests. What is said of a portal is about the first one; below /portals/{member_id} it is about that one.",
        },
        "servers": [
            {"url": "/"},
            {
                "url": "/portals/{member_id}",
                "variables": {"member_id": {"default": ask.world.member_id}},
            },
        ],
        "paths": paths,
        "components": {"schemas": {"Refusal": refusal()}},
    }))
}

fn operation(route: &Route) -> Value {
    let success = match route.run {
        Run::Json(_) => json!({"application/json": {"schema": {}}}),
        Run::Page(page) => json!({page().content_type: {"schema": {"type": "string"}}}),
    };
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.about,
        "responses": {"200": {"description": "Done", "content": success}},
    });
    match &route.input {
        Input::None => {}
        Input::Query(fields) => operation["parameters"] = fields.iter().map(parameter).collect(),
        Input::Body(fields) => operation["requestBody"] = body(&schema(fields)),
        Input::Settings => operation["requestBody"] = body(&settings()),
    }
    if !matches!(route.input, Input::None) {
        operation["responses"]["400"] = json!({
            "description": "A field is wrong; nothing was changed",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        });
    }
    operation
}

/// `post_events_install`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_matches('/').replace(['/', '.'], "_");
    let path = if path.is_empty() { "ready" } else { &path };
    format!("{}_{path}", route.method.to_ascii_lowercase())
}

fn parameter(field: &Field) -> Value {
    json!({
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.about,
        "schema": {"type": field.kind},
    })
}

fn body(schema: &Value) -> Value {
    json!({"content": {"application/json": {"schema": schema}}})
}

fn schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(property).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(field: &Field) -> (String, Value) {
    let mut property = json!({"description": field.about});
    match (field.kind, field.required) {
        ("", _) => {}
        (kind, true) => property["type"] = json!(kind),
        (kind, false) => property["type"] = json!([kind, "null"]),
    }
    (field.name.to_owned(), property)
}

/// The settings say themselves what they take.
fn settings() -> Value {
    json!({
        "type": "object",
        "description": "Null is what the setting was at the start.",
        "properties": Settings::schema(),
        "additionalProperties": false,
    })
}

fn refusal() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error": {"type": "string"},
            "field": {"type": "string", "description": "the field that is wrong"},
            "error_description": {"type": "string"},
        },
        "required": ["error", "error_description"],
    })
}
