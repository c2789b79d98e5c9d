//! The person and company behind a generated row; every value agrees with the others.

use super::cell::{Cell, Channel};
use super::generator::{Draw, Source, signed};
use super::words::{
    CAMPAIGN, CITY, COMMENT, COMPANY, COMPANY_FORM, FIRST, LAST, POST, SECOND, STREET, TOPIC,
};

/// Index of a culture in the word lists.
const CYRILLIC: usize = 0;
const OTHERS: usize = 1;

fn culture(row: &Source) -> usize {
    if row.chance(Draw::Culture, 60) { CYRILLIC } else { OTHERS }
}

/// 0 for women, 1 for men.
fn gender(row: &Source) -> usize {
    usize::from(row.chance(Draw::Gender, 50))
}

fn first(row: &Source) -> (&'static str, &'static str) {
    row.pick(Draw::First, &FIRST[culture(row) * 2 + gender(row)])
}

fn last(row: &Source) -> (&'static str, &'static str) {
    let list = if culture(row) == OTHERS { 2 } else { gender(row) };
    row.pick(Draw::Last, &LAST[list])
}

pub(crate) fn name(row: &Source) -> Cell<'static> {
    Cell::text(first(row).0)
}

pub(crate) fn last_name(row: &Source) -> Cell<'static> {
    Cell::text(last(row).0)
}

pub(crate) fn second_name(row: &Source) -> Cell<'static> {
    if culture(row) == OTHERS || row.chance(Draw::Second, 40) {
        return Cell::Null;
    }
    Cell::text(row.pick(Draw::Second, &SECOND[gender(row)]))
}

pub(crate) fn birthdate(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Birth, 70) {
        return Cell::text("");
    }
    // Between 1960 and 2003.
    Cell::Time(-315_619_200 + signed(row.draw(Draw::Birth) / 128 % (43 * 365)) * 86_400 - 3 * 3600)
}

pub(crate) fn post(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Post, 50) {
        Cell::Null
    } else {
        Cell::text(row.pick(Draw::Post, &POST[culture(row)]))
    }
}

pub(crate) fn company(row: &Source) -> String {
    company_words(row).concat()
}

/// A company's name in pieces: titles are made by the million, each in one allocation.
fn company_words(row: &Source) -> [&'static str; 4] {
    let culture = culture(row);
    let name = row.pick(Draw::Company, &COMPANY[culture]);
    let form = row.pick(Draw::CompanyForm, &COMPANY_FORM[culture]);
    if culture == CYRILLIC { [form, " «", name, "»"] } else { [name, " ", form, ""] }
}

pub(crate) fn company_title(row: &Source) -> Cell<'static> {
    Cell::text(company(row))
}

/// What the row is about, for whom.
pub(crate) fn title(row: &Source) -> Cell<'static> {
    let topic = row.pick(Draw::Topic, &TOPIC[culture(row)]);
    let [first, second, third, fourth] = company_words(row);
    Cell::text([topic, ": ", first, second, third, fourth].concat())
}

pub(crate) fn comments(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Comment, 75) {
        return Cell::Null;
    }
    Cell::text(row.pick(Draw::Comment, &COMMENT[culture(row)]))
}

fn city(row: &Source) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    (!row.chance(Draw::City, 40)).then(|| row.pick(Draw::City, &CITY[culture(row)]))
}

fn of_city(
    row: &Source,
    part: impl Fn((&'static str, &'static str, &'static str, &'static str)) -> String,
) -> Cell<'static> {
    city(row).map_or(Cell::Null, |city| Cell::text(part(city)))
}

pub(crate) fn address(row: &Source) -> Cell<'static> {
    let street = row.pick(Draw::Street, &STREET[culture(row)]);
    let house = row.draw(Draw::Street) / 128 % 120 + 1;
    of_city(row, |_| format!("{street}, {house}"))
}

pub(crate) fn address_city(row: &Source) -> Cell<'static> {
    of_city(row, |(city, ..)| city.to_owned())
}

pub(crate) fn address_region(row: &Source) -> Cell<'static> {
    of_city(row, |(_, region, ..)| region.to_owned())
}

pub(crate) fn address_postal_code(row: &Source) -> Cell<'static> {
    let tail = row.draw(Draw::Street) / 512 % 100;
    of_city(row, |(_, _, prefix, _)| format!("{prefix}{tail:03}"))
}

pub(crate) fn address_country(row: &Source) -> Cell<'static> {
    of_city(row, |(.., country)| country.to_owned())
}

pub(crate) fn has_phone(row: &Source) -> bool {
    row.chance(Draw::Phone, 85)
}

pub(crate) fn has_email(row: &Source) -> bool {
    row.chance(Draw::Mail, 70)
}

fn channel(row: &Source, slot: u64, value_type: &'static str, value: String) -> Channel {
    Channel { id: row.id * 4 + slot, value_type: value_type.into(), value }
}

pub(crate) fn phone(row: &Source) -> Cell<'static> {
    let mut phones = Vec::new();
    if has_phone(row) {
        // Exchanges that are never assigned.
        let number = row.draw(Draw::Phone) / 128 % 10_000;
        let value = if culture(row) == CYRILLIC {
            format!("+7495000{number:04}")
        } else {
            format!("+1202555{:04}", 100 + number % 100)
        };
        phones.push(channel(row, 0, row.pick(Draw::PhoneKind, &["WORK", "WORK", "MOBILE"]), value));
        if row.chance(Draw::PhoneKind, 15) {
            phones.push(channel(
                row,
                1,
                "HOME",
                format!("+7495001{:04}", row.draw(Draw::PhoneKind) / 128 % 10_000),
            ));
        }
    }
    Cell::Multi(phones)
}

pub(crate) fn email(row: &Source) -> Cell<'static> {
    let mut mails = Vec::new();
    if has_email(row) {
        let domain = row.pick(Draw::Company, &["example.com", "example.org", "example.net"]);
        let value = format!("{}.{}.{}@{domain}", first(row).1, last(row).1, row.id);
        mails.push(channel(row, 2, "WORK", value));
    }
    Cell::Multi(mails)
}

pub(crate) fn phone_flag(row: &Source) -> Cell<'static> {
    Cell::Flag(has_phone(row))
}

pub(crate) fn email_flag(row: &Source) -> Cell<'static> {
    Cell::Flag(has_email(row))
}

fn campaign(row: &Source) -> Option<(&'static str, &'static str, &'static str)> {
    (row.chance(Draw::Campaign, 25)).then(|| row.pick(Draw::Campaign, &CAMPAIGN))
}

pub(crate) fn utm_source(row: &Source) -> Cell<'static> {
    campaign(row).map_or(Cell::Null, |(source, ..)| Cell::text(source))
}

pub(crate) fn utm_medium(row: &Source) -> Cell<'static> {
    campaign(row).map_or(Cell::Null, |(_, medium, _)| Cell::text(medium))
}

pub(crate) fn utm_campaign(row: &Source) -> Cell<'static> {
    campaign(row).map_or(Cell::Null, |(.., name)| Cell::text(name))
}

/// Money as the culture pays it: hundredths, round to hundreds of roubles or tens of euros.
pub(crate) fn amount(row: &Source) -> Cell<'static> {
    if row.chance(Draw::Amount, 15) {
        return Cell::Money(0);
    }
    // Many small ones, few large ones.
    let scale = row.pick(Draw::Money, &[20, 50, 50, 120, 300, 900]);
    let units = row.draw(Draw::Amount) / 128 % scale + 5;
    let unit = if culture(row) == CYRILLIC { 100_000 } else { 2_500 };
    Cell::Money(signed(units * unit))
}

pub(crate) fn currency(row: &Source) -> Cell<'static> {
    let list: &[&'static str] = if culture(row) == CYRILLIC {
        &["RUB", "RUB", "RUB", "KZT"]
    } else {
        &["EUR", "EUR", "USD"]
    };
    Cell::text(row.pick(Draw::Currency, list))
}

/// One of the six people of the sales team.
pub(crate) fn responsible(row: &Source) -> Cell<'static> {
    Cell::Int(signed(row.below(Draw::Responsible, 6) + 1))
}

pub(crate) fn created(row: &Source) -> Cell<'static> {
    Cell::Time(row.created())
}

pub(crate) fn modified(row: &Source) -> Cell<'static> {
    Cell::Time(row.modified())
}
