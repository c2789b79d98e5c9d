//! Rows on standard output, in the format that was asked for.

use clap::ValueEnum;
use evergrant::{Error, Kind, Result};
use serde_json::Value;

use crate::output;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON value a line.
    Ndjson,
    /// One JSON array.
    Json,
    /// Comma-separated, a line of names first.
    Csv,
    /// Columns for people, shown when all rows are there.
    Table,
}

/// Cells of a table are cut at so many characters.
const CELL: usize = 40;

/// Writes rows as they come. Columns are those of the first row.
pub(crate) struct Rows {
    format: Format,
    columns: Vec<String>,
    /// Rows of a table that is not shown yet.
    held: Vec<Vec<String>>,
    is_first: bool,
}

impl Rows {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, columns: Vec::new(), held: Vec::new(), is_first: true }
    }

    /// # Errors
    /// A row with a field that has no column: nothing is left out unsaid. An output that nobody reads.
    pub(crate) fn write(&mut self, rows: &[Value]) -> Result<()> {
        if self.format == Format::Ndjson {
            return output::text(&lines(rows));
        }
        for row in rows {
            match self.format {
                Format::Ndjson => {}
                Format::Json => {
                    let before = if self.is_first { "[\n" } else { ",\n" };
                    output::text(&format!("{before}  {row}"))?;
                }
                Format::Csv => self.csv(row)?,
                Format::Table => {
                    let cells = self.cells(row)?;
                    self.held.push(cells.into_iter().map(|cell| short(&cell)).collect());
                }
            }
            self.is_first = false;
        }
        Ok(())
    }

    /// After the last row.
    pub(crate) fn end(self) -> Result<()> {
        match self.format {
            Format::Json if self.is_first => output::line("[]"),
            Format::Json => output::line("\n]"),
            Format::Table if !self.is_first => {
                let head: Vec<&str> = self.columns.iter().map(String::as_str).collect();
                output::table(&head, &self.held)
            }
            _ => Ok(()),
        }
    }

    fn csv(&mut self, row: &Value) -> Result<()> {
        let is_first = self.is_first;
        let cells = self.cells(row)?;
        let mut lines = csv::Writer::from_writer(Vec::new());
        let failed =
            |error| Error::new(Kind::Internal, "a row cannot be written as CSV").with_source(error);
        if is_first {
            lines.write_record(&self.columns).map_err(failed)?;
        }
        lines.write_record(&cells).map_err(failed)?;
        let lines = lines.into_inner().unwrap_or_default();
        output::text(&String::from_utf8_lossy(&lines))
    }

    fn cells(&mut self, row: &Value) -> Result<Vec<String>> {
        let Value::Object(fields) = row else {
            if self.is_first {
                self.columns = vec!["value".to_owned()];
            }
            return Ok(vec![plain(row)]);
        };
        if self.is_first {
            self.columns = fields.keys().cloned().collect();
        }
        if let Some(extra) = fields.keys().find(|name| !self.columns.contains(name)) {
            return Err(Error::new(
                Kind::UnexpectedAnswer,
                "a row has a field that the first row has not",
            )
            .with("name", extra.clone())
            .advise("Name the fields in select, or use --output ndjson."));
        }
        Ok(self
            .columns
            .iter()
            .map(|name| fields.get(name).map(plain).unwrap_or_default())
            .collect())
    }
}

/// Rows as lines of JSON.
pub(crate) fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line that fits: control characters would move a terminal's cursor.
fn short(cell: &str) -> String {
    let mut text: String =
        cell.chars().take(CELL + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > CELL {
        text = text.chars().take(CELL - 1).chain(['…']).collect();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_with_more_fields_than_columns_is_an_error_not_a_shorter_row() {
        let mut rows = Rows::new(Format::Csv);
        assert_eq!(rows.cells(&json!({"ID": 1, "TITLE": null})).unwrap(), ["1", ""]);
        rows.is_first = false;
        assert_eq!(rows.cells(&json!({"TITLE": "a"})).unwrap(), ["", "a"]);
        let error = rows.cells(&json!({"ID": 1, "STAGE": "x"})).unwrap_err();
        assert!(error.context().contains(&("name", "STAGE".into())));
        assert_eq!(
            rows.cells(&json!({"ID": [1], "TITLE": {"a": 1}})).unwrap(),
            ["[1]", "{\"a\":1}"]
        );
    }

    #[test]
    fn a_cell_of_a_table_is_one_line_that_fits() {
        assert_eq!(short("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(short(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(short(&"é".repeat(41)).chars().count(), 40);
    }
}
