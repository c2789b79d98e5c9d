//! `evergrant list`.

use clap::Args;
use evergrant::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{arguments::MethodArguments, options::CallerOptions, output};

/// Prints all rows of a list method.
#[derive(Args)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    method: MethodArguments,
    #[command(flatten)]
    caller: CallerOptions,
    /// No progress bar.
    #[arg(long)]
    quiet: bool,
}

impl ListCommand {
    pub(crate) async fn run(self) -> Result<()> {
        let params = self.method.params()?;
        let mut list = self.caller.client().await?.list(&self.method.method, params)?;
        let bar = if self.quiet { ProgressBar::hidden() } else { progress("rows") };
        while let Some(rows) = list.next_page().await? {
            bar.set_length(list.total().unwrap_or(bar.position()).max(bar.position()));
            bar.suspend(|| rows.iter().try_for_each(|row| output::line(row.to_string())))?;
            bar.inc(rows.len() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// A bar on standard error; hidden where that is not a terminal.
pub(crate) fn progress(what: &str) -> ProgressBar {
    let template = format!("  {{bar:32}} {{human_pos}} of {{human_len}} {what}, {{elapsed}}");
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style.progress_chars("━╸─"))
}
