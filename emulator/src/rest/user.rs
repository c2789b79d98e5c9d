//! `user.*` and `access.name`: the portal's people.

use serde_json::{Map, Value, json};

use super::common::answer;
use super::{Call, Page, RestError, small};
use crate::params::scalar;
use crate::users::{User, UserKind};
use crate::{clock, json};

fn row(call: &Call<'_>, user: &User) -> Map<String, Value> {
    let now = clock::iso(call.world.clock.now());
    let row = json!({
        "ID": user.id.to_string(),
        "ACTIVE": user.active,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "EMAIL": format!("user{}@example.com", user.id),
        "LAST_LOGIN": now,
        "DATE_REGISTER": "2024-07-01T00:00:00+03:00",
        "IS_ONLINE": "Y",
        "LAST_ACTIVITY_DATE": now.get(..19).unwrap_or_default().replace('T', " "),
        "PERSONAL_GENDER": "",
        "PERSONAL_BIRTHDAY": "",
        "WORK_POSITION": user.position,
        "UF_EMPLOYMENT_DATE": "",
        "UF_DEPARTMENT": [1],
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

/// Who the caller is.
pub(super) fn current(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let user = call.user(call.caller.user_id);
    json::value(out, &row(call, &user).into());
    Ok(Page::default())
}

/// The users that match `FILTER`, or fields given beside it.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    list(call, "", out)
}

/// As [`get`], by parts of names.
pub(super) fn search(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    list(call, "%", out)
}

fn list(call: &Call<'_>, operator: &str, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let whole = |user: &User| {
        let mut row = row(call, user);
        let extranet = user.kind == UserKind::Extranet;
        row.insert("USER_TYPE".to_owned(), if extranet { "extranet" } else { "employee" }.into());
        row
    };
    let mut rows: Vec<Map<String, Value>> = call.users().iter().map(whole).collect();
    let filter = filter_of(call, operator);
    if let Some(Value::String(find)) = filter.get("%FIND") {
        let find = find.to_lowercase();
        let says = |row: &Map<String, Value>| {
            ["NAME", "LAST_NAME", "WORK_POSITION"].iter().any(|name| {
                row[*name].as_str().is_some_and(|text| text.to_lowercase().contains(&find))
            })
        };
        rows.retain(says);
    }
    let sort = call.params.get("sort").and_then(scalar).unwrap_or_else(|| "ID".to_owned());
    let direction = call.params.get("order").cloned().unwrap_or(Value::Null);
    let order = json!({sort: direction});
    let rows = rows.into_iter().map(Value::Object).collect();
    let rows = small::arranged(rows, Some(&Value::Object(filter)), Some(&order));
    Ok(small::page(call, rows, out))
}

/// `FILTER` and the fields beside it, with an operator before names of texts.
fn filter_of(call: &Call<'_>, operator: &str) -> Map<String, Value> {
    const TEXTS: [&str; 5] = ["FIND", "NAME", "LAST_NAME", "WORK_POSITION", "EMAIL"];
    const FIELDS: [&str; 3] = ["ID", "ACTIVE", "UF_DEPARTMENT"];
    let mut filter = Map::new();
    let mut add = |name: &str, value: &Value| {
        let upper = name.to_ascii_uppercase();
        let plain = upper.trim_start_matches(['!', '%', '=', '@']);
        if TEXTS.contains(&upper.as_str()) {
            filter.insert(format!("{operator}{upper}"), value.clone());
        } else if TEXTS.contains(&plain) || FIELDS.contains(&plain) {
            filter.insert(upper, value.clone());
        }
    };
    for (name, value) in call.params.iter() {
        add(name, value);
    }
    if let Some(Value::Object(given)) = call.params.get("filter") {
        given.iter().for_each(|(name, value)| add(name, value));
    }
    filter
}

/// Whether the caller administers the portal.
pub(super) fn admin(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    Ok(answer(out, &call.is_admin().into()))
}

/// The access codes of a call, in the order given.
fn codes(call: &Call<'_>) -> Vec<String> {
    match call.params.get("access") {
        Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
        Some(Value::Object(items)) => items.values().filter_map(scalar).collect(),
        Some(single) => scalar(single).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Whether the caller has at least one of the codes.
pub(super) fn access(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let own = format!("U{}", call.caller.user_id);
    let has = |code: &String| {
        matches!(code.as_str(), "AU" | "G2") || *code == own || (code == "G1" && call.is_admin())
    };
    Ok(answer(out, &codes(call).iter().any(has).into()))
}

/// What access codes are called.
pub(super) fn access_name(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let mut names = Map::new();
    for code in codes(call) {
        let (provider, id, name) = match code.split_at_checked(1) {
            _ if code == "AU" => ("", "other", "All authorized users".to_owned()),
            Some(("U", id)) if id.parse::<u64>().is_ok_and(crate::users::is_valid) => {
                let user = call.user(id.parse().unwrap_or(1));
                ("Users", "user", format!("{} {}", user.name, user.last_name))
            }
            Some(("G", "1")) => ("User groups", "group", "Administrators".to_owned()),
            Some(("G", "2")) => ("User groups", "group", "All users".to_owned()),
            _ => continue,
        };
        names.insert(code, json!({"provider": provider, "name": name, "provider_id": id}));
    }
    let result = if names.is_empty() { Value::Bool(false) } else { names.into() };
    Ok(answer(out, &result))
}
