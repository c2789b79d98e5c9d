//! `tasks.task.*` of the older generation: upper-case names in, camelCase texts out.

use serde_json::{Map, Value, json};

use super::common::answer;
use super::filter::{self, Filter};
use super::find::{PAGE, Query, find};
use super::list::{Start, is_descending, selected};
use super::{Call, Operation, Page, RestError};
use crate::config::Entity;
use crate::events;
use crate::params::{integer, scalar};
use crate::rows::item::lower_camel;
use crate::rows::{Cell, Changes, Row, Table};

/// The status of a completed task.
const COMPLETED: i64 = 5;

pub(super) fn table<'a>(call: &Call<'a>) -> &'a Table {
    call.world.tables.get(Entity::Task)
}

fn invalid(value: &Value, name: &str, wanted: &str) -> RestError {
    let shown = scalar(value).unwrap_or_default();
    RestError::controller(&format!(
        "Invalid value {{{shown}}} to match with parameter {{{name}}}. Should be value of type {wanted}. (internal error)"
    ))
}

fn missing(name: &str) -> RestError {
    RestError::controller(&format!(
        "Could not find value for parameter {{{name}}} (internal error)"
    ))
}

/// `taskId`, also as the first of numbered arguments.
fn id_of(call: &Call<'_>) -> Result<u64, RestError> {
    let given = call.params.get("taskId").or_else(|| call.params.get("id"));
    let given = given.or_else(|| call.params.exact("0")).ok_or_else(|| missing("taskId"))?;
    let whole = scalar(given).and_then(|text| text.parse().ok());
    whole.ok_or_else(|| invalid(given, "taskId", "int"))
}

fn no_task() -> RestError {
    RestError::new(400, "ERROR_CORE", "Task not found or access denied<br>")
}

/// Rows of fifty under `tasks`.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let table = table(call);
    let query = query(call, table)?;
    let columns = columns(call, table)?;
    let view = table.view();
    let found = find(&view, &query);
    let rows: Vec<Value> = found
        .ids
        .iter()
        .filter_map(|&id| Some(row_json(call, &view.row(id)?, &columns, false)))
        .collect();
    let after = query.skip + rows.len();
    answer(out, &json!({"tasks": rows}));
    if !query.counted {
        return Ok(Page::default());
    }
    let next = Start::next(after, found.total);
    Ok(Page { next, total: Some(found.total), ..Page::default() })
}

fn query(call: &Call<'_>, table: &Table) -> Result<Query, RestError> {
    let column = |name: &str| Ok(table.field(if name == "REAL_STATUS" { "STATUS" } else { name }));
    let Filter { range, conditions } = match call.params.get("filter") {
        None | Some(Value::Null | Value::Array(_)) => Filter::everything(),
        Some(Value::Object(filter)) => filter::read(filter, table, &column)?,
        Some(other) => return Err(invalid(other, "filter", "array")),
    };
    let mut order = Vec::new();
    if let Some(Value::Object(given)) = call.params.get("order") {
        for (name, direction) in given {
            let bad = || RestError::new(400, "0", "Invalid sorting key (internal error)");
            order.push((table.field(name).ok_or_else(bad)?, is_descending(direction)));
        }
    }
    let (skip, counted) = match Start::of(call) {
        Start::Uncounted => (0, false),
        Start::At(start) => (start / PAGE * PAGE, true),
    };
    Ok(Query { range, conditions, order, skip, limit: PAGE, counted })
}

/// Columns that a `select` names; all without one.
fn columns(call: &Call<'_>, table: &Table) -> Result<Vec<usize>, RestError> {
    let select = call.params.get("select");
    if let Some(wrong) = select.filter(|select| !select.is_array() && !select.is_object()) {
        return Err(invalid(wrong, "select", "array"));
    }
    let names = selected(select);
    if names.is_empty() || names.contains(&"*") {
        return Ok((0..table.fields.len()).collect());
    }
    let mut columns: Vec<usize> = table.field("ID").into_iter().collect();
    for column in names.iter().filter_map(|name| table.field(name)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// A task; `whole` adds what single tasks have: actions and the tree of the checklist.
fn row_json(call: &Call<'_>, row: &Row<'_>, columns: &[usize], whole: bool) -> Value {
    let mut task = Map::new();
    let mut put = |name: &str, value: Value| task.insert(name.to_owned(), value);
    let mut people = Vec::new();
    for &column in columns {
        let (name, cell) = (row.name(column), row.cell(column));
        match (name, &cell) {
            ("CREATED_BY", Cell::Int(id)) => people.push(("creator", *id)),
            ("RESPONSIBLE_ID", Cell::Int(id)) => people.push(("responsible", *id)),
            // The status as it is, and with what follows from dates.
            ("STATUS", _) if !whole => _ = put("subStatus", cell.classic()),
            _ => {}
        }
        // A description that is not there is an empty text.
        let empty = name == "DESCRIPTION" && matches!(cell, Cell::Null);
        put(&lower_camel(name), if empty { "".into() } else { cell.classic() });
    }
    // Nobody looks on or helps, and nothing has a group.
    for name in ["auditors", "accomplices", "group", "auditorsData", "accomplicesData"] {
        put(name, json!([]));
    }
    if selected(call.params.get("select")).contains(&"TAGS") {
        put("tags", json!([]));
    }
    for (name, id) in people {
        put(name, person(call, u64::try_from(id).unwrap_or(1)));
    }
    if whole {
        put("checklist", json!([]));
        put("newCommentsCount", 0.into());
        put("action", actions());
        put("checkListTree", tree(call.caller.user_id));
        put("checkListCanAdd", true.into());
    }
    task.into()
}

fn person(call: &Call<'_>, id: u64) -> Value {
    let user = call.user(id.max(1));
    json!({
        "id": user.id.to_string(),
        "name": format!("{} {}", user.name, user.last_name),
        "link": format!("/company/personal/user/{}/", user.id),
        "icon": "/bitrix/images/tasks/default_avatar.png",
        "workPosition": user.position,
    })
}

fn actions() -> Value {
    json!({
        "accept": false, "decline": false, "complete": true, "approve": false, "disapprove": false,
        "start": true, "pause": false, "delegate": true, "remove": true, "edit": true, "defer": true,
        "renew": false, "create": true, "changeDeadline": true, "checklistAddItems": true,
        "addFavorite": true, "deleteFavorite": false, "rate": true, "take": false,
        "edit.originator": false, "checklist.reorder": true, "elapsedtime.add": true,
        "dayplan.timer.toggle": false, "edit.plan": true, "checklist.add": true,
        "favorite.add": true, "favorite.delete": false,
    })
}

fn tree(user_id: u64) -> Value {
    json!({
        "nodeId": 0,
        "fields": {
            "id": null, "copiedId": null, "entityId": null, "userId": user_id, "createdBy": null,
            "parentId": null, "title": "", "sortIndex": null, "displaySortIndex": "",
            "isComplete": false, "isImportant": false, "completedCount": 0, "members": [],
            "attachments": [],
        },
        "action": [],
        "descendants": [],
    })
}

fn write_task(call: &Call<'_>, id: u64, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let table = table(call);
    let columns = columns(call, table)?;
    let view = table.view();
    let row = view.row(id).ok_or_else(no_task)?;
    Ok(answer(out, &json!({"task": row_json(call, &row, &columns, true)})))
}

pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    write_task(call, id_of(call)?, out)
}

/// The writable fields that a call names.
fn changes_of(call: &Call<'_>, table: &Table) -> Result<Changes, RestError> {
    let fields = match call.params.get("fields") {
        Some(Value::Object(fields)) => fields,
        None | Some(Value::Null) => return Err(missing("fields")),
        Some(other) => return Err(invalid(other, "fields", "array")),
    };
    let writable = |(name, value): (&String, &Value)| {
        let column = table.field(name).filter(|&column| table.fields[column].writable)?;
        Some((column, Cell::from_input(table.fields[column].kind, value)))
    };
    Ok(fields.iter().filter_map(writable).collect())
}

fn is_blank(cell: Option<&Cell<'_>>) -> bool {
    match cell {
        None | Some(Cell::Null) => true,
        Some(Cell::Text(text)) => text.trim().is_empty(),
        Some(Cell::Int(number)) => *number == 0,
        Some(_) => false,
    }
}

pub(super) fn add(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let table = table(call);
    let changes = changes_of(call, table)?;
    let refuse = |text: &str| Err(RestError::new(400, "ERROR_CORE", text));
    if is_blank(table.field("TITLE").and_then(|at| changes.get(&at))) {
        return refuse("Task title is not specified<br>");
    }
    if is_blank(table.field("RESPONSIBLE_ID").and_then(|at| changes.get(&at))) {
        return refuse("Responsible person not specified<br>");
    }
    write_task(call, insert(call, table, changes), out)
}

/// Adds a task with what every new task has.
pub(super) fn insert(call: &Call<'_>, table: &Table, mut changes: Changes) -> u64 {
    let user = i64::try_from(call.caller.user_id).unwrap_or(i64::MAX);
    let now = call.world.clock.now();
    let opening: [(&str, Cell<'static>); 21] = [
        ("DESCRIPTION", Cell::text("")),
        ("PRIORITY", Cell::Int(1)),
        ("MULTITASK", Cell::Flag(false)),
        ("NOT_VIEWED", Cell::Flag(false)),
        ("REPLICATE", Cell::Flag(false)),
        ("STAGE_ID", Cell::Int(0)),
        ("CREATED_BY", Cell::Int(user)),
        ("CREATED_DATE", Cell::Time(now)),
        ("STATUS", Cell::Int(2)),
        ("STATUS_CHANGED_DATE", Cell::Time(now)),
        ("GROUP_ID", Cell::Int(0)),
        ("SITE_ID", Cell::text("s1")),
        ("SUBORDINATE", Cell::Flag(true)),
        ("OUTLOOK_VERSION", Cell::Int(1)),
        ("DURATION_TYPE", Cell::text("days")),
        ("DESCRIPTION_IN_BBCODE", Cell::Flag(true)),
        ("TIME_ESTIMATE", Cell::Int(0)),
        ("FAVORITE", Cell::Flag(false)),
        ("IS_MUTED", Cell::Flag(false)),
        ("IS_PINNED", Cell::Flag(false)),
        ("IS_PINNED_IN_GROUP", Cell::Flag(false)),
    ];
    for (name, cell) in opening {
        if let Some(column) = table.field(name) {
            changes.entry(column).or_insert(cell);
        }
    }
    for name in [
        "ALLOW_CHANGE_DEADLINE",
        "ALLOW_TIME_TRACKING",
        "TASK_CONTROL",
        "ADD_IN_REPORT",
        "MATCH_WORK_TIME",
    ] {
        if let Some(column) = table.field(name) {
            changes.entry(column).or_insert(Cell::Flag(false));
        }
    }
    if let Some(column) = table.field("GUID") {
        let guid = format!("{{{:08x}-0000-4000-8000-{now:012x}}}", rand::random::<u32>());
        changes.insert(column, Cell::text(guid));
    }
    touch(call, table, &mut changes);
    let id = table.add(changes);
    events::changed(call, Entity::Task, Operation::Add, id);
    id
}

/// Who changed it and when, and what follows from the status.
pub(super) fn touch(call: &Call<'_>, table: &Table, changes: &mut Changes) {
    let user = i64::try_from(call.caller.user_id).unwrap_or(i64::MAX);
    let now = call.world.clock.now();
    let status = table.field("STATUS").and_then(|column| match changes.get(&column) {
        Some(Cell::Int(status)) => Some(*status),
        _ => None,
    });
    let mut set = |name: &str, cell: Cell<'static>| {
        if let Some(column) = table.field(name) {
            changes.insert(column, cell);
        }
    };
    set("CHANGED_BY", Cell::Int(user));
    set("CHANGED_DATE", Cell::Time(now));
    set("ACTIVITY_DATE", Cell::Time(now));
    if let Some(status) = status {
        let done = status == COMPLETED;
        set("STATUS_CHANGED_DATE", Cell::Time(now));
        set("STATUS_CHANGED_BY", Cell::Int(user));
        set("CLOSED_DATE", if done { Cell::Time(now) } else { Cell::Null });
        set("CLOSED_BY", if done { Cell::Int(user) } else { Cell::Null });
    }
}

pub(super) fn update(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (table, id) = (table(call), id_of(call)?);
    let mut changes = changes_of(call, table)?;
    let parent = table.field("PARENT_ID").and_then(|column| changes.get(&column));
    if matches!(parent, Some(Cell::Int(parent)) if u64::try_from(*parent) == Ok(id)) {
        return Err(RestError::new(400, "ERROR_CORE", "Cannot bind the node to itself<br>"));
    }
    touch(call, table, &mut changes);
    if !table.update(id, changes) {
        return Err(no_task());
    }
    events::changed(call, Entity::Task, Operation::Update, id);
    write_task(call, id, out)
}

pub(super) fn delete(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = id_of(call)?;
    if !table(call).delete(id) {
        return Err(no_task());
    }
    events::changed(call, Entity::Task, Operation::Delete, id);
    Ok(answer(out, &json!({"task": true})))
}

/// Types of the fields by their names.
pub(super) fn fields(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let describe = |field: &crate::rows::Field| {
        (field.name.to_string(), json!({"title": field.title, "type": field.type_name}))
    };
    let fields: Map<String, Value> = table(call).fields.iter().map(describe).collect();
    Ok(answer(out, &json!({"fields": fields})))
}

/// No flow was ever made: a method whose name has a capital.
pub(super) fn flow_get(call: &Call<'_>, _: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = call.params.get("flowId").ok_or_else(|| missing("flowId"))?;
    integer(id);
    Err(RestError::new(400, "0", "Flow not found"))
}
