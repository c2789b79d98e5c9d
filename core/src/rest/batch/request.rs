//! One request of a batch, and what follows from its answer.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{
    Answer, Batch, Client,
    plan::{Chain, Chunk, Line},
};
use crate::{
    Error, Kind, Result, Retry,
    rest::answer::{count, vendor_error},
};

/// What came of the commands of a chunk.
pub(super) struct Outcomes {
    pub(super) of_commands: Vec<(usize, Result<Answer>)>,
    /// Why there was no answer at all.
    pub(super) lost: Option<Error>,
}

/// Sends a chunk; where the portal stopped at a failure, the chains behind it are sent again, for
/// none of them was begun.
pub(super) async fn send(client: &Client, batch: &Batch, chunk: Chunk) -> Outcomes {
    let halt = chunk.halt;
    let mut left: VecDeque<Chain> = chunk.chains.into();
    let mut all = Outcomes { of_commands: Vec::new(), lost: None };
    let mut answered = false;
    while !left.is_empty() {
        let lines = || left.iter().flat_map(|chain| &chain.commands);
        let mut maps = match ask(client, lines(), halt).await {
            Ok(maps) => maps,
            Err(error) => {
                all.of_commands.extend(lines().map(|line| {
                    let place = batch.label(line.index);
                    (line.index, Err(error.clone().with("command", place)))
                }));
                all.lost = Some(error).filter(|_| !answered);
                break;
            }
        };
        answered = true;
        let mut stopped = false;
        for chain in std::mem::take(&mut left) {
            if stopped {
                left.push_back(chain);
                continue;
            }
            let outcomes = chain_outcomes(client, batch, &chain, &mut maps, halt);
            let failed = outcomes.iter().find_map(|(_, outcome)| outcome.as_ref().err());
            stopped = halt && failed.is_some();
            let refused = chain.commands.len() > 1
                && !chain.again
                && matches!(outcomes.first(), Some((_, Err(error))) if error.is_retryable());
            if stopped && refused {
                // Its first command was refused unexecuted, so that nothing of it was done.
                left.push_back(Chain { again: true, ..chain });
            } else {
                all.of_commands.extend(outcomes);
            }
        }
    }
    retry_refused(client, batch, &mut all.of_commands).await;
    all
}

async fn ask(client: &Client, lines: impl Iterator<Item = &Line>, halt: bool) -> Result<Value> {
    let commands: Map<String, Value> =
        lines.map(|line| (line.name.clone(), line.text.clone().into())).collect();
    let answer = client.call("batch", json!({"halt": u8::from(halt), "cmd": commands})).await?;
    if answer.result.get("result").is_none() || answer.result.get("result_error").is_none() {
        return Err(Error::new(Kind::UnexpectedAnswer, "the answer to the batch has no results"));
    }
    Ok(answer.result)
}

fn chain_outcomes(
    client: &Client,
    batch: &Batch,
    chain: &Chain,
    maps: &mut Value,
    halt: bool,
) -> Vec<(usize, Result<Answer>)> {
    let mut failed: Option<String> = None;
    chain
        .commands
        .iter()
        .map(|line| {
            let outcome = match (&failed, outcome(maps, &line.name)) {
                (Some(culprit), None) if halt => Err(not_run(culprit)),
                (_, None) => Err(left_out()),
                (_, Some(outcome)) => outcome,
            };
            if outcome.is_err() && failed.is_none() {
                failed = Some(batch.label(line.index));
            }
            (line.index, outcome.map_err(|error| located(client, batch, line.index, error)))
        })
        .collect()
}

/// What was refused before it was executed, and has to do with no other command, is asked for alone.
async fn retry_refused(client: &Client, batch: &Batch, outcomes: &mut [(usize, Result<Answer>)]) {
    for (index, outcome) in outcomes {
        let refused = outcome.as_ref().is_err_and(|error| {
            error.is_retryable()
                && matches!(error.kind(), Kind::RateLimited | Kind::OperatingLimit)
                // A request that was refused as a whole has been waited for already.
                && error.status().is_none()
        });
        let entry = &batch.entries[*index];
        let alone = entry.refers_to.is_empty()
            && !batch.entries.iter().any(|other| other.refers_to.contains(index));
        if refused && alone {
            let command = &entry.command;
            tracing::debug!(method = command.method, "a refused command is asked for alone");
            *outcome = client
                .call(&command.method, Value::Object(command.params.clone()))
                .await
                .map_err(|error| located(client, batch, *index, error));
        }
    }
}

fn located(client: &Client, batch: &Batch, index: usize, error: Error) -> Error {
    let method = batch.entries[index].command.method.clone();
    let error = error.with("method", method).with("command", batch.label(index));
    match client.portal() {
        Some(portal) => error.with("portal", portal),
        None => error,
    }
}

pub(super) fn left_out() -> Error {
    Error::new(Kind::UnexpectedAnswer, "the portal's answer leaves this command out")
        .advise("It may have been executed: look before you repeat it.")
}

fn not_run(culprit: &str) -> Error {
    Error::new(
        Kind::Cancelled,
        format!("the command was not run, because command {culprit} of its chain failed"),
    )
    .with_retry(Retry::Safe)
    .advise("It was not executed.")
}

/// Result or error of one command; `None` where the answer has neither. The maps are objects, or
/// `[]` where they are empty.
fn outcome(maps: &mut Value, name: &str) -> Option<Result<Answer>> {
    // Taken out, not copied: a batch of pages holds thousands of rows.
    let mut take = |map: &str| maps.get_mut(map).and_then(|map| map.get_mut(name)).map(Value::take);
    if let Some(error) = take("result_error") {
        let description =
            error.get("error_description").and_then(Value::as_str).unwrap_or_default();
        return Some(Err(vendor_error(error.get("error").unwrap_or(&error), description, None)));
    }
    let result = take("result")?;
    Some(Ok(Answer {
        result,
        next: count(take("result_next").as_ref()),
        total: count(take("result_total").as_ref()),
        time: take("result_time"),
    }))
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
        assert_eq!(outcome(&mut maps, "c0").unwrap().unwrap().total, Some(654));
        assert_eq!(outcome(&mut maps, "c1").unwrap().unwrap_err().code(), Some(""));
        assert_eq!(outcome(&mut maps, "c2").unwrap().unwrap().result, Value::Null);
        assert!(outcome(&mut maps, "c3").is_none());
    }
}
