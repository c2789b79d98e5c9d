//! Patterns of the scenarios: what must be in a value, not what may be besides.

use serde_json::Value;

/// Says where `value` does not match `pattern`; `None` where it does.
pub fn mismatch(pattern: &Value, value: &Value) -> Option<String> {
    at("", pattern, value)
}

fn at(path: &str, pattern: &Value, value: &Value) -> Option<String> {
    let differs = || {
        Some(format!(
            "{}: want {pattern}, got {value}",
            if path.is_empty() { "value" } else { path }
        ))
    };
    match pattern {
        Value::String(word) if word == "$any" => None,
        Value::Object(fields) => {
            if let Some(verdict) = operator(fields, value) {
                return if verdict { None } else { differs() };
            }
            fields.iter().find_map(|(key, wanted)| {
                let got = value.get(key).unwrap_or(&Value::Null);
                let absent_zero = got.is_null() && wanted == &Value::from(0);
                if absent_zero { None } else { at(&format!("{path}.{key}"), wanted, got) }
            })
        }
        Value::Array(items) => match value.as_array() {
            Some(got) if got.len() == items.len() => items
                .iter()
                .zip(got)
                .enumerate()
                .find_map(|(index, (wanted, got))| at(&format!("{path}[{index}]"), wanted, got)),
            _ => differs(),
        },
        plain => {
            if plain == value {
                None
            } else {
                differs()
            }
        }
    }
}

fn operator(fields: &serde_json::Map<String, Value>, value: &Value) -> Option<bool> {
    let (name, wanted) = fields.iter().next()?;
    Some(match name.as_str() {
        "$contains" => value.as_str()?.contains(wanted.as_str()?),
        "$min_length" => value.as_str()?.chars().count() as u64 >= wanted.as_u64()?,
        "$min" => value.as_f64()? >= wanted.as_f64()?,
        "$not" => at("", wanted, value).is_some(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_can_fail() {
        for (pattern, good, bad) in [
            (json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"a": 2})),
            (json!(["$any", 2]), json!([1, 2]), json!([1, 2, 3])),
            (json!({"$contains": "lo"}), json!("hello"), json!("help")),
            (json!({"$contains": "lo"}), json!("lo"), json!(null)),
            (json!({"$min": 3}), json!(3), json!(2)),
            (json!({"$min_length": 2}), json!("ab"), json!("a")),
            (json!({"$not": {"a": 1}}), json!({"a": 2}), json!({"a": 1})),
            (json!({"errors": 0}), json!({}), json!({"errors": 1})),
        ] {
            assert_eq!(mismatch(&pattern, &good), None, "{pattern}");
            assert!(mismatch(&pattern, &bad).is_some(), "{pattern}");
        }
    }
}
