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

/// How deep parameters may be nested: no method wants more, and every level is a recursion.
const DEEPEST: usize = 100;

/// Refuses what is nested too deep, and names where. What is refused is taken apart: whatever goes down
/// by recursion, dropping it too, would overflow the stack.
pub(crate) fn shallow(params: Value) -> Result<Value> {
    match check_depth(&params) {
        Ok(()) => Ok(params),
        Err(error) => {
            take_apart(params);
            Err(error)
        }
    }
}

fn take_apart(value: Value) {
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        match value {
            Value::Array(items) => todo.extend(items),
            Value::Object(fields) => todo.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

fn check_depth(params: &Value) -> Result<()> {
    // Not by recursion: it may be deeper than the stack.
    let mut todo: Vec<(&Value, usize, Vec<Step<'_>>)> = vec![(params, 0, Vec::new())];
    while let Some((value, depth, path)) = todo.pop() {
        if depth > DEEPEST {
            return Err(Error::invalid_input("params", "the parameters are nested too deep")
                .with("at", shown(&path) + "\u{2026}")
                .with("deepest", DEEPEST.to_string()));
        }
        let below = |step| {
            // Enough of the path to find the place.
            let more = Some(step).filter(|_| path.len() < 5);
            path.iter().copied().chain(more).collect()
        };
        match value {
            Value::Array(items) => {
                let nested = items.iter().enumerate().filter(|(_, item)| is_nested(item));
                todo.extend(nested.map(|(i, item)| (item, depth + 1, below(Step::Item(i)))));
            }
            Value::Object(fields) => {
                let nested = fields.iter().filter(|(_, item)| is_nested(item));
                todo.extend(nested.map(|(key, item)| (item, depth + 1, below(Step::Field(key)))));
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// A place in the parameters, as people write it: `params.fields.PHONE[0]`.
fn shown(path: &[Step<'_>]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Field(name) => format!(".{}", name.chars().take(40).collect::<String>()),
        Step::Item(place) => format!("[{place}]"),
    });
    format!("params{}", steps.collect::<String>())
}

/// Empty, these say what leaving them out says.
const SAYS_NOTHING: [&str; 3] = ["filter", "order", "select"];

/// Where the parameters have an empty list or object, which [`query`] cannot write: in the vendor's
/// bracket notation it is nothing at all, and a filter without its condition is another filter.
pub(crate) fn empty_place(params: &Map<String, Value>) -> Option<String> {
    let says_nothing =
        |name: &str| SAYS_NOTHING.iter().any(|known| known.eq_ignore_ascii_case(name));
    params.iter().find_map(|(name, value)| match is_empty(value) {
        true if says_nothing(name) => None,
        _ => {
            let mut path = vec![Step::Field(name)];
            find_empty(value, &mut path).then(|| shown(&path))
        }
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Leaves in `path` where it is.
fn find_empty<'a>(value: &'a Value, path: &mut Vec<Step<'a>>) -> bool {
    let mut found = |step, value| {
        path.push(step);
        let found = find_empty(value, path);
        if !found {
            path.pop();
        }
        found
    };
    match value {
        _ if is_empty(value) => true,
        Value::Array(items) => {
            items.iter().enumerate().any(|(place, item)| found(Step::Item(place), item))
        }
        Value::Object(fields) => fields.iter().any(|(name, item)| found(Step::Field(name), item)),
        _ => false,
    }
}

/// The parameters as an object, not nested too deep. A list (positional parameters) gets its positions as keys, which
/// the portal reads as the same list; nothing at all is an empty object.
pub(crate) fn named(params: Value) -> Result<Map<String, Value>> {
    match shallow(params)? {
        Value::Null => Ok(Map::new()),
        Value::Object(fields) => Ok(fields),
        Value::Array(items) => {
            Ok(items.into_iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect())
        }
        _ => Err(Error::invalid_input("params", "parameters must be an object or a list")),
    }
}

/// The parameters in PHP's bracket notation, for a command inside a batch. They have no
/// [`empty_place`].
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
        let params = json!({"select": ["ID", "TITLE"], "filter": {">ID": 5, "%TITLE": "a&b=c [d] + é"}, "flag": false, "none": null, "order": {}});
        assert_eq!(
            query(&named(params).unwrap()),
            "select[0]=ID&select[1]=TITLE&filter[%3EID]=5&filter[%25TITLE]=a%26b%3Dc%20%5Bd%5D%20%2B%20%C3%A9&flag=0&none="
        );
    }

    #[test]
    fn what_brackets_cannot_write_is_found() {
        for (params, place) in [
            (json!({"filter": {"@STATUS_ID": []}}), Some("params.filter.@STATUS_ID")),
            (json!({"rows": []}), Some("params.rows")),
            (json!({"fields": {"PHONE": [{"VALUE": "1"}, {}]}}), Some("params.fields.PHONE[1]")),
            (json!({"FILTER": [], "Select": {}, "order": [], "x": [null, 0, ""]}), None),
            (json!({}), None),
        ] {
            let params = named(params).unwrap();
            assert_eq!(empty_place(&params).as_deref(), place, "{params:?}");
        }
    }

    #[test]
    fn positional_parameters_keep_their_places() {
        assert_eq!(
            query(&named(json!([123, {"POST_MESSAGE": "x"}])).unwrap()),
            "0=123&1[POST_MESSAGE]=x"
        );
        assert!(named(json!("text")).is_err());
    }

    fn nested(levels: usize) -> Value {
        let mut value = json!("x");
        for _ in 0..levels {
            value = Value::Array(vec![value]);
        }
        // The macro would go down by recursion.
        let field = |name: &str, value| Value::Object(Map::from_iter([(name.to_owned(), value)]));
        field("fields", field("PHONE", value))
    }

    /// Whatever takes parameters: 10,000 levels are an error, not the end of the program.
    #[tokio::test]
    async fn nothing_takes_what_is_nested_too_deep() {
        use crate::rest::{Batch, Client, Command, ListOptions, v3};
        let client = Client::from_webhook("http://127.0.0.1:1/rest/1/qwertyuiop123456/").unwrap();
        let deep = || nested(10_000);
        let order = Map::from_iter([("ID".to_owned(), deep())]);
        let mut batch = Batch::new();
        for error in [
            client.call("x.y", deep()).await.err(),
            client.call("x.y", Value::Array(vec![deep()])).await.err(),
            client.list("x.y.list", deep()).err(),
            client.list_with("x.y.list", json!({}), ListOptions::new().order(order)).err(),
            client.count("x.y.list", deep()).await.err(),
            client.get_by_ids("crm.lead.list", &[1], deep()).await.err(),
            Command::new("x.y", deep()).err(),
            batch.add("name", "x.y", deep()).err(),
            batch.push("x.y", deep()).err(),
            client.v3().call("x.y", deep()).await.err(),
            client.v3().list("x.y.list", deep()).err(),
            client.v3().aggregate("x.y.aggregate", json!({}), deep()).await.err(),
            v3::Batch::new().add("name", "x.y", deep()).err(),
        ] {
            let error = error.unwrap();
            assert_eq!(error.kind(), crate::Kind::InvalidInput, "{error}");
            assert!(error.to_string().contains("too deep"), "{error}");
        }
    }

    #[test]
    fn too_deep_is_said_with_its_place() {
        assert!(named(nested(90)).is_ok());
        // A million would not even be dropped on any stack.
        for levels in [200, 10_000, 1_000_000] {
            let error = named(nested(levels)).unwrap_err();
            let found = error.context().iter().find(|(key, _)| *key == "at").unwrap().1.clone();
            assert_eq!(found, "params.fields.PHONE[0][0][0]\u{2026}");
        }
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
