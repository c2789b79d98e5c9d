//! Keyset pagination of REST 3.0: a page begins behind the row that the page before ended with.

use serde_json::{Value, json};

use super::super::Call;
use super::super::filter::{Condition, Filter, Operator};
use super::super::find::{self, PAGE, Query};
use super::dto::{Dto, Select, Type};
use super::query::number;
use crate::clock;

/// Greatest `limit` of the methods that page like this.
pub(super) const LIMIT: usize = 200;

/// What rows are ordered by: a field whose values may repeat, then the id.
pub(super) struct Keyset {
    pub(super) dto: &'static Dto,
    pub(super) field: &'static str,
    pub(super) column: &'static str,
}

/// The page a call asks for.
pub(super) struct Asked {
    pub(super) limit: usize,
    /// Values of the field and the id.
    behind: Option<(Value, Value)>,
}

/// A page and, while rows are left, the cursor of the next one.
pub(super) struct Portion {
    pub(super) items: Vec<Value>,
    pub(super) cursor: Option<Value>,
}

impl Keyset {
    /// Reads `pagination`; `None` where it makes no sense.
    pub(super) fn asked(&self, call: &Call<'_>) -> Option<Asked> {
        let mut asked = Asked { limit: PAGE, behind: None };
        let map = match call.params.exact("pagination") {
            None | Some(Value::Null) => return Some(asked),
            Some(Value::Array(items)) if items.is_empty() => return Some(asked),
            Some(Value::Object(map)) => map,
            Some(_) => return None,
        };
        if let Some(limit) = map.get("limit").filter(|limit| !limit.is_null()) {
            asked.limit = number(limit).filter(|&limit| limit > 0)?;
        }
        if let Some(cursor) = map.get("afterCursor").filter(|cursor| !cursor.is_null()) {
            asked.behind = Some(self.place(cursor)?);
        }
        Some(asked)
    }

    fn place(&self, cursor: &Value) -> Option<(Value, Value)> {
        let (value, id) = (cursor.get(self.field)?, cursor.get("id")?);
        let readable = match self.dto.field(self.field)?.kind {
            Type::DateTime => value.as_str().and_then(clock::parse).is_some(),
            _ => value.is_i64(),
        };
        (readable && id.is_u64()).then(|| (value.clone(), id.clone()))
    }

    /// The rows of a page, both keys in the same direction.
    pub(super) fn page(
        &self,
        call: &Call<'_>,
        asked: &Asked,
        filter: Filter,
        descending: bool,
        select: &Select,
    ) -> Portion {
        let table = (self.dto.table)(call);
        let columns: Vec<usize> =
            [self.column, "ID"].iter().filter_map(|name| table.field(name)).collect();
        let Filter { range, mut conditions } = filter;
        if let (Some((value, last)), [key, id]) = (&asked.behind, &columns[..]) {
            let on = |column, operator, value| Condition::on(table, column, operator, false, value);
            let beyond = if descending { Operator::Below } else { Operator::Above };
            conditions.push(Condition::Any(vec![
                vec![on(*key, beyond, value)],
                vec![on(*key, Operator::Equal, value), on(*id, beyond, last)],
            ]));
        }
        let order = columns.iter().map(|&column| (column, descending)).collect();
        // One row more tells whether there is another page.
        let limit = asked.limit.saturating_add(1);
        let query = Query { range, conditions, order, skip: 0, limit, counted: false };
        let view = table.view();
        let mut ids = find::find(&view, &query).ids;
        let more = ids.len() > asked.limit;
        ids.truncate(asked.limit);
        let cursor = |&id: &u64| {
            let value = view.row(id)?.cell(*columns.first()?).native();
            Some(json!({self.field: value, "id": id}))
        };
        let cursor = ids.last().filter(|_| more).and_then(cursor);
        let show = |&id: &u64| Some(self.dto.show(call, &view.row(id)?, id, select));
        Portion { items: ids.iter().filter_map(show).collect(), cursor }
    }
}
