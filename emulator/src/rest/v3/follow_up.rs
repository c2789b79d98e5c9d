//! `call.followup.list`: its filter is an object, and its errors have codes of their own.

use serde_json::{Value, json};

use super::super::common::answer;
use super::super::filter::{Condition, Filter, Operator};
use super::super::{Call, Page, RestError};
use super::dto::{Dto, DtoField, Select, Source, Type};
use super::keyset::{Keyset, LIMIT};
use super::query::{self, bad};
use crate::clock;
use crate::rows::Table;

const fn field(name: &'static str, kind: Type, column: &'static str) -> DtoField {
    DtoField::new(name, kind, Source::Column(column))
}

fn table<'a>(call: &Call<'a>) -> &'a Table {
    &call.world.tables.follow_ups
}

/// The metadata of calls; what a portal's AI writes about them is not made here.
pub(super) static DTO: Dto = Dto {
    name: "FollowUpDto",
    fields: &[
        field("callId", Type::Int, "ID"),
        field("callType", Type::Int, "CALL_TYPE"),
        field("initiatorId", Type::Int, "INITIATOR_ID"),
        field("startDate", Type::DateTime, "START_DATE"),
        field("endDate", Type::DateTime, "END_DATE"),
        field("durationSeconds", Type::Int, "DURATION"),
    ],
    relations: &[],
    table,
};

static KEYSET: Keyset = Keyset { dto: &DTO, field: "startDate", column: "START_DATE" };

/// The newest calls of a period first, unless the order says otherwise.
pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let filter = period(call)?;
    let select = select(call)?;
    let descending = descending(call)?;
    let mut asked = KEYSET.asked(call).ok_or_else(|| {
        own("invalid_pagination", "Pagination needs a positive limit and an unchanged cursor")
    })?;
    asked.limit = asked.limit.min(LIMIT);
    let page = KEYSET.page(call, &asked, filter, descending, &select);
    let more = page.cursor.is_some();
    Ok(answer(out, &json!({"items": page.items, "hasMore": more, "afterCursor": page.cursor})))
}

fn own(code: &str, text: &str) -> RestError {
    RestError::v3_own(400, code, text)
}

/// `{"startDate": {"from", "to"}}`, without which there is no list, and perhaps a `participantId`.
fn period(call: &Call<'_>) -> Result<Filter, RestError> {
    let given = call.params.exact("filter");
    // To pass over a condition would show rows that nobody asked for.
    if let Some(Value::Object(map)) = given
        && let Some(name) =
            map.keys().find(|name| !["startDate", "participantId"].contains(&name.as_str()))
    {
        return Err(bad("FILTER", &format!("Calls cannot be filtered by `{name}` here.")));
    }
    let bound = |name: &str| {
        let value = given?.get("startDate")?.get(name)?;
        Some((value, clock::parse(value.as_str()?)?))
    };
    let (Some((from, start)), Some((to, end))) = (bound("from"), bound("to")) else {
        return Err(own("invalid_date_range", "startDate needs `from` and `to` in ISO 8601"));
    };
    if start > end {
        return Err(own("invalid_date_range", "startDate: `from` is later than `to`"));
    }
    let (table, mut filter) = (table(call), Filter::everything());
    if let Some(column) = table.field(KEYSET.column) {
        for (operator, value) in [(Operator::AtLeast, from), (Operator::AtMost, to)] {
            filter.conditions.push(Condition::on(table, column, operator, false, value));
        }
    }
    if let Some(user) = given.and_then(|given| given.get("participantId")) {
        filter.conditions.push(with(table, user)?);
    }
    Ok(filter)
}

/// Calls that a user took part in, on either end.
fn with(table: &Table, user: &Value) -> Result<Condition, RestError> {
    if user.as_u64().is_none_or(|id| id == 0) {
        return Err(bad("FILTER", "participantId must be the number of a user."));
    }
    let columns =
        ["INITIATOR_ID", "PARTICIPANT_ID"].into_iter().filter_map(|name| table.field(name));
    let is = |column| vec![Condition::on(table, column, Operator::Equal, false, user)];
    Ok(Condition::Any(columns.map(is).collect()))
}

/// Unknown fields are errors here.
fn select(call: &Call<'_>) -> Result<Select, RestError> {
    let given = call.params.exact("select");
    let wrong = |name: &Value| {
        let known = name.as_str().and_then(|name| DTO.field(name));
        known.is_none().then(|| own("invalid_select_field", &format!("Cannot select {name}")))
    };
    match given.and_then(Value::as_array).and_then(|names| names.iter().find_map(wrong)) {
        Some(error) => Err(error),
        None => query::select(&DTO, given, &query::ALL),
    }
}

fn descending(call: &Call<'_>) -> Result<bool, RestError> {
    let order = match call.params.exact("order") {
        None | Some(Value::Null) => return Ok(true),
        Some(Value::Array(items)) if items.is_empty() => return Ok(true),
        Some(order) => order,
    };
    match order.get("startDate").and_then(Value::as_str) {
        Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        _ => Err(own("invalid_order", "Order must be `startDate` with `asc` or `desc`")),
    }
}
