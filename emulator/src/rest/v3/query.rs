//! `select`, `filter`, `order`, `pagination` and `cursor` of REST 3.0.

use serde_json::{Map, Value, json};

use super::super::common::answer;
use super::super::filter::{Condition, Filter, Operator};
use super::super::find::{self, PAGE, Query};
use super::super::{Call, Page, RestError};
use super::dto::{Dto, Select, Type};
use crate::rows::Table;

/// Greatest `limit`; more is cut down to it without a word.
const LIMIT: usize = 1000;
/// Groups inside groups.
const DEPTH: usize = 16;

/// What is shown when nothing is selected: everything.
pub(super) const ALL: [&str; 0] = [];

pub(super) fn bad(what: &str, text: &str) -> RestError {
    RestError::v3(400, &format!("INVALID{what}"), text)
}

/// The selected fields; `default` without a selection (everything if that is empty). Unknown fields of the entity
/// itself are passed over, those of related ones are errors.
pub(super) fn select(
    dto: &Dto,
    given: Option<&Value>,
    default: &[&str],
) -> Result<Select, RestError> {
    let names: Vec<&str> = match given {
        None | Some(Value::Null) => default.to_vec(),
        Some(Value::Array(names)) => {
            let words: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            words.ok_or_else(|| bad("SELECT", "Select must be a list of field names."))?
        }
        Some(_) => return Err(bad("SELECT", "Select must be an array.")),
    };
    let mut select = Select { own: Vec::new(), related: Vec::new() };
    if names.is_empty() {
        select.own.extend(dto.fields);
        return Ok(select);
    }
    // The id always comes along.
    select.own.extend(dto.field("id"));
    for name in names {
        let Some((relation, field)) = name.split_once('.') else {
            if let Some(field) = dto.field(name)
                && !select.own.iter().any(|known| known.name == name)
            {
                select.own.push(field);
            }
            continue;
        };
        let relation = dto.relations.iter().find(|known| known.name == relation);
        let relation = relation.ok_or_else(|| dto.unknown(name))?;
        let field = relation.fields.iter().find(|known| **known == field);
        select.related.push((relation, field.ok_or_else(|| dto.unknown(name))?));
    }
    Ok(select)
}

pub(super) fn filter(dto: &Dto, table: &Table, given: Option<&Value>) -> Result<Filter, RestError> {
    let mut filter = Filter::everything();
    match given {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            for item in items {
                for condition in conditions(dto, table, item, DEPTH)? {
                    filter.push(condition, table.field("ID"));
                }
            }
        }
        Some(_) => return Err(bad("FILTER", "Filter must be an array.")),
    }
    Ok(filter)
}

/// One item of a filter: `[field, op, value]`, `[field, value]` or a group.
fn conditions(
    dto: &Dto,
    table: &Table,
    item: &Value,
    depth: usize,
) -> Result<Vec<Condition>, RestError> {
    let wrong = || bad("FILTER", &format!("Cannot recognize filter condition `{item}`"));
    match item {
        Value::Array(parts) => match &parts[..] {
            [Value::String(field), value] => {
                let operator = if value.is_array() { "in" } else { "=" };
                compare(dto, table, field, operator, value)
            }
            [Value::String(field), Value::String(operator), value] => {
                compare(dto, table, field, operator, value)
            }
            _ => Err(wrong()),
        },
        Value::Object(group) if depth > 0 => {
            let inner = group.get("conditions").and_then(Value::as_array).ok_or_else(wrong)?;
            let parts: Result<Vec<Vec<Condition>>, RestError> =
                inner.iter().map(|item| conditions(dto, table, item, depth - 1)).collect();
            let parts = parts?;
            let whole = match group.get("logic").and_then(Value::as_str) {
                Some("or") => vec![Condition::Any(parts)],
                Some("and") | None => parts.into_iter().flatten().collect(),
                Some(_) => return Err(wrong()),
            };
            let negative = group.get("negative").is_some_and(|flag| *flag == Value::Bool(true));
            Ok(if negative { vec![Condition::Not(whole)] } else { whole })
        }
        _ => Err(wrong()),
    }
}

fn compare(
    dto: &Dto,
    table: &Table,
    name: &str,
    operator: &str,
    value: &Value,
) -> Result<Vec<Condition>, RestError> {
    let field = dto.field(name).ok_or_else(|| dto.unknown(name))?;
    let column = dto.column(table, field).filter(|_| field.filterable).ok_or_else(|| {
        let text = format!("In DTO `{}`, the field `{name}` is not filterable", dto.name);
        RestError::v3_field(name, &text)
    })?;
    let one =
        |operator, negated, value: &Value| Condition::on(table, column, operator, negated, value);
    let single = |operator, negated| {
        if value.is_array() || value.is_object() {
            return Err(bad("FILTER", &format!("Filter value of `{name}` must be a scalar.")));
        }
        Ok(vec![one(operator, negated, value)])
    };
    match operator {
        "=" => single(Operator::Equal, false),
        "!=" => single(Operator::Equal, true),
        ">" => single(Operator::Above, false),
        ">=" => single(Operator::AtLeast, false),
        "<" => single(Operator::Below, false),
        "<=" => single(Operator::AtMost, false),
        "in" if value.is_array() => Ok(vec![one(Operator::Equal, false, value)]),
        "between" => match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => {
                Ok(vec![one(Operator::AtLeast, false, from), one(Operator::AtMost, false, to)])
            }
            _ => Err(bad("FILTER", "Operator `between` needs an array of two values.")),
        },
        "in" => Err(bad("FILTER", "Operator `in` needs an array.")),
        other => {
            let text = format!("Unknown filter operator `{other}`");
            Err(RestError::v3(400, "UNKNOWNFILTEROPERATOR", &text))
        }
    }
}

/// Whether a direction goes down.
fn descending(direction: &Value) -> Option<bool> {
    match direction.as_str()?.to_ascii_uppercase().as_str() {
        "ASC" => Some(false),
        "DESC" => Some(true),
        _ => None,
    }
}

fn order(dto: &Dto, table: &Table, given: Option<&Value>) -> Result<Vec<(usize, bool)>, RestError> {
    let map = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.is_empty() => return Ok(Vec::new()),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(bad("ORDER", "Order must be an object.")),
    };
    let mut order = Vec::new();
    for (name, direction) in map {
        let field = dto.field(name).ok_or_else(|| dto.unknown(name))?;
        let column = dto.column(table, field).filter(|_| field.sortable);
        let wrong = || bad("ORDER", &format!("Cannot recognize order parameter `{name}`"));
        order.push((column.ok_or_else(wrong)?, descending(direction).ok_or_else(wrong)?));
    }
    Ok(order)
}

/// A whole number, also as text.
pub(super) fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Offset and limit.
fn pagination(given: Option<&Value>) -> Result<(usize, usize), RestError> {
    let map = match given {
        None | Some(Value::Null) => return Ok((0, PAGE)),
        Some(Value::Array(items)) if items.is_empty() => return Ok((0, PAGE)),
        Some(Value::Object(map)) => map,
        Some(other) => return Err(unrecognized(other)),
    };
    let part = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => number(value).map(Some).ok_or_else(|| unrecognized(&json!(map))),
    };
    let limit = part("limit")?.unwrap_or(PAGE);
    if limit == 0 {
        return Err(unrecognized(&json!(map)));
    }
    let limit = limit.min(LIMIT);
    let offset = match (part("offset")?, part("page")?) {
        (Some(offset), _) => offset,
        (None, Some(page)) => page.saturating_sub(1).saturating_mul(limit),
        (None, None) => 0,
    };
    Ok((offset, limit))
}

fn unrecognized(given: &Value) -> RestError {
    bad("PAGINATION", &format!("Cannot recognize pagination parameter `{given}`"))
}

pub(super) fn show_all(dto: &Dto, call: &Call<'_>, query: &Query, select: &Select) -> Vec<Value> {
    let view = (dto.table)(call).view();
    let found = find::find(&view, query);
    let show = |id: u64| Some(dto.show(call, &view.row(id)?, id, select));
    found.ids.into_iter().filter_map(show).collect()
}

/// A page of rows under `items`.
pub(super) fn list(
    dto: &Dto,
    call: &Call<'_>,
    default: &[&str],
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    let table = (dto.table)(call);
    let param = |name: &str| call.params.exact(name);
    let select = select(dto, param("select"), default)?;
    let Filter { range, conditions } = filter(dto, table, param("filter"))?;
    let order = order(dto, table, param("order"))?;
    let (skip, limit) = pagination(param("pagination"))?;
    let query = Query { range, conditions, order, skip, limit, counted: false };
    Ok(answer(out, &json!({"items": show_all(dto, call, &query, &select)})))
}

/// The `id` of a call: a number, not the text of one.
pub(super) fn id_of(call: &Call<'_>) -> Result<u64, RestError> {
    match call.params.exact("id") {
        None | Some(Value::Null) => {
            Err(RestError::v3_field("id", "Required field `id` is missing"))
        }
        Some(value) => value.as_u64().ok_or_else(|| {
            RestError::v3_field("id", "Field `id` requires data type `int` for this request")
        }),
    }
}

pub(super) fn not_found(id: u64) -> RestError {
    RestError::v3(400, "ENTITYNOTFOUND", &format!("Record with ID = `{id}` not found"))
}

/// One row under `item`.
pub(super) fn get(dto: &Dto, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = id_of(call)?;
    let select = select(dto, call.params.exact("select"), &ALL)?;
    show(dto, call, id, &select, out)
}

/// The row with this id under `item`.
pub(super) fn show(
    dto: &Dto,
    call: &Call<'_>,
    id: u64,
    select: &Select,
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    let view = (dto.table)(call).view();
    let row = view.row(id).ok_or_else(|| not_found(id))?;
    Ok(answer(out, &json!({"item": dto.show(call, &row, id, select)})))
}

/// Rows behind a cursor: `{field, order, value, limit}`.
pub(super) fn tail(dto: &Dto, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let table = (dto.table)(call);
    let none = Map::new();
    let cursor = match call.params.exact("cursor") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(cursor)) => cursor,
        Some(other) => return Err(unrecognized(other)),
    };
    let name = cursor.get("field").map_or(Some("id"), Value::as_str).unwrap_or_default();
    let field = dto.field(name).ok_or_else(|| dto.unknown(name))?;
    let column = dto.column(table, field).ok_or_else(|| dto.unknown(name))?;
    if mentions(call.params.exact("filter"), name) {
        let text = format!("Cursor field {name} cannot be used at filter.");
        return Err(bad("FILTER", &text));
    }
    let wrong = || unrecognized(&json!(cursor));
    let down = cursor.get("order").map_or(Some(false), descending).ok_or_else(wrong)?;
    let limit = cursor.get("limit").map_or(Some(PAGE), number).filter(|&limit| limit > 0);
    let limit = limit.ok_or_else(wrong)?.min(LIMIT);
    let select = select(dto, call.params.exact("select"), &ALL)?;
    let mut filter = filter(dto, table, call.params.exact("filter"))?;
    let operator = if down { Operator::Below } else { Operator::Above };
    // Without a value the cursor stands before the first row.
    match cursor.get("value").filter(|value| !value.is_null()) {
        Some(value) => {
            let condition = Condition::on(table, column, operator, false, value);
            filter.push(condition, table.field("ID"));
        }
        None if down => {}
        None if field.kind == Type::Int => {
            filter
                .push(Condition::on(table, column, operator, false, &json!(0)), table.field("ID"));
        }
        None => {}
    }
    let Filter { range, conditions } = filter;
    let query =
        Query { range, conditions, order: vec![(column, down)], skip: 0, limit, counted: false };
    Ok(answer(out, &json!({"items": show_all(dto, call, &query, &select)})))
}

/// Whether a filter has a condition on a field, at any depth that is read.
fn mentions(filter: Option<&Value>, name: &str) -> bool {
    match filter {
        Some(Value::Array(items)) => {
            items.first().and_then(Value::as_str) == Some(name)
                || items.iter().any(|item| mentions(Some(item), name))
        }
        Some(Value::Object(group)) => mentions(group.get("conditions"), name),
        _ => false,
    }
}
