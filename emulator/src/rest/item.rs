//! `crm.item.*`: leads, deals, contacts and companies with one set of methods.

use serde_json::{Map, Value, json};

use super::filter::{self, Filter};
use super::find::{PAGE, Query, find};
use super::list::{Start, is_descending, selected};
use super::{Call, Operation, Page, RestError, crm};
use crate::config::Entity;
use crate::events;
use crate::json;
use crate::params::{integer, scalar};
use crate::rows::item::{Shape, type_id};
use crate::rows::{Cell, Changes, Kind, Table};

/// What the call is about.
struct Target<'a> {
    entity: Entity,
    table: &'a Table,
    shape: &'a Shape,
    /// Custom fields keep their names.
    original_names: bool,
}

pub(super) fn run(
    call: &Call<'_>,
    operation: Operation,
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    if call.is_extranet() {
        let text = "Action is allowed only for intranet users";
        return Err(RestError::new(403, "allowed_only_intranet_user", text));
    }
    let target = target(call)?;
    match operation {
        Operation::List => return list(call, &target, out),
        Operation::Fields => json::value(out, &fields(&target)),
        Operation::Get => {
            let id = id_of(call)?;
            write_item(&target, id, out).ok_or_else(|| not_found("Element not found"))?;
        }
        Operation::Add => {
            let changes = changes_of(call, &target)?;
            let id = crm::add(call, target.entity, target.table, changes);
            write_item(&target, id, out).ok_or_else(|| not_found("Element not found"))?;
        }
        Operation::Update => {
            let id = id_of(call)?;
            let changes = changes_of(call, &target)?;
            let found = crm::update(call, target.entity, target.table, id, changes);
            let written = if found { write_item(&target, id, out) } else { None };
            written.ok_or_else(|| not_found("Element not found"))?;
        }
        Operation::Delete => {
            let id = id_of(call)?;
            if !target.table.delete(id) {
                return Err(not_found("Item not found"));
            }
            events::changed(call, target.entity, operation, id);
            out.extend_from_slice(b"[]");
        }
    }
    Ok(Page::default())
}

fn not_found(text: &str) -> RestError {
    RestError::new(400, "NOT_FOUND", text)
}

fn target<'a>(call: &Call<'a>) -> Result<Target<'a>, RestError> {
    let wanted = call.params.get("entityTypeId");
    let wanted = integer(wanted.ok_or_else(|| missing("entityTypeId"))?);
    let entity = Entity::ALL
        .into_iter()
        .find(|&entity| type_id(entity).is_some_and(|id| i64::try_from(id) == Ok(wanted)))
        .ok_or_else(|| not_found("Smart process not found"))?;
    let table = call.world.tables.get(entity);
    let original_names =
        call.params.get("useOriginalUfNames").and_then(scalar).is_some_and(|flag| flag == "Y");
    Ok(Target { entity, table, shape: table.item(entity), original_names })
}

fn missing(name: &str) -> RestError {
    RestError::controller(&format!(
        "Could not find value for parameter {{{name}}} (internal error)"
    ))
}

fn id_of(call: &Call<'_>) -> Result<u64, RestError> {
    let given = call.params.get("id").ok_or_else(|| missing("id"))?;
    let whole = scalar(given).and_then(|text| text.parse::<u64>().ok());
    whole.ok_or_else(|| {
        let shown = scalar(given).unwrap_or_default();
        RestError::controller(&format!(
            "Invalid value {{{shown}}} to match with parameter {{id}}. Should be value of type int. (internal error)"
        ))
    })
}

fn write_item(target: &Target<'_>, id: u64, out: &mut Vec<u8>) -> Option<()> {
    let view = target.table.view();
    let row = view.row(id)?;
    out.extend_from_slice(b"{\"item\":");
    target.shape.write(out, &row, 0..target.shape.fields.len(), target.original_names);
    out.push(b'}');
    Some(())
}

fn list(call: &Call<'_>, target: &Target<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let query = query(call, target)?;
    let columns = columns(call, target.shape);
    let view = target.table.view();
    let found = find(&view, &query);
    out.extend_from_slice(b"{\"items\":[");
    let mut rows = 0;
    for row in found.ids.iter().filter_map(|&id| view.row(id)) {
        json::separate(out);
        target.shape.write(out, &row, columns.iter().copied(), target.original_names);
        rows += 1;
    }
    out.extend_from_slice(b"]}");
    if !query.counted {
        // Controllers leave both out.
        return Ok(Page::default());
    }
    let next = Start::next(query.skip + rows, found.total);
    Ok(Page { next, total: Some(found.total), ..Page::default() })
}

fn refused(text: &str) -> RestError {
    RestError::new(400, "INVALID_ARG_VALUE", text)
}

fn query(call: &Call<'_>, target: &Target<'_>) -> Result<Query, RestError> {
    let shape = target.shape;
    let column = |name: &str| {
        let refuse =
            || refused(&format!("Invalid filter: field '{name}' is not allowed in filter"));
        shape.column(name).map(Some).ok_or_else(refuse)
    };
    let Filter { range, conditions } = match array_param(call, "filter")? {
        None => Filter::everything(),
        Some(filter) => filter::read(&filter, target.table, &column)?,
    };
    let mut order = Vec::new();
    for (name, direction) in array_param(call, "order")?.unwrap_or_default() {
        let refuse = || refused(&format!("Invalid order: field '{name}' is not allowed in order"));
        order.push((shape.column(&name).ok_or_else(refuse)?, is_descending(&direction)));
    }
    let (skip, counted) = match Start::of(call) {
        Start::Uncounted => (0, false),
        Start::At(start) => (start, true),
    };
    Ok(Query { range, conditions, order, skip, limit: PAGE, counted })
}

/// An array parameter; a list of groups counts as a map with numbers for names.
fn array_param(call: &Call<'_>, name: &str) -> Result<Option<Map<String, Value>>, RestError> {
    match call.params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(Value::Array(items)) => {
            let entries = items.iter().enumerate();
            Ok(Some(entries.map(|(at, item)| (at.to_string(), item.clone())).collect()))
        }
        Some(other) => {
            let shown = scalar(other).unwrap_or_default();
            Err(RestError::controller(&format!(
                "Invalid value {{{shown}}} to match with parameter {{{name}}}. Should be value of type array. (internal error)"
            )))
        }
    }
}

/// Indices of the fields to show; the id always comes along, channels only with `*`.
fn columns(call: &Call<'_>, shape: &Shape) -> Vec<usize> {
    let wanted = selected(call.params.get("select"));
    let all = wanted.is_empty() || wanted.contains(&"*");
    let mut columns: Vec<usize> = shape.field("id").into_iter().collect();
    let known = |name: &&str| {
        let field = shape.field(name).filter(|_| *name != "fm");
        field.or_else(|| {
            let column = shape.column(name)?;
            shape.fields.iter().position(|field| field.column() == Some(column))
        })
    };
    let named: Vec<usize> = wanted.iter().filter_map(known).collect();
    let every = if all { 0..shape.fields.len() } else { 0..0 };
    for field in every.chain(named) {
        if !columns.contains(&field) {
            columns.push(field);
        }
    }
    columns
}

/// The writable fields that the call names; unknown ones are ignored.
fn changes_of(call: &Call<'_>, target: &Target<'_>) -> Result<Changes, RestError> {
    let fields = match call.params.get("fields") {
        None | Some(Value::Null) => return Err(missing("fields")),
        Some(_) => array_param(call, "fields")?.unwrap_or_default(),
    };
    let mut changes = Changes::new();
    for (name, value) in &fields {
        if name == "fm" {
            channel_changes(target.table, value, &mut changes);
            continue;
        }
        let writable = |column: &usize| target.table.fields[*column].writable;
        if let Some(column) = target.shape.column(name).filter(writable) {
            let kind = target.table.fields[column].kind;
            changes.insert(column, Cell::from_input(kind, value));
        }
    }
    Ok(changes)
}

/// `fm` is one list for all kinds of channels; a row keeps one list for each.
fn channel_changes(table: &Table, value: &Value, changes: &mut Changes) {
    let items: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(items) => items.values().collect(),
        _ => return,
    };
    let mut lists: Map<String, Value> = Map::new();
    for item in items {
        let text = |name: &str| item.get(name).and_then(scalar).unwrap_or_default();
        let channel = json!({
            "ID": text("id"),
            "VALUE": text("value"),
            "VALUE_TYPE": text("valueType"),
        });
        match lists.entry(text("typeId")).or_insert_with(|| json!([])) {
            Value::Array(list) => list.push(channel),
            _ => return,
        }
    }
    for (name, list) in lists {
        let column = table.field(&name).filter(|&column| table.fields[column].kind == Kind::Multi);
        if let Some(column) = column {
            changes.insert(column, Cell::from_input(Kind::Multi, &list));
        }
    }
}

fn fields(target: &Target<'_>) -> Value {
    let mut fields = Map::new();
    for field in &target.shape.fields {
        let Some(column) = field.column().map(|column| &target.table.fields[column]) else {
            continue;
        };
        let description = json!({
            "type": column.type_name,
            "isRequired": false,
            "isReadOnly": !column.writable,
            "isImmutable": false,
            "isMultiple": false,
            "isDynamic": column.is_custom(),
            "title": column.title,
            "upperName": column.name,
        });
        fields.insert(field.name.to_string(), description);
    }
    json!({"fields": fields})
}
