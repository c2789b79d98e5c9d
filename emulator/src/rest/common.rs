//! Methods about the portal, the application and the user.

use serde_json::{Value, json};

use super::{Call, METHODS, Page, RestError};
use crate::authorization;
use crate::params::truthy;
use crate::world::SCOPE;
use crate::{clock, json, users};

fn answer(out: &mut Vec<u8>, result: &Value) -> Page {
    json::value(out, result);
    Page::default()
}

pub(super) fn app_info(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if !call.caller.application {
        return Err(RestError::application_required());
    }
    Ok(answer(out, &authorization::app_info(call.world)))
}

pub(super) fn profile(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let user = users::get(call.caller.user_id);
    let profile = json!({
        "ID": user.id.to_string(),
        "ADMIN": user.admin,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "PERSONAL_GENDER": "",
        "TIME_ZONE": "",
    });
    Ok(answer(out, &profile))
}

pub(super) fn user_current(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let user = users::get(call.caller.user_id);
    let now = clock::iso(call.world.clock.now());
    let current = json!({
        "ID": user.id.to_string(),
        "ACTIVE": true,
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
    Ok(answer(out, &current))
}

pub(super) fn server_time(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    Ok(answer(out, &clock::iso(call.world.clock.now()).into()))
}

pub(super) fn scope(_: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    // Everything the emulator has is granted, so `full` changes nothing.
    Ok(answer(out, &json!(SCOPE)))
}

/// Names of the methods of one scope, of the common ones (`scope=`), or of all.
pub(super) fn methods(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let full = call.params.get("full").is_some_and(truthy);
    let scope = call.params.get("scope").and_then(Value::as_str).filter(|_| !full);
    let names: Vec<&str> = METHODS
        .iter()
        .filter(|method| scope.is_none_or(|scope| method.scope.unwrap_or("") == scope))
        .map(|method| method.name)
        .collect();
    Ok(answer(out, &json!(names)))
}
