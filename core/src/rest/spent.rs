//! Operating time of calls: what is read from their answers, and how long they wait for it.
//!
//! A batch is not billed itself; its commands are, each method for itself.

use std::time::Duration;

use serde_json::Value;

use super::{
    Answer, Client,
    attempt::Request,
    counters::counters,
    limit::{Limiter, Operating, Reading},
};
use crate::{Error, Kind, Result};

/// How long the request has to wait for its method. A batch of several methods waits only if all of
/// its commands would be refused: otherwise those alone are.
pub(super) fn wait(limiter: &Limiter, client: &Client, request: &Request) -> Duration {
    let (who, now) = (client.principal(), limiter.clock().boot());
    let mut operating = limiter.operating();
    if let Some((method, calls)) = only_method(request) {
        return operating.wait(who, method, calls, now);
    }
    let commands = commands(request);
    let waits = commands.iter().map(|(_, method)| operating.refused_for(who, method, now));
    waits.min().unwrap_or_default()
}

/// Reads what the answer says of it.
pub(super) fn learn(
    limiter: &Limiter,
    client: &Client,
    request: &Request,
    result: Result<Answer>,
) -> Result<Answer> {
    let (who, now) = (client.principal(), limiter.clock().boot());
    let mut operating = limiter.operating();
    match &result {
        Ok(answer) if request.is_batch() => {
            for (name, method) in commands(request) {
                let part = |map: &str| answer.result.get(map)?.get(name);
                if let Some(reading) = part("result_time").and_then(Reading::of) {
                    operating.read(who, method, reading, now);
                }
                if part("result_error").is_some_and(is_refusal) {
                    counters().refused_operating.add(1);
                    operating.refused(who, method, now);
                }
            }
        }
        Ok(answer) => {
            if let Some(reading) = answer.time.as_ref().and_then(Reading::of) {
                operating.read(who, &request.method, reading, now);
            }
        }
        Err(error) if error.kind() == Kind::OperatingLimit => {
            counters().refused_operating.add(1);
            // Whose it was, a refusal of several methods together does not say.
            let wait = match only_method(request) {
                Some((method, _)) => operating.refused(who, method, now),
                None => Operating::UNKNOWN,
            };
            return result.map_err(|error| error.with_retry_after(wait));
        }
        Err(_) => {}
    }
    result
}

/// The method that the request is billed on, where there is one alone, and how many calls of it.
fn only_method(request: &Request) -> Option<(&str, usize)> {
    if !request.is_batch() {
        return Some((&request.method, 1));
    }
    let commands = commands(request);
    let (_, method) = *commands.first()?;
    let is_only = commands.iter().all(|(_, other)| other.eq_ignore_ascii_case(method));
    is_only.then_some((method, commands.len()))
}

/// Names and methods of a batch's commands, in either generation of REST.
fn commands(request: &Request) -> Vec<(&str, &str)> {
    match &request.params {
        Value::Array(calls) => calls.iter().filter_map(call).collect(),
        params => {
            let lines = params.get("cmd").and_then(Value::as_object);
            lines.into_iter().flatten().filter_map(command).collect()
        }
    }
}

fn call(call: &Value) -> Option<(&str, &str)> {
    Some((call.get("as")?.as_str()?, call.get("method")?.as_str()?))
}

fn command<'a>((name, line): (&'a String, &'a Value)) -> Option<(&'a str, &'a str)> {
    Some((name, line.as_str()?.split('?').next()?))
}

fn is_refusal(error: &Value) -> bool {
    let code = error.get("error").and_then(Value::as_str).unwrap_or_default();
    code.eq_ignore_ascii_case("operation_time_limit")
}

/// Nothing was sent: it would have been refused.
pub(super) fn over() -> Error {
    Error::new(
        Kind::OperatingLimit,
        "the method has used up its operating time on this portal for longer than the call may wait",
    )
    .advise("Nothing was sent. Try again later, or give the call a longer deadline.")
}
