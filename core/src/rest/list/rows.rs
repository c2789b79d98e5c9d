//! Rows in an answer, and their ids.

use serde_json::{Map, Value};

use crate::{
    Error, Kind, Result, Retry,
    rest::{Answer, answer::count},
};

/// The rows of a list method, and the field they were in where they are not the result itself.
pub(super) fn rows_of(answer: Answer) -> Result<(Vec<Value>, Option<String>)> {
    match answer.result {
        Value::Array(rows) => Ok((rows, None)),
        Value::Object(fields) if is_numbered(&fields) => {
            Ok((fields.into_iter().map(|(_, row)| row).collect(), None))
        }
        Value::Object(fields) => {
            let mut arrays = fields.into_iter().filter_map(|(name, value)| match value {
                Value::Array(rows) => Some((rows, Some(name))),
                Value::Object(rows) if is_numbered(&rows) => {
                    Some((rows.into_iter().map(|(_, row)| row).collect(), Some(name)))
                }
                _ => None,
            });
            match (arrays.next(), arrays.next()) {
                (Some(rows), None) => Ok(rows),
                _ => Err(not_a_list()),
            }
        }
        _ => Err(not_a_list()),
    }
}

/// Whether an answer says that there are rows behind its own, as methods do that page in a way of
/// their own.
pub(crate) fn has_more(result: &Value) -> bool {
    ["hasMore", "hasMorePages"].iter().any(|name| result.get(name) == Some(&Value::Bool(true)))
}

/// PHP writes a list with gaps as an object with numbers for names.
fn is_numbered(fields: &Map<String, Value>) -> bool {
    !fields.is_empty()
        && fields.iter().all(|(name, row)| {
            name.bytes().all(|byte| byte.is_ascii_digit()) && (row.is_object() || row.is_array())
        })
}

fn not_a_list() -> Error {
    Error::new(Kind::UnexpectedAnswer, "the method does not answer with a list")
        .with_retry(Retry::Never)
        .advise("Use call for this method.")
}

/// A row's id, under the name it has there.
pub(super) fn id_of(row: &Value, name: &str) -> Option<u64> {
    count(row.get(name))
}

/// The name of the id in rows of a method that is not known.
pub(super) fn id_name(rows: &[Value]) -> Option<&'static str> {
    let first = rows.first()?;
    ["ID", "id", "Id"].into_iter().find(|name| id_of(first, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(body: &str) -> Option<(usize, Option<String>)> {
        let answer = Answer::read(200, body.as_bytes()).unwrap();
        rows_of(answer).map(|(rows, field)| (rows.len(), field)).ok()
    }

    #[test]
    fn rows_are_found_where_methods_put_them() {
        let under = |name: &str| Some(name.to_owned());
        assert_eq!(rows(r#"{"result":[{"ID":"1"}],"total":1}"#), Some((1, None)));
        assert_eq!(rows(r#"{"result":{"items":[{"id":1},{"id":2}]}}"#), Some((2, under("items"))));
        assert_eq!(rows(r#"{"result":{"0":{"ID":"1"},"2":{"ID":"3"}}}"#), Some((2, None)));
        assert_eq!(rows(r#"{"result":{"tasks":{"1":{"id":"1"}}}}"#), Some((1, under("tasks"))));
        assert_eq!(rows(r#"{"result":[]}"#), Some((0, None)));
        assert_eq!(rows(r#"{"result":{"a":[],"b":[]}}"#), None);
        assert_eq!(rows(r#"{"result":{"1":"a"}}"#), None);
        assert_eq!(rows(r#"{"result":true}"#), None);
    }
}
