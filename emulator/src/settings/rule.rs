//! What a setting takes, how it is refused and how it is shown.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use hyper::header::HeaderValue;
use serde_json::{Value, json};

/// Longest text of a setting.
const TEXT: usize = 500;

/// The values of one kind of setting.
pub(super) trait Rule<T> {
    /// Reads a value other than null; the reason says what is allowed.
    fn read(&self, value: &Value) -> Result<T, String>;
    /// The value as `GET /settings` shows it.
    fn show(&self, value: &T) -> Value;
    /// What it takes beside null, as a JSON Schema.
    fn schema(&self) -> Value;
}

/// `true` or `false`.
pub(super) struct Flag;

impl Rule<bool> for Flag {
    fn read(&self, value: &Value) -> Result<bool, String> {
        value.as_bool().ok_or_else(|| "must be true or false".to_owned())
    }

    fn show(&self, value: &bool) -> Value {
        json!(value)
    }

    fn schema(&self) -> Value {
        json!({"type": "boolean"})
    }
}

/// A whole number within a range.
pub(super) struct Whole(pub(super) RangeInclusive<u64>);

impl<T: TryFrom<u64> + Copy + Into<i64>> Rule<T> for Whole {
    fn read(&self, value: &Value) -> Result<T, String> {
        value
            .as_u64()
            .filter(|number| self.0.contains(number))
            .and_then(|n| n.try_into().ok())
            .ok_or_else(|| {
                format!("must be a whole number between {} and {}", self.0.start(), self.0.end())
            })
    }

    fn show(&self, value: &T) -> Value {
        let number: i64 = (*value).into();
        json!(number)
    }

    fn schema(&self) -> Value {
        json!({"type": "integer", "minimum": self.0.start(), "maximum": self.0.end()})
    }
}

/// A number within a range.
pub(super) struct Number(pub(super) RangeInclusive<f64>);

impl Rule<f64> for Number {
    fn read(&self, value: &Value) -> Result<f64, String> {
        value.as_f64().filter(|number| self.0.contains(number)).ok_or_else(|| {
            format!("must be a number between {} and {}", self.0.start(), self.0.end())
        })
    }

    fn show(&self, value: &f64) -> Value {
        json!(value)
    }

    fn schema(&self) -> Value {
        json!({"type": "number", "minimum": self.0.start(), "maximum": self.0.end()})
    }
}

/// One of a few words.
pub(super) struct Word<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Rule<T> for Word<T> {
    fn read(&self, value: &Value) -> Result<T, String> {
        let found = self.0.iter().find(|(word, _)| value.as_str() == Some(word));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
            format!("must be one of: {}", known.join(", "))
        })
    }

    fn show(&self, value: &T) -> Value {
        self.0
            .iter()
            .find(|(_, meaning)| meaning == value)
            .map_or(Value::Null, |(word, _)| json!(word))
    }

    fn schema(&self) -> Value {
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        json!({"enum": words})
    }
}

/// Something, or null.
pub(super) struct Maybe<R>(pub(super) R);

impl<T, R: Rule<T>> Rule<Option<T>> for Maybe<R> {
    fn read(&self, value: &Value) -> Result<Option<T>, String> {
        if value.is_null() {
            return Ok(None);
        }
        self.0.read(value).map(Some).map_err(|reason| format!("{reason}, or null"))
    }

    fn show(&self, value: &Option<T>) -> Value {
        value.as_ref().map_or(Value::Null, |value| self.0.show(value))
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }
}

/// A short text that fits a header.
pub(super) struct Text;

impl Rule<String> for Text {
    fn read(&self, value: &Value) -> Result<String, String> {
        value
            .as_str()
            .filter(|text| text.len() <= TEXT && HeaderValue::from_str(text).is_ok())
            .map(str::to_owned)
            .ok_or_else(|| {
                format!("must be a string of at most {TEXT} characters without line breaks")
            })
    }

    fn show(&self, value: &String) -> Value {
        json!(value)
    }

    fn schema(&self) -> Value {
        json!({"type": "string", "maxLength": TEXT})
    }
}

/// Some of a few words.
pub(super) struct Several(pub(super) &'static [&'static str]);

impl Rule<Vec<&'static str>> for Several {
    fn read(&self, value: &Value) -> Result<Vec<&'static str>, String> {
        let refuse = || format!("must be a list of: {}", self.0.join(", "));
        let known = |item: &Value| {
            self.0.iter().copied().find(|word| item.as_str() == Some(word)).ok_or_else(refuse)
        };
        value.as_array().ok_or_else(refuse)?.iter().map(known).collect()
    }

    fn show(&self, value: &Vec<&'static str>) -> Value {
        json!(value)
    }

    fn schema(&self) -> Value {
        json!({"type": "array", "items": {"enum": self.0}})
    }
}

/// A map of names to values of one kind.
pub(super) struct Each<R>(pub(super) R);

impl<T, R: Rule<T>> Rule<BTreeMap<String, T>> for Each<R> {
    fn read(&self, value: &Value) -> Result<BTreeMap<String, T>, String> {
        let map = value.as_object().ok_or_else(|| "must be an object".to_owned())?;
        if map.len() > TEXT {
            return Err(format!("must have at most {TEXT} names"));
        }
        map.iter()
            .map(|(name, value)| match self.0.read(value) {
                Ok(value) => Ok((name.clone(), value)),
                Err(reason) => {
                    let name: String = name.chars().take(60).collect();
                    Err(format!("{name} {reason}"))
                }
            })
            .collect()
    }

    fn show(&self, value: &BTreeMap<String, T>) -> Value {
        value.iter().map(|(name, value)| (name.clone(), self.0.show(value))).collect()
    }

    fn schema(&self) -> Value {
        json!({"type": "object", "additionalProperties": self.0.schema(), "maxProperties": TEXT})
    }
}
