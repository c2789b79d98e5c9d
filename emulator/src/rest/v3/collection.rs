//! `note.collection.list`: knowledge bases, by position.

use serde_json::json;

use super::super::common::answer;
use super::super::filter::Filter;
use super::super::{Call, Page, RestError};
use super::dto::{Dto, DtoField, Source, Type};
use super::keyset::{Keyset, LIMIT};
use super::query::{self, bad};
use crate::rows::Table;
use crate::settings::LongPage;

const fn field(name: &'static str, kind: Type, column: &'static str) -> DtoField {
    DtoField::new(name, kind, Source::Column(column))
}

fn table<'a>(call: &Call<'a>) -> &'a Table {
    &call.world.tables.collections
}

pub(super) static DTO: Dto = Dto {
    name: "CollectionDto",
    fields: &[
        field("id", Type::Int, "ID"),
        field("name", Type::Text, "NAME"),
        field("position", Type::Int, "POSITION"),
        field("policyLevel", Type::Text, "POLICY_LEVEL"),
        field("createdBy", Type::Int, "CREATED_BY"),
        field("updatedBy", Type::Int, "UPDATED_BY"),
        field("createdAt", Type::DateTime, "CREATED_AT"),
        field("updatedAt", Type::DateTime, "UPDATED_AT"),
    ],
    relations: &[],
    table,
};

static KEYSET: Keyset = Keyset { dto: &DTO, field: "position", column: "POSITION" };

/// The cursor is `afterCursor` in the request and `nextCursor` in the answer, as the portal has it.
pub(crate) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let clamps = call.world.settings.read().long_page == LongPage::Clamp;
    let asked = KEYSET.asked(call).filter(|asked| clamps || asked.limit <= LIMIT);
    let mut asked = asked.ok_or_else(|| {
        bad("PAGINATION", "Pagination needs a limit from 1 to 200 and an unchanged cursor.")
    })?;
    asked.limit = asked.limit.min(LIMIT);
    let select = query::select(&DTO, None, &query::ALL)?;
    let page = KEYSET.page(call, &asked, Filter::everything(), false, &select);
    Ok(answer(out, &json!({"items": page.items, "nextCursor": page.cursor})))
}
