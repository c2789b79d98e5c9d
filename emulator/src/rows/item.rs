//! A row as `crm.item.*` shows it: camelCase names, native types, and fields that no older method has.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell::{Cell, Kind};
use super::field::Field;
use super::table::Row;
use crate::config::Entity;
use crate::json;

/// Where an item's field gets its value.
enum Value {
    Column(usize),
    Null,
    Zero,
    EmptyText,
    EmptyList,
    TypeId,
    /// The first channel of a column, of one type or of any.
    Channel(usize, Option<&'static str>),
    /// All channels of all columns.
    Channels,
}

/// A field of an item.
pub(crate) struct ItemField {
    pub(crate) name: Cow<'static, str>,
    value: Value,
}

impl ItemField {
    /// The column behind it.
    pub(crate) fn column(&self) -> Option<usize> {
        match self.value {
            Value::Column(column) => Some(column),
            _ => None,
        }
    }
}

/// The fields of an entity's items, in order.
pub(crate) struct Shape {
    pub(crate) fields: Vec<ItemField>,
    by_name: HashMap<String, usize>,
    type_id: u64,
    channels: Vec<(usize, String)>,
}

/// `entityTypeId` of the entities that are CRM items.
pub(crate) fn type_id(entity: Entity) -> Option<u64> {
    match entity {
        Entity::Lead => Some(1),
        Entity::Deal => Some(2),
        Entity::Contact => Some(3),
        Entity::Company => Some(4),
        Entity::Task => None,
    }
}

const LEAD: [&str; 7] = [
    "dateCreateShort",
    "dateModifyShort",
    "isConvert",
    "productId",
    "shortName",
    "login",
    "searchContent",
];
const DEAL: [&str; 18] = [
    "dateCreateShort",
    "dateModifyShort",
    "productId",
    "begindateShort",
    "closedateShort",
    "eventDate",
    "eventDateShort",
    "eventId",
    "eventDescription",
    "webformId",
    "searchContent",
    "orderStage",
    "isWork",
    "isWon",
    "isLose",
    "receivedAmount",
    "lostAmount",
    "hasProducts",
];
const OTHERS: [&str; 4] = ["shortName", "login", "webformId", "searchContent"];

impl Shape {
    pub(crate) fn new(entity: Entity, fields: &[Field]) -> Self {
        let mut shape = Self {
            fields: Vec::new(),
            by_name: HashMap::new(),
            type_id: type_id(entity).unwrap_or(0),
            channels: Vec::new(),
        };
        for (column, field) in fields.iter().enumerate() {
            if field.kind == Kind::Multi {
                shape.channels.push((column, field.name.to_string()));
            } else if !field.name.starts_with("ADDRESS_") && !field.name.starts_with("REG_ADDRESS")
            {
                shape.push(camel(&field.name), Value::Column(column));
            }
        }
        let nulls: &[&str] = match entity {
            Entity::Lead => &LEAD,
            Entity::Deal => &DEAL,
            _ => &OTHERS,
        };
        nulls.iter().for_each(|name| shape.push((*name).to_owned(), Value::Null));
        if entity == Entity::Lead {
            shape.push("webformId".to_owned(), Value::Zero);
        }
        shape.push_channels();
        shape.push("observers".to_owned(), Value::EmptyList);
        shape.push("contactIds".to_owned(), Value::EmptyList);
        shape.push("entityTypeId".to_owned(), Value::TypeId);
        shape
    }

    fn push(&mut self, name: String, value: Value) {
        self.by_name.insert(name.clone(), self.fields.len());
        self.fields.push(ItemField { name: name.into(), value });
    }

    fn push_channels(&mut self) {
        let column = |name: &str| self.channels.iter().find(|(_, known)| known == name);
        let (Some((phone, _)), Some((email, _))) = (column("PHONE"), column("EMAIL")) else {
            return;
        };
        let (phone, email) = (*phone, *email);
        for (name, column, kind) in [
            ("phoneMobile", phone, Some("MOBILE")),
            ("phoneWork", phone, Some("WORK")),
            ("phoneMailing", phone, Some("MAILING")),
            ("emailHome", email, Some("HOME")),
            ("emailWork", email, Some("WORK")),
            ("emailMailing", email, Some("MAILING")),
            ("email", email, None),
            ("phone", phone, None),
        ] {
            self.push(name.to_owned(), Value::Channel(column, kind));
        }
        self.push("skype".to_owned(), Value::Null);
        self.push("icq".to_owned(), Value::Null);
        self.push("imol".to_owned(), Value::EmptyText);
        self.push("fm".to_owned(), Value::Channels);
    }

    /// Index of a field.
    pub(crate) fn field(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The column of a field of this name, which also may be written as older methods do.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        let field = self.field(name).or_else(|| self.field(&camel(name)))?;
        self.fields[field].column()
    }

    /// Appends an item of the given fields.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        row: &Row<'_>,
        fields: impl Iterator<Item = usize>,
        original_names: bool,
    ) {
        out.push(b'{');
        for field in fields.filter_map(|at| self.fields.get(at)) {
            match field.column().filter(|_| original_names && field.name.starts_with("ufCrm")) {
                Some(column) => json::key(out, row.name(column)),
                None => json::key(out, &field.name),
            }
            self.write_value(out, row, &field.value);
        }
        out.push(b'}');
    }

    fn write_value(&self, out: &mut Vec<u8>, row: &Row<'_>, value: &Value) {
        match value {
            Value::Column(column) => match (row.cell(*column), row.kind(*column)) {
                // Older methods show no date as an empty text.
                (Cell::Text(text), Kind::Time) if text.is_empty() => out.extend_from_slice(b"null"),
                (cell, _) => cell.write_native(out),
            },
            Value::Null => out.extend_from_slice(b"null"),
            Value::Zero => out.push(b'0'),
            Value::EmptyText => out.extend_from_slice(b"\"\""),
            Value::EmptyList => out.extend_from_slice(b"[]"),
            Value::TypeId => json::raw(out, self.type_id),
            Value::Channel(column, kind) => {
                let cell = row.cell(*column);
                let channels = if let Cell::Multi(channels) = &cell { &channels[..] } else { &[] };
                let fits =
                    channels.iter().find(|one| kind.is_none_or(|kind| one.value_type == kind));
                json::text(out, fits.map_or("", |one| &one.value));
            }
            Value::Channels => self.write_channels(out, row),
        }
    }

    fn write_channels(&self, out: &mut Vec<u8>, row: &Row<'_>) {
        out.push(b'[');
        for (column, type_id) in &self.channels {
            let Cell::Multi(channels) = row.cell(*column) else { continue };
            for channel in channels {
                json::separate(out);
                json::raw(out, format_args!("{{\"id\":{},\"valueType\":", channel.id));
                json::text(out, &channel.value_type);
                json::key(out, "value");
                json::text(out, &channel.value);
                json::key(out, "typeId");
                json::text(out, type_id);
                out.push(b'}');
            }
        }
        out.push(b']');
    }
}

/// `DATE_CREATE` is `createdTime`, `SOURCE_ID` is `sourceId`, `UF_CRM_1721` is `ufCrm_1721`.
fn camel(name: &str) -> String {
    match name {
        "DATE_CREATE" => return "createdTime".to_owned(),
        "DATE_MODIFY" => return "updatedTime".to_owned(),
        "CREATED_BY_ID" => return "createdBy".to_owned(),
        "MODIFY_BY_ID" => return "updatedBy".to_owned(),
        "MOVED_BY_ID" => return "movedBy".to_owned(),
        "STATUS_ID" => return "stageId".to_owned(),
        "STATUS_SEMANTIC_ID" => return "stageSemanticId".to_owned(),
        "COMPANY_TYPE" => return "typeId".to_owned(),
        _ => {}
    }
    if let Some(own) = name.strip_prefix("UF_CRM_") {
        return format!("ufCrm_{}", own.to_ascii_lowercase());
    }
    if !name.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return name.to_owned();
    }
    lower_camel(name)
}

/// `ASSIGNED_BY_ID` is `assignedById`.
pub(crate) fn lower_camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else {
            out.push(if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
            upper = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn names_become_camel_case() {
        for (old, new) in [
            ("ID", "id"),
            ("ASSIGNED_BY_ID", "assignedById"),
            ("DATE_CREATE", "createdTime"),
            ("UF_CRM_1721244707107", "ufCrm_1721244707107"),
            ("BEGINDATE", "begindate"),
            ("title", "title"),
        ] {
            assert_eq!(camel(old), new);
        }
    }
}
