//! `tasks.task.*` of REST 3.0: words and numbers in place of the texts of the older methods.

use serde_json::{Map, Value, json};

use super::super::common::answer;
use super::super::task as classic;
use super::super::{Call, Operation, Page, RestError};
use super::dto::{self, Dto, DtoField, Relation, Source, Type};
use super::query::{self, id_of, not_found};
use crate::config::Entity;
use crate::rows::{Cell, Changes, Table};
use crate::{clock, events, users};

const STATUS: Type = Type::Words(&[
    (2, "pending"),
    (3, "in_progress"),
    (4, "supposedly_completed"),
    (5, "completed"),
    (6, "deferred"),
]);
const PRIORITY: Type = Type::Words(&[(0, "low"), (1, "average"), (2, "high")]);

const fn column(name: &'static str, kind: Type, column: &'static str) -> DtoField {
    DtoField::new(name, kind, Source::Column(column)).sortable()
}

const fn made(name: &'static str, kind: Type, make: fn(&Call<'_>, u64) -> Value) -> DtoField {
    DtoField::new(name, kind, Source::Made(make))
}

const fn no(name: &'static str) -> DtoField {
    made(name, Type::Bool, |_, _| Value::Bool(false))
}

const fn null(name: &'static str, kind: Type) -> DtoField {
    made(name, kind, |_, _| Value::Null)
}

const fn empty(name: &'static str) -> DtoField {
    made(name, Type::Array, |_, _| json_list())
}

const fn json_list() -> Value {
    Value::Array(Vec::new())
}

fn link(_: &Call<'_>, id: u64) -> Value {
    format!("/company/personal/user/1/tasks/task/view/{id}/").into()
}

fn archive(_: &Call<'_>, id: u64) -> Value {
    format!("/bitrix/tools/disk/uf.php?entityId={id}&entity=tasks_task&action=downloadArchive")
        .into()
}

fn rights(_: &Call<'_>, _: u64) -> Value {
    const DENIED: [&str; 10] = [
        "approve",
        "disapprove",
        "take",
        "renew",
        "changeDirector",
        "pause",
        "timeTracking",
        "resultEdit",
        "removeResult",
        "resultRead",
    ];
    const RIGHTS: [&str; 43] = [
        "read",
        "watch",
        "mute",
        "createResult",
        "edit",
        "remove",
        "complete",
        "approve",
        "disapprove",
        "start",
        "take",
        "delegate",
        "defer",
        "renew",
        "deadline",
        "datePlan",
        "changeDirector",
        "changeResponsible",
        "changeAccomplices",
        "pause",
        "timeTracking",
        "mark",
        "changeStatus",
        "reminder",
        "addAuditors",
        "elapsedTime",
        "favorite",
        "checklistAdd",
        "checklistEdit",
        "checklistSave",
        "checklistToggle",
        "automate",
        "resultEdit",
        "completeResult",
        "removeResult",
        "resultRead",
        "admin",
        "createSubtask",
        "copy",
        "saveAsTemplate",
        "attachFile",
        "detachFile",
        "detachParent",
    ];
    let mut map: Map<String, Value> = RIGHTS
        .into_iter()
        .map(|right| (right.to_owned(), Value::Bool(!DENIED.contains(&right))))
        .collect();
    map.insert("createGanttDependence".to_owned(), true.into());
    map.insert("sort".to_owned(), false.into());
    map.into()
}

fn table<'a>(call: &Call<'a>) -> &'a Table {
    classic::table(call)
}

pub(super) static DTO: Dto = Dto {
    name: "TaskDto",
    fields: &[
        column("id", Type::Int, "ID").filterable(),
        column("title", Type::Text, "TITLE").editable(),
        column("description", Type::Text, "DESCRIPTION").editable(),
        column("creatorId", Type::Int, "CREATED_BY"),
        column("created", Type::DateTime, "CREATED_DATE"),
        column("responsibleId", Type::Int, "RESPONSIBLE_ID").editable(),
        column("deadline", Type::DateTime, "DEADLINE").editable(),
        column("needsControl", Type::Bool, "TASK_CONTROL").editable(),
        column("startPlan", Type::DateTime, "START_DATE_PLAN").editable(),
        column("endPlan", Type::DateTime, "END_DATE_PLAN").editable(),
        null("fileIds", Type::Array),
        empty("checklist"),
        column("groupId", Type::Int, "GROUP_ID").editable(),
        null("epicId", Type::Int),
        null("storyPoints", Type::Int),
        column("priority", PRIORITY, "PRIORITY").editable(),
        column("status", STATUS, "STATUS").editable(),
        column("statusChanged", Type::DateTime, "STATUS_CHANGED_DATE"),
        column("parentId", Type::Int, "PARENT_ID").editable(),
        no("containsChecklist"),
        no("containsSubTasks"),
        no("containsRelatedTasks"),
        no("containsGanttLinks"),
        made("containsPlacements", Type::Bool, |_, _| Value::Bool(true)),
        no("containsResults"),
        made("numberOfReminders", Type::Int, |_, _| 0.into()),
        made("chatId", Type::Int, |_, id| (id + 1000).into()),
        made("plannedDuration", Type::Int, |_, _| 0.into()),
        made("actualDuration", Type::Int, |_, _| 0.into()),
        column("durationType", Type::Text, "DURATION_TYPE"),
        column("started", Type::DateTime, "DATE_START"),
        column("estimatedTime", Type::Int, "TIME_ESTIMATE").editable(),
        column("replicate", Type::Bool, "REPLICATE"),
        column("changed", Type::DateTime, "CHANGED_DATE"),
        column("closed", Type::DateTime, "CLOSED_DATE"),
        column("activity", Type::DateTime, "ACTIVITY_DATE"),
        column("guid", Type::Text, "GUID"),
        column("xmlId", Type::Text, "XML_ID").editable(),
        column("exchangeId", Type::Text, "EXCHANGE_ID"),
        column("exchangeModified", Type::Text, "EXCHANGE_MODIFIED"),
        column("outlookVersion", Type::Int, "OUTLOOK_VERSION"),
        made("mark", Type::Text, |_, _| "none".into()),
        column("allowsChangeDeadline", Type::Bool, "ALLOW_CHANGE_DEADLINE").editable(),
        column("allowsTimeTracking", Type::Bool, "ALLOW_TIME_TRACKING").editable(),
        column("matchesWorkTime", Type::Bool, "MATCH_WORK_TIME").editable(),
        null("addInReport", Type::Bool),
        column("isMultitask", Type::Bool, "MULTITASK"),
        column("siteId", Type::Text, "SITE_ID"),
        null("deadlineCount", Type::Int),
        null("declineReason", Type::Text),
        column("forumTopicId", Type::Int, "FORUM_TOPIC_ID"),
        made("link", Type::Text, link),
        made("rights", Type::Object, rights),
        made("archiveLink", Type::Text, archive),
        empty("crmItemIds"),
        no("requireResult"),
        no("matchesSubTasksTime"),
        no("autocompleteSubTasks"),
        no("allowsChangeDatePlan"),
        null("maxDeadlineChangeDate", Type::DateTime),
        null("maxDeadlineChanges", Type::Int),
        no("requireDeadlineChangeReason"),
        empty("inFavorite"),
        empty("inPin"),
        empty("inGroupPin"),
        empty("inMute"),
        empty("dependsOn"),
        made("scenarios", Type::Array, |_, _| json!(["default"])),
    ],
    relations: &[
        Relation {
            name: "responsible",
            column: "RESPONSIBLE_ID",
            fields: &["id", "name", "email", "workPosition"],
        },
        Relation {
            name: "creator",
            column: "CREATED_BY",
            fields: &["id", "name", "email", "workPosition"],
        },
    ],
    table,
};

/// Without a selection only ids.
pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    query::list(&DTO, call, &["id"], out)
}

pub(crate) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    query::get(&DTO, call, out)
}

pub(crate) fn field_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    dto::field_get(&DTO, call, out)
}

pub(crate) fn field_list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    dto::field_list(&DTO, call, out)
}

/// The `fields` of a call, as cells. `new`: what only the author of a new task may say is allowed too.
fn changes_of(call: &Call<'_>, new: bool) -> Result<Changes, RestError> {
    let Some(Value::Object(fields)) = call.params.exact("fields") else {
        return Err(RestError::v3_field("fields", "Required field `fields` is missing"));
    };
    let table = table(call);
    let mut changes = Changes::new();
    for (name, value) in fields {
        let field = DTO.field(name).ok_or_else(|| DTO.unknown(name))?;
        if !(field.editable || new && name == "creatorId") {
            let text = format!(
                "In DTO `TaskDto`, the field `{name}` requires the presence of the `Editable` attribute for such a request"
            );
            return Err(RestError::v3_field(name, &text));
        }
        let Some(column) = DTO.column(table, field) else { continue };
        let cell = cell_of(field, value).ok_or_else(|| {
            let kind = field.kind.name();
            let text = format!("Field `{name}` requires data type `{kind}` for this request");
            RestError::v3_field(name, &text)
        })?;
        changes.insert(column, cell);
    }
    Ok(changes)
}

fn cell_of(field: &DtoField, value: &Value) -> Option<Cell<'static>> {
    match (field.kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (Type::Int, value) => value.as_i64().map(Cell::Int),
        (Type::Bool, Value::Bool(flag)) => Some(Cell::Flag(*flag)),
        (Type::DateTime, Value::String(text)) => clock::parse(text).map(Cell::Time),
        (Type::Text, Value::String(text)) => Some(Cell::text(text.clone())),
        (Type::Words(words), Value::String(text)) => {
            words.iter().find(|(_, word)| word == text).map(|(number, _)| Cell::Int(*number))
        }
        _ => None,
    }
}

pub(crate) fn add(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let changes = changes_of(call, true)?;
    let table = table(call);
    for (name, column) in
        [("title", "TITLE"), ("creatorId", "CREATED_BY"), ("responsibleId", "RESPONSIBLE_ID")]
    {
        let given = table.field(column).and_then(|column| changes.get(&column));
        let missing = match given {
            None | Some(Cell::Null) => true,
            Some(Cell::Text(text)) => text.is_empty(),
            Some(Cell::Int(id)) => !u64::try_from(*id).is_ok_and(users::is_valid),
            Some(_) => false,
        };
        if missing {
            let text = format!("Required field `{name}` is missing");
            return Err(RestError::v3_field(name, &text));
        }
    }
    let id = classic::insert(call, table, changes);
    let select = query::select(&DTO, None, &query::ALL)?;
    query::show(&DTO, call, id, &select, out)
}

pub(crate) fn update(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = id_of(call)?;
    let mut changes = changes_of(call, false)?;
    let table = table(call);
    classic::touch(call, table, &mut changes);
    if !table.update(id, changes) {
        return Err(not_found(id));
    }
    events::changed(call, Entity::Task, Operation::Update, id);
    Ok(answer(out, &json!({"result": true})))
}

pub(crate) fn delete(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = id_of(call)?;
    if !table(call).delete(id) {
        return Err(not_found(id));
    }
    events::changed(call, Entity::Task, Operation::Delete, id);
    Ok(answer(out, &json!({"result": true})))
}
