//! `evergrant call`.

use clap::Args;
use evergrant::{CallOptions, Error, Kind, Result};
use serde_json::Value;

use crate::{
    arguments::MethodArguments,
    options::{CALLER, ClientOptions, within},
    output,
    rows::{Format, Rows},
};

/// Call one method and print its result.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evergrant call crm.lead.get ID=5
  evergrant call crm.lead.add 'fields[TITLE]=Hello' 'fields[OPPORTUNITY]:=99.5'
  evergrant call crm.lead.update --params @lead.json --idempotent")]
pub(crate) struct Call {
    #[command(flatten)]
    method: MethodArguments,
    /// Print the whole answer: result, next, total, time.
    #[arg(long)]
    full: bool,
    /// Doing it twice is harmless: send it again also when nobody knows whether it was executed.
    #[arg(long)]
    idempotent: bool,
    /// Seconds that it may take, all waits and repetitions together. Unless given, five minutes and the
    /// time in the queue before the rate limit.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// How the result is written; its rows one by one where it is a list. Unless given, as indented JSON.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "full")]
    output: Option<Format>,
    #[command(flatten, next_help_heading = CALLER)]
    client: ClientOptions,
}

impl Call {
    pub(crate) async fn run(self) -> Result<()> {
        let params = self.method.params().await?;
        let options = within(CallOptions::new().idempotent(self.idempotent), self.timeout);
        let client = self.client.client().await?;
        let answer = client.call_with(&self.method.method, params, options).await?;
        if let Some(format) = self.output {
            let mut rows = Rows::new(format);
            match &answer.result {
                Value::Array(items) => rows.write(items)?,
                single => rows.write(std::slice::from_ref(single))?,
            }
            return rows.end();
        }
        if !self.full {
            return output::json(&answer.result);
        }
        let whole = serde_json::to_value(&answer).map_err(|error| {
            Error::new(Kind::Internal, "the answer cannot be shown").with_source(error)
        })?;
        output::json(&whole)
    }
}
