//! `evergrant batch`.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use evergrant::{Batch, CallOptions, Error, Result};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::{
    commands::list::progress,
    options::{CALLER, ClientOptions, within},
    output,
    rows::{Format, Rows},
    source,
};

/// More than this is not typed by anybody.
const LONGEST: u64 = 256 << 20;

/// Run any number of commands, fifty to a request, and print what became of each, in their order.
///
/// Each command is a JSON object, one a line or all in one array: {"method": "crm.lead.add",
/// "params": {...}, "name": "lead"}. A later command uses the result of one that has a name:
/// {"method": "crm.lead.get", "params": {"ID": "$result[lead]"}}.
///
/// When all have ended, one line is printed for each: {"ok": true, "result": ..., "error": null}. The
/// program ends with 1 if one failed.
#[derive(Args)]
pub(crate) struct BatchCommand {
    /// The file with the commands, or - for standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Run also the commands that use the result of one that failed; the portal then takes the text of
    /// the reference for a value.
    #[arg(long)]
    go_on: bool,
    /// Seconds that the whole batch may take, all waits and repetitions together. Unless given, a quarter
    /// of an hour for each request and the time in the queue before the rate limit.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// How the outcomes are written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "ndjson")]
    output: Format,
    /// No progress bar; without a terminal there is none anyway.
    #[arg(long)]
    quiet: bool,
    #[command(flatten, next_help_heading = CALLER)]
    client: ClientOptions,
}

impl BatchCommand {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        if self.file == Path::new("-") && std::io::stdin().is_terminal() {
            output::note("Type the commands, one JSON object a line; Ctrl-D ends them:");
        }
        let commands = source::read("file", &self.file, LONGEST).await?;
        let batch = read_batch(&commands)?.halt(!self.go_on);
        let client = self.client.client().await?;
        let bar = if self.quiet { ProgressBar::hidden() } else { progress("commands") };
        bar.set_length(batch.len() as u64);
        bar.tick();
        let shown = bar.clone();
        let batch = batch.progress(move |commands| shown.set_position(commands as u64));
        let outcomes = client.run_batch_with(batch, within(CallOptions::new(), self.timeout)).await;
        bar.finish_and_clear();
        let outcomes = outcomes?;
        let mut rows = Rows::new(self.output);
        let mut failed = 0_usize;
        for outcome in outcomes {
            let row = match outcome {
                Ok(answer) => json!({"ok": true, "result": answer.result, "error": null}),
                Err(error) => {
                    failed += 1;
                    json!({"ok": false, "result": null, "error": error.to_string()})
                }
            };
            rows.write(&[row])?;
        }
        rows.end()?;
        if failed > 0 {
            output::note(format!("{failed} commands failed"));
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn read_batch(text: &str) -> Result<Batch> {
    let mut batch = Batch::new();
    for (index, command) in values(text)?.into_iter().enumerate() {
        add(&mut batch, command).map_err(|error| error.with("command", index.to_string()))?;
    }
    Ok(batch)
}

/// An array's items, or one value after the other.
fn values(text: &str) -> Result<Vec<Value>> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut values = values.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| {
        Error::invalid_input("file", source::why_not_json("the commands are", &error))
    })?;
    if !values.iter().all(source::is_exact) {
        let why = format!("the commands are {}", source::NOT_EXACT);
        return Err(Error::invalid_input("file", why));
    }
    Ok(match values.as_mut_slice() {
        [Value::Array(commands)] => std::mem::take(commands),
        _ => values,
    })
}

fn add(batch: &mut Batch, command: Value) -> Result<()> {
    let refuse = |field: &'static str, why: &'static str| {
        Err(Error::invalid_input(field, why)
            .advise(r#"Write {"method": "crm.lead.get", "params": {"ID": 5}}."#))
    };
    let Value::Object(mut fields) = command else {
        return refuse("command", "a command is a JSON object");
    };
    let (method, params, name) =
        (fields.remove("method"), fields.remove("params"), fields.remove("name"));
    if let Some(unknown) = fields.keys().next() {
        return Err(Error::invalid_input("command", "a command has method, params and name")
            .with("name", unknown.chars().take(60).collect::<String>()));
    }
    let Some(Value::String(method)) = method else {
        return refuse("method", "a command's method is a text");
    };
    let params = params.unwrap_or_default();
    match name {
        None | Some(Value::Null) => batch.push(&method, params),
        Some(Value::String(name)) => batch.add(&name, &method, params).map(|_| ()),
        Some(_) => refuse("name", "a command's name is a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_one_a_line_or_in_an_array() {
        let lines = "{\"method\": \"profile\"}\n\n{\"method\": \"crm.lead.add\", \"params\": {}, \"name\": \"lead\"}\n";
        assert_eq!(read_batch(lines).unwrap().len(), 2);
        assert_eq!(
            read_batch(r#"[{"method": "profile"}, {"method": "profile"}]"#).unwrap().len(),
            2
        );
        assert!(read_batch("").unwrap().is_empty());
    }

    #[test]
    fn commands_that_are_nested_too_deep_are_said_to_be() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let error =
            read_batch(&format!("{{\"method\": \"profile\", \"params\": {deep}}}")).unwrap_err();
        assert!(error.message().starts_with("the commands are nested too deep"), "{error}");
    }

    #[test]
    fn what_is_no_command_is_named() {
        for (text, field) in [
            ("{", "file"),
            ("[1]", "command"),
            (r#"{"method": 5}"#, "method"),
            (r#"{"method": ""}"#, "method"),
            (r#"{"method": "profile", "nmae": "x"}"#, "command"),
            (r#"{"method": "profile", "name": 5}"#, "name"),
            (r#"{"method": "batch"}"#, "method"),
        ] {
            let error = read_batch(text).unwrap_err();
            assert!(error.context().contains(&("field", field.into())), "{text}: {error}");
        }
    }
}
