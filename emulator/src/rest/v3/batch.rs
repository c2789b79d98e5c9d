//! REST 3.0 `batch`: a list of calls; later ones refer to earlier ones by structure, not by text.

use serde_json::{Map, Value};

use super::super::methods::{METHODS, V3};
use super::super::{Caller, RestError};
use super::{find, insufficient_scope};
use crate::faults::When;
use crate::json;
use crate::params::{Params, scalar};
use crate::world::World;

struct Command {
    method: usize,
    alias: String,
    query: Value,
}

fn invalid(text: &str) -> RestError {
    RestError::v3(400, "INVALIDSELECT", text)
}

pub(super) fn run(
    world: &World,
    caller: &Caller,
    body: Value,
    out: &mut Vec<u8>,
) -> Result<(), RestError> {
    let commands = read(body)?;
    let mut earlier: Vec<(String, Value)> = Vec::with_capacity(commands.len());
    out.push(b'[');
    for mut command in commands {
        let probe =
            super::Call { world, caller, params: &Params::default(), method: command.method };
        if !probe.covers(METHODS[command.method].scope) {
            return Err(insufficient_scope());
        }
        resolve(&mut command.query, &earlier, DEPTH)?;
        world.counters.commands.add();
        strike(world, When::Before, &command)?;
        let mut result = Vec::with_capacity(512);
        // The first error is the whole answer.
        super::run(world, caller, command.method, command.query.take(), &mut result)?;
        strike(world, When::After, &command)?;
        json::separate(out);
        out.extend_from_slice(&result);
        let value = serde_json::from_slice(&result).unwrap_or(Value::Null);
        earlier.push((command.alias, value));
    }
    out.push(b']');
    Ok(())
}

/// A fault in place of one call.
fn strike(world: &World, when: When, command: &Command) -> Result<(), RestError> {
    let name = METHODS[command.method].name;
    let name = name.strip_prefix(V3).unwrap_or(name);
    let Some(fault) = world.faults.strike_command(when, &command.alias, name) else {
        return Ok(());
    };
    let fault = fault.in_v3();
    let mut error = RestError::from_body(fault.error());
    error.status = fault.error_status();
    Err(error)
}

/// All methods are looked up before anything runs.
fn read(body: Value) -> Result<Vec<Command>, RestError> {
    let Value::Array(items) = body else {
        return Err(invalid("The batch must be a list of calls."));
    };
    let mut commands: Vec<Command> = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let Value::Object(mut item) = item else {
            return Err(invalid(&format!("Call {at} of the batch is not an object.")));
        };
        let name = item.get("method").and_then(Value::as_str).unwrap_or("");
        let method = find(name)?;
        if name == "batch" {
            return Err(invalid("A batch cannot contain a batch."));
        }
        let alias = item.get("as").and_then(scalar).unwrap_or_else(|| at.to_string());
        if commands.iter().any(|known| known.alias == alias) {
            return Err(invalid(&format!("The alias \"{alias}\" is used twice.")));
        }
        let query = match item.shift_remove("query") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(Value::Array(list)) if list.is_empty() => Value::Object(Map::new()),
            Some(query) => query,
        };
        commands.push(Command { method, alias, query });
    }
    Ok(commands)
}

/// Levels that are searched for references.
const DEPTH: usize = 64;

/// Puts values of earlier answers where `{"$ref": "alias.path"}` and `{"$refArray": "alias.field"}` stand.
pub(super) fn resolve(
    value: &mut Value,
    earlier: &[(String, Value)],
    depth: usize,
) -> Result<(), RestError> {
    if depth == 0 {
        return Err(invalid("The query is nested too deeply."));
    }
    match value {
        Value::Array(items) => {
            items.iter_mut().try_for_each(|item| resolve(item, earlier, depth - 1))
        }
        Value::Object(map) => {
            let reference = match map.iter().next() {
                Some((key, Value::String(path))) if map.len() == 1 => {
                    Some((key.as_str(), path.as_str()))
                }
                _ => None,
            };
            let found = match reference {
                Some(("$ref", path)) => Some(single(path, earlier)?),
                Some(("$refArray", path)) => Some(column(path, earlier)?),
                _ => None,
            };
            match found {
                Some(found) => {
                    *value = found;
                    Ok(())
                }
                None => map.values_mut().try_for_each(|item| resolve(item, earlier, depth - 1)),
            }
        }
        _ => Ok(()),
    }
}

/// The context of an alias (the `item` or `items` of its answer) and the path behind it.
fn context<'a, 'p>(
    path: &'p str,
    earlier: &'a [(String, Value)],
) -> Result<(&'a Value, Option<&'p str>), RestError> {
    let (alias, rest) = match path.split_once('.') {
        Some((alias, rest)) => (alias, Some(rest)),
        None => (path, None),
    };
    let (_, answer) = earlier
        .iter()
        .find(|(known, _)| known == alias)
        .ok_or_else(|| invalid(&format!("Reference \"{path}\" names no earlier call.")))?;
    let inner = answer.get("item").or_else(|| answer.get("items")).unwrap_or(answer);
    // The name of the context may be written too.
    let rest = rest.filter(|rest| !matches!(*rest, "item" | "items"));
    let rest = rest.map(|rest| {
        rest.strip_prefix("item.").or_else(|| rest.strip_prefix("items.")).unwrap_or(rest)
    });
    Ok((inner, rest))
}

fn walk<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(root, |at, step| match at {
        Value::Object(map) => map.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn unknown(path: &str) -> RestError {
    invalid(&format!("Reference \"{path}\" leads nowhere."))
}

fn single(path: &str, earlier: &[(String, Value)]) -> Result<Value, RestError> {
    let (root, rest) = context(path, earlier)?;
    let found = rest.map_or(Some(root), |rest| walk(root, rest));
    found.cloned().ok_or_else(|| unknown(path))
}

/// One field of every item.
fn column(path: &str, earlier: &[(String, Value)]) -> Result<Value, RestError> {
    let (root, rest) = context(path, earlier)?;
    let (Value::Array(items), Some(field)) = (root, rest) else { return Err(unknown(path)) };
    let values: Option<Vec<Value>> = items.iter().map(|item| walk(item, field).cloned()).collect();
    values.map(Value::Array).ok_or_else(|| unknown(path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DEPTH, resolve};

    #[test]
    fn references_are_replaced_by_structure() {
        let earlier = [
            ("one".to_owned(), json!({"item": {"id": 5, "tags": ["a"]}})),
            ("many".to_owned(), json!({"items": [{"id": 1}, {"id": 2}]})),
        ];
        let mut query = json!({"id": {"$ref": "one.id"}, "filter": [["id", "in", {"$refArray": "many.id"}]],
                               "first": {"$ref": "many.0.id"}, "all": {"$ref": "one.tags"}});
        assert!(resolve(&mut query, &earlier, DEPTH).is_ok());
        assert_eq!(
            query,
            json!({"id": 5, "filter": [["id", "in", [1, 2]]], "first": 1, "all": ["a"]})
        );
        for bad in ["none.id", "one.nope", "many.7.id"] {
            assert!(resolve(&mut json!({"$ref": bad}), &earlier, DEPTH).is_err(), "{bad}");
        }
        assert!(resolve(&mut json!({"$refArray": "one.id"}), &earlier, DEPTH).is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        #[test]
        fn references_never_panic(path in "(one|many|item|items|id|tags|0|7|\\.|\\PC){0,12}", array: bool) {
            let earlier = [
                ("one".to_owned(), json!({"item": {"id": 5, "tags": ["a"]}})),
                ("many".to_owned(), json!({"items": [{"id": 1}, {"id": 2}]})),
            ];
            let key = if array { "$refArray" } else { "$ref" };
            let mut query = json!([{key: path}]);
            let _ = resolve(&mut query, &earlier, DEPTH);
        }
    }
}
