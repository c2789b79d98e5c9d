//! Columns of a company, in the portal's order.

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::{Draw, Source, signed};
use super::person;

const TYPES: [&str; 5] = ["CUSTOMER", "CUSTOMER", "SUPPLIER", "PARTNER", "OTHER"];
const INDUSTRIES: [&str; 6] = ["IT", "TELECOM", "MANUFACTURING", "BANKING", "CONSULTING", "OTHER"];
const SIZES: [&str; 4] = ["EMPLOYEES_1", "EMPLOYEES_1", "EMPLOYEES_2", "EMPLOYEES_3"];

/// What a company turns over in a year.
fn revenue(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Amount, 40) {
        return Cell::Money(0);
    }
    Cell::Money(signed((row.draw(Draw::Amount) / 128 % 400 + 1) * 5_000_000))
}

#[rustfmt::skip] // One column, one line.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("ID", "ID", "integer", Kind::Int, |row| Cell::Int(signed(row.id))).read_only(),
    Field::status("COMPANY_TYPE", "Company type", |row| Cell::text(row.pick(Draw::Kind, &TYPES))),
    Field::text("TITLE", "Company name", person::company_title),
    Field::blank("LOGO", "Logo").typed("file"),
    Field::new("LEAD_ID", "Lead", "crm_lead", Kind::Int, |_| Cell::Null).read_only(),
    Field::flag("HAS_PHONE", "Has phone", person::phone_flag).read_only(),
    Field::flag("HAS_EMAIL", "Has e-mail", person::email_flag).read_only(),
    Field::flag("HAS_IMOL", "Has open channel", |_| Cell::Flag(false)).read_only(),
    Field::user("ASSIGNED_BY_ID", "Responsible", person::responsible),
    Field::user("CREATED_BY_ID", "Created by", person::responsible).read_only(),
    Field::user("MODIFY_BY_ID", "Modified by", person::responsible).read_only(),
    Field::blank("BANKING_DETAILS", "Payment details"),
    Field::status("INDUSTRY", "Industry", |row| Cell::text(row.pick(Draw::Topic, &INDUSTRIES))),
    Field::new("REVENUE", "Annual turnover", "double", Kind::Money, revenue),
    Field::new("CURRENCY_ID", "Currency", "crm_currency", Kind::Text, person::currency),
    Field::status("EMPLOYEES", "Employees", |row| Cell::text(row.pick(Draw::Size, &SIZES))),
    Field::text("COMMENTS", "Comment", person::comments),
    Field::time("DATE_CREATE", "Created on", person::created).read_only(),
    Field::time("DATE_MODIFY", "Modified on", person::modified).read_only(),
    Field::flag("OPENED", "Available to everyone", |_| Cell::Flag(true)),
    Field::flag("IS_MY_COMPANY", "My company", |_| Cell::Flag(false)),
    Field::blank("ORIGINATOR_ID", "External source"),
    Field::blank("ORIGIN_ID", "Item ID in external source"),
    Field::blank("ORIGIN_VERSION", "Original version"),
    Field::text("ADDRESS", "Street address", person::address),
    Field::blank("ADDRESS_2", "Address (line 2)"),
    Field::text("ADDRESS_CITY", "City", person::address_city),
    Field::text("ADDRESS_POSTAL_CODE", "Postal code", person::address_postal_code),
    Field::text("ADDRESS_REGION", "District", person::address_region),
    Field::blank("ADDRESS_PROVINCE", "Region"),
    Field::text("ADDRESS_COUNTRY", "Country", person::address_country),
    Field::blank("ADDRESS_COUNTRY_CODE", "Country code"),
    Field::new("ADDRESS_LOC_ADDR_ID", "Location address", "integer", Kind::Int, |_| Cell::Null),
    Field::blank("ADDRESS_LEGAL", "Registered address"),
    Field::blank("REG_ADDRESS", "Registered street address"),
    Field::blank("REG_ADDRESS_2", "Registered address (line 2)"),
    Field::blank("REG_ADDRESS_CITY", "Registered city"),
    Field::blank("REG_ADDRESS_POSTAL_CODE", "Registered postal code"),
    Field::blank("REG_ADDRESS_REGION", "Registered district"),
    Field::blank("REG_ADDRESS_PROVINCE", "Registered region"),
    Field::blank("REG_ADDRESS_COUNTRY", "Registered country"),
    Field::blank("REG_ADDRESS_COUNTRY_CODE", "Registered country code"),
    Field::new("REG_ADDRESS_LOC_ADDR_ID", "Registered location address", "integer", Kind::Int, |_| Cell::Null),
    Field::text("UTM_SOURCE", "Advertising system", person::utm_source),
    Field::text("UTM_MEDIUM", "Medium", person::utm_medium),
    Field::text("UTM_CAMPAIGN", "Campaign", person::utm_campaign),
    Field::blank("UTM_CONTENT", "Campaign content"),
    Field::blank("UTM_TERM", "Search term"),
    Field::user("LAST_ACTIVITY_BY", "Last activity by", person::responsible).read_only(),
    Field::time("LAST_ACTIVITY_TIME", "Last activity", person::modified).read_only(),
    Field::blank("LAST_COMMUNICATION_TIME", "Last communication").read_only(),
    Field::channel("PHONE", "Phone", person::phone),
    Field::channel("EMAIL", "E-mail", person::email),
    Field::no_channel("WEB", "Website"),
    Field::no_channel("IM", "Messenger"),
    Field::no_channel("LINK", "Links"),
];
