//! Reads a JSON body field by field, so that every refusal names the field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::http::{Answer, Request};
use crate::json;

/// A refused control request.
#[derive(Debug)]
pub(crate) struct Refusal {
    field: Option<String>,
    description: String,
}

impl Refusal {
    pub(crate) fn field(field: &str, description: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), description: description.into() }
    }

    /// A name that nobody here knows.
    pub(crate) fn unknown(name: &str) -> Self {
        let shown: String = name.chars().take(60).collect();
        Self::field(&shown, "is not known here")
    }

    fn body(description: impl Into<String>) -> Self {
        Self { field: None, description: description.into() }
    }

    pub(crate) fn answer(&self) -> Answer {
        let mut body = Map::new();
        body.insert("error".to_owned(), "invalid_request".into());
        if let Some(field) = &self.field {
            body.insert("field".to_owned(), field.as_str().into());
        }
        body.insert("error_description".to_owned(), self.description.as_str().into());
        Answer::json(400, Value::Object(body).to_string())
    }
}

/// The fields of a request, taken out one by one; what is left over at the end is refused.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// An empty body is an object without fields.
    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        if request.body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Refusal::body("The body must be a JSON object")),
            Err(error) => Err(Refusal::body(format!(
                "The body is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ))),
        }
    }

    /// Any value; null counts as given.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// All fields at once, as something that says itself what it takes.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        if let Ok(read) = serde_json::from_value::<T>(Value::Object(self.0.clone())) {
            return Ok(read);
        }
        // Which of them it was: the one that fails alone too. The reader's own words could repeat a secret.
        for (name, value) in self.0 {
            let shown = name.clone();
            let Err(error) = serde_json::from_value::<T>(json!({name: value})) else { continue };
            let text = error.to_string();
            if text.starts_with("unknown field") {
                return Err(Refusal::unknown(&shown));
            }
            return Err(Refusal::field(&shown, wanted(&text)));
        }
        Err(Refusal::body("The body cannot be read"))
    }

    /// Whether a field was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The fields as a map.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => {
                Err(Refusal::field(name, format!("must be true or false, not {}", kind(&other))))
            }
        }
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(Refusal::field(name, format!("must be a string, not {}", kind(&other))))
            }
        }
    }

    /// A whole number within a range.
    pub(crate) fn integer(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Refusal> {
        let wanted =
            format!("must be a whole number between {} and {}", range.start(), range.end());
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) if number.as_u64().is_some_and(|n| range.contains(&n)) => {
                Ok(number.as_u64())
            }
            Some(Value::Number(_)) => Err(Refusal::field(name, wanted)),
            Some(other) => Err(Refusal::field(name, format!("{wanted}, not {}", kind(&other)))),
        }
    }

    /// Any finite number.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, Refusal> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(other) => {
                Err(Refusal::field(name, format!("must be a number, not {}", kind(&other))))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(Refusal::field(name, format!("must be one of: {}", known.join(", "))))
            }
        }
    }

    /// Refuses fields that nobody took.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::unknown(name)),
        }
    }
}

/// What the reader would have taken. Only the end of its words is: what comes before repeats the value.
fn wanted(error: &str) -> String {
    let Some((_, expected)) = error.rsplit_once(", expected ") else {
        return "has the wrong type".to_owned();
    };
    match expected {
        "u8" => "must be a whole number between 0 and 255".to_owned(),
        "u16" => "must be a whole number between 0 and 65535".to_owned(),
        "u64" | "usize" => "must be a whole number that is not negative".to_owned(),
        "a sequence" => "must be an array".to_owned(),
        "a map" => "must be an object".to_owned(),
        other if other.starts_with("struct ") => "must be an object".to_owned(),
        other => format!("must be {}", other.replace('`', "")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// An error that is not about a field.
pub(crate) fn error(status: u16, code: &str, description: &str) -> Answer {
    Answer::json(status, json::bytes(&json!({"error": code, "error_description": description})))
}
