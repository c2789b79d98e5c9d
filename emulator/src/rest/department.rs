//! `department.*`: the tree of the company.

use serde_json::{Map, Value, json};

use super::common::answer;
use super::{Call, Page, RestError, small};
use crate::params::scalar;

/// Id, name, parent, head.
const DEPARTMENTS: [(u64, &str, Option<u64>, u64); 5] = [
    (1, "Ромашка", None, 1),
    (3, "Отдел продаж", Some(1), 1),
    (5, "Marketing", Some(1), 5),
    (7, "Support", Some(1), 6),
    (9, "Key accounts", Some(3), 4),
];

/// Titles of the fields.
pub(super) fn fields(_: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let titles = json!({
        "ID": "ID",
        "NAME": "Department name",
        "SORT": "Sorting",
        "PARENT": "Parent department",
        "UF_HEAD": "Head",
    });
    Ok(answer(out, &titles))
}

/// Departments by the fields given; `sort` and `order` are plain parameters.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let rows = DEPARTMENTS.iter().map(|(id, name, parent, head)| {
        let mut row = Map::new();
        row.insert("ID".to_owned(), id.to_string().into());
        row.insert("NAME".to_owned(), (*name).into());
        row.insert("SORT".to_owned(), 500.into());
        if let Some(parent) = parent {
            row.insert("PARENT".to_owned(), parent.to_string().into());
        }
        row.insert("UF_HEAD".to_owned(), head.to_string().into());
        Value::Object(row)
    });
    let mut filter = Map::new();
    for name in ["ID", "NAME", "PARENT", "UF_HEAD"] {
        if let Some(value) = call.params.get(name) {
            filter.insert(name.to_owned(), value.clone());
        }
    }
    let by_parent = filter.contains_key("PARENT");
    let rows = rows.filter(|row| !by_parent || row.get("PARENT").is_some());
    let sort = call.params.get("sort").and_then(scalar).unwrap_or_else(|| "SORT".to_owned());
    let direction = call.params.get("order").cloned().unwrap_or(Value::Null);
    let filter = Value::Object(filter);
    let rows = small::arranged(rows.collect(), Some(&filter), Some(&json!({sort: direction})));
    Ok(small::page(call, rows, out))
}
