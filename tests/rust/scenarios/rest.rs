//! Calls of the portal, as the scenarios ask for them.

use evergrant::{Batch, Client, Error, ListOptions, v3};
use serde_json::{Value, json};

use crate::shown::error_json;

/// What a step comes to, if it is a call of the portal.
pub(crate) async fn call(client: &Client, step: &Value) -> Option<Result<Value, Error>> {
    let method = step["method"].as_str().unwrap_or_default();
    let params = step.get("params").cloned().unwrap_or_default();
    Some(match step["do"].as_str()? {
        "call" => client.call(method, params).await.map(|answer| answer.result),
        "batch" => batch(client, step).await,
        "list" => match client.list_with(method, params, options(step)) {
            Ok(list) => list.all().await.map(Value::Array),
            Err(error) => Err(error),
        },
        "list_page" => page(client, method, params, options(step)).await,
        "count_rows" => client.count(method, params).await.map(Value::from),
        "get_by_ids" => {
            let ids: Vec<u64> = step["ids"].as_array()?.iter().filter_map(Value::as_u64).collect();
            client.get_by_ids(method, &ids, params).await.map(Value::from_iter)
        }
        "v3_call" => client.v3().call(method, params).await.map(|answer| answer.result),
        "v3_list" => match client.v3().list(method, params) {
            Ok(list) => list.all().await.map(Value::Array),
            Err(error) => Err(error),
        },
        "v3_batch" => v3_batch(client, step).await,
        _ => return None,
    })
}

fn options(step: &Value) -> ListOptions {
    let mut options = ListOptions::new();
    let Some(given) = step["options"].as_object() else { return options };
    for (name, value) in given {
        options = match name.as_str() {
            "limit" => options.limit(value.as_u64().unwrap()),
            "order" => options.order(value.as_object().unwrap().clone()),
            "strategy" => options.strategy(value.as_str().unwrap().parse().unwrap()),
            "total" => options.total(value.as_bool().unwrap()),
            "after" => options.after(value.as_str().unwrap()),
            other => panic!("no option {other}"),
        };
    }
    options
}

/// The first page, and where the list stands behind it.
async fn page(
    client: &Client,
    method: &str,
    params: Value,
    options: ListOptions,
) -> Result<Value, Error> {
    let mut list = client.list_with(method, params, options)?;
    let rows = list.next_page().await?;
    Ok(json!({"rows": rows, "cursor": list.cursor(), "total": list.total()}))
}

async fn batch(client: &Client, step: &Value) -> Result<Value, Error> {
    let mut batch = Batch::new();
    for command in step["commands"].as_array().unwrap() {
        let params = with_references(&command[1], &|keys| {
            // A reference is its text: `add` gives one, and this is the same.
            let text: String = keys.iter().map(|key| format!("[{}]", plain(key))).collect();
            format!("$result{text}").into()
        });
        let method = command[0].as_str().unwrap();
        match command[2].as_str() {
            Some(name) => _ = batch.add(name, method, params)?,
            None => batch.push(method, params)?,
        }
    }
    let results = client.run_batch(batch).await?;
    Ok(results
        .into_iter()
        .map(|result| match result {
            Ok(answer) => json!({"ok": answer.result}),
            Err(error) => json!({"error": error_json(&error)}),
        })
        .collect())
}

async fn v3_batch(client: &Client, step: &Value) -> Result<Value, Error> {
    let mut batch = v3::Batch::new();
    for (index, call) in step["commands"].as_array().unwrap().iter().enumerate() {
        let query = with_references(
            &call[1],
            &|keys| json!({"$ref": keys.iter().map(plain).collect::<Vec<_>>().join(".")}),
        );
        let name = call[2].as_str().map_or_else(|| format!("call{index}"), str::to_owned);
        batch.add(&name, call[0].as_str().unwrap(), query)?;
    }
    client.v3().batch(batch).await.map(Value::Array)
}

/// Puts references in the place of `{"$reference": [name, key...]}`.
fn with_references(value: &Value, write: &impl Fn(&[Value]) -> Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$reference") {
            Some(keys) => write(keys.as_array().unwrap()),
            None => Value::Object(
                fields
                    .iter()
                    .map(|(key, item)| (key.clone(), with_references(item, write)))
                    .collect(),
            ),
        },
        Value::Array(items) => items.iter().map(|item| with_references(item, write)).collect(),
        other => other.clone(),
    }
}

fn plain(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
