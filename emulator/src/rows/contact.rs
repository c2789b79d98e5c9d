//! Columns of a contact, in the portal's order.

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, signed};
use super::person;
use super::words::SOURCE;

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
    Field::text("POST", "Position", person::post),
    Field::text("COMMENTS", "Comment", person::comments),
    Field::status("HONORIFIC", "Salutation", |_| Cell::Null),
    Field::text("NAME", "First name", person::name),
    Field::text("SECOND_NAME", "Second name", person::second_name),
    Field::text("LAST_NAME", "Last name", person::last_name),
    Field::blank("PHOTO", "Photo").typed("file"),
    number("LEAD_ID", "Lead", "crm_lead", |_| Cell::Null),
    Field::status("TYPE_ID", "Type", |row| Cell::text(row.pick(Draw::Kind, &["CLIENT", "CLIENT", "SUPPLIER", "PARTNER", "OTHER"]))),
    Field::status("SOURCE_ID", "Source", |row| Cell::text(row.weighted(Draw::Source, &SOURCE))),
    Field::blank("SOURCE_DESCRIPTION", "Source information"),
    number("COMPANY_ID", "Company", "crm_company", |row| row.company(60).map_or(Cell::Null, Cell::Int)),
    Field::time("BIRTHDATE", "Date of birth", person::birthdate).typed("date"),
    Field::flag("EXPORT", "Take part in export", |_| Cell::Flag(true)),
    Field::flag("HAS_PHONE", "Has phone", person::phone_flag).read_only(),
    Field::flag("HAS_EMAIL", "Has e-mail", person::email_flag).read_only(),
    Field::flag("HAS_IMOL", "Has open channel", |_| Cell::Flag(false)).read_only(),
    Field::time("DATE_CREATE", "Created on", person::created).read_only(),
    Field::time("DATE_MODIFY", "Modified on", person::modified).read_only(),
    Field::user("ASSIGNED_BY_ID", "Responsible", person::responsible),
    Field::user("CREATED_BY_ID", "Created by", person::responsible).read_only(),
    Field::user("MODIFY_BY_ID", "Modified by", person::responsible).read_only(),
    Field::flag("OPENED", "Available to everyone", |_| Cell::Flag(true)),
    Field::blank("ORIGINATOR_ID", "External source"),
    Field::blank("ORIGIN_ID", "Item ID in external source"),
    Field::blank("ORIGIN_VERSION", "Original version"),
    number("FACE_ID", "Face", "integer", |_| Cell::Null),
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
