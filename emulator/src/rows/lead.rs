//! Columns of a lead, in the portal's order.

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source};
use super::person;
use super::words::SOURCE;

/// Stages of older and of recent leads, with their share of a hundred.
const OLD: [(&str, u64); 5] =
    [("CONVERTED", 40), ("JUNK", 25), ("IN_PROCESS", 14), ("PROCESSED", 13), ("NEW", 8)];
const RECENT: [(&str, u64); 4] = [("NEW", 58), ("IN_PROCESS", 30), ("PROCESSED", 9), ("JUNK", 3)];

/// `P` in progress, `S` success, `F` failure.
pub(crate) fn semantic(stage: &str) -> &'static str {
    match stage {
        "CONVERTED" => "S",
        "JUNK" => "F",
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

fn contact(row: &Source) -> Option<i64> {
    if stage(row) == "CONVERTED" { row.contact(80) } else { row.contact(10) }
}

fn closed(row: &Source) -> Cell<'static> {
    if semantic(stage(row)) == "P" { Cell::text("") } else { Cell::Time(row.modified()) }
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
    number("ID", "ID", "integer", |row| Cell::Int(super::generator::signed(row.id))).read_only(),
    Field::text("TITLE", "Lead name", person::title),
    Field::status("HONORIFIC", "Salutation", |_| Cell::Null),
    Field::text("NAME", "First name", person::name),
    Field::text("SECOND_NAME", "Second name", person::second_name),
    Field::text("LAST_NAME", "Last name", person::last_name),
    Field::text("COMPANY_TITLE", "Company name", person::company_title),
    number("COMPANY_ID", "Company", "crm_company", |_| Cell::Null),
    number("CONTACT_ID", "Contact", "crm_contact", |row| contact(row).map_or(Cell::Null, Cell::Int)),
    Field::flag("IS_RETURN_CUSTOMER", "Repeat lead", |row| Cell::Flag(contact(row).is_some())).read_only(),
    Field::time("BIRTHDATE", "Date of birth", person::birthdate).typed("date"),
    Field::status("SOURCE_ID", "Source", |row| Cell::text(row.weighted(Draw::Source, &SOURCE))),
    Field::blank("SOURCE_DESCRIPTION", "Source information"),
    Field::status("STATUS_ID", "Stage", |row| Cell::text(stage(row))),
    Field::blank("STATUS_DESCRIPTION", "Stage information"),
    Field::text("POST", "Position", person::post),
    Field::text("COMMENTS", "Comment", person::comments),
    Field::new("CURRENCY_ID", "Currency", "crm_currency", Kind::Text, person::currency),
    Field::new("OPPORTUNITY", "Amount", "double", Kind::Money, person::amount),
    Field::flag("IS_MANUAL_OPPORTUNITY", "Amount set by hand", |_| Cell::Flag(false)),
    Field::flag("HAS_PHONE", "Has phone", person::phone_flag).read_only(),
    Field::flag("HAS_EMAIL", "Has e-mail", person::email_flag).read_only(),
    Field::flag("HAS_IMOL", "Has open channel", |_| Cell::Flag(false)).read_only(),
    Field::user("ASSIGNED_BY_ID", "Responsible", person::responsible),
    Field::user("CREATED_BY_ID", "Created by", person::responsible).read_only(),
    Field::user("MODIFY_BY_ID", "Modified by", person::responsible).read_only(),
    Field::time("DATE_CREATE", "Created on", person::created).read_only(),
    Field::time("DATE_MODIFY", "Modified on", person::modified).read_only(),
    Field::time("DATE_CLOSED", "Closed on", closed).read_only(),
    Field::text("STATUS_SEMANTIC_ID", "Stage semantics", |row| Cell::text(semantic(stage(row)))).read_only(),
    Field::flag("OPENED", "Available to everyone", |_| Cell::Flag(true)),
    Field::blank("ORIGINATOR_ID", "External source"),
    Field::blank("ORIGIN_ID", "Item ID in external source"),
    Field::user("MOVED_BY_ID", "Moved by", person::responsible).read_only(),
    Field::time("MOVED_TIME", "Moved on", person::modified).read_only(),
    Field::text("ADDRESS", "Address", person::address),
    Field::blank("ADDRESS_2", "Address (line 2)"),
    Field::text("ADDRESS_CITY", "City", person::address_city),
    Field::text("ADDRESS_POSTAL_CODE", "Postal code", person::address_postal_code),
    Field::text("ADDRESS_REGION", "District", person::address_region),
    Field::blank("ADDRESS_PROVINCE", "Region"),
    Field::text("ADDRESS_COUNTRY", "Country", person::address_country),
    Field::blank("ADDRESS_COUNTRY_CODE", "Country code"),
    number("ADDRESS_LOC_ADDR_ID", "Location address", "integer", |_| Cell::Null),
    Field::text("UTM_SOURCE", "Advertising system", person::utm_source),
    Field::text("UTM_MEDIUM", "Medium", person::utm_medium),
    Field::text("UTM_CAMPAIGN", "Campaign", person::utm_campaign),
    Field::blank("UTM_CONTENT", "Campaign content"),
    Field::blank("UTM_TERM", "Search term"),
    Field::user("LAST_ACTIVITY_BY", "Last activity by", person::responsible).read_only(),
    Field::time("LAST_ACTIVITY_TIME", "Last activity", person::modified).read_only(),
    Field::channel("PHONE", "Phone", person::phone),
    Field::channel("EMAIL", "E-mail", person::email),
    Field::no_channel("WEB", "Website"),
    Field::no_channel("IM", "Messenger"),
    Field::no_channel("LINK", "Links"),
];
