//! Parameters of a REST method on the command line.

use std::path::Path;

use clap::Args;
use evergrant::{Error, Result};
use serde_json::{Map, Value};

use crate::source;

/// A JSON file longer than this is not a method's parameters.
const LONGEST: u64 = 64 << 20;

/// A method and its parameters.
#[derive(Args)]
pub(crate) struct MethodArguments {
    /// The REST method, such as crm.lead.list.
    pub(crate) method: String,
    /// Parameters in order: key=text, or key:=JSON for numbers, true, null, lists. Brackets nest, and want
    /// quotes for the shell's sake: 'fields[TITLE]=Hello' 'select[]=ID' 'filter[>ID]:=5'.
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Parameters as JSON, or @FILE with JSON in it, or - for standard input. Pairs are added to them.
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
}

impl MethodArguments {
    pub(crate) async fn params(&self) -> Result<Value> {
        let params = match &self.params {
            Some(source) => read(source).await?,
            None => Value::Object(Map::new()),
        };
        with_pairs(params, &self.pairs)
    }
}

fn with_pairs(mut params: Value, pairs: &[String]) -> Result<Value> {
    for pair in pairs {
        add(&mut params, pair)?;
    }
    Ok(params)
}

async fn read(source: &str) -> Result<Value> {
    let path = if source == "-" { Some(source) } else { source.strip_prefix('@') };
    match path {
        Some(path) => json(&source::read("params", Path::new(path), LONGEST).await?),
        None => json(source),
    }
}

fn json(text: &str) -> Result<Value> {
    source::json("params", "the parameters are", text)
}

fn add(params: &mut Value, pair: &str) -> Result<()> {
    let malformed = |why: String| {
        Error::invalid_input("KEY=VALUE", why)
            .with(
                "argument",
                pair.split('=').next().unwrap_or_default().chars().take(60).collect::<String>(),
            )
            .advise("Write key=text or key:=JSON, such as fields[TITLE]=Hello.")
    };
    let (name, text) =
        pair.split_once('=').ok_or_else(|| malformed("a parameter has no =".into()))?;
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => (name, source::parse("the value after := is", text).map_err(malformed)?),
        None => (name, Value::String(text.to_owned())),
    };
    let path = path(name).ok_or_else(|| malformed("a parameter's name is malformed".into()))?;
    place(params, &path, value)
        .ok_or_else(|| malformed("a parameter contradicts an earlier one".into()))
}

/// `a[b][]` as `["a", "b", ""]`.
fn path(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if first.is_empty() {
        return None;
    }
    let mut path = vec![first];
    while !rest.is_empty() {
        let (key, after) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(key);
        rest = after;
    }
    (path.len() <= 16).then_some(path)
}

fn place(target: &mut Value, path: &[&str], value: Value) -> Option<()> {
    let Some((key, rest)) = path.split_first() else {
        *target = value;
        return Some(());
    };
    if target.is_null() {
        *target = if key.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match target {
        Value::Array(items) if key.is_empty() => {
            items.push(Value::Null);
            place(items.last_mut()?, rest, value)
        }
        Value::Object(fields) if !key.is_empty() => {
            place(fields.entry(*key).or_insert(Value::Null), rest, value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(pairs: &[&str]) -> Result<Value> {
        let pairs: Vec<String> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        with_pairs(Value::Object(Map::new()), &pairs)
    }

    #[test]
    fn pairs_become_ordered_nested_parameters() {
        let params = parsed(&[
            "filter[>ID]:=5",
            "select[]=ID",
            "select[]=TITLE",
            "fields[PHONE][][VALUE]=+1=2",
            "empty=",
        ]);
        assert_eq!(
            params.unwrap().to_string(),
            json!({"filter": {">ID": 5}, "select": ["ID", "TITLE"], "fields": {"PHONE": [{"VALUE": "+1=2"}]}, "empty": ""}).to_string()
        );
    }

    #[test]
    fn what_contradicts_or_is_malformed_is_refused() {
        for bad in [
            &["novalue"][..],
            &["=x"],
            &["a:={"],
            &["a:=99999999999999999999"],
            &["a[b=1"],
            &["a[b]c=1"],
            &["a=1", "a[b]=2"],
            &["a[]=1", "a[b]=2"],
            &["[a]=1"],
        ] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
