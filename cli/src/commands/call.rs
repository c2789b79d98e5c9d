//! `evergrant call`.

use clap::Args;
use evergrant::{Error, Kind, Result};

use crate::{arguments::MethodArguments, options::CallerOptions, output};

/// Calls one method and prints its result.
#[derive(Args)]
pub(crate) struct Call {
    #[command(flatten)]
    method: MethodArguments,
    #[command(flatten)]
    caller: CallerOptions,
    /// Print the whole answer: result, next, total, time.
    #[arg(long)]
    full: bool,
}

impl Call {
    pub(crate) async fn run(self) -> Result<()> {
        let params = self.method.params()?;
        let answer = self.caller.client().await?.call(&self.method.method, params).await?;
        if !self.full {
            return output::json(&answer.result);
        }
        let whole = serde_json::to_value(&answer).map_err(|error| {
            Error::new(Kind::Internal, "the answer cannot be shown").with_source(error)
        })?;
        output::json(&whole)
    }
}
