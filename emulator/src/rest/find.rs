//! Which rows a list shows: conditions, order, a window.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use super::filter::Condition;
use crate::rows::{Cell, View};

/// Rows of one page, unless the caller may choose.
pub(crate) const PAGE: usize = 50;

/// What a list call asks for.
pub(crate) struct Query {
    pub(crate) range: RangeInclusive<u64>,
    pub(crate) conditions: Vec<Condition>,
    /// Field and descending, in order of weight.
    pub(crate) order: Vec<(usize, bool)>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
    /// Whether all matching rows are counted.
    pub(crate) counted: bool,
}

/// The ids of a page.
pub(crate) struct Found {
    pub(crate) ids: Vec<u64>,
    /// 0 if nobody counted.
    pub(crate) total: usize,
}

pub(crate) fn find(view: &View<'_>, query: &Query) -> Found {
    let id_field = view.table.field("ID");
    let by_id = query.order.first().is_none_or(|(field, _)| Some(*field) == id_field);
    let descending = by_id && query.order.first().is_some_and(|(_, descending)| *descending);
    let (skip, limit) = (query.skip, query.limit);
    let matching = view.ids(&query.range, descending).filter(|&id| {
        query.conditions.is_empty()
            || view.row(id).is_some_and(|row| query.conditions.iter().all(|c| c.holds(&row)))
    });
    if !by_id {
        return sorted(view, query, matching, skip);
    }
    if !query.counted {
        return Found { ids: matching.skip(skip).take(limit).collect(), total: 0 };
    }
    if query.conditions.is_empty() {
        return Found {
            ids: matching.skip(skip).take(limit).collect(),
            total: view.count(&query.range),
        };
    }
    let mut ids = Vec::with_capacity(limit.min(PAGE));
    let mut total = 0;
    for id in matching {
        if total >= skip && ids.len() < limit {
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
    let end = skip.saturating_add(query.limit).min(total);
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
