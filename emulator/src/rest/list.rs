//! Lists of fifty: filter, order, select, `start`, `next`, `total`.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::crm::write_row;
use super::filter::{self, Condition};
use super::{Call, Page, RestError};
use crate::params::integer;
use crate::rows::{Cell, Kind, Table, View};

/// Rows of one page.
const PAGE: usize = 50;

/// What a list call asks for.
struct Query {
    range: RangeInclusive<u64>,
    conditions: Vec<Condition>,
    /// Field and descending, in order of weight.
    order: Vec<(usize, bool)>,
    /// `None`: `start` was negative, so nothing is counted.
    page: Option<usize>,
}

/// The ids of a page.
struct Found {
    ids: Vec<u64>,
    total: usize,
}

pub(super) fn run(call: &Call<'_>, table: &Table, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let query = query(call, table)?;
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
    Ok(match query.page {
        None => Page { next: None, total: Some(0) },
        Some(page) => {
            let after = page * PAGE + rows;
            Page { next: (after < found.total).then_some(after), total: Some(found.total) }
        }
    })
}

fn query(call: &Call<'_>, table: &Table) -> Result<Query, RestError> {
    let (range, conditions) = match call.params.get("filter") {
        None | Some(Value::Null) => (1..=u64::MAX, Vec::new()),
        Some(Value::Object(filter)) => filter::read(filter, table),
        // A list has no field names in it: nothing to filter by.
        Some(Value::Array(_)) => (1..=u64::MAX, Vec::new()),
        Some(_) => return Err(RestError::plain("Parameter 'filter' must be array.")),
    };
    let order = match call.params.get("order") {
        None | Some(Value::Null | Value::Array(_)) => Vec::new(),
        Some(Value::Object(order)) => order
            .iter()
            .filter_map(|(name, direction)| {
                let descending =
                    direction.as_str().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
                table.field(name).map(|field| (field, descending))
            })
            .collect(),
        Some(_) => return Err(RestError::plain("Parameter 'order' must be array.")),
    };
    let start = call.params.get("start").map_or(0, integer);
    // A start between two pages is rounded down to a page.
    let page = usize::try_from(start).ok().map(|start| start.min(usize::MAX / 4) / PAGE);
    Ok(Query { range, conditions, order, page })
}

/// Field indices to show. `*` is everything but custom fields and channels; without a usable name it is meant too.
fn select(param: Option<&Value>, table: &Table) -> Vec<usize> {
    let wanted: Vec<&str> = match param {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(names)) => names.values().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name],
        _ => Vec::new(),
    };
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
    for name in &wanted {
        match *name {
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

fn find(view: &View<'_>, query: &Query) -> Found {
    let id_field = view.table.field("ID");
    let by_id = query.order.first().is_none_or(|(field, _)| Some(*field) == id_field);
    let descending = by_id && query.order.first().is_some_and(|(_, descending)| *descending);
    let skip = query.page.unwrap_or(0).saturating_mul(PAGE);
    let matching = view.ids(&query.range, descending).filter(|&id| {
        query.conditions.is_empty()
            || view.row(id).is_some_and(|row| query.conditions.iter().all(|c| c.holds(&row)))
    });
    if !by_id {
        return sorted(view, query, matching, skip);
    }
    if query.page.is_none() {
        return Found { ids: matching.take(PAGE).collect(), total: 0 };
    }
    if query.conditions.is_empty() {
        return Found {
            ids: matching.skip(skip).take(PAGE).collect(),
            total: view.count(&query.range),
        };
    }
    let mut ids = Vec::with_capacity(PAGE);
    let mut total = 0;
    for id in matching {
        if total >= skip && ids.len() < PAGE {
            ids.push(id);
        }
        total += 1;
    }
    Found { ids, total }
}

/// Order by anything but the id: only what lies before the end of the page is put in order.
fn sorted(
    view: &View<'_>,
    query: &Query,
    matching: impl Iterator<Item = u64>,
    skip: usize,
) -> Found {
    let mut keyed: Vec<(Vec<Key>, u64)> = matching
        .filter_map(|id| {
            view.row(id).map(|row| {
                (query.order.iter().map(|(field, _)| key(&row.cell(*field))).collect(), id)
            })
        })
        .collect();
    let total = keyed.len();
    let compare = |a: &(Vec<Key>, u64), b: &(Vec<Key>, u64)| {
        for ((left, right), (_, descending)) in a.0.iter().zip(&b.0).zip(&query.order) {
            let ordering = left.cmp(right);
            if ordering != Ordering::Equal {
                return if *descending { ordering.reverse() } else { ordering };
            }
        }
        a.1.cmp(&b.1)
    };
    let end = skip.saturating_add(PAGE).min(total);
    if end < total {
        keyed.select_nth_unstable_by(end, compare);
        keyed.truncate(end);
    }
    keyed.sort_unstable_by(compare);
    Found { ids: keyed.into_iter().skip(skip).map(|(_, id)| id).collect(), total }
}

/// What rows are ordered by; null comes first, as in the database.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Null,
    Number(i64),
    Text(String),
}

fn key(cell: &Cell<'_>) -> Key {
    match cell {
        Cell::Null => Key::Null,
        Cell::Int(number) | Cell::Money(number) | Cell::Time(number) => Key::Number(*number),
        Cell::Flag(flag) => Key::Number(i64::from(*flag)),
        Cell::Text(text) => Key::Text(text.to_lowercase()),
        Cell::Multi(channels) => {
            channels.first().map_or(Key::Null, |channel| Key::Text(channel.value.to_lowercase()))
        }
    }
}
