//! Operating time of calls: what is read from their answers, and how long they wait for it.
//!
//! A batch is not billed itself; its commands are, each method for itself.

use std::time::Duration;

use serde_json::Value;

use super::{
    Answer, Client,
    attempt::Request,
    counters::counters,
    limit::{Limiter, Reading},
};
use crate::{Error, Kind, Result};

/// How long the request has to wait for its method. A batch waits only if all of its commands would
/// be refused: otherwise those alone are.
pub(super) fn wait(limiter: &Limiter, client: &Client, request: &Request) -> Duration {
    let (who, now) = (client.principal(), limiter.clock().boot());
    let mut operating = limiter.operating();
    let own = operating.wait(who, &request.method, now);
    if !request.is_batch() {
        return own;
    }
    let commands = commands(request).map(|(_, method)| operating.refused_for(who, method, now));
    own.max(commands.min().unwrap_or_default())
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
        Ok(answer) => {
            if let Some(reading) = answer.time.as_ref().and_then(Reading::of) {
                operating.read(who, &request.method, reading, now);
            }
            if !request.is_batch() {
                return result;
            }
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
        Err(error) if error.kind() == Kind::OperatingLimit => {
            counters().refused_operating.add(1);
            let wait = operating.refused(who, &request.method, now);
            return result.map_err(|error| error.with_retry_after(wait));
        }
        Err(_) => {}
    }
    result
}

/// Names and methods of a batch's commands.
fn commands(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let lines = request.params.get("cmd").and_then(Value::as_object);
    lines.into_iter().flatten().filter_map(|(name, line)| {
        let method = line.as_str()?.split('?').next()?;
        Some((name.as_str(), method))
    })
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
