//! `$result[name][field]`: a value that an earlier command of the same request has brought.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// What a reference may begin with. The portal reads these words in any case, names in their own.
const MAPS: [&str; 5] = ["result", "next", "total", "time", "error"];

/// A value that a command of a batch will have brought, to be used as a parameter of a later one.
///
/// ```
/// # fn demo() -> evergrant::Result<()> {
/// use serde_json::json;
///
/// let mut batch = evergrant::Batch::new();
/// let lead = batch.add("lead", "crm.lead.add", json!({"fields": {"TITLE": "A call"}}))?;
/// batch.add("note", "crm.timeline.comment.add", json!({"fields": {"ENTITY_ID": lead}}))?;
/// let found = batch.add("found", "crm.lead.list", json!({"filter": {"TITLE": "A call"}}))?;
/// batch.add("first", "crm.lead.get", json!({"id": found.at(0).at("ID")}))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    pub(super) fn to(name: &str) -> Self {
        Self(format!("$result[{name}]"))
    }

    /// A field of an object, or an element of a list by its number from 0. A key that no reference
    /// can hold (brackets, white-space) is refused when the reference is used.
    #[must_use]
    pub fn at(&self, key: impl fmt::Display) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl From<Reference> for Value {
    fn from(reference: Reference) -> Self {
        Value::String(reference.0)
    }
}

/// The names that references in `value` begin with; each with whether the whole reference is sound.
pub(super) fn names_in(value: &Value, found: &mut Vec<(String, bool)>) {
    match value {
        Value::String(text) => names_in_text(text, found),
        Value::Array(items) => items.iter().for_each(|item| names_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| names_in(item, found)),
        _ => {}
    }
}

fn names_in_text(text: &str, found: &mut Vec<(String, bool)>) {
    for (dollar, _) in text.match_indices('$') {
        let rest = &text[dollar + 1..];
        let Some((word, path)) = rest.split_once('[') else { continue };
        if !MAPS.iter().any(|map| map.eq_ignore_ascii_case(word)) {
            continue;
        }
        // The portal takes everything up to white-space for the path.
        let path = path.split(char::is_whitespace).next().unwrap_or_default();
        let Some((name, keys)) = path.split_once(']') else { continue };
        found.push((name.to_owned(), is_path(keys)));
    }
}

/// `[a][b]…`; text may follow.
fn is_path(keys: &str) -> bool {
    let mut rest = keys;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((key, after)) = inner.split_once(']') else { return false };
        if key.is_empty() || key.contains('[') {
            return false;
        }
        rest = after;
    }
    !rest.contains(['[', ']'])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(value: &Value) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        names_in(value, &mut found);
        found
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let lead = Reference::to("lead");
        let value = json!({"id": lead, "filter": {">ID": [lead.at("rows").at(49).at("ID")]},
                           "text": "of $Total[all] and $5 or $other[x] or $result"});
        let expected = ["lead", "lead", "all"].map(|name| (name.to_owned(), true));
        assert_eq!(names(&value), expected);
        assert_eq!(lead.at(0).at("ID").to_string(), "$result[lead][0][ID]");
    }

    #[test]
    fn a_key_that_breaks_the_path_shows() {
        let lead = Reference::to("lead");
        for bad in ["a]b", "a[b", "", "a b", "]"] {
            assert_ne!(names(&json!(lead.at(bad))), [("lead".to_owned(), true)], "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in "(\\$|result|next|\\[|\\]| |a|\\PC){0,20}") {
            names(&Value::String(text));
        }
    }
}
