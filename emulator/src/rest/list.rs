//! Classic lists of fifty: filter, order, select, `start`, `next`, `total`.

use serde_json::{Map, Value};

use super::crm::write_row;
use super::filter::{self, Filter};
use super::find::{PAGE, Query, find};
use super::{Call, Page, RestError};
use crate::params::integer;
use crate::rows::{Kind, Table};

/// `start` of a call.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// Negative: nothing is counted.
    Uncounted,
    At(usize),
}

impl Start {
    pub(super) fn of(call: &Call<'_>) -> Self {
        let start = call.params.get("start").map_or(0, integer);
        usize::try_from(start).map_or(Self::Uncounted, |start| Self::At(start.min(usize::MAX / 4)))
    }

    /// Where the next page begins, if there is one.
    pub(super) fn next(after: usize, total: usize) -> Option<usize> {
        (after < total).then_some(after)
    }
}

pub(super) fn run(call: &Call<'_>, table: &Table, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let start = Start::of(call);
    let query = query(call, table, start)?;
    let columns = select(call.params.get("select"), table);
    let view = table.view();
    let found = find(&view, &query);
    out.push(b'[');
    let mut rows = 0;
    for row in found.ids.iter().filter_map(|&id| view.row(id)) {
        crate::json::separate(out);
        write_row(out, table, &row, columns.iter().copied());
        rows += 1;
    }
    out.push(b']');
    let total = call.total(query.counted.then_some(found.total));
    let next = query.counted.then(|| Start::next(query.skip + rows, found.total)).flatten();
    Ok(Page { next, total, ..Page::default() })
}

fn query(call: &Call<'_>, table: &Table, start: Start) -> Result<Query, RestError> {
    let filter = match map_param(call, "filter")? {
        None => Filter::everything(),
        // Fields that are not known are ignored.
        Some(filter) => filter::read(filter, table, &|name| Ok(table.field(name)))?,
    };
    let order = map_param(call, "order")?.map_or_else(Vec::new, |order| {
        let known = |(name, direction): (&String, &Value)| {
            Some((table.field(name)?, is_descending(direction)))
        };
        order.iter().filter_map(known).collect()
    });
    // A start between two pages is rounded down to a page.
    let (skip, counted) = match start {
        Start::Uncounted => (0, false),
        Start::At(start) => (start / PAGE * PAGE, true),
    };
    let Filter { range, conditions } = filter;
    Ok(Query { range, conditions, order, skip, limit: PAGE, counted })
}

pub(super) fn is_descending(direction: &Value) -> bool {
    direction.as_str().is_some_and(|word| word.eq_ignore_ascii_case("desc"))
}

/// A parameter that must be an array to PHP. A list has no field names in it: as good as nothing.
fn map_param<'a>(
    call: &'a Call<'_>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, RestError> {
    match call.params.get(name) {
        None | Some(Value::Null | Value::Array(_)) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(RestError::plain(&format!("Parameter '{name}' must be array."))),
    }
}

/// The strings of a `select`, however they came.
pub(super) fn selected(param: Option<&Value>) -> Vec<&str> {
    match param {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(names)) => names.values().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    }
}

/// Field indices to show. `*` is everything but custom fields and channels; without a usable name it is meant too.
fn select(param: Option<&Value>, table: &Table) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut add = |field: usize| {
        if !columns.contains(&field) {
            columns.push(field);
        }
    };
    let all = |custom: bool| {
        let fields = table.fields.iter().enumerate();
        fields
            .filter(move |(_, field)| field.kind != Kind::Multi && field.is_custom() == custom)
            .map(|(index, _)| index)
    };
    for name in selected(param) {
        match name {
            "*" => all(false).for_each(&mut add),
            "UF_*" | "uf_*" => all(true).for_each(&mut add),
            name => table.field(name).into_iter().for_each(&mut add),
        }
    }
    if columns.is_empty() {
        return all(false).collect();
    }
    // The id always comes along.
    if let Some(id) = table.field("ID")
        && !columns.contains(&id)
    {
        columns.push(id);
    }
    columns
}
