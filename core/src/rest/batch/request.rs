//! One request of a batch, and what follows from its answer.

use std::collections::VecDeque;

use serde_json::{Map, Value, value::RawValue};

use super::{
    Answer, Batch, Client,
    plan::{Chain, Chunk, Line},
    terms::Terms,
};
use crate::{
    Error, Kind, Result, Retry,
    rest::{
        answer::{count, read_part, vendor_error},
        attempt::Request,
    },
};

/// What is made of a command's answer. An answer that was read will do for each.
pub(crate) trait Outcome: From<Answer> + Send + 'static {
    /// Of a result as the portal wrote it, in an answer without result.
    fn of(text: Box<RawValue>, answer: Answer) -> Result<Self>;
}

impl Outcome for Answer {
    fn of(text: Box<RawValue>, answer: Answer) -> Result<Self> {
        let result = read_part(&text)?;
        Ok(Self { result, ..answer })
    }
}

/// A command's answer, its result perhaps unread.
struct Found {
    answer: Answer,
    text: Option<Box<RawValue>>,
}

impl Found {
    fn outcome<T: Outcome>(self) -> Result<T> {
        match self.text {
            Some(text) => T::of(text, self.answer),
            None => Ok(T::from(self.answer)),
        }
    }
}

/// What came of the commands of a chunk.
pub(super) struct Outcomes<T> {
    pub(super) of_commands: Vec<(usize, Result<T>)>,
    /// Why there was no answer at all.
    pub(super) lost: Option<Error>,
}

/// Sends a chunk; where the portal stopped at a failure, the chains behind it are sent again, for
/// none of them was begun.
pub(super) async fn send<T: Outcome>(
    client: &Client,
    batch: &Batch,
    chunk: Chunk,
    terms: Terms,
) -> Outcomes<T> {
    let halt = chunk.halt;
    let mut left: VecDeque<Chain> = chunk.chains.into();
    let mut all = Outcomes { of_commands: Vec::new(), lost: None };
    let (mut answered, mut unheard) = (false, Vec::new());
    while !left.is_empty() {
        let lines = || left.iter().flat_map(|chain| &chain.commands);
        let mut maps = match ask(client, lines(), halt, terms).await {
            Ok(maps) => maps,
            Err(error) => {
                unheard.extend(lines().map(|line| {
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
            let outcomes = chain_outcomes(batch, &chain, &mut maps, halt);
            let failed = outcomes.iter().find_map(|(_, outcome)| outcome.as_ref().err());
            stopped = halt && failed.is_some();
            let refused = chain.commands.len() > 1
                && !chain.again
                && matches!(outcomes.first(), Some((_, Err(error))) if error.is_retryable());
            if stopped && refused {
                // Its first command was refused unexecuted, so that nothing of it was done.
                left.push_back(Chain { again: true, ..chain });
            } else {
                // Read last: what cannot be read was executed all the same, and stopped nothing.
                all.of_commands.extend(outcomes.into_iter().map(|(index, found)| {
                    let outcome = found.and_then(Found::outcome);
                    (index, outcome.map_err(|error| located(client, batch, index, error)))
                }));
            }
        }
    }
    retry_refused(client, batch, terms, &mut all.of_commands).await;
    // A request that was refused as a whole has been waited for already.
    all.of_commands.extend(unheard);
    all
}

async fn ask(
    client: &Client,
    lines: impl Iterator<Item = &Line>,
    halt: bool,
    terms: Terms,
) -> Result<Answer> {
    let commands: Map<String, Value> =
        lines.map(|line| (line.name.clone(), line.text.clone().into())).collect();
    let mut params = Map::new();
    params.insert("halt".to_owned(), u8::from(halt).into());
    params.insert("cmd".to_owned(), commands.into());
    let answer = client.perform(Request::batch(params), terms.options(client)?).await?;
    let has_results = answer.texts.is_some() || answer.result.get("result").is_some();
    if !has_results || answer.result.get("result_error").is_none() {
        return Err(Error::new(Kind::UnexpectedAnswer, "the answer to the batch has no results"));
    }
    Ok(answer)
}

fn chain_outcomes(
    batch: &Batch,
    chain: &Chain,
    maps: &mut Answer,
    halt: bool,
) -> Vec<(usize, Result<Found>)> {
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
            (line.index, outcome)
        })
        .collect()
}

/// What was refused before it was executed, and has to do with no other command, is asked for alone.
async fn retry_refused<T: Outcome>(
    client: &Client,
    batch: &Batch,
    terms: Terms,
    outcomes: &mut [(usize, Result<T>)],
) {
    for (index, outcome) in outcomes {
        let refused = outcome.as_ref().is_err_and(|error| {
            error.is_retryable() && matches!(error.kind(), Kind::RateLimited | Kind::OperatingLimit)
        });
        let entry = &batch.entries[*index];
        let alone = entry.refers_to.is_empty()
            && !batch.entries.iter().any(|other| other.refers_to.contains(index));
        if refused && alone {
            let command = &entry.command;
            tracing::debug!(method = command.method, "a refused command is asked for alone");
            // It may wait as long as its batch may.
            let Ok(options) = terms.options(client) else { return };
            *outcome = client
                .call_with(&command.method, Value::Object(command.params.clone()), options)
                .await
                .map(T::from)
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
fn outcome(maps: &mut Answer, name: &str) -> Option<Result<Found>> {
    // Taken out, not copied: a batch of pages holds thousands of rows.
    let mut take =
        |map: &str| maps.result.get_mut(map).and_then(|map| map.get_mut(name)).map(Value::take);
    if let Some(error) = take("result_error") {
        let description =
            error.get("error_description").and_then(Value::as_str).unwrap_or_default();
        return Some(Err(vendor_error(error.get("error").unwrap_or(&error), description, None)));
    }
    let text = match &mut maps.texts {
        Some(texts) => Some(texts.remove(name)?),
        None => None,
    };
    let answer = Answer {
        result: if text.is_some() { Value::Null } else { take("result")? },
        next: count(take("result_next").as_ref()),
        total: count(take("result_total").as_ref()),
        time: take("result_time"),
        texts: None,
    };
    Some(Ok(Found { answer, text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_outcome(maps: &mut Answer, name: &str) -> Option<Result<Answer>> {
        Some(outcome(maps, name)?.and_then(Found::outcome))
    }

    #[test]
    fn every_command_has_its_outcome_in_its_place() {
        let body = br#"{"result": {
            "result": {"c0": [1], "c2": null},
            "result_error": {"c1": {"error": "", "error_description": "Not found"}},
            "result_total": {"c0": 654}, "result_next": {"c0": 50}, "result_time": []
        }}"#;
        for read in [Answer::read, Answer::read_batch] {
            let mut maps = read(200, body).unwrap();
            let mut outcome = |name| read_outcome(&mut maps, name);
            let first = outcome("c0").unwrap().unwrap();
            assert_eq!((first.result, first.total), (serde_json::json!([1]), Some(654)));
            assert_eq!(outcome("c1").unwrap().unwrap_err().code(), Some(""));
            assert_eq!(outcome("c2").unwrap().unwrap().result, Value::Null);
            assert!(outcome("c3").is_none());
        }
    }

    #[test]
    fn what_is_no_batch_is_read_as_any_answer() {
        let read = |status, body: &str| Answer::read_batch(status, body.as_bytes());
        let empty = read(200, r#"{"result":{"result":[],"result_error":[]}}"#).unwrap();
        assert!(empty.texts.is_none() && empty.result["result"].is_array());
        let error = read(503, r#"{"error":"QUERY_LIMIT_EXCEEDED"}"#).unwrap_err();
        assert_eq!(error.kind(), Kind::RateLimited);
        let moved = read(302, r#"{"result":{"result":{},"result_error":[]}}"#);
        assert!(moved.unwrap_err().to_string().contains("moved"));
        let cut = read(200, r#"{"result":{"result":{"c0":[1]"#).unwrap_err();
        assert_eq!(cut.kind(), Kind::UnexpectedAnswer);
        let latin = Answer::read_batch(200, b"{\"result\":{\"result\":{\"c0\":\"\xe9\"}}}");
        assert!(latin.unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn a_result_that_is_nested_too_deep_is_an_error_of_its_command() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let body = format!(r#"{{"result":{{"result":{{"c0":{deep},"c1":7}},"result_error":[]}}}}"#);
        let mut maps = Answer::read_batch(200, body.as_bytes()).unwrap();
        let error = read_outcome(&mut maps, "c0").unwrap().unwrap_err();
        assert!(error.to_string().contains("too deep"), "{error}");
        assert_eq!(read_outcome(&mut maps, "c1").unwrap().unwrap().result, 7);
    }
}
