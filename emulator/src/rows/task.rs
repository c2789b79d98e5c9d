//! Columns of a task. The methods rename them: see `rest/task.rs` and `rest/v3/task.rs`.

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;

/// Pending, in progress, awaiting control, completed, deferred.
const OLD: [(&str, u64); 5] = [("5", 74), ("2", 12), ("3", 6), ("4", 3), ("6", 5)];
const RECENT: [(&str, u64); 3] = [("2", 60), ("3", 30), ("5", 10)];
const COMPLETED: i64 = 5;

fn status(row: &Source) -> i64 {
    let word = if row.is_recent() {
        row.weighted(Draw::Stage, &RECENT)
    } else {
        row.weighted(Draw::Stage, &OLD)
    };
    word.parse().unwrap_or(2)
}

fn closed(row: &Source) -> Cell<'static> {
    if status(row) == COMPLETED { Cell::Time(row.modified()) } else { Cell::Null }
}

fn closed_by(row: &Source) -> Cell<'static> {
    if status(row) == COMPLETED { person::responsible(row) } else { Cell::Int(0) }
}

fn deadline(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Birth, 35) {
        return Cell::Null;
    }
    Cell::Time(row.created() + signed(row.below(Draw::Birth, 21) + 1) * 86_400)
}

fn author(row: &Source) -> Cell<'static> {
    Cell::Int(signed(row.below(Draw::Relation, 6) + 1))
}

fn guid(row: &Source) -> Cell<'static> {
    let (high, low) = (row.draw(Draw::Mail), row.draw(Draw::Phone));
    Cell::text(format!(
        "{{{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}}}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    ))
}

const fn int(name: &'static str, make: super::field::Make) -> Field {
    Field::new(name, name, "integer", Kind::Int, make)
}

const fn flag(name: &'static str) -> Field {
    Field::flag(name, name, |_| Cell::Flag(false))
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    int("ID", |row| Cell::Int(signed(row.id))).read_only(),
    int("PARENT_ID", |_| Cell::Null),
    Field::text("TITLE", "TITLE", person::title),
    Field::text("DESCRIPTION", "DESCRIPTION", person::comments),
    Field::blank("MARK", "MARK"),
    int("PRIORITY", |row| Cell::Int(if row.chance(Draw::Kind, 20) { 2 } else { 1 })),
    flag("MULTITASK"),
    flag("NOT_VIEWED").read_only(),
    flag("REPLICATE"),
    int("STAGE_ID", |_| Cell::Int(0)),
    int("CREATED_BY", author),
    Field::time("CREATED_DATE", "CREATED_DATE", person::created).read_only(),
    int("RESPONSIBLE_ID", person::responsible),
    int("CHANGED_BY", person::responsible).read_only(),
    Field::time("CHANGED_DATE", "CHANGED_DATE", person::modified).read_only(),
    int("STATUS_CHANGED_BY", person::responsible).read_only(),
    int("CLOSED_BY", closed_by).read_only(),
    Field::time("CLOSED_DATE", "CLOSED_DATE", closed).read_only(),
    Field::time("ACTIVITY_DATE", "ACTIVITY_DATE", person::modified).read_only(),
    Field::time("DATE_START", "DATE_START", |_| Cell::Null).read_only(),
    Field::time("DEADLINE", "DEADLINE", deadline),
    Field::time("START_DATE_PLAN", "START_DATE_PLAN", |_| Cell::Null),
    Field::time("END_DATE_PLAN", "END_DATE_PLAN", |_| Cell::Null),
    Field::text("GUID", "GUID", guid).read_only(),
    Field::blank("XML_ID", "XML_ID"),
    int("COMMENTS_COUNT", |_| Cell::Null).read_only(),
    int("SERVICE_COMMENTS_COUNT", |_| Cell::Null).read_only(),
    flag("ALLOW_CHANGE_DEADLINE"),
    flag("ALLOW_TIME_TRACKING"),
    flag("TASK_CONTROL"),
    flag("ADD_IN_REPORT"),
    int("FORKED_BY_TEMPLATE_ID", |_| Cell::Null).read_only(),
    int("TIME_ESTIMATE", |_| Cell::Int(0)),
    int("TIME_SPENT_IN_LOGS", |_| Cell::Null).read_only(),
    flag("MATCH_WORK_TIME"),
    int("FORUM_TOPIC_ID", |_| Cell::Null).read_only(),
    int("FORUM_ID", |_| Cell::Null).read_only(),
    Field::text("SITE_ID", "SITE_ID", |_| Cell::text("s1")).read_only(),
    Field::flag("SUBORDINATE", "SUBORDINATE", |_| Cell::Flag(true)).read_only(),
    Field::blank("EXCHANGE_MODIFIED", "EXCHANGE_MODIFIED"),
    Field::blank("EXCHANGE_ID", "EXCHANGE_ID"),
    int("OUTLOOK_VERSION", |_| Cell::Int(1)).read_only(),
    Field::time("VIEWED_DATE", "VIEWED_DATE", |_| Cell::Null).read_only(),
    int("SORTING", |_| Cell::Null).read_only(),
    int("DURATION_FACT", |_| Cell::Null).read_only(),
    flag("IS_MUTED").read_only(),
    flag("IS_PINNED").read_only(),
    flag("IS_PINNED_IN_GROUP").read_only(),
    int("FLOW_ID", |_| Cell::Null),
    Field::flag("DESCRIPTION_IN_BBCODE", "DESCRIPTION_IN_BBCODE", |_| Cell::Flag(true)),
    int("STATUS", |row| Cell::Int(status(row))),
    Field::time("STATUS_CHANGED_DATE", "STATUS_CHANGED_DATE", person::modified).read_only(),
    int("DURATION_PLAN", |_| Cell::Null),
    Field::text("DURATION_TYPE", "DURATION_TYPE", |_| Cell::text("days")),
    flag("FAVORITE").read_only(),
    int("GROUP_ID", |_| Cell::Int(0)),
];
