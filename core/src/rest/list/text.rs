//! Rows as the portal wrote them. Of most lists nothing but the ids is read here: whoever wants the
//! rows reads them, in the language they are wanted in.

use std::{collections::HashMap, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::rows::{id_of, rows_of};
use crate::{
    Result,
    rest::{Answer, answer::read_part, batch::Outcome},
};

/// The answer to a list method: read, or as it came.
pub(super) enum Listed {
    Read(Value),
    Text(Box<RawValue>),
}

impl From<Answer> for Listed {
    fn from(answer: Answer) -> Self {
        Self::Read(answer.result)
    }
}

impl Outcome for Listed {
    fn of(text: Box<RawValue>, _: Answer) -> Result<Self> {
        Ok(Self::Text(text))
    }
}

impl Listed {
    /// The rows, and the id of each under its name.
    pub(super) fn rows(self, id: &str) -> Result<(Rows, Vec<Option<u64>>)> {
        let value = match self {
            Self::Read(value) => value,
            Self::Text(text) => {
                if let Some((array, ids)) = array_of(&text).and_then(|array| ids_of(array, id)) {
                    return Ok((Rows::Text { array, count: ids.len() }, ids));
                }
                // No array in plain sight: what it is instead, or what is wrong with it.
                read_part(&text)?
            }
        };
        let rows = rows_of(Answer::of(value))?.0;
        let ids = rows.iter().map(|row| id_of(row, id)).collect();
        Ok((Rows::Values(rows), ids))
    }

    /// All of it, read.
    pub(super) fn answer(&self) -> Result<Answer> {
        match self {
            Self::Read(value) => Ok(Answer::of(value.clone())),
            Self::Text(text) => read_part(text).map(Answer::of),
        }
    }
}

/// The array of rows: the result itself, or the only field of it that could hold any.
fn array_of(result: &RawValue) -> Option<&RawValue> {
    let begins = |text: &RawValue, with| text.get().starts_with(with);
    if begins(result, '[') {
        return Some(result);
    }
    let fields: HashMap<&str, &RawValue> = serde_json::from_str(result.get()).ok()?;
    let mut inner =
        fields.into_iter().filter(|(_, value)| begins(value, '[') || begins(value, '{'));
    let (name, value) = inner.next()?;
    let is_named = !name.bytes().all(|byte| byte.is_ascii_digit());
    (is_named && begins(value, '[') && inner.next().is_none()).then_some(value)
}

/// The array, and the id of each row; nothing where a row is no object, has no id, or could not be
/// read.
fn ids_of(array: &RawValue, id: &str) -> Option<(Box<RawValue>, Vec<Option<u64>>)> {
    let mut deserializer = serde_json::Deserializer::from_str(array.get());
    let ids = Ids(id).deserialize(&mut deserializer).ok()?;
    ids.iter().all(Option::is_some).then(|| (array.to_owned(), ids))
}

/// Rows of a page.
pub(super) enum Rows {
    Values(Vec<Value>),
    Text { array: Box<RawValue>, count: usize },
}

impl From<Vec<Value>> for Rows {
    fn from(rows: Vec<Value>) -> Self {
        Self::Values(rows)
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Values(rows) => rows.len(),
            Self::Text { count, .. } => *count,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn values(self) -> Result<Vec<Value>> {
        match self {
            Self::Values(rows) => Ok(rows),
            Self::Text { array, .. } => read_part(&array),
        }
    }

    /// A JSON array.
    pub(super) fn text(self) -> String {
        match self {
            Self::Values(rows) => Value::Array(rows).to_string(),
            Self::Text { array, .. } => Box::<str>::from(array).into(),
        }
    }
}

/// Reads the id of each row of an array.
struct Ids<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Ids<'_> {
    type Value = Vec<Option<u64>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Ids<'_> {
    type Value = Vec<Option<u64>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let mut ids = Vec::with_capacity(super::source::PAGE);
        while let Some(id) = rows.next_element_seed(RowId(self.0))? {
            ids.push(id);
        }
        Ok(ids)
    }
}

/// Reads the id of one row.
struct RowId<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for RowId<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowId<'_> {
    type Value = Option<u64>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut id = None;
        while let Some(is_id) = fields.next_key_seed(IsName(self.0))? {
            let Skimmed(number) = fields.next_value()?;
            if is_id {
                id = number;
            }
        }
        Ok(id)
    }
}

/// Whether a field has this name.
struct IsName<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// A value that was read to its end and not kept: a count, if it can be one. What passes here can be
/// read by anybody; skipping it unread would let through what is nested too deep, and half characters.
struct Skimmed(Option<u64>);

impl<'de> Deserialize<'de> for Skimmed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Skim)
    }
}

struct Skim;

impl<'de> Visitor<'de> for Skim {
    type Value = Skimmed;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Skimmed, E> {
        Ok(Skimmed(Some(number)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skimmed, E> {
        Ok(Skimmed(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skimmed, E> {
        Ok(Skimmed(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skimmed, E> {
        Ok(Skimmed(None))
    }

    fn visit_unit<E>(self) -> Result<Skimmed, E> {
        Ok(Skimmed(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Skimmed, E> {
        // Titles are many, and begin otherwise.
        let may_be = text.starts_with(|first: char| first.is_ascii_digit() || first == '+');
        Ok(Skimmed(if may_be { text.parse().ok() } else { None }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Skimmed, A::Error> {
        while items.next_element::<Skimmed>()?.is_some() {}
        Ok(Skimmed(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Skimmed, A::Error> {
        while fields.next_entry::<Skimmed, Skimmed>()?.is_some() {}
        Ok(Skimmed(None))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(body: &str) -> Listed {
        Listed::Text(RawValue::from_string(body.to_owned()).unwrap())
    }

    fn read_as(body: &str) -> Listed {
        Listed::Read(serde_json::from_str(body).unwrap())
    }

    /// The rows, out of the text that is handed out, and their ids.
    fn all(body: &str, listed: impl Fn() -> Listed) -> Option<(Vec<Value>, Vec<Option<u64>>)> {
        let (rows, ids) = listed().rows("ID").ok()?;
        assert_eq!(rows.len(), ids.len(), "{body}");
        let text = listed().rows("ID").ok()?.0.text();
        let values = rows.values().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!(values), "{body}");
        Some((values, ids))
    }

    #[test]
    fn a_text_holds_the_rows_that_are_read_from_it() {
        for body in [
            r#"[{"ID":"1","TITLE":"a"},{"TITLE":"b","ID":2}]"#,
            r#" [ {"ID" : "7", "x": {"ID": 3, "y": [1, "\u00e9", null, true, -1, 1.5e3]}} ] "#,
            r#"{"items":[{"ID":1},{"id":2}]}"#,
            r#"{"tasks":[{"ID":1}],"total":5}"#,
            r#"{"\u0069tems":[{"ID":1}]}"#,
            r#"{"tasks":{"1":{"ID":"1"}}}"#,
            r#"{"0":{"ID":"1"},"2":{"ID":"3"}}"#,
            r#"{"0":[{"ID":"1"}]}"#,
            r#"{"a":[],"b":[]}"#,
            r#"{"a":[],"b":{}}"#,
            r#"[{"ID":"1","ID":"2"}]"#,
            r#"[{"ID":" 1"},{"ID":"+1"},{"ID":-1},{"ID":1.0},{"ID":true},{"ID":""}]"#,
            r#"[{"ID":"18446744073709551616"},{"ID":18446744073709551615}]"#,
            "[]",
            "{}",
            "[1,2]",
            "[[1]]",
            "true",
            "null",
        ] {
            let body = body.trim();
            let (as_text, as_value) = (all(body, || text(body)), all(body, || read_as(body)));
            assert_eq!(as_text, as_value, "{body}");
        }
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let body = r#"[{"ID":1,"OPPORTUNITY":100.10000000000000000001}]"#;
        assert_eq!(text(body).rows("ID").unwrap().0.text(), body);
    }

    #[test]
    fn what_nobody_could_read_is_an_error() {
        let deep = format!(r#"[{{"ID":1,"x":{}{}}}]"#, "[".repeat(10_000), "]".repeat(10_000));
        let error = text(&deep).rows("ID").err().unwrap();
        assert!(error.to_string().contains("too deep"), "{error}");
        for body in [r#"[{"ID":1,"x":"\ud800"}]"#, r#"[{"ID":1,"x":1e999}]"#] {
            assert!(text(body).rows("ID").is_err(), "{body}");
        }
    }
}
