//! Columns of a deal, in the portal's order.

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;
use super::words::SOURCE;

const OLD: [(&str, u64); 7] = [
    ("WON", 45),
    ("LOSE", 30),
    ("FINAL_INVOICE", 6),
    ("EXECUTING", 7),
    ("PREPAYMENT_INVOICE", 5),
    ("PREPARATION", 4),
    ("NEW", 3),
];
const RECENT: [(&str, u64); 5] =
    [("NEW", 40), ("PREPARATION", 25), ("PREPAYMENT_INVOICE", 15), ("EXECUTING", 15), ("WON", 5)];

/// `P` in progress, `S` success, `F` failure. Stages of other pipelines carry a prefix: `C2:WON`.
pub(crate) fn semantic(stage: &str) -> &'static str {
    match stage.rsplit(':').next().unwrap_or(stage) {
        "WON" => "S",
        "LOSE" | "APOLOGY" => "F",
        _ => "P",
    }
}

fn stage(row: &Source) -> &'static str {
    if row.is_recent() {
        row.weighted(Draw::Stage, &RECENT)
    } else {
        row.weighted(Draw::Stage, &OLD)
    }
}

fn probability(row: &Source) -> Cell<'static> {
    Cell::Int(match stage(row) {
        "NEW" => 10,
        "PREPARATION" => 25,
        "PREPAYMENT_INVOICE" => 50,
        "EXECUTING" => 75,
        "FINAL_INVOICE" => 90,
        "WON" => 100,
        _ => 0,
    })
}

fn close_date(row: &Source) -> Cell<'static> {
    Cell::Time(row.modified() + 7 * 86_400)
}

const fn number(
    name: &'static str,
    title: &'static str,
    type_name: &'static str,
    make: super::field::Make,
) -> Field {
    Field::new(name, title, type_name, Kind::Int, make)
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    number("ID", "ID", "integer", |row| Cell::Int(signed(row.id))).read_only(),
    Field::text("TITLE", "Deal name", person::title),
    Field::status("TYPE_ID", "Type", |row| Cell::text(row.pick(Draw::Kind, &["SALE", "SALE", "SERVICES", "GOODS", "COMPLEX"]))),
    Field::status("STAGE_ID", "Stage", |row| Cell::text(stage(row))),
    number("PROBABILITY", "Probability", "integer", probability),
    Field::new("CURRENCY_ID", "Currency", "crm_currency", Kind::Text, person::currency),
    Field::new("OPPORTUNITY", "Amount", "double", Kind::Money, person::amount),
    Field::flag("IS_MANUAL_OPPORTUNITY", "Amount set by hand", |_| Cell::Flag(false)),
    Field::new("TAX_VALUE", "Tax", "double", Kind::Money, |_| Cell::Null),
    number("LEAD_ID", "Lead", "crm_lead", |_| Cell::Null).read_only(),
    number("COMPANY_ID", "Company", "crm_company", |row| row.company(40).map_or(Cell::Null, Cell::Int)),
    number("CONTACT_ID", "Contact", "crm_contact", |row| row.contact(75).map_or(Cell::Null, Cell::Int)),
    number("QUOTE_ID", "Quote", "crm_quote", |_| Cell::Null).read_only(),
    Field::time("BEGINDATE", "Start date", person::created),
    Field::time("CLOSEDATE", "Closing date", close_date),
    Field::user("ASSIGNED_BY_ID", "Responsible", person::responsible),
    Field::user("CREATED_BY_ID", "Created by", person::responsible).read_only(),
    Field::user("MODIFY_BY_ID", "Modified by", person::responsible).read_only(),
    Field::time("DATE_CREATE", "Created on", person::created).read_only(),
    Field::time("DATE_MODIFY", "Modified on", person::modified).read_only(),
    Field::flag("OPENED", "Available to everyone", |_| Cell::Flag(true)),
    Field::flag("CLOSED", "Closed", |row| Cell::Flag(semantic(stage(row)) != "P")),
    Field::text("COMMENTS", "Comment", person::comments),
    Field::blank("ADDITIONAL_INFO", "Additional information"),
    number("LOCATION_ID", "Location", "location", |_| Cell::Null),
    number("CATEGORY_ID", "Pipeline", "crm_category", |_| Cell::Int(0)),
    Field::text("STAGE_SEMANTIC_ID", "Stage semantics", |row| Cell::text(semantic(stage(row)))).read_only(),
    Field::flag("IS_NEW", "New deal", |row| Cell::Flag(stage(row) == "NEW")).read_only(),
    Field::flag("IS_RECURRING", "Recurring deal", |_| Cell::Flag(false)),
    Field::flag("IS_RETURN_CUSTOMER", "Repeat deal", |row| Cell::Flag(row.chance(Draw::Relation, 20))),
    Field::flag("IS_REPEATED_APPROACH", "Repeat approach", |_| Cell::Flag(false)),
    Field::status("SOURCE_ID", "Source", |row| Cell::text(row.weighted(Draw::Source, &SOURCE))),
    Field::blank("SOURCE_DESCRIPTION", "Source information"),
    Field::blank("ORIGINATOR_ID", "External source"),
    Field::blank("ORIGIN_ID", "Item ID in external source"),
    Field::user("MOVED_BY_ID", "Moved by", person::responsible).read_only(),
    Field::time("MOVED_TIME", "Moved on", person::modified).read_only(),
    Field::text("UTM_SOURCE", "Advertising system", person::utm_source),
    Field::text("UTM_MEDIUM", "Medium", person::utm_medium),
    Field::text("UTM_CAMPAIGN", "Campaign", person::utm_campaign),
    Field::blank("UTM_CONTENT", "Campaign content"),
    Field::blank("UTM_TERM", "Search term"),
    Field::user("LAST_ACTIVITY_BY", "Last activity by", person::responsible).read_only(),
    Field::time("LAST_ACTIVITY_TIME", "Last activity", person::modified).read_only(),
];
