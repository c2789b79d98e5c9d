//! Parameters: their order is the caller's, and is kept.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Everything that has a meaning in a query or in PHP's bracket notation.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'+')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'$')
    .add(b'!')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b',');

/// Checks a method's name: it becomes part of a URL.
pub(crate) fn check_method(method: &str) -> Result<()> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    if method.is_empty() || method.len() > 200 || !method.chars().all(ok) || method.contains("..") {
        return Err(Error::invalid_input("method", "this is not the name of a REST method")
            .with("method", method.chars().take(60).collect::<String>())
            .advise("Names look like crm.lead.list."));
    }
    Ok(())
}

/// The parameters as an object. A list (positional parameters) gets its positions as keys, which
/// the portal reads as the same list; nothing at all is an empty object.
pub(crate) fn named(params: Value) -> Result<Map<String, Value>> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(fields) => Ok(fields),
        Value::Array(items) => {
            Ok(items.into_iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect())
        }
        _ => Err(Error::invalid_input("params", "parameters must be an object or a list")),
    }
}

/// The parameters in PHP's bracket notation, for a command inside a batch.
pub(crate) fn query(params: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    for (name, value) in params {
        append(&mut parts, &encoded(name), value);
    }
    parts.join("&")
}

fn append(parts: &mut Vec<String>, name: &str, value: &Value) {
    let mut scalar = |text: &str| parts.push(format!("{name}={}", encoded(text)));
    match value {
        Value::Null => scalar(""),
        // The text "false" is true to PHP.
        Value::Bool(flag) => scalar(if *flag { "1" } else { "0" }),
        Value::Number(number) => scalar(&number.to_string()),
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                append(parts, &format!("{name}[{index}]"), item);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                append(parts, &format!("{name}[{}]", encoded(key)), item);
            }
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_keep_order_and_survive_hostile_keys() {
        let params = json!({"select": ["ID", "TITLE"], "filter": {">ID": 5, "%TITLE": "a&b=c [d] + é"}, "flag": false, "none": null, "empty": []});
        assert_eq!(
            query(&named(params).unwrap()),
            "select[0]=ID&select[1]=TITLE&filter[%3EID]=5&filter[%25TITLE]=a%26b%3Dc%20%5Bd%5D%20%2B%20%C3%A9&flag=0&none="
        );
    }

    #[test]
    fn positional_parameters_keep_their_places() {
        assert_eq!(
            query(&named(json!([123, {"POST_MESSAGE": "x"}])).unwrap()),
            "0=123&1[POST_MESSAGE]=x"
        );
        assert!(named(json!("text")).is_err());
    }

    #[test]
    fn a_method_name_cannot_leave_its_path() {
        for good in ["crm.lead.list", "tasks.flow.Flow.get", "imbot.v2.Chat.Message.send", "batch"]
        {
            assert!(check_method(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "../oauth/token",
            "crm.lead.list?x=1",
            "a b",
            "crm/lead",
            "a..b",
            "\u{e9}",
            &"a".repeat(201),
        ] {
            assert!(check_method(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_key_and_value_read_back_the_same(key in "\\PC{1,20}", value in "\\PC{0,40}") {
            let mut params = Map::new();
            params.insert(key.clone(), Value::String(value.clone()));
            let text = query(&params);
            let read: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            proptest::prop_assert_eq!(read, vec![(key, value)]);
        }
    }
}
