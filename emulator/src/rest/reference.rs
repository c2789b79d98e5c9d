//! `$result[key][field]` in the commands of a batch: values of earlier commands.

use serde_json::Value;

/// Finds what a reference names: kind (`result`, `next`, …) and path.
pub(super) trait Earlier {
    fn value(&self, kind: &str, path: &[&str]) -> Option<Value>;
}

const KINDS: [&str; 5] = ["result", "next", "total", "time", "error"];

/// Replaces references everywhere in a parameter.
pub(super) fn resolve(value: &mut Value, earlier: &impl Earlier) {
    match value {
        Value::String(text) if text.contains('$') => {
            if let Some(resolved) = resolve_text(text, earlier) {
                *value = resolved;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, earlier)),
        Value::Object(map) => map.values_mut().for_each(|item| resolve(item, earlier)),
        _ => {}
    }
}

/// A text that is one reference becomes the value itself; inside a longer text only scalars are put in.
fn resolve_text(text: &str, earlier: &impl Earlier) -> Option<Value> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        let Some((kind, path, length)) = reference(rest) else {
            out.push('$');
            rest = &rest[1..];
            continue;
        };
        let found = earlier.value(kind, &path);
        match found {
            Some(value) if length == text.len() => return Some(value),
            Some(Value::String(value)) => {
                out.push_str(&value);
                changed = true;
            }
            Some(Value::Number(value)) => {
                out.push_str(&value.to_string());
                changed = true;
            }
            // Arrays, null and what is not there stay as text.
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    changed.then_some(Value::String(out))
}

/// Reads a reference at the beginning of `text`: it ends at the last bracket before white-space.
fn reference(text: &str) -> Option<(&'static str, Vec<&str>, usize)> {
    let open = text.find('[')?;
    let kind = KINDS.into_iter().find(|kind| text[1..open].eq_ignore_ascii_case(kind))?;
    let run = text.find(char::is_whitespace).unwrap_or(text.len());
    let close = text[..run].rfind(']').filter(|&close| close > open)?;
    Some((kind, text[open + 1..close].split("][").collect(), close + 1))
}

/// Walks down a tree; stops at the last level that exists.
pub(super) fn walk(root: &Value, path: &[&str]) -> Value {
    let mut at = root;
    for step in path {
        let below = match at {
            Value::Object(map) => map.get(*step),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match below {
            Some(value) => at = value,
            None => break,
        }
    }
    at.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Earlier, resolve, walk};

    struct One;

    impl Earlier for One {
        fn value(&self, kind: &str, path: &[&str]) -> Option<Value> {
            let (key, rest) = path.split_first()?;
            (kind == "result" && *key == "u")
                .then(|| walk(&json!({"ID": "5", "TAGS": ["a", "b"]}), rest))
        }
    }

    fn resolved(text: &str) -> Value {
        let mut value = json!(text);
        resolve(&mut value, &One);
        value
    }

    #[test]
    fn a_lone_reference_is_the_value_and_others_are_text() {
        assert_eq!(resolved("$result[u][ID]"), json!("5"));
        assert_eq!(resolved("$RESULT[u][TAGS]"), json!(["a", "b"]));
        assert_eq!(resolved("lead $result[u][ID] of $result[u][TAGS][1]!"), json!("lead 5 of b!"));
        assert_eq!(resolved("x $result[u][TAGS]"), json!("x $result[u][TAGS]"));
    }

    #[test]
    fn what_is_not_there_stays_or_stops_where_it_can() {
        assert_eq!(resolved("$result[nobody][ID]"), json!("$result[nobody][ID]"));
        assert_eq!(resolved("$result[u][TAGS][7]"), json!(["a", "b"]));
        assert_eq!(
            resolved("costs $5 or $result or $other[u]"),
            json!("costs $5 or $result or $other[u]")
        );
        assert_eq!(resolved("$"), json!("$"));
        assert_eq!(resolved("$[é]$result[é"), json!("$[é]$result[é"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn references_never_panic(text in "(\\$|result|next|u|ID|\\[|\\]|TAGS|0| |é|\\PC){0,40}") {
            resolved(&text);
        }

        #[test]
        fn a_text_without_references_stays(text in "[^$]{0,40}") {
            proptest::prop_assert_eq!(resolved(&text), json!(text));
        }
    }
}
