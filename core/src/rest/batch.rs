//! Up to fifty commands in one request. Vendor documentation: "How to use batch".

use serde_json::{Map, Value, json};

use super::{
    Answer, Client,
    answer::{count, vendor_error},
    params,
};
use crate::{Error, Kind, Result};

/// What the portal takes at once.
pub(crate) const MOST_COMMANDS: usize = 50;

/// One command of a batch.
#[derive(Debug, Clone)]
pub struct Command {
    method: String,
    params: Map<String, Value>,
}

impl Command {
    /// A command; `params` is an object, a list for positional parameters, or null.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming the field `method` or `params`.
    pub fn new(method: &str, params: impl Into<Value>) -> Result<Self> {
        params::check_method(method)?;
        if method.eq_ignore_ascii_case("batch") {
            return Err(Error::invalid_input("method", "a batch cannot hold another batch"));
        }
        Ok(Self { method: method.to_owned(), params: params::named(params.into())? })
    }

    fn line(&self) -> String {
        match params::query(&self.params) {
            query if query.is_empty() => self.method.clone(),
            query => format!("{}?{query}", self.method),
        }
    }
}

impl Client {
    /// Runs up to fifty commands in order, in one request. One result or error per command, in the
    /// order of the commands; a command that fails does not stop the others.
    ///
    /// # Errors
    /// Only where the batch as a whole had no answer. It is never repeated then: its commands may
    /// have been executed.
    pub async fn batch(&self, commands: Vec<Command>) -> Result<Vec<Result<Answer>>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        if commands.len() > MOST_COMMANDS {
            return Err(Error::invalid_input(
                "commands",
                format!("a batch takes at most {MOST_COMMANDS} commands"),
            )
            .with("commands", commands.len().to_string()));
        }
        let lines: Map<String, Value> = commands
            .iter()
            .enumerate()
            .map(|(index, command)| (name(index), command.line().into()))
            .collect();
        let mut answer = self.call("batch", json!({"halt": 0, "cmd": lines})).await?;
        if answer.result.get("result").is_none() || answer.result.get("result_error").is_none() {
            return Err(Error::new(
                Kind::UnexpectedAnswer,
                "the answer to the batch has no results",
            ));
        }
        let outcome = |(index, command): (usize, &Command)| {
            outcome(&mut answer.result, index).map_err(|error| {
                let error =
                    error.with("method", command.method.clone()).with("command", index.to_string());
                match self.portal() {
                    Some(portal) => error.with("portal", portal),
                    None => error,
                }
            })
        };
        Ok(commands.iter().enumerate().map(outcome).collect())
    }
}

/// Names, so that no portal can mistake the commands for a list and renumber the answers.
fn name(index: usize) -> String {
    format!("c{index}")
}

/// The maps of a batch are objects, or `[]` where they are empty.
fn outcome(maps: &mut Value, index: usize) -> Result<Answer> {
    // Taken out, not copied: a batch of pages holds thousands of rows.
    let mut take =
        |map: &str| maps.get_mut(map).and_then(|map| map.get_mut(name(index))).map(Value::take);
    if let Some(error) = take("result_error") {
        let description =
            error.get("error_description").and_then(Value::as_str).unwrap_or_default();
        return Err(vendor_error(error.get("error").unwrap_or(&error), description, None));
    }
    let result = take("result").ok_or_else(|| {
        Error::new(Kind::UnexpectedAnswer, "the portal's answer leaves this command out")
            .advise("It may have been executed: look before you repeat it.")
    })?;
    Ok(Answer {
        result,
        next: count(take("result_next").as_ref()),
        total: count(take("result_total").as_ref()),
        time: take("result_time"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_outcome_in_its_place() {
        let mut maps = json!({
            "result": {"c0": [1], "c2": null},
            "result_error": {"c1": {"error": "", "error_description": "Not found"}},
            "result_total": {"c0": 654}, "result_next": {"c0": 50}, "result_time": [],
        });
        assert_eq!(outcome(&mut maps, 0).unwrap().total, Some(654));
        assert_eq!(outcome(&mut maps, 1).unwrap_err().code(), Some(""));
        assert_eq!(outcome(&mut maps, 2).unwrap().result, Value::Null);
        assert_eq!(outcome(&mut maps, 3).unwrap_err().kind(), Kind::UnexpectedAnswer);
    }

    #[tokio::test]
    async fn too_many_and_nested_are_refused_before_anything_is_sent() {
        let client =
            Client::from_webhook("http://127.0.0.1:1/rest/1/qwertyuiop123456/").ok().unwrap();
        let commands = vec![Command::new("profile", Value::Null).unwrap(); 51];
        assert_eq!(client.batch(commands).await.unwrap_err().kind(), Kind::InvalidInput);
        assert!(Command::new("BATCH", Value::Null).is_err());
    }
}
