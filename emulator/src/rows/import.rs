//! Rows from a file: `.csv` with a header, or `.json` with an array of objects. Errors name file and line.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::cell::{Cell, Kind};
use super::field::Field;
use super::generator::signed;
use crate::emulator::StartError;
use crate::params::scalar;

/// Columns a file may have.
const COLUMNS: usize = 500;
/// Ids stay exact in every language that reads them.
const LARGEST_ID: u64 = 1 << 53;
/// Said when 32-bit positions are used up.
const TOO_MUCH: &str = "the rows hold more than 4 GiB of text";

/// Imported rows in ascending order of their ids, as one packed text.
pub(crate) struct Imported {
    pub(crate) ids: Vec<u64>,
    spans: Vec<Span>,
    text: String,
    /// Where each value ends in `text`.
    ends: Vec<u32>,
    /// Field index -> column of the packed rows.
    columns: Vec<Option<u16>>,
    id_field: Option<usize>,
}

/// The values of one row: where they begin in `ends`, and how many there are.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    cells: u16,
}

impl Imported {
    pub(crate) fn cell(&self, position: usize, field: usize, kind: Kind) -> Cell<'_> {
        if self.id_field == Some(field) {
            return Cell::Int(signed(self.ids[position]));
        }
        let span = self.spans[position];
        match self.columns.get(field).copied().flatten() {
            Some(column) if column < span.cells => {
                let at = span.first as usize + usize::from(column);
                let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
                Cell::unpack(kind, &self.text[start..self.ends[at] as usize])
            }
            // A row of a JSON file need not have every key.
            _ => Cell::Null,
        }
    }
}

/// Reads a file; columns that the entity does not have are appended to `fields`.
pub(crate) fn read(path: &Path, fields: &mut Vec<Field>) -> Result<Imported, StartError> {
    let file =
        File::open(path).map_err(|source| StartError::Read { path: path.to_owned(), source })?;
    let reader = BufReader::with_capacity(1 << 18, file);
    let fail = |(line, reason): Problem| StartError::Data { path: path.to_owned(), line, reason };
    match path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("csv") => read_csv(reader, fields).map_err(fail),
        Some("json") => read_json(reader, fields).map_err(fail),
        _ => Err(StartError::Invalid {
            field: "data",
            reason: format!("{}: the file must end in .csv or .json", path.display()),
        }),
    }
}

/// Line and reason.
type Problem = (u64, String);

/// Collects rows. Columns may be added between rows: a row lacks those that came after it.
struct Packer<'f> {
    fields: &'f mut Vec<Field>,
    /// Field index of each column.
    columns: Vec<usize>,
    by_name: HashMap<String, usize>,
    seen: HashSet<u64>,
    rows: Vec<(u64, Span)>,
    text: String,
    ends: Vec<u32>,
}

impl<'f> Packer<'f> {
    fn new(fields: &'f mut Vec<Field>) -> Self {
        Self {
            fields,
            columns: Vec::new(),
            by_name: HashMap::new(),
            seen: HashSet::new(),
            rows: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
        }
    }

    /// The column of this name, added if it is new.
    fn column(&mut self, name: &str) -> Result<usize, String> {
        let name = name.trim().to_ascii_uppercase();
        if let Some(&column) = self.by_name.get(&name) {
            return Ok(column);
        }
        let plain = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            return Err(format!("`{name}` is not a field name (letters, digits and underscores)"));
        }
        if self.columns.len() >= COLUMNS {
            return Err(format!("more than {COLUMNS} columns"));
        }
        let field = self.fields.iter().position(|field| field.name == name).unwrap_or_else(|| {
            self.fields.push(Field::imported(name.clone()));
            self.fields.len() - 1
        });
        self.columns.push(field);
        self.by_name.insert(name, self.columns.len() - 1);
        Ok(self.columns.len() - 1)
    }

    /// Adds a row whose cells stand in the order of the columns.
    fn add(&mut self, cells: Vec<Cell<'static>>) -> Result<(), String> {
        let own = self.by_name.get("ID").and_then(|&column| cells.get(column));
        let id = match own {
            Some(Cell::Int(id)) => {
                u64::try_from(*id).ok().filter(|id| (1..LARGEST_ID).contains(id))
            }
            Some(_) => None,
            None => Some(self.rows.len() as u64 + 1),
        };
        let id = id
            .ok_or_else(|| format!("ID must be a whole number between 1 and {}", LARGEST_ID - 1))?;
        if !self.seen.insert(id) {
            return Err(format!("the ID {id} occurs more than once"));
        }
        let first = u32::try_from(self.ends.len()).map_err(|_| TOO_MUCH.to_owned())?;
        let span = Span { first, cells: u16::try_from(cells.len()).unwrap_or(u16::MAX) };
        for mut cell in cells {
            if let Cell::Multi(channels) = &mut cell {
                for (channel, slot) in channels.iter_mut().zip(0..) {
                    channel.id = if channel.id == 0 { id * 4 + slot } else { channel.id };
                }
            }
            self.text.push_str(&cell.pack());
            self.ends.push(u32::try_from(self.text.len()).map_err(|_| TOO_MUCH.to_owned())?);
        }
        self.rows.push((id, span));
        Ok(())
    }

    fn finish(mut self) -> Imported {
        // A file without the column has its rows numbered; the column exists all the same.
        let id_field = self.fields.iter().position(|field| field.name == "ID");
        self.rows.sort_unstable_by_key(|(id, _)| *id);
        let mut columns = vec![None; self.fields.len()];
        for (column, &field) in self.columns.iter().enumerate() {
            columns[field] = u16::try_from(column).ok();
        }
        self.text.shrink_to_fit();
        Imported {
            ids: self.rows.iter().map(|(id, _)| *id).collect(),
            spans: self.rows.iter().map(|(_, span)| *span).collect(),
            text: self.text,
            ends: self.ends,
            columns,
            id_field,
        }
    }
}

fn read_csv(mut reader: impl BufRead, fields: &mut Vec<Field>) -> Result<Imported, Problem> {
    let delimiter = delimiter_of(reader.fill_buf().map_err(|error| (1, error.to_string()))?);
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(reader);
    let mut packer = Packer::new(fields);
    let header = csv.headers().map_err(|error| csv_problem(&error))?.clone();
    for name in &header {
        let name = name.trim_start_matches('\u{feff}');
        let known = packer.columns.len();
        let column = packer.column(name).map_err(|reason| (1, reason))?;
        if column < known {
            return Err((1, format!("the column {} occurs more than once", name.trim())));
        }
    }
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(|error| csv_problem(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let mut cells = Vec::with_capacity(record.len());
        for (text, &field) in record.iter().zip(&packer.columns) {
            let field = &packer.fields[field];
            let cell = Cell::from_file(field.kind, text)
                .map_err(|wanted| (line, expected(field, wanted, text)))?;
            cells.push(cell);
        }
        packer.add(cells).map_err(|reason| (line, reason))?;
    }
    Ok(packer.finish())
}

/// Spreadsheets of some countries separate with semicolons.
fn delimiter_of(beginning: &[u8]) -> u8 {
    let header = beginning.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |wanted| header.iter().filter(|&&byte| byte == wanted).count();
    if count(b';') > count(b',') { b';' } else { b',' }
}

fn csv_problem(error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} values where the header has {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    (line, reason)
}

fn expected(field: &Field, wanted: &str, text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("{}: expected {wanted}, found `{shown}`", field.name)
}

fn read_json(reader: impl BufRead, fields: &mut Vec<Field>) -> Result<Imported, Problem> {
    let mut packer = Packer::new(fields);
    let line = std::cell::Cell::new(1);
    let failed = std::cell::Cell::new(None);
    let mut json = serde_json::Deserializer::from_reader(Counted { inner: reader, line: &line });
    let rows = Rows { packer: &mut packer, line: &line, failed: &failed };
    let read = rows.deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| {
        let text = error.to_string();
        // The line is told apart; the parser repeats its own at the end of the message.
        let reason = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
        (failed.get().unwrap_or(error.line() as u64), reason.to_owned())
    })?;
    Ok(packer.finish())
}

/// Counts lines as they are read: after an error in a row the parser reads on before it looks where it is.
struct Counted<'l, R> {
    inner: R,
    line: &'l std::cell::Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let lines = buffer[..length].iter().filter(|&&byte| byte == b'\n').count();
        self.line.set(self.line.get() + lines as u64);
        Ok(length)
    }
}

/// Reads an array row by row, so that a large file is never held as a tree.
struct Rows<'p, 'f> {
    packer: &'p mut Packer<'f>,
    line: &'p std::cell::Cell<u64>,
    /// Where the row that was refused ends.
    failed: &'p std::cell::Cell<Option<u64>>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element::<Map<String, Value>>()? {
            add_object(self.packer, row).map_err(|reason| {
                self.failed.set(Some(self.line.get()));
                A::Error::custom(reason)
            })?;
        }
        Ok(())
    }
}

fn add_object(packer: &mut Packer<'_>, row: Map<String, Value>) -> Result<(), String> {
    let mut cells = Vec::with_capacity(packer.columns.len());
    for (name, value) in row {
        let column = packer.column(&name)?;
        cells.resize(packer.columns.len(), Cell::Null);
        let field = &packer.fields[packer.columns[column]];
        cells[column] = match &value {
            Value::Array(_) | Value::Object(_) if field.kind == Kind::Multi => {
                Cell::from_input(field.kind, &value)
            }
            // Custom fields may hold several values; they are kept as JSON text.
            Value::Array(_) | Value::Object(_) => Cell::text(value.to_string()),
            Value::Bool(flag) if field.kind == Kind::Flag => Cell::Flag(*flag),
            other => {
                let text = scalar(other).unwrap_or_default();
                Cell::from_file(field.kind, &text)
                    .map_err(|wanted| expected(field, wanted, &text))?
            }
        };
    }
    packer.add(cells)
}
