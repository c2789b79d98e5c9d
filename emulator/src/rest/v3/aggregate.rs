//! `*.aggregate` of REST 3.0: counts, sums and extremes. The documentation does not show the shape of the request;
//! this one mirrors `select` of the other methods.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::common::answer;
use super::super::filter::Filter;
use super::super::find::Query;
use super::super::{Call, Page, RestError};
use super::dto::{Dto, DtoField, Select};
use super::query::{bad, filter, show_all};

/// `{"select": {"count": ["id"], "min": [...]}}` answers the same shape with values.
pub(super) fn aggregate(dto: &Dto, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let table = (dto.table)(call);
    let Some(Value::Object(wanted)) = call.params.exact("select") else {
        return Err(bad("SELECT", "Select must be an object of functions."));
    };
    let Filter { range, conditions } = filter(dto, table, call.params.exact("filter"))?;
    let query = Query {
        range,
        conditions,
        order: Vec::new(),
        skip: 0,
        limit: usize::MAX / 4,
        counted: false,
    };
    let mut result = Map::new();
    for (function, fields) in wanted {
        let fields = fields.as_array().ok_or_else(|| bad("SELECT", "Fields must be a list."))?;
        let mut values = Map::new();
        for name in fields {
            let name = name.as_str().unwrap_or_default();
            let field = dto.field(name).ok_or_else(|| dto.unknown(name))?;
            let numbers = values_of(dto, call, &query, field);
            values.insert(name.to_owned(), reduce(function, &numbers)?);
        }
        result.insert(function.clone(), values.into());
    }
    Ok(answer(out, &result.into()))
}

fn values_of(dto: &Dto, call: &Call<'_>, query: &Query, field: &'static DtoField) -> Vec<Value> {
    let select = Select { own: vec![field], related: Vec::new() };
    let rows = show_all(dto, call, query, &select);
    rows.into_iter()
        .filter_map(|row| row.get(field.name).cloned())
        .filter(|value| !value.is_null())
        .collect()
}

/// Integers stay integers.
fn reduce(function: &str, values: &[Value]) -> Result<Value, RestError> {
    let numbers = || values.iter().filter_map(Value::as_f64);
    let sum = || values.iter().filter_map(Value::as_i64).fold(0_i64, i64::saturating_add);
    let extreme = |largest: bool| {
        let by = |a: &&Value, b: &&Value| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.as_str().cmp(&b.as_str()),
        };
        let found = if largest { values.iter().max_by(by) } else { values.iter().min_by(by) };
        found.cloned().unwrap_or(Value::Null)
    };
    match function {
        "count" => Ok(values.len().into()),
        "countDistinct" => {
            let distinct: HashSet<String> = values.iter().map(ToString::to_string).collect();
            Ok(distinct.len().into())
        }
        "sum" => Ok(sum().into()),
        "avg" if values.is_empty() => Ok(Value::Null),
        "avg" => {
            let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
            Ok((numbers().sum::<f64>() / f64::from(count)).into())
        }
        "min" => Ok(extreme(false)),
        "max" => Ok(extreme(true)),
        other => Err(bad("SELECT", &format!("Unknown function `{other}`"))),
    }
}
