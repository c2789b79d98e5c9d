//! One walk over all texts of a file, whichever tool it is for: who typed a secret, and where.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Finding, Tool, plain_sight};

/// Under which keys a tool keeps a name and the value of it.
const PAIRS: [(&str, &str); 7] = [
    ("name", "value"),
    ("key", "value"),
    ("p", "to"),
    ("p", "v"),
    ("keyName", "keyValue"),
    ("keyValue", "valueValue"),
    ("name", "default"),
];
/// Under which keys it is said of what kind such a value is.
const KINDS: [&str; 3] = ["type", "tot", "vt"];
/// Kinds of values that say where the value is.
const REFERENCES: [&str; 5] = ["env", "msg", "flow", "global", "jsonata"];

/// Every secret in plain sight, named and not shown.
pub(super) fn secrets(tool: Tool, file: &Value) -> Vec<Finding> {
    let mut walk = Walk { tool, found: BTreeSet::new() };
    walk.value("", "", file);
    let say = |(place, secret): (String, &str)| {
        let what = format!("{secret} stands here in plain sight: {}", tool.safe_place());
        Finding::error(place, what)
    };
    walk.found.into_iter().map(say).collect()
}

struct Walk {
    tool: Tool,
    /// Place and secret.
    found: BTreeSet<(String, &'static str)>,
}

impl Walk {
    fn value(&mut self, place: &str, key: &str, value: &Value) {
        match value {
            Value::String(text) => self.text(place, key, text),
            Value::Array(items) => items.iter().for_each(|item| self.value(place, key, item)),
            // Beside a map of values stands a map of their types, under the same names.
            Value::Object(_) if key.ends_with("_type") => {}
            Value::Object(fields) => self.fields(place, key, fields),
            _ => {}
        }
    }

    fn fields(&mut self, place: &str, key: &str, fields: &Map<String, Value>) {
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        let place = match (text("title"), text("name").or(text("label"))) {
            (Some(title), _) if place.is_empty() || place == title => title.to_owned(),
            (Some(title), _) => format!("{place}: {title}"),
            // A name with a value is a setting, not a place.
            (None, Some(name))
                if !name.is_empty() && text("value").is_none() && text("descr").is_none() =>
            {
                name.to_owned()
            }
            _ => place.to_owned(),
        };
        self.pairs(&place, fields);
        let by_node = key == "pinData";
        for (key, value) in fields {
            self.value(if by_node { key } else { &place }, key, value);
        }
    }

    fn pairs(&mut self, place: &str, fields: &Map<String, Value>) {
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        if KINDS.iter().any(|key| text(key).is_some_and(|kind| REFERENCES.contains(&kind))) {
            return;
        }
        let named = |key: &str| text(key).and_then(plain_sight::secret_named);
        for (name, value) in PAIRS {
            let (Some(secret), Some(value)) = (named(name), text(value)) else { continue };
            // n8n has no better place for the code, which is dead after half a minute.
            if plain_sight::is_literal(secret, value)
                && !(self.tool == Tool::N8n && secret == "code")
            {
                self.found.insert((place.to_owned(), secret));
            }
        }
        if let (Some(secret), Some(text)) = (named("name"), text("descr"))
            && plain_sight::is_described(secret, text)
        {
            self.found.insert((place.to_owned(), secret));
        }
    }

    fn text(&mut self, place: &str, key: &str, text: &str) {
        // Many things are called code; in Corezoid only that of the authorization is.
        let is_meant = |secret: &&str| *secret != "code" || self.tool == Tool::Corezoid;
        let named = plain_sight::secret_named(key).filter(is_meant);
        let named = named.filter(|secret| plain_sight::is_literal(secret, text));
        let secret = named.or_else(|| plain_sight::secret_in(text));
        if let Some(secret) = secret {
            self.found.insert((place.to_owned(), secret));
        }
    }
}
