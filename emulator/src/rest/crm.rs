//! `crm.lead.*`, `crm.deal.*`, `crm.contact.*`, `crm.company.*`.

use serde_json::{Map, Value};

use super::{Call, Operation, Page, RestError, list, status};
use crate::config::Entity;
use crate::events;
use crate::json;
use crate::params::integer;
use crate::rows::{Cell, Changes, Kind, Row, Table, merge_channels, stage_semantic};

pub(super) fn run(
    call: &Call<'_>,
    entity: Entity,
    operation: Operation,
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    let table = call.world.tables.get(entity);
    match operation {
        Operation::List => return list::run(call, table, out),
        Operation::Fields => fields(entity, table, out),
        Operation::Get => get(call, table, out)?,
        Operation::Add => {
            let changes = changes_of(call, table)?;
            json::raw(out, add(call, entity, table, changes));
        }
        Operation::Update => {
            let id = id_of(call)?;
            let changes = changes_of(call, table)?;
            if !update(call, entity, table, id, changes) {
                return Err(not_found());
            }
            out.extend_from_slice(b"true");
        }
        Operation::Delete => {
            let id = id_of(call)?;
            if !table.delete(id) {
                return Err(not_found());
            }
            events::changed(call, entity, operation, id);
            out.extend_from_slice(b"true");
        }
    }
    Ok(Page::default())
}

/// Appends a row as an object of the given fields; channels that the row does not have are left out.
pub(super) fn write_row(
    out: &mut Vec<u8>,
    table: &Table,
    row: &Row<'_>,
    fields: impl Iterator<Item = usize>,
) {
    out.push(b'{');
    for field in fields {
        let (name, cell) = (&table.fields[field].name, row.cell(field));
        if table.fields[field].kind == Kind::Multi && !is_filled(&cell) {
            continue;
        }
        json::separate(out);
        out.push(b'"');
        // Field names are plain ASCII.
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        cell.write(out, name);
    }
    out.push(b'}');
}

fn not_found() -> RestError {
    RestError::plain("Not found")
}

fn id_of(call: &Call<'_>) -> Result<u64, RestError> {
    let id = call.params.get("id").map_or(0, integer);
    u64::try_from(id)
        .ok()
        .filter(|&id| id > 0)
        .ok_or_else(|| RestError::plain("ID is not defined or invalid"))
}

fn get(call: &Call<'_>, table: &Table, out: &mut Vec<u8>) -> Result<(), RestError> {
    let id = id_of(call)?;
    let view = table.view();
    let row = view.row(id).ok_or_else(not_found)?;
    write_row(out, table, &row, 0..table.fields.len());
    Ok(())
}

fn fields(entity: Entity, table: &Table, out: &mut Vec<u8>) {
    out.push(b'{');
    for field in &table.fields {
        json::key(out, &field.name);
        out.push(b'{');
        json::key(out, "type");
        json::text(out, field.type_name);
        for (name, flag) in [
            ("isRequired", false),
            ("isReadOnly", !field.writable),
            ("isImmutable", false),
            ("isMultiple", field.kind == Kind::Multi),
            ("isDynamic", field.is_custom()),
        ] {
            json::key(out, name);
            json::raw(out, flag);
        }
        if let Some(list) = status::list_of(entity, &field.name) {
            json::key(out, "statusType");
            json::text(out, list);
        }
        if let Some(parent) = parent_of(entity, &field.name) {
            json::key(out, "settings");
            json::raw(out, format_args!("{{\"parentEntityTypeId\":{parent}}}"));
        }
        if is_deprecated(entity, &field.name) {
            out.extend_from_slice(b",\"isDeprecated\":true");
        }
        json::key(out, "title");
        json::text(out, &field.title);
        out.push(b'}');
    }
    out.push(b'}');
}

/// `entityTypeId` of the entity that a row was made from or belongs to.
fn parent_of(entity: Entity, field: &str) -> Option<u64> {
    match (entity, field) {
        (_, "LEAD_ID") => Some(1),
        (Entity::Lead | Entity::Deal, "COMPANY_ID") => Some(4),
        _ => None,
    }
}

/// One reference where newer portals keep a list.
fn is_deprecated(entity: Entity, field: &str) -> bool {
    matches!(
        (entity, field),
        (Entity::Lead | Entity::Deal, "CONTACT_ID") | (Entity::Contact, "COMPANY_ID")
    )
}

fn fields_param<'a>(call: &'a Call<'_>) -> Result<&'a Map<String, Value>, RestError> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    match call.params.get("fields") {
        Some(Value::Object(fields)) => Ok(fields),
        // PHP has one kind of array: a list has no field names in it.
        Some(Value::Array(_)) => Ok(&NONE),
        _ => Err(RestError::plain("Parameter 'fields' must be array.")),
    }
}

/// The writable fields that the call names; unknown and read-only ones are ignored, as in the portal.
fn changes_of(call: &Call<'_>, table: &Table) -> Result<Changes, RestError> {
    let mut changes = Changes::new();
    for (name, value) in fields_param(call)? {
        let known = table.field(name).filter(|&field| table.fields[field].writable);
        if let Some(field) = known {
            changes.insert(field, Cell::from_input(table.fields[field].kind, value));
        }
    }
    Ok(changes)
}

/// Adds a row with what every new row has; returns its id.
pub(super) fn add(call: &Call<'_>, entity: Entity, table: &Table, mut changes: Changes) -> u64 {
    let user = i64::try_from(call.caller.user_id).unwrap_or(i64::MAX);
    let now = call.world.clock.now();
    for cell in changes.values_mut() {
        if let Cell::Multi(channels) = cell {
            let added = std::mem::take(channels);
            *channels = merge_channels(Vec::new(), added, || table.fresh_channel());
        }
    }
    let opening: [(&str, Cell<'static>); 14] = [
        ("STATUS_ID", Cell::text("NEW")),
        ("STAGE_ID", Cell::text("NEW")),
        ("TITLE", Cell::text("")),
        ("CURRENCY_ID", Cell::text("EUR")),
        ("OPPORTUNITY", Cell::Money(0)),
        ("IS_MANUAL_OPPORTUNITY", Cell::Flag(false)),
        ("OPENED", Cell::Flag(true)),
        ("CLOSED", Cell::Flag(false)),
        ("CATEGORY_ID", Cell::Int(0)),
        ("ASSIGNED_BY_ID", Cell::Int(user)),
        ("CREATED_BY_ID", Cell::Int(user)),
        ("DATE_CREATE", Cell::Time(now)),
        ("HAS_IMOL", Cell::Flag(false)),
        ("IS_RETURN_CUSTOMER", Cell::Flag(false)),
    ];
    for (name, cell) in opening {
        if let Some(field) = table.field(name) {
            changes.entry(field).or_insert(cell);
        }
    }
    for (name, channel) in [("HAS_PHONE", "PHONE"), ("HAS_EMAIL", "EMAIL")] {
        let has = table.field(channel).and_then(|field| changes.get(&field)).is_some_and(is_filled);
        set(&mut changes, table, name, Cell::Flag(has));
    }
    touch(&mut changes, entity, table, user, now);
    let id = table.add(changes);
    events::changed(call, entity, Operation::Add, id);
    id
}

/// Changes a row; `false` if there is none.
pub(super) fn update(
    call: &Call<'_>,
    entity: Entity,
    table: &Table,
    id: u64,
    mut changes: Changes,
) -> bool {
    let user = i64::try_from(call.caller.user_id).unwrap_or(i64::MAX);
    for name in ["PHONE", "EMAIL"] {
        let Some(field) = table.field(name) else { continue };
        let Some(Cell::Multi(added)) = changes.get(&field).cloned() else { continue };
        let old = match table.view().row(id).map(|row| row.cell(field).into_owned()) {
            None => return false,
            Some(Cell::Multi(channels)) => channels,
            Some(_) => Vec::new(),
        };
        let merged = Cell::Multi(merge_channels(old, added, || table.fresh_channel()));
        set(&mut changes, table, &format!("HAS_{name}"), Cell::Flag(is_filled(&merged)));
        changes.insert(field, merged);
    }
    touch(&mut changes, entity, table, user, call.world.clock.now());
    let found = table.update(id, changes);
    if found {
        events::changed(call, entity, Operation::Update, id);
    }
    found
}

/// What every change leaves behind: who, when, and what follows from the stage.
fn touch(changes: &mut Changes, entity: Entity, table: &Table, user: i64, now: i64) {
    for name in ["MODIFY_BY_ID", "LAST_ACTIVITY_BY"] {
        set(changes, table, name, Cell::Int(user));
    }
    for name in ["DATE_MODIFY", "LAST_ACTIVITY_TIME"] {
        set(changes, table, name, Cell::Time(now));
    }
    for (stage, semantic) in
        [("STATUS_ID", "STATUS_SEMANTIC_ID"), ("STAGE_ID", "STAGE_SEMANTIC_ID")]
    {
        let Some(Cell::Text(stage)) = table.field(stage).and_then(|field| changes.get(&field))
        else {
            continue;
        };
        let meaning = stage_semantic(entity, stage);
        let is_new = stage == "NEW";
        set(changes, table, semantic, Cell::text(meaning));
        set(changes, table, "IS_NEW", Cell::Flag(is_new));
        set(changes, table, "MOVED_BY_ID", Cell::Int(user));
        set(changes, table, "MOVED_TIME", Cell::Time(now));
        set(
            changes,
            table,
            "DATE_CLOSED",
            if meaning == "P" { Cell::text("") } else { Cell::Time(now) },
        );
    }
}

fn set(changes: &mut Changes, table: &Table, name: &str, cell: Cell<'static>) {
    if let Some(field) = table.field(name) {
        changes.insert(field, cell);
    }
}

pub(super) fn is_filled(cell: &Cell<'_>) -> bool {
    matches!(cell, Cell::Multi(channels) if !channels.is_empty())
}
