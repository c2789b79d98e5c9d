//! Columns of the knowledge bases (`note.collection.*`).

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;

/// How many there are.
pub(crate) const ROWS: u64 = 250;

/// Steps of a hundred, as the portal makes them; several bases share one.
fn position(row: &Source) -> Cell<'static> {
    Cell::Int(signed(row.below(Draw::Kind, 40) + 1) * 100)
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("ID", "id", "int", Kind::Int, |row| Cell::Int(signed(row.id))),
    Field::text("NAME", "name", person::title),
    Field::new("POSITION", "position", "int", Kind::Int, position),
    Field::text("POLICY_LEVEL", "policyLevel", |row| Cell::text(row.pick(Draw::Stage, &["private", "portal"]))),
    Field::new("CREATED_BY", "createdBy", "int", Kind::Int, person::responsible),
    Field::new("UPDATED_BY", "updatedBy", "int", Kind::Int, person::responsible),
    Field::time("CREATED_AT", "createdAt", person::created),
    Field::time("UPDATED_AT", "updatedAt", person::modified),
];
