//! What REST 3.0 says about itself.

use serde_json::{Map, Value, json};

use super::super::common::answer;
use super::super::{Call, Page, RestError, methods};
use super::dto::Dto;
use super::{collection, event_log, follow_up, task};

/// Methods whose answer has no `result` around it.
pub(super) fn is_raw(name: &str) -> bool {
    matches!(name, "rest.documentation.openapi" | "documentation")
}

/// Methods by scope.
pub(crate) fn scopes(_: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let mut scopes: Map<String, Value> = Map::new();
    for (name, method) in methods::modern() {
        let scope = method.scope.unwrap_or("rest");
        if let Value::Array(names) = scopes.entry(scope).or_insert_with(|| json!([])) {
            names.push(name.into());
        }
    }
    Ok(answer(out, &scopes.into()))
}

fn schema(dto: &Dto) -> Value {
    let properties: Map<String, Value> =
        dto.fields.iter().map(|field| (field.name.to_owned(), field.kind.schema())).collect();
    json!({"type": "object", "properties": properties})
}

/// The OpenAPI document. Empty objects would be lists in the portal's dialect, so there are none in it.
pub(crate) fn openapi(_: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let mut paths = Map::new();
    for (name, method) in methods::modern() {
        let answers = json!({
            "200": {"description": "Success", "content": {"application/json": {"schema": {"type": "object"}}}},
        });
        let operation = json!({
            "tags": [method.scope.unwrap_or("rest")],
            "operationId": name,
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": answers,
        });
        paths.insert(format!("/{name}"), json!({"post": operation}));
    }
    let document = json!({
        "openapi": "3.0.0",
        "info": {"title": "Bitrix24 REST V3 API", "version": "1.0.0"},
        "tags": [{"name": "call"}, {"name": "main"}, {"name": "note"}, {"name": "rest"}, {"name": "tasks"}],
        "paths": paths,
        "components": {"schemas": {
            task::DTO.name: schema(&task::DTO),
            event_log::DTO.name: schema(&event_log::DTO),
            follow_up::DTO.name: schema(&follow_up::DTO),
            collection::DTO.name: schema(&collection::DTO),
        }},
    });
    Ok(answer(out, &document))
}
