//! `crm.status.*`: the lists behind stages, sources and types.

use serde_json::{Value, json};

use super::{Call, Page, RestError, small};
use crate::config::Entity;
use crate::json;
use crate::params::scalar;

/// List, code, name, meaning and colour of a stage.
type Entry = (&'static str, &'static str, &'static str, Option<&'static str>, &'static str);

#[rustfmt::skip] // A table.
const ENTRIES: [Entry; 49] = [
    ("STATUS", "NEW", "New", Some("process"), "#2FC6F6"),
    ("STATUS", "IN_PROCESS", "In progress", Some("process"), "#55D0E0"),
    ("STATUS", "PROCESSED", "Processed", Some("process"), "#47E4C2"),
    ("STATUS", "CONVERTED", "Good lead", Some("success"), "#7BD500"),
    ("STATUS", "JUNK", "Junk lead", Some("failure"), "#FF5752"),
    ("DEAL_STAGE", "NEW", "New", Some("process"), "#39A8EF"),
    ("DEAL_STAGE", "PREPARATION", "Preparing documents", Some("process"), "#2FC6F6"),
    ("DEAL_STAGE", "PREPAYMENT_INVOICE", "Invoice sent", Some("process"), "#55D0E0"),
    ("DEAL_STAGE", "EXECUTING", "In progress", Some("process"), "#47E4C2"),
    ("DEAL_STAGE", "FINAL_INVOICE", "Final invoice", Some("process"), "#FFA900"),
    ("DEAL_STAGE", "WON", "Deal won", Some("success"), "#7BD500"),
    ("DEAL_STAGE", "LOSE", "Deal lost", Some("failure"), "#FF5752"),
    ("DEAL_STAGE", "APOLOGY", "Lost, reason known", Some("apology"), "#FF5752"),
    ("DEAL_TYPE", "SALE", "Sale", None, ""),
    ("DEAL_TYPE", "COMPLEX", "Complex sale", None, ""),
    ("DEAL_TYPE", "GOODS", "Goods", None, ""),
    ("DEAL_TYPE", "SERVICES", "Services", None, ""),
    ("SOURCE", "CALL", "Call", None, ""),
    ("SOURCE", "EMAIL", "E-mail", None, ""),
    ("SOURCE", "WEB", "Website", None, ""),
    ("SOURCE", "ADVERTISING", "Advertising", None, ""),
    ("SOURCE", "PARTNER", "Existing client", None, ""),
    ("SOURCE", "RECOMMENDATION", "By recommendation", None, ""),
    ("SOURCE", "TRADE_SHOW", "Exhibition", None, ""),
    ("SOURCE", "WEBFORM", "CRM form", None, ""),
    ("SOURCE", "CALLBACK", "Callback", None, ""),
    ("SOURCE", "RC_GENERATOR", "Sales booster", None, ""),
    ("SOURCE", "STORE", "Online store", None, ""),
    ("SOURCE", "OTHER", "Other", None, ""),
    ("CONTACT_TYPE", "CLIENT", "Clients", None, ""),
    ("CONTACT_TYPE", "SUPPLIER", "Suppliers", None, ""),
    ("CONTACT_TYPE", "PARTNER", "Partners", None, ""),
    ("CONTACT_TYPE", "OTHER", "Other", None, ""),
    ("COMPANY_TYPE", "CUSTOMER", "Client", None, ""),
    ("COMPANY_TYPE", "SUPPLIER", "Supplier", None, ""),
    ("COMPANY_TYPE", "PARTNER", "Partner", None, ""),
    ("COMPANY_TYPE", "OTHER", "Other", None, ""),
    ("INDUSTRY", "IT", "Information technology", None, ""),
    ("INDUSTRY", "TELECOM", "Telecommunications", None, ""),
    ("INDUSTRY", "MANUFACTURING", "Manufacturing", None, ""),
    ("INDUSTRY", "BANKING", "Banking services", None, ""),
    ("INDUSTRY", "CONSULTING", "Consulting", None, ""),
    ("INDUSTRY", "OTHER", "Other", None, ""),
    ("EMPLOYEES", "EMPLOYEES_1", "fewer than 50", None, ""),
    ("EMPLOYEES", "EMPLOYEES_2", "50-250", None, ""),
    ("EMPLOYEES", "EMPLOYEES_3", "250-500", None, ""),
    ("EMPLOYEES", "EMPLOYEES_4", "over 500", None, ""),
    ("HONORIFIC", "HNR_EN_1", "Mr.", None, ""),
    ("HONORIFIC", "HNR_EN_2", "Ms.", None, ""),
];

/// The list that a field takes its values from.
pub(super) fn list_of(entity: Entity, field: &str) -> Option<&'static str> {
    match (field, entity) {
        ("STATUS_ID", Entity::Lead) => Some("STATUS"),
        ("STAGE_ID", Entity::Deal) => Some("DEAL_STAGE"),
        ("TYPE_ID", Entity::Deal) => Some("DEAL_TYPE"),
        ("TYPE_ID", Entity::Contact) => Some("CONTACT_TYPE"),
        ("SOURCE_ID", _) => Some("SOURCE"),
        ("COMPANY_TYPE", _) => Some("COMPANY_TYPE"),
        ("INDUSTRY", _) => Some("INDUSTRY"),
        ("EMPLOYEES", _) => Some("EMPLOYEES"),
        ("HONORIFIC", _) => Some("HONORIFIC"),
        _ => None,
    }
}

/// Position within its own list, in tens.
fn sort_of(at: usize) -> usize {
    let list = ENTRIES[at].0;
    ENTRIES[..=at].iter().filter(|entry| entry.0 == list).count() * 10
}

fn row(at: usize) -> Value {
    let (list, code, name, semantics, color) = ENTRIES[at];
    let letter = match semantics {
        Some("success") => json!("S"),
        Some("failure" | "apology") => json!("F"),
        _ => Value::Null,
    };
    let mut row = json!({
        "ID": (at * 2 + 1).to_string(),
        "ENTITY_ID": list,
        "STATUS_ID": code,
        "NAME": name,
        "NAME_INIT": name,
        "SORT": sort_of(at).to_string(),
        "SYSTEM": "Y",
        "CATEGORY_ID": null,
        "COLOR": color,
        "SEMANTICS": letter,
    });
    if let (Value::Object(row), Some(semantics)) = (&mut row, semantics) {
        row.insert("EXTRA".to_owned(), json!({"SEMANTICS": semantics, "COLOR": color}));
    }
    row
}

/// All rows at once: these lists have no pages.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    for name in ["filter", "order"] {
        if call.params.get(name).is_some_and(|value| !value.is_object() && !value.is_array()) {
            return Err(RestError::new(400, "Invalid parameters.", "Incorrect parameters passed."));
        }
    }
    let rows = (0..ENTRIES.len()).map(row).collect();
    let rows = small::arranged(rows, call.params.get("filter"), call.params.get("order"));
    let total = Some(rows.len());
    json::value(out, &rows.into());
    Ok(Page { total, ..Page::default() })
}

/// Names of one list: `entityId`.
pub(super) fn entity_items(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let wanted = call.params.get("entityId").and_then(scalar).unwrap_or_default();
    let items: Vec<Value> = (0..ENTRIES.len())
        .filter(|&at| ENTRIES[at].0 == wanted)
        .map(|at| json!({"NAME": ENTRIES[at].2, "SORT": sort_of(at), "STATUS_ID": ENTRIES[at].1}))
        .collect();
    if items.is_empty() {
        return Err(RestError::new(
            400,
            "The parameter entityId is not defined or invalid.",
            "The directory ID is not specified or is incorrect.",
        ));
    }
    json::value(out, &items.into());
    Ok(Page::default())
}
