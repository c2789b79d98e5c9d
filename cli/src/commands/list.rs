//! `evergrant list`.

use std::path::PathBuf;

use clap::Args;
use evergrant::{Error, ListOptions, Result, Strategy};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use crate::{
    arguments::MethodArguments,
    options::{CALLER, ClientOptions},
    resume::Resume,
    rows::{Format, Rows, lines},
};

/// Print the rows of a list method, in order.
///
/// A page that cannot be had is an error: never an early end.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evergrant list crm.lead.list 'select[]=ID' 'select[]=TITLE' 'filter[>ID]:=500' --output csv
  evergrant list crm.lead.list --resume leads.cursor >> leads.ndjson")]
pub(crate) struct ListCommand {
    #[command(flatten)]
    method: MethodArguments,
    /// All rows; so it is unless --limit is given.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// No more rows than these, those of earlier runs with the same --resume among them.
    #[arg(long, value_name = "ROWS")]
    limit: Option<u64>,
    /// The order: FIELD or FIELD:desc, with commas.
    #[arg(long, value_name = "FIELDS")]
    order: Option<String>,
    /// How pages are cut: auto, pages, after_id or ranges.
    #[arg(long, value_name = "STRATEGY", default_value = "auto")]
    strategy: Strategy,
    /// How rows are written; csv and table have the columns of the first row.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "ndjson")]
    output: Format,
    /// Keep in this file how far the list was printed; it is gone when the list is whole. The same
    /// command, run again after a crash, goes on there: append its output to the same file with >>.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// No progress bar; without a terminal there is none anyway.
    #[arg(long)]
    quiet: bool,
    #[command(flatten, next_help_heading = CALLER)]
    client: ClientOptions,
}

impl ListCommand {
    pub(crate) async fn run(self) -> Result<()> {
        if self.resume.is_some() && self.output != Format::Ndjson {
            return Err(Error::invalid_input("resume", "only ndjson can be gone on with"));
        }
        let mut resume = self.resume.clone().map(Resume::open).transpose()?;
        let options = self.options(resume.as_ref())?;
        let params = self.method.params().await?;
        let client = self.client.client().await?;
        let list = client.list_with(&self.method.method, params, options);
        let mut list = match &mut resume {
            Some(resume) => {
                let list = list.map_err(|error| resume.of_another_list(error))?;
                resume.begin(list.cursor())?;
                list
            }
            None => list?,
        };
        let bar = if self.quiet { ProgressBar::hidden() } else { progress("rows") };
        bar.set_position(resume.as_ref().map_or(0, Resume::rows));
        let mut rows = Rows::new(self.output);
        while let Some(page) = list.next_page().await? {
            bar.set_length(list.total().unwrap_or(bar.position()).max(bar.position()));
            bar.suspend(|| match &mut resume {
                Some(resume) => resume.print(&lines(&page), page.len(), list.cursor()),
                None => rows.write(&page),
            })?;
            bar.inc(page.len() as u64);
        }
        bar.finish_and_clear();
        rows.end()?;
        resume.as_ref().map_or(Ok(()), Resume::done)
    }

    fn options(&self, resume: Option<&Resume>) -> Result<ListOptions> {
        let mut options =
            ListOptions::new().strategy(self.strategy).total(!self.quiet && is_watched());
        if let Some(limit) = self.limit {
            // Of all runs together.
            options = options.limit(limit.saturating_sub(resume.map_or(0, Resume::rows)));
        }
        if let Some(order) = &self.order {
            options = options.order(read_order(order)?);
        }
        if let Some(cursor) = resume.and_then(Resume::cursor) {
            options = options.after(cursor);
        }
        Ok(options)
    }
}

fn is_watched() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// `TITLE,ID:desc` as the methods take it.
fn read_order(text: &str) -> Result<Map<String, Value>> {
    let mut order = Map::new();
    for part in text.split(',') {
        let (field, way) = part.split_once(':').unwrap_or((part, "asc"));
        let way = way.to_ascii_uppercase();
        if field.is_empty() || !["ASC", "DESC"].contains(&way.as_str()) {
            return Err(Error::invalid_input("order", "the order cannot be read")
                .advise("Write FIELD or FIELD:desc, with commas between fields."));
        }
        order.insert(field.to_owned(), way.into());
    }
    Ok(order)
}

/// A bar on standard error; hidden where that is not a terminal.
pub(crate) fn progress(what: &str) -> ProgressBar {
    let template = format!("  {{bar:32}} {{human_pos}} of {{human_len}} {what}, {{elapsed}}");
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style.progress_chars("━╸─"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_fields_with_a_direction() {
        let order = read_order("TITLE,ID:desc").unwrap();
        assert_eq!(Value::Object(order).to_string(), r#"{"TITLE":"ASC","ID":"DESC"}"#);
        for bad in ["", ",", "ID:down", ":asc", "ID,,TITLE"] {
            assert!(read_order(bad).is_err(), "{bad}");
        }
    }
}
