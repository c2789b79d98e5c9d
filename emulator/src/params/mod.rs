//! Parameters of a call, from the query and the body together.

mod bracket;
mod multipart;

use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value};

pub(crate) use bracket::parse as parse_query;
pub(crate) use multipart::Upload;

use crate::http::Request;

/// Ordered parameters. Values are strings where they came from a query or form.
#[derive(Default)]
pub(crate) struct Params {
    map: Map<String, Value>,
    files: Vec<Upload>,
    door: Door,
}

/// How the caller came in: what a link for the same caller has to repeat.
#[derive(Clone, Default)]
struct Door {
    /// Of a webhook: `/rest/1/secret/`.
    path: Option<String>,
    bearer: Option<String>,
}

impl Door {
    fn of(request: &Request) -> Self {
        let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
        let path = match parts[..] {
            ["rest", user, secret, _] => Some(format!("/rest/{user}/{secret}/")),
            _ => None,
        };
        let header = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|text| text.split_whitespace().nth(1)).map(str::to_owned);
        Self { path, bearer }
    }
}

impl Params {
    /// Query first, then the body of a POST over it, key by key. Broken JSON counts as no body.
    pub(crate) fn of(request: &Request) -> Self {
        let mut map = bracket::parse(request.query.as_bytes());
        let mut files = Vec::new();
        if request.method == hyper::Method::POST && !request.body.is_empty() {
            let body = if request.is_json() {
                json_map(&request.body)
            } else if let Some(boundary) = form_boundary(request) {
                let (body, uploads) = multipart::parse(&request.body, &boundary);
                files = uploads;
                body
            } else {
                bracket::parse(&request.body)
            };
            if map.is_empty() {
                map = body;
            } else {
                map.extend(body);
            }
        }
        Self { map, files, door: Door::of(request) }
    }

    /// The files of a form.
    pub(crate) fn files(&self) -> &[Upload] {
        &self.files
    }

    /// Where the same caller enters again: a path, and a token where there is one.
    pub(crate) fn door(&self) -> (&str, Option<String>) {
        match &self.door.path {
            Some(path) => (path, None),
            None => {
                let given = self.text("auth").or_else(|| self.text("access_token"));
                ("/rest/", self.door.bearer.clone().or(given))
            }
        }
    }

    /// Parameters of a command that came in with others; its credentials are theirs.
    pub(crate) fn inside(mut self, outer: &Self) -> Self {
        let (path, token) = outer.door();
        let path = (path != "/rest/").then(|| path.to_owned());
        self.door = Door { path, bearer: token };
        self
    }

    pub(crate) fn from_map(map: Map<String, Value>) -> Self {
        Self { map, ..Self::default() }
    }

    /// A parameter under its exact name.
    pub(crate) fn exact(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// A parameter in whatever case its name came: `filter` finds `FILTER`.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).or_else(|| {
            self.map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }

    /// A scalar parameter as text; arrays and null count as absent.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.exact(name).and_then(scalar)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.map.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.map.values_mut()
    }
}

/// The boundary of a form in parts.
fn form_boundary(request: &Request) -> Option<String> {
    let header = request.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let multipart = request.media_type() == "multipart/form-data";
    multipart.then(|| multipart::boundary(header)).flatten()
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

#[cfg(test)]
mod fuzz {
    use hyper::body::Bytes;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{bracket, integer, json_map, leading_integer, multipart, scalar, truthy};

    /// Bytes in which the marks of a grammar are frequent.
    fn marked(marks: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let mark = prop::sample::select(marks.as_bytes());
        let byte = prop_oneof![4 => mark, 1 => any::<u8>()];
        prop::collection::vec(byte, 0..300)
    }

    fn touch(value: &Value) {
        let _ = (integer(value), scalar(value), truthy(value));
        match value {
            Value::Array(items) => items.iter().for_each(touch),
            Value::Object(map) => map.values().for_each(touch),
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn brackets_never_panic(text in marked("[]=&%+.ab01 ")) {
            bracket::parse(&text).values().for_each(touch);
        }

        #[test]
        fn json_never_panics(text in marked("{}[]\":,\\u0d8\n-e.tfn ")) {
            json_map(&text).values().for_each(touch);
        }

        #[test]
        fn forms_in_parts_never_panic(text in marked("--b\r\n\r\n:;=\"\\name"), boundary in "[-b]{1,3}") {
            let (fields, files) = multipart::parse(&Bytes::from(text), &boundary);
            fields.values().for_each(touch);
            prop_assert!(files.iter().all(|file| !file.name.contains('/')));
        }

        #[test]
        fn whole_forms_come_back(values in prop::collection::vec("[^\r-]{0,20}", 1..5)) {
            let mut body = String::new();
            for (at, value) in values.iter().enumerate() {
                body.push_str(&format!("--b\r\nContent-Disposition: form-data; name=\"a[{at}]\"\r\n\r\n{value}\r\n"));
            }
            body.push_str("--b--");
            let (fields, _) = multipart::parse(&Bytes::from(body), "b");
            prop_assert_eq!(&fields["a"], &serde_json::json!(values));
        }

        #[test]
        fn what_is_encoded_comes_back(name in "[a-zA-Z_][a-zA-Z0-9_]{0,8}", value in ".{0,40}") {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let text = format!("{}%5Bx%5D%5B%5D={}", encode(&name), encode(&value));
            let map = bracket::parse(text.as_bytes());
            prop_assert_eq!(&map[&name]["x"][0], &Value::String(value));
        }

        #[test]
        fn numbers_of_any_text_are_found(text in ".{0,30}") {
            let _ = leading_integer(&text);
        }
    }
}
