//! Parameters of a call, from the query and the body together.

mod bracket;

use serde_json::{Map, Value};

pub(crate) use bracket::parse as parse_query;

use crate::http::Request;

/// Ordered parameters. Values are strings where they came from a query or form.
#[derive(Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Query first, then the body of a POST over it, key by key. Broken JSON counts as no body.
    pub(crate) fn of(request: &Request) -> Self {
        let mut params = bracket::parse(request.query.as_bytes());
        if request.method == hyper::Method::POST && !request.body.is_empty() {
            let body = if request.is_json() {
                json_map(&request.body)
            } else {
                bracket::parse(&request.body)
            };
            if params.is_empty() {
                params = body;
            } else {
                params.extend(body);
            }
        }
        Self(params)
    }

    pub(crate) fn from_map(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// A parameter under its exact name.
    pub(crate) fn exact(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A parameter in whatever case its name came: `filter` finds `FILTER`.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).or_else(|| {
            self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }

    /// A scalar parameter as text; arrays and null count as absent.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.exact(name).and_then(scalar)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }
}

/// A scalar as text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A scalar as PHP's `(int)` would see it: leading digits, else 0.
pub(crate) fn integer(value: &Value) -> i64 {
    match value {
        Value::Number(number) => {
            number.as_i64().unwrap_or_else(|| float_to_int(number.as_f64().unwrap_or(0.0)))
        }
        Value::Bool(flag) => i64::from(*flag),
        Value::String(text) => leading_integer(text),
        Value::Null | Value::Array(_) | Value::Object(_) => 0,
    }
}

/// `12abc` is 12, `abc` is 0, as in PHP.
pub(crate) fn leading_integer(text: &str) -> i64 {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return 0;
    }
    // Too long for an i64: PHP saturates.
    text[..sign + digits].parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "float to int saturates in Rust, which is what is wanted"
)]
fn float_to_int(number: f64) -> i64 {
    number as i64
}

/// PHP's idea of true.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A JSON body: an object, or an array whose indices become names.
fn json_map(body: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => map,
        Ok(Value::Array(items)) => {
            items.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Map::new(),
    }
}
