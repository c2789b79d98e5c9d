//! `main.eventlog.*`: the one entity here whose fields can nearly all be filtered.

use super::super::{Call, Page, RestError};
use super::aggregate::aggregate as totals;
use super::dto::{self, Dto, DtoField, Source, Type};
use super::query;
use crate::rows::Table;

const fn field(name: &'static str, kind: Type, column: &'static str) -> DtoField {
    DtoField::new(name, kind, Source::Column(column)).filterable().sortable()
}

fn table<'a>(call: &Call<'a>) -> &'a Table {
    &call.world.tables.event_log
}

pub(super) static DTO: Dto = Dto {
    name: "EventLogDto",
    fields: &[
        field("id", Type::Int, "ID"),
        field("timestampX", Type::DateTime, "TIMESTAMP_X"),
        field("severity", Type::Text, "SEVERITY"),
        field("auditTypeId", Type::Text, "AUDIT_TYPE_ID"),
        field("moduleId", Type::Text, "MODULE_ID"),
        field("itemId", Type::Text, "ITEM_ID"),
        field("remoteAddr", Type::Text, "REMOTE_ADDR"),
        field("userAgent", Type::Text, "USER_AGENT"),
        field("requestUri", Type::Text, "REQUEST_URI"),
        field("siteId", Type::Text, "SITE_ID"),
        field("userId", Type::Int, "USER_ID"),
        field("guestId", Type::Int, "GUEST_ID"),
        DtoField::new("description", Type::Text, Source::Column("DESCRIPTION")),
    ],
    relations: &[],
    table,
};

/// The log is for administrators.
fn admitted(call: &Call<'_>) -> Result<(), RestError> {
    if call.is_admin() { Ok(()) } else { Err(RestError::v3(403, "ACCESSDENIED", "Access denied")) }
}

pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    admitted(call)?;
    query::list(&DTO, call, &query::ALL, out)
}

pub(crate) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    admitted(call)?;
    query::get(&DTO, call, out)
}

pub(crate) fn tail(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    admitted(call)?;
    query::tail(&DTO, call, out)
}

pub(crate) fn aggregate(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    admitted(call)?;
    totals(&DTO, call, out)
}

pub(crate) fn field_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    dto::field_get(&DTO, call, out)
}

pub(crate) fn field_list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    dto::field_list(&DTO, call, out)
}
