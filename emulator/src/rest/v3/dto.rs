//! What an entity of REST 3.0 is made of, and how its rows are shown.

use serde_json::{Map, Value, json};

use super::super::common::answer;
use super::super::{Call, Page, RestError};
use crate::rows::{Cell, Row, Table};

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    Text,
    Bool,
    DateTime,
    Array,
    Object,
    /// Numbers of the table and the words they stand for.
    Words(&'static [(i64, &'static str)]),
}

impl Type {
    /// As error texts and `field.list` call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Text | Self::Words(_) => "string",
            Self::Bool => "bool",
            Self::DateTime => "DateTime",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub(super) fn schema(self) -> Value {
        match self {
            Self::Int => json!({"type": "integer"}),
            Self::Text => json!({"type": "string"}),
            Self::Words(words) => {
                json!({"type": "string", "enum": words.iter().map(|(_, word)| word).collect::<Vec<_>>()})
            }
            Self::Bool => json!({"type": "boolean"}),
            Self::DateTime => json!({"type": "string", "format": "date-time"}),
            Self::Array => json!({"type": "array", "items": {"type": "string"}}),
            Self::Object => json!({"type": "object"}),
        }
    }
}

/// Where a field gets its value.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Column(&'static str),
    Made(fn(&Call<'_>, u64) -> Value),
}

/// A field.
pub(super) struct DtoField {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) source: Source,
    pub(super) filterable: bool,
    pub(super) sortable: bool,
    pub(super) editable: bool,
}

impl DtoField {
    pub(super) const fn new(name: &'static str, kind: Type, source: Source) -> Self {
        Self { name, kind, source, filterable: false, sortable: false, editable: false }
    }

    pub(super) const fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    pub(super) const fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    pub(super) const fn editable(mut self) -> Self {
        self.editable = true;
        self
    }
}

/// A related object: its name, the column that holds its id, and its fields.
pub(super) struct Relation {
    pub(super) name: &'static str,
    pub(super) column: &'static str,
    pub(super) fields: &'static [&'static str],
}

/// An entity.
pub(super) struct Dto {
    /// As errors call it: `TaskDto`.
    pub(super) name: &'static str,
    pub(super) fields: &'static [DtoField],
    pub(super) relations: &'static [Relation],
    pub(super) table: for<'a> fn(&Call<'a>) -> &'a Table,
}

impl Dto {
    pub(super) fn field(&self, name: &str) -> Option<&'static DtoField> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn unknown(&self, name: &str) -> RestError {
        let text = format!("Unknown field `{name}` for entity `{}`", self.name);
        RestError::v3(400, "UNKNOWNDTOPROPERTY", &text)
    }

    /// The column of a field that has one.
    pub(super) fn column(&self, table: &Table, field: &DtoField) -> Option<usize> {
        match field.source {
            Source::Column(column) => table.field(column),
            Source::Made(_) => None,
        }
    }

    /// A row with the selected fields; related ones are nested.
    pub(super) fn show(&self, call: &Call<'_>, row: &Row<'_>, id: u64, select: &Select) -> Value {
        let table = (self.table)(call);
        let mut item = Map::new();
        for field in &select.own {
            let value = match field.source {
                Source::Made(make) => make(call, id),
                Source::Column(column) => match table.field(column).map(|at| row.cell(at)) {
                    Some(cell) => shown(field.kind, &cell),
                    None => Value::Null,
                },
            };
            item.insert(field.name.to_owned(), value);
        }
        for (relation, field) in &select.related {
            let owner = table.field(relation.column).map(|at| row.cell(at));
            let owner = match owner {
                Some(Cell::Int(owner)) => u64::try_from(owner).unwrap_or(1),
                _ => continue,
            };
            let entry = item.entry(relation.name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(entry) = entry {
                entry.insert((*field).to_owned(), person(call, owner, field));
            }
        }
        item.into()
    }
}

fn person(call: &Call<'_>, id: u64, field: &str) -> Value {
    let user = call.user(id.max(1));
    match field {
        "id" => user.id.into(),
        "name" => format!("{} {}", user.name, user.last_name).into(),
        "email" => format!("user{id}@example.com").into(),
        "workPosition" => user.position.to_string().into(),
        _ => Value::Null,
    }
}

fn shown(kind: Type, cell: &Cell<'_>) -> Value {
    match (kind, cell) {
        (Type::Bool, Cell::Flag(flag)) => (*flag).into(),
        (Type::Bool, Cell::Null) => false.into(),
        (Type::Words(words), Cell::Int(number)) => words
            .iter()
            .find(|(known, _)| known == number)
            .map_or(Value::Null, |(_, word)| (*word).into()),
        (_, cell) => cell.native(),
    }
}

/// What a call wants to see.
pub(super) struct Select {
    pub(super) own: Vec<&'static DtoField>,
    pub(super) related: Vec<(&'static Relation, &'static str)>,
}

/// The description of one field.
fn described(field: &DtoField) -> Value {
    let kind = if field.kind == Type::DateTime { "object" } else { field.kind.name() };
    json!({
        "name": field.name,
        "type": kind,
        "title": if field.name == "id" { "ID" } else { field.name },
        "description": field.name,
        "validationRules": [],
        "requiredGroups": null,
        "filterable": field.filterable,
        "sortable": field.sortable,
        "editable": field.editable,
        "multiple": field.kind == Type::Array,
        "elementType": null,
    })
}

/// `*.field.get`.
pub(super) fn field_get(dto: &Dto, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let Some(name) = call.params.exact("name").filter(|name| !name.is_null()) else {
        return Err(RestError::v3_field("name", "Required field `name` is missing"));
    };
    let found = name.as_str().and_then(|name| dto.field(name));
    let field = found.ok_or_else(|| {
        let mut error = RestError::v3(400, "FIELDNOTFOUND", &format!("Field `{name}` not found"));
        error = error.realisation();
        error
    })?;
    Ok(answer(out, &json!({"item": pick(described(field), call)?})))
}

/// `*.field.list`.
pub(super) fn field_list(dto: &Dto, call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let items: Result<Vec<Value>, RestError> =
        dto.fields.iter().map(|field| pick(described(field), call)).collect();
    Ok(answer(out, &json!({"items": items?})))
}

/// The selected keys of a field's description; here an unknown one is an error.
fn pick(field: Value, call: &Call<'_>) -> Result<Value, RestError> {
    let names = match call.params.exact("select") {
        Some(Value::Array(names)) if !names.is_empty() => names,
        _ => return Ok(field),
    };
    let mut picked = Map::new();
    for name in names.iter().filter_map(Value::as_str) {
        let unknown = || {
            let text = format!("Unknown field `{name}` for entity `DtoFieldDto`");
            RestError::v3(400, "UNKNOWNDTOPROPERTY", &text)
        };
        picked.insert(name.to_owned(), field.get(name).cloned().ok_or_else(unknown)?);
    }
    Ok(picked.into())
}
