//! Secrets where everybody can read them.

use serde_json::Value;

use super::Finding;

/// Names whose values are secret.
const SECRET: [&str; 6] =
    ["client_secret", "access_token", "refresh_token", "code", "alert_key", "application_token"];

/// Whether a value under this name is a secret in plain sight: not empty, and not a reference to what
/// the tool keeps (`{{...}}`, `={{...}}`, `${...}`).
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let is_reference = ["{{", "${", "="].iter().any(|start| value.trim_start().starts_with(start));
    SECRET.contains(&name) && !value.trim().is_empty() && !is_reference
}

/// Texts that look like a token of Bitrix24: 70 hexadecimal digits.
pub(super) fn tokens(file: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut left = vec![(String::new(), file)];
    while let Some((name, value)) = left.pop() {
        match value {
            Value::String(text) if holds_token(text) => {
                found.push(Finding::error(&name, "a token stands here in plain sight"));
            }
            Value::Array(items) => left.extend(items.iter().map(|item| (name.clone(), item))),
            Value::Object(fields) => {
                let title = ["name", "title", "label"]
                    .iter()
                    .find_map(|key| fields.get(*key)?.as_str())
                    .unwrap_or(&name);
                left.extend(fields.values().map(|field| (title.to_owned(), field)));
            }
            _ => {}
        }
    }
    found
}

fn holds_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|word| word.len() == 70)
}
