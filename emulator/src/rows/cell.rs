//! One value of a row, typed, and how it looks in JSON: everything is a string, flags are `Y` and `N`.

use std::borrow::Cow;

use serde_json::Value;

use crate::params::{leading_integer, scalar, truthy};
use crate::{clock, json};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    /// Hundredths.
    Money,
    Flag,
    Text,
    /// Unix seconds.
    Time,
    /// Phones, addresses of mail: several values with a type each.
    Multi,
}

/// A phone number or the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) id: u64,
    pub(crate) value_type: Cow<'static, str>,
    pub(crate) value: String,
}

/// A typed value.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Money(i64),
    Flag(bool),
    Text(Cow<'a, str>),
    Time(i64),
    Multi(Vec<Channel>),
}

impl Cell<'_> {
    pub(crate) fn text(value: impl Into<Cow<'static, str>>) -> Cell<'static> {
        Cell::Text(value.into())
    }

    /// The value, detached from its row.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Money(cents) => Cell::Money(cents),
            Self::Flag(flag) => Cell::Flag(flag),
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Self::Time(at) => Cell::Time(at),
            Self::Multi(channels) => Cell::Multi(channels),
        }
    }

    /// Appends the JSON with native types, as newer methods write it; flags are `Y` and `N` there too.
    pub(crate) fn write_native(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(number) => json::raw(out, number),
            Self::Money(cents) => json::raw(out, money(*cents)),
            other => other.write(out, ""),
        }
    }

    /// The value as a native JSON value.
    pub(crate) fn native(&self) -> Value {
        match self {
            Self::Null | Self::Multi(_) => Value::Null,
            Self::Int(number) => (*number).into(),
            Self::Money(cents) => money(*cents),
            Self::Flag(flag) => if *flag { "Y" } else { "N" }.into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Time(at) => clock::iso(*at).into(),
        }
    }

    /// The value as text, as older methods write it; `None` for null.
    pub(crate) fn classic(&self) -> Value {
        match self {
            Self::Int(number) => number.to_string().into(),
            other => other.native(),
        }
    }

    /// Appends the JSON; `field` names the type of channels.
    pub(crate) fn write(&self, out: &mut Vec<u8>, field: &str) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Int(number) => json::raw(out, format_args!("\"{number}\"")),
            Self::Money(cents) => {
                let sign = if *cents < 0 { "-" } else { "" };
                let cents = cents.unsigned_abs();
                json::raw(out, format_args!("\"{sign}{}.{:02}\"", cents / 100, cents % 100));
            }
            Self::Flag(flag) => out.extend_from_slice(if *flag { b"\"Y\"" } else { b"\"N\"" }),
            Self::Text(text) => json::text(out, text),
            Self::Time(at) => {
                out.push(b'"');
                clock::write_iso(out, *at);
                out.push(b'"');
            }
            Self::Multi(channels) => write_channels(out, channels, field),
        }
    }

    /// A value from a call, read as leniently as PHP does.
    pub(crate) fn from_input(kind: Kind, input: &Value) -> Cell<'static> {
        if input.is_null() {
            return Cell::Null;
        }
        if kind == Kind::Multi {
            return Cell::Multi(channels_of(input));
        }
        let text = scalar(input).unwrap_or_default();
        match kind {
            Kind::Int if text.is_empty() => Cell::Null,
            Kind::Int => Cell::Int(leading_integer(&text)),
            Kind::Money => Cell::Money(parse_money(&text).unwrap_or(0)),
            Kind::Flag => {
                Cell::Flag(text.eq_ignore_ascii_case("y") || (truthy(input) && text == "1"))
            }
            Kind::Time => clock::parse(&text).map_or(Cell::Null, Cell::Time),
            Kind::Text | Kind::Multi => Cell::text(text),
        }
    }

    /// A value from a file, read strictly; the error says what was expected.
    pub(crate) fn from_file(kind: Kind, text: &str) -> Result<Cell<'static>, &'static str> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Cell::Null);
        }
        match kind {
            Kind::Int => trimmed.parse().map(Cell::Int).map_err(|_| "a whole number"),
            Kind::Money => parse_money(trimmed).map(Cell::Money).ok_or("an amount such as 1500.00"),
            Kind::Flag => match trimmed {
                "Y" | "y" | "1" | "true" => Ok(Cell::Flag(true)),
                "N" | "n" | "0" | "false" => Ok(Cell::Flag(false)),
                _ => Err("Y or N"),
            },
            Kind::Time => clock::parse(trimmed)
                .map(Cell::Time)
                .ok_or("a date such as 2026-05-23T18:18:25+03:00"),
            Kind::Text => Ok(Cell::text(text.to_owned())),
            Kind::Multi => Ok(Cell::Multi(channels_of(&Value::String(trimmed.to_owned())))),
        }
    }

    /// Compact text for the store of imported rows; [`Cell::unpack`] reads it back.
    pub(crate) fn pack(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(NULL),
            Self::Int(number) | Self::Money(number) | Self::Time(number) => {
                number.to_string().into()
            }
            Self::Flag(flag) => Cow::Borrowed(if *flag { "Y" } else { "N" }),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Multi(channels) => {
                let parts: Vec<_> = channels
                    .iter()
                    .map(|channel| (channel.id, &channel.value_type, &channel.value))
                    .collect();
                serde_json::to_string(&parts).unwrap_or_default().into()
            }
        }
    }

    pub(crate) fn unpack(kind: Kind, packed: &str) -> Cell<'_> {
        if packed == NULL {
            return Cell::Null;
        }
        let number = || packed.parse().unwrap_or_default();
        match kind {
            Kind::Int => Cell::Int(number()),
            Kind::Money => Cell::Money(number()),
            Kind::Time => Cell::Time(number()),
            Kind::Flag => Cell::Flag(packed == "Y"),
            Kind::Text => Cell::Text(Cow::Borrowed(packed)),
            Kind::Multi => {
                let parts: Vec<(u64, String, String)> =
                    serde_json::from_str(packed).unwrap_or_default();
                let channels = parts.into_iter();
                let channels = channels.map(|(id, kind, value)| Channel {
                    id,
                    value_type: kind.into(),
                    value,
                });
                Cell::Multi(channels.collect())
            }
        }
    }
}

/// Hundredths as PHP prints a float: 19000, 999.9.
#[expect(clippy::cast_precision_loss, reason = "PHP's floats lose the same digits")]
fn money(cents: i64) -> Value {
    if cents % 100 == 0 { (cents / 100).into() } else { (cents as f64 / 100.0).into() }
}

/// Stands for null among packed values; files cannot contain it as a whole value of their own.
const NULL: &str = "\u{0}";

fn write_channels(out: &mut Vec<u8>, channels: &[Channel], field: &str) {
    out.push(b'[');
    for channel in channels {
        json::separate(out);
        json::raw(out, format_args!("{{\"ID\":\"{}\",\"VALUE_TYPE\":", channel.id));
        json::text(out, &channel.value_type);
        out.extend_from_slice(b",\"VALUE\":");
        json::text(out, &channel.value);
        out.extend_from_slice(b",\"TYPE_ID\":");
        json::text(out, field);
        out.push(b'}');
    }
    out.push(b']');
}

/// `1500`, `1500.5`, `1500,50` and also `1500.00|RUB`, as hundredths.
pub(crate) fn parse_money(text: &str) -> Option<i64> {
    let number = text.split('|').next().unwrap_or("").trim().replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let negative = whole.starts_with('-');
    if fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let cents: i64 = format!("{fraction:0<2}").get(..2)?.parse().ok()?;
    whole.checked_mul(100)?.checked_add(if negative { -cents } else { cents })
}

/// `[{"VALUE": …, "VALUE_TYPE": …}]`, a list of strings or one string.
fn channels_of(input: &Value) -> Vec<Channel> {
    let one = |item: &Value| match item {
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(scalar);
            let value = text("VALUE").unwrap_or_default();
            let removed = text("DELETE").is_some_and(|flag| flag == "Y") || value.is_empty();
            Channel {
                id: map
                    .get("ID")
                    .map_or(0, |id| u64::try_from(crate::params::integer(id)).unwrap_or(0)),
                value_type: text("VALUE_TYPE")
                    .filter(|text| !text.is_empty())
                    .map_or("WORK".into(), Cow::Owned),
                value: if removed { String::new() } else { value },
            }
        }
        other => {
            Channel { id: 0, value_type: "WORK".into(), value: scalar(other).unwrap_or_default() }
        }
    };
    match input {
        Value::Array(items) => items.iter().map(one).collect(),
        // A form may send a map with numbers or names as keys.
        Value::Object(map) if map.values().all(|item| item.is_object() || item.is_array()) => {
            map.values().map(one).collect()
        }
        other => vec![one(other)],
    }
}

/// What the channels of a row become after an update: an item with a known id changes it (or removes it, when its
/// value is empty), others are appended with ids from `fresh`.
pub(crate) fn merge_channels(
    old: Vec<Channel>,
    changes: Vec<Channel>,
    mut fresh: impl FnMut() -> u64,
) -> Vec<Channel> {
    let mut merged = old;
    for change in changes {
        match merged.iter().position(|channel| change.id != 0 && channel.id == change.id) {
            Some(at) if change.value.is_empty() => {
                merged.remove(at);
            }
            Some(at) => merged[at] = change,
            None if change.value.is_empty() => {}
            None => merged.push(Channel { id: fresh(), ..change }),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{Cell, Channel, Kind, merge_channels, parse_money};

    #[test]
    fn money_is_read_in_hundredths() {
        assert_eq!(parse_money("1500"), Some(150_000));
        assert_eq!(parse_money("-0.5"), Some(-50));
        assert_eq!(parse_money("15,999|RUB"), Some(1599));
        assert_eq!(parse_money("abc"), None);
        assert_eq!(parse_money("99999999999999999999"), None);
    }

    #[test]
    fn packed_values_come_back() {
        for (kind, text) in
            [(Kind::Int, "5"), (Kind::Money, "1.50"), (Kind::Flag, "Y"), (Kind::Multi, "+7 900")]
        {
            let Ok(cell) = Cell::from_file(kind, text) else {
                unreachable!("{text} fits {kind:?}")
            };
            let packed = cell.pack().into_owned();
            assert_eq!(format!("{:?}", Cell::unpack(kind, &packed)), format!("{cell:?}"));
        }
    }

    #[test]
    fn channels_are_changed_removed_and_added_by_id() {
        let channel =
            |id, value: &str| Channel { id, value_type: "WORK".into(), value: value.to_owned() };
        let merged = merge_channels(
            vec![channel(1, "a"), channel(2, "b")],
            vec![channel(1, "c"), channel(2, ""), channel(0, "d"), channel(0, "")],
            || 9,
        );
        assert_eq!(merged, [channel(1, "c"), channel(9, "d")]);
    }
}
