//! `$result[key][field]` in the commands of a batch: values of earlier commands.

use serde_json::Value;

use crate::params::scalar;

/// Finds what a reference names: kind (`result`, `next`, …) and path.
pub(super) trait Earlier {
    fn value(&self, kind: &str, path: &[&str]) -> Option<Value>;
}

const KINDS: [&str; 5] = ["result", "next", "total", "time", "error"];

/// More than a batch may hold.
#[derive(Debug)]
pub(super) struct OutOfMemory;

/// What one batch may still hold, in bytes: a short text can name a long value many times over, and so on.
pub(super) struct Memory(usize);

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.0 = self.0.checked_sub(bytes).ok_or(OutOfMemory)?;
        Ok(())
    }
}

/// Replaces references everywhere in a parameter.
pub(super) fn resolve(
    value: &mut Value,
    earlier: &impl Earlier,
    memory: &mut Memory,
) -> Result<(), OutOfMemory> {
    match value {
        Value::String(text) if text.contains('$') => {
            if let Some(resolved) = resolve_text(text, earlier, memory)? {
                *value = resolved;
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, earlier, memory)),
        Value::Object(map) => map.values_mut().try_for_each(|item| resolve(item, earlier, memory)),
        _ => Ok(()),
    }
}

/// A text that is one reference becomes the value itself; inside a longer text only scalars are put in.
fn resolve_text(
    text: &str,
    earlier: &impl Earlier,
    memory: &mut Memory,
) -> Result<Option<Value>, OutOfMemory> {
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
        match earlier.value(kind, &path) {
            Some(value) if length == text.len() => {
                memory.take(size(&value))?;
                return Ok(Some(value));
            }
            Some(value @ (Value::String(_) | Value::Number(_))) => {
                memory.take(size(&value))?;
                out.push_str(&scalar(&value).unwrap_or_default());
                changed = true;
            }
            // Arrays, null and what is not there stay as text.
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(changed.then_some(Value::String(out)))
}

/// About what a value takes up.
fn size(value: &Value) -> usize {
    const NODE: usize = 16;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.iter().map(|(name, item)| name.len() + size(item)).sum(),
        _ => 0,
    }
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

    use super::{Earlier, Memory, resolve, walk};

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
        resolve(&mut value, &One, &mut Memory::new(1 << 20)).unwrap();
        value
    }

    /// What commands have answered so far: each what it was given.
    #[derive(Default)]
    struct Echoes(Vec<Value>);

    impl Earlier for Echoes {
        fn value(&self, _: &str, path: &[&str]) -> Option<Value> {
            let (at, rest) = path.split_first()?;
            Some(walk(self.0.get(at.parse::<usize>().ok()?)?, rest))
        }
    }

    fn length(value: &Value) -> usize {
        value.to_string().len()
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

        /// Commands that repeat what earlier ones answered grow no further than the memory of their batch.
        #[test]
        fn references_never_panic_for_want_of_memory(
            texts in proptest::collection::vec("(\\$result\\[[0-9]\\] |\\$next\\[1\\]|x| ){0,20}", 1..20),
        ) {
            const BYTES: usize = 1 << 12;
            let mut memory = Memory::new(BYTES);
            let (mut echoes, mut given) = (Echoes::default(), 0);
            for text in texts {
                given += length(&json!(text));
                let mut value = json!([text]);
                if resolve(&mut value, &echoes, &mut memory).is_err() {
                    break;
                }
                let held = echoes.0.iter().map(length).sum::<usize>();
                proptest::prop_assert!(held + length(&value) <= given + 2 * BYTES, "{held} of {given}");
                echoes.0.push(value[0].take());
            }
        }

        #[test]
        fn a_text_without_references_stays(text in "[^$]{0,40}") {
            proptest::prop_assert_eq!(resolved(&text), json!(text));
        }
    }
}
