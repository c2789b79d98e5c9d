//! Query strings and forms as PHP reads them: `a[b][]=1`.

use std::collections::HashMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// PHP's `max_input_nesting_level`: deeper variables are dropped.
const DEPTH: usize = 64;
/// Variables after these are ignored (PHP's `max_input_vars`, raised as portals do).
const VARIABLES: usize = 10_000;

/// A PHP variable while it is read.
enum Node {
    Text(String),
    Array(Array),
}

/// An ordered map that knows the next free number.
#[derive(Default)]
struct Array {
    entries: Vec<(String, Node)>,
    index: HashMap<String, usize>,
    next: u64,
}

impl Array {
    /// Puts `value` under a path of keys; an empty key appends.
    fn put(&mut self, path: &[String], value: String) {
        let Some((first, rest)) = path.split_first() else { return };
        let slot = self.slot(first);
        if rest.is_empty() {
            // The last value of a name wins, also over an array.
            *slot = Node::Text(value);
            return;
        }
        if matches!(slot, Node::Text(_)) {
            *slot = Node::Array(Self::default());
        }
        if let Node::Array(inner) = slot {
            inner.put(rest, value);
        }
    }

    fn slot(&mut self, key: &str) -> &mut Node {
        let key = if key.is_empty() { self.next.to_string() } else { key.to_owned() };
        if let Some(number) = whole_number(&key) {
            self.next = self.next.max(number.saturating_add(1));
        }
        let at = *self.index.entry(key.clone()).or_insert(self.entries.len());
        if at == self.entries.len() {
            self.entries.push((key, Node::Text(String::new())));
        }
        &mut self.entries[at].1
    }

    /// A JSON array if the keys are 0, 1, 2 …, else an object.
    fn into_value(self) -> Value {
        let list = self
            .entries
            .iter()
            .enumerate()
            .all(|(at, (key, _))| whole_number(key) == Some(at as u64));
        if list {
            return self.entries.into_iter().map(|(_, node)| node.into_value()).collect();
        }
        Value::Object(self.into_map())
    }

    fn into_map(self) -> Map<String, Value> {
        self.entries.into_iter().map(|(key, node)| (key, node.into_value())).collect()
    }
}

impl Node {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Array(array) => array.into_value(),
        }
    }
}

/// Collects variables by their names, brackets and all.
#[derive(Default)]
pub(super) struct Variables(Array);

impl Variables {
    /// Takes one in; names that PHP drops are dropped.
    pub(super) fn put(&mut self, name: &str, value: String) {
        if let Some(path) = path_of(name) {
            self.0.put(&path, value);
        }
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0.into_map()
    }
}

/// Reads `a=1&b[c][]=2`.
pub(crate) fn parse(text: &[u8]) -> Map<String, Value> {
    let mut variables = Variables::default();
    let pairs = text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    for pair in pairs.take(VARIABLES) {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let name = decode(halves.next().unwrap_or_default());
        variables.put(&name, decode(halves.next().unwrap_or_default()));
    }
    variables.into_map()
}

/// The keys of a name; `None` if PHP would drop the variable.
fn path_of(name: &str) -> Option<Vec<String>> {
    let name = name.trim_start_matches(' ');
    let open = name.find('[').filter(|&at| at > 0).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(open);
    if first.is_empty() || first.starts_with('[') {
        return None;
    }
    // PHP once made variables of these names.
    let mut path = vec![first.replace([' ', '.'], "_")];
    while let Some(inner) = rest.strip_prefix('[') {
        // An unclosed bracket belongs to the name, as in PHP where it becomes an underscore.
        let Some(close) = inner.find(']') else {
            if let (1, Some(only)) = (path.len(), path.first_mut()) {
                *only = format!("{only}_{inner}");
            }
            break;
        };
        path.push(inner[..close].to_owned());
        if path.len() > DEPTH {
            return None;
        }
        rest = &inner[close + 1..];
    }
    Some(path)
}

/// A number as PHP writes array keys: no sign, no leading zero.
fn whole_number(key: &str) -> Option<u64> {
    let canonical =
        key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}

/// Percent-decoding with `+` as a space; bad UTF-8 is replaced.
fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    fn read(text: &str) -> serde_json::Value {
        serde_json::Value::Object(parse(text.as_bytes()))
    }

    #[test]
    fn nested_names_become_maps_and_lists() {
        assert_eq!(
            read("filter[>ID]=10&select[]=ID&select[]=TITLE&fields[PHONE][0][VALUE]=%2B7+900"),
            json!({"filter": {">ID": "10"}, "select": ["ID", "TITLE"], "fields": {"PHONE": [{"VALUE": "+7 900"}]}})
        );
    }

    #[test]
    fn gaps_make_a_map_and_the_last_value_wins() {
        assert_eq!(read("a[0]=x&a[2]=y&a[]=z"), json!({"a": {"0": "x", "2": "y", "3": "z"}}));
        assert_eq!(read("a=1&a=2"), json!({"a": "2"}));
        assert_eq!(read("a[b]=1&a=2"), json!({"a": "2"}));
        assert_eq!(read("a=2&a[b]=1"), json!({"a": {"b": "1"}}));
    }

    #[test]
    fn odd_names_are_read_as_php_does() {
        assert_eq!(read("a[b=1"), json!({"a_b": "1"}));
        assert_eq!(read("[x]=1&=2&&b"), json!({"b": ""}));
        assert_eq!(read("a%5B%5D=1&a[]=2"), json!({"a": ["1", "2"]}));
        assert_eq!(read("a.b c[d.e]=1"), json!({"a_b_c": {"d.e": "1"}}));
        assert_eq!(read("a[01]=x"), json!({"a": {"01": "x"}}));
        assert_eq!(
            read("a[18446744073709551615]=x&a[]=y"),
            json!({"a": {"18446744073709551615": "y"}})
        );
    }

    #[test]
    fn hostile_depth_is_dropped_and_hostile_width_is_cut() {
        assert_eq!(read(&format!("a{}=1&b=2", "[x]".repeat(100_000))), json!({"b": "2"}));
        let wide: String = (0..50_000).map(|n| format!("k{n}=1&")).collect();
        assert_eq!(parse(wide.as_bytes()).len(), super::VARIABLES);
    }
}
