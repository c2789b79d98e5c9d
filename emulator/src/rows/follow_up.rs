//! Columns of the calls that have a follow-up (`call.followup.*`).

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;

/// How many calls there are.
pub(crate) const ROWS: u64 = 300;

const WEEK: i64 = 7 * 86_400;
const HOUR: i64 = 3600;

/// Meetings of one day of the week, on the hour: several start at once, and not in the order of their ids.
fn start(row: &Source) -> i64 {
    row.created() / WEEK * WEEK + (6 + signed(row.below(Draw::Kind, 9))) * HOUR
}

fn duration(row: &Source) -> i64 {
    60 + signed(row.below(Draw::Size, 3300))
}

/// Whoever was called: somebody else than the caller.
fn participant(row: &Source) -> Cell<'static> {
    let caller = row.below(Draw::Responsible, 6);
    Cell::Int(signed((caller + 1 + row.below(Draw::Relation, 5)) % 6 + 1))
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("ID", "callId", "int", Kind::Int, |row| Cell::Int(signed(row.id))),
    Field::new("CALL_TYPE", "callType", "int", Kind::Int, |row| Cell::Int(row.pick(Draw::Stage, &[1, 1, 2, 3]))),
    Field::new("INITIATOR_ID", "initiatorId", "int", Kind::Int, person::responsible),
    Field::new("PARTICIPANT_ID", "participantId", "int", Kind::Int, participant),
    Field::time("START_DATE", "startDate", |row| Cell::Time(start(row))),
    Field::time("END_DATE", "endDate", |row| Cell::Time(start(row) + duration(row))),
    Field::new("DURATION", "durationSeconds", "int", Kind::Int, |row| Cell::Int(duration(row))),
];
