//! `event.offline.*`: an administrator's application fetches what waits for it.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Owner, Row};
use crate::clock;
use crate::events::methods::{client_id, connector, denied};
use crate::json;
use crate::params::{integer, scalar};
use crate::rest::{Call, Page, RestError};
use crate::settings::OFFLINE_EXTENDED;

/// Rows of one page, and of one fetch unless it says otherwise.
const PAGE: usize = 50;
/// Columns that a fetch can ask about.
const COLUMNS: [&str; 4] = ["ID", "TIMESTAMP_X", "EVENT_NAME", "MESSAGE_ID"];
/// Columns that a list can ask about.
const ALL_COLUMNS: [&str; 6] =
    ["ID", "TIMESTAMP_X", "EVENT_NAME", "MESSAGE_ID", "PROCESS_ID", "ERROR"];

/// Whose queue: the calling application's, of the connector that it names.
struct Access {
    client_id: String,
    connector: String,
}

impl Access {
    fn of(call: &Call<'_>) -> Result<Self, RestError> {
        let client_id = client_id(call)?;
        if !call.is_admin() {
            return Err(denied(""));
        }
        Ok(Self { client_id, connector: connector(call) })
    }

    fn owner(&self) -> Owner<'_> {
        Owner { client_id: &self.client_id, connector: &self.connector }
    }
}

fn bad(text: &str) -> RestError {
    RestError::new(400, "ERROR_ARGUMENT", text)
}

fn process_id(call: &Call<'_>) -> Option<String> {
    call.params.get("process_id").and_then(scalar).filter(|text| !text.is_empty())
}

/// `event.offline.get`: claims free rows, or reads a claim again; unless told otherwise it deletes what it returns.
pub(crate) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let access = Access::of(call)?;
    let conditions = conditions(call, &COLUMNS)?;
    let order = order(call, &COLUMNS, "TIMESTAMP_X")?;
    let limit = call.params.get("limit").map_or(PAGE as i64, integer);
    let limit = usize::try_from(limit).ok().filter(|&limit| limit > 0);
    let limit = limit.ok_or_else(|| bad("Value must be positive integer"))?;
    let keep = call.params.get("clear").is_some_and(|clear| integer(clear) == 0);
    if keep && call.world.settings.read().lacks(OFFLINE_EXTENDED) {
        return Err(RestError::license("extended offline events handling"));
    }
    let failed = call.params.get("error").is_some_and(|error| integer(error) == 1);
    let claim = process_id(call);

    let owner = access.owner();
    let mut queue = call.world.offline.0.get();
    queue.age(call.world);
    let wanted = claim.as_deref().unwrap_or("");
    let mut rows: Vec<Row> = queue
        .rows
        .values()
        .filter(|row| owner.has(row) && row.process_id == wanted)
        .filter(|row| (claim.is_some() || row.error == failed) && fits(row, &conditions))
        .cloned()
        .collect();
    sort(&mut rows, &order);
    if claim.is_none() {
        rows.truncate(limit);
    }
    // A claim that was named is echoed even if its rows go.
    let mut shown = claim.clone();
    for row in &rows {
        if !keep {
            queue.rows.remove(&row.id);
        } else if claim.is_none() {
            let fresh = shown.get_or_insert_with(fresh_process_id);
            if let Some(row) = queue.rows.get_mut(&row.id) {
                row.process_id.clone_from(fresh);
            }
        }
    }
    drop(queue);
    if keep && shown.is_none() {
        shown = Some(fresh_process_id());
    }
    let events: Vec<Value> = rows.iter().map(|row| row.to_json(false)).collect();
    json::value(out, &json!({"process_id": shown, "events": events}));
    Ok(Page::default())
}

/// 32 digits and lower-case letters.
fn fresh_process_id() -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let letter = |_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    (0..32).map(letter).collect()
}

/// `event.offline.list`: looks without touching.
pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let access = Access::of(call)?;
    let conditions = conditions(call, &ALL_COLUMNS)?;
    let order = order(call, &ALL_COLUMNS, "ID")?;
    let start = call.params.get("start").map_or(0, integer);
    let start = usize::try_from(start).unwrap_or(0);
    let owner = access.owner();
    let mut queue = call.world.offline.0.get();
    queue.age(call.world);
    let all = queue.rows.values().filter(|row| owner.has(row) && fits(row, &conditions));
    let mut rows: Vec<Row> = all.cloned().collect();
    drop(queue);
    sort(&mut rows, &order);
    let total = rows.len();
    let page: Vec<Value> =
        rows.iter().skip(start).take(PAGE).map(|row| row.to_json(true)).collect();
    let next = (start + page.len() < total).then(|| start + page.len());
    json::value(out, &Value::Array(page));
    Ok(Page { next, total: Some(total), ..Page::default() })
}

/// `event.offline.clear`: some rows of a claim, or all of them, are done.
pub(crate) fn clear(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let access = Access::of(call)?;
    let claim = process_id(call).ok_or_else(|| RestError::argument("PROCESS_ID"))?;
    let (ids, messages) = (texts(call, "id"), messages(call)?);
    let fits = |row: &Row| match (&ids, &messages) {
        (Some(ids), _) => ids.contains(&row.id.to_string()),
        (None, Some(messages)) => messages.contains(&row.message_id),
        (None, None) => true,
    };
    call.world.offline.0.get().clear(&access.owner(), &claim, fits);
    json::value(out, &json!(true));
    Ok(Page::default())
}

/// `event.offline.error`: some rows of a claim failed; they are free again, as failed ones.
pub(crate) fn error(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let access = Access::of(call)?;
    let claim = process_id(call).ok_or_else(|| RestError::argument("PROCESS_ID"))?;
    let messages = messages(call)?.unwrap_or_default();
    call.world.offline.0.get().fail(&access.owner(), &claim, &messages);
    json::value(out, &json!(true));
    Ok(Page::default())
}

fn texts(call: &Call<'_>, name: &str) -> Option<Vec<String>> {
    match call.params.get(name)? {
        Value::Array(items) => Some(items.iter().filter_map(scalar).collect()),
        Value::Object(map) => Some(map.values().filter_map(scalar).collect()),
        single => scalar(single).filter(|text| !text.is_empty()).map(|text| vec![text]),
    }
}

fn messages(call: &Call<'_>) -> Result<Option<Vec<String>>, RestError> {
    let messages = texts(call, "message_id");
    match &messages {
        Some(list) if list.iter().any(|id| id.len() != 32) => {
            Err(bad("Value must be array of MESSAGE_ID values"))
        }
        _ => Ok(messages),
    }
}

/// A column, an operator and a value.
struct Condition {
    column: &'static str,
    operator: String,
    value: Value,
}

fn array(call: &Call<'_>, name: &str) -> Map<String, Value> {
    match call.params.get(name) {
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    }
}

fn column_of(columns: &[&'static str], name: &str) -> Result<&'static str, RestError> {
    let found = columns.iter().find(|column| column.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        bad(&format!("Unknown field: {}", name.chars().take(60).collect::<String>()))
    })
}

fn conditions(call: &Call<'_>, columns: &[&'static str]) -> Result<Vec<Condition>, RestError> {
    array(call, "filter")
        .into_iter()
        .map(|(key, value)| {
            let name = key.trim_start_matches(|letter: char| !letter.is_alphanumeric());
            let operator = key[..key.len() - name.len()].to_owned();
            if !matches!(
                operator.as_str(),
                "" | "=" | "!" | "!=" | ">" | ">=" | "<" | "<=" | "@" | "%"
            ) {
                return Err(bad("Unknown filter operator"));
            }
            Ok(Condition { column: column_of(columns, name)?, operator, value })
        })
        .collect()
}

fn order(
    call: &Call<'_>,
    columns: &[&'static str],
    usual: &'static str,
) -> Result<Vec<(&'static str, bool)>, RestError> {
    let mut order = Vec::new();
    for (name, direction) in array(call, "order") {
        let descending = scalar(&direction).is_some_and(|text| text.eq_ignore_ascii_case("desc"));
        order.push((column_of(columns, &name)?, descending));
    }
    if order.is_empty() {
        order.push((usual, false));
    }
    Ok(order)
}

fn sort(rows: &mut [Row], order: &[(&str, bool)]) {
    rows.sort_by(|one, two| {
        let compare = |(column, descending): &(&str, bool)| {
            let ordering = match *column {
                "ID" => one.id.cmp(&two.id),
                "TIMESTAMP_X" => one.at.cmp(&two.at),
                column => text(one, column).cmp(text(two, column)),
            };
            if *descending { ordering.reverse() } else { ordering }
        };
        order.iter().map(compare).find(|ordering| ordering.is_ne()).unwrap_or(one.id.cmp(&two.id))
    });
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    match column {
        "EVENT_NAME" => &row.event,
        "MESSAGE_ID" => &row.message_id,
        "PROCESS_ID" => &row.process_id,
        _ => {
            if row.error {
                "1"
            } else {
                "0"
            }
        }
    }
}

fn fits(row: &Row, conditions: &[Condition]) -> bool {
    conditions.iter().all(|condition| match &condition.value {
        Value::Array(values) => {
            let any = values.iter().any(|value| holds(row, condition, value));
            any != condition.operator.starts_with('!')
        }
        value => holds(row, condition, value) != condition.operator.starts_with('!'),
    })
}

/// The condition without its `!`.
fn holds(row: &Row, condition: &Condition, value: &Value) -> bool {
    let wanted = scalar(value).unwrap_or_default();
    let ordering = match condition.column {
        "ID" => i64::try_from(row.id).unwrap_or(i64::MAX).cmp(&integer(value)),
        "TIMESTAMP_X" => match clock::parse(&wanted) {
            Some(at) => row.at.cmp(&at),
            None => return false,
        },
        column => {
            let own = text(row, column);
            if condition.operator == "%" {
                return own.to_lowercase().contains(&wanted.to_lowercase());
            }
            own.cmp(wanted.as_str())
        }
    };
    match condition.operator.as_str() {
        ">" => ordering == Ordering::Greater,
        ">=" => ordering != Ordering::Less,
        "<" => ordering == Ordering::Less,
        "<=" => ordering != Ordering::Greater,
        _ => ordering == Ordering::Equal,
    }
}
