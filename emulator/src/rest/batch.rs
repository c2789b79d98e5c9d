//! `batch`: up to fifty commands in one request, each with its own result or error.

use serde_json::Value;

use super::reference::{self, Earlier, Memory, OutOfMemory};
use super::settings::Overflow;
use super::{Call, METHODS, Page, RestError, dispatch, find};
use crate::faults::When;
use crate::json;
use crate::params::{Params, parse_query, truthy};
use crate::portal::envelope;

/// Commands of one batch.
const COMMANDS: usize = 50;

/// Bytes that the results of a batch and what its references put in may take up together.
const MEMORY: usize = 64 << 20;

/// How far an error goes.
enum Failure {
    /// It is the answer to its command.
    Command(RestError),
    /// It ends the request, like PHP's own limit.
    Memory,
}

impl From<RestError> for Failure {
    fn from(error: RestError) -> Self {
        Self::Command(error)
    }
}

impl From<OutOfMemory> for Failure {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

/// What the commands have answered so far, as JSON text by key.
#[derive(Default)]
struct Answers {
    result: Vec<(String, Vec<u8>)>,
    error: Vec<(String, Vec<u8>)>,
    total: Vec<(String, Vec<u8>)>,
    next: Vec<(String, Vec<u8>)>,
    time: Vec<(String, Vec<u8>)>,
}

impl Earlier for Answers {
    fn value(&self, kind: &str, path: &[&str]) -> Option<Value> {
        let map = match kind {
            "result" => &self.result,
            "error" => &self.error,
            "total" => &self.total,
            "next" => &self.next,
            _ => &self.time,
        };
        let (key, rest) = path.split_first()?;
        let (_, bytes) = map.iter().find(|(known, _)| known == key)?;
        // Parsed only when a later command asks: most batches have no references.
        let root: Value = serde_json::from_slice(bytes).ok()?;
        Some(reference::walk(&root, rest))
    }
}

pub(super) fn run(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let commands: Vec<(String, &Value)> = match call.params.get("cmd") {
        Some(Value::Object(map)) => {
            map.iter().map(|(key, command)| (key.clone(), command)).collect()
        }
        Some(Value::Array(list)) => {
            list.iter().enumerate().map(|(n, command)| (n.to_string(), command)).collect()
        }
        _ => return Err(RestError::argument("cmd")),
    };
    if commands.len() > COMMANDS && call.world.settings.read().batch_overflow() == Overflow::Request
    {
        return Err(too_long());
    }
    let halt = call.params.get("halt").is_some_and(truthy);
    let (mut answers, mut memory) = (Answers::default(), Memory::new(MEMORY));
    for (number, (key, command)) in commands.into_iter().enumerate() {
        // What is not a string is passed over, but counted.
        let Value::String(command) = command else { continue };
        let outcome = if number < COMMANDS {
            run_command(call, &key, command, &mut answers, &mut memory)
        } else {
            Err(too_long().into())
        };
        if let Err(failure) = outcome {
            let Failure::Command(error) = failure else { return Err(RestError::internal()) };
            call.world.counters.portal_errors.add(&error.code);
            let mut body = Vec::new();
            error.write(&mut body);
            answers.error.push((key, body));
            if halt {
                break;
            }
        }
    }
    out.push(b'{');
    for (name, map) in [
        ("result", &answers.result),
        ("result_error", &answers.error),
        ("result_total", &answers.total),
        ("result_next", &answers.next),
        ("result_time", &answers.time),
    ] {
        json::key(out, name);
        write_map(out, map);
    }
    out.push(b'}');
    Ok(Page::default())
}

fn too_long() -> RestError {
    RestError::new(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
}

fn run_command(
    call: &Call<'_>,
    key: &str,
    command: &str,
    answers: &mut Answers,
    memory: &mut Memory,
) -> Result<(), Failure> {
    let world = call.world;
    let started = world.clock.micros();
    // As a URL: nothing behind a # arrives.
    let command = command.split('#').next().unwrap_or("");
    let (name, query) = command.split_once('?').unwrap_or((command, ""));
    let method = find(name).ok_or_else(RestError::method_not_found)?;
    if matches!(METHODS[method].name, "batch" | "download" | "upload") {
        let text = "Method is not allowed for batch usage";
        return Err(RestError::new(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", text).into());
    }
    world.counters.commands.add();
    if let Some(fault) = world.faults.strike_command(When::Before, key, name) {
        return Err(RestError::from_body(fault.error()).into());
    }
    let mut params = Params::from_map(parse_query(query.as_bytes())).inside(call.params);
    params.iter_mut().try_for_each(|value| reference::resolve(value, answers, memory))?;
    // A page of rows with a few columns fits without growing.
    let mut result = Vec::with_capacity(8 * 1024);
    let inner = Call { world, caller: call.caller, params: &params, method };
    if !inner.covers(METHODS[method].scope) {
        return Err(RestError::insufficient_scope(&inner).wordless().into());
    }
    let page = dispatch(&inner, &mut result)?;
    memory.take(result.len())?;
    if let Some(fault) = world.faults.strike_command(When::After, key, name) {
        return Err(RestError::from_body(fault.error()).into());
    }
    let mut time = Vec::with_capacity(256);
    envelope::write_time(world, &mut time, &page, started);
    answers.result.push((key.to_owned(), result));
    answers.time.push((key.to_owned(), time));
    if let Some(total) = page.told_total() {
        answers.total.push((key.to_owned(), total.to_string().into_bytes()));
    }
    if let Some(next) = page.next {
        answers.next.push((key.to_owned(), next.to_string().into_bytes()));
    }
    Ok(())
}

/// PHP's array: `[]` when empty, a list when the keys are 0, 1, 2 …, else an object.
fn write_map(out: &mut Vec<u8>, map: &[(String, Vec<u8>)]) {
    let list = map.iter().enumerate().all(|(n, (key, _))| *key == n.to_string());
    out.reserve(map.iter().map(|(key, bytes)| key.len() + bytes.len() + 4).sum::<usize>() + 2);
    out.push(if list { b'[' } else { b'{' });
    for (key, bytes) in map {
        if list {
            json::separate(out);
        } else {
            json::key(out, key);
        }
        out.extend_from_slice(bytes);
    }
    out.push(if list { b']' } else { b'}' });
}
