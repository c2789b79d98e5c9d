//! Columns of the portal's event log (`main.eventlog.*`).

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;

/// How long the log is.
pub(crate) const ROWS: u64 = 600;

/// Severity, what happened, in which module.
const KINDS: [(&str, &str, &str); 5] = [
    ("SECURITY", "USER_AUTHORIZE", "main"),
    ("SECURITY", "USER_AUTHORIZE", "main"),
    ("INFO", "USER_EDIT", "main"),
    ("WARNING", "USER_INFO", "main"),
    ("INFO", "REST_APP_INSTALL", "rest"),
];

fn kind(row: &Source) -> (&'static str, &'static str, &'static str) {
    row.pick(Draw::Kind, &KINDS)
}

fn address(row: &Source) -> Cell<'static> {
    // A block that belongs to documentation.
    Cell::text(format!("192.0.2.{}", row.below(Draw::City, 254) + 1))
}

fn item(row: &Source) -> Cell<'static> {
    Cell::text((row.below(Draw::Responsible, 6) + 1).to_string())
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("ID", "id", "int", Kind::Int, |row| Cell::Int(signed(row.id))),
    Field::time("TIMESTAMP_X", "timestampX", person::created),
    Field::text("SEVERITY", "severity", |row| Cell::text(kind(row).0)),
    Field::text("AUDIT_TYPE_ID", "auditTypeId", |row| Cell::text(kind(row).1)),
    Field::text("MODULE_ID", "moduleId", |row| Cell::text(kind(row).2)),
    Field::text("ITEM_ID", "itemId", item),
    Field::text("REMOTE_ADDR", "remoteAddr", address),
    Field::text("USER_AGENT", "userAgent", |_| Cell::text("Mozilla/5.0 (X11; Linux x86_64)")),
    Field::text("REQUEST_URI", "requestUri", |_| Cell::text("/stream/")),
    Field::text("SITE_ID", "siteId", |_| Cell::text("s1")),
    Field::new("USER_ID", "userId", "int", Kind::Int, person::responsible),
    Field::new("GUEST_ID", "guestId", "int", Kind::Int, |_| Cell::Int(0)),
    Field::blank("DESCRIPTION", "description"),
];
