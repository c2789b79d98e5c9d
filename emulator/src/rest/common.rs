//! Methods about the portal and the application.

use serde_json::{Value, json};

use super::methods::{self, METHODS};
use super::{Call, Page, RestError};
use crate::params::{scalar, truthy};
use crate::settings::FEATURES;
use crate::{authorization, clock, json};

/// All scopes that a portal can grant.
const ALL_SCOPES: &[&str] = &[
    "ai_admin",
    "biconnector",
    "bizproc",
    "booking",
    "calendar",
    "call",
    "cashbox",
    "catalog",
    "contact_center",
    "crm",
    "documentgenerator",
    "delivery",
    "department",
    "disk",
    "entity",
    "humanresources",
    "humanresources.hcmlink",
    "im",
    "imbot",
    "imconnector",
    "imopenlines",
    "intranet",
    "landing",
    "lists",
    "log",
    "mailservice",
    "main",
    "messageservice",
    "mobile",
    "note",
    "pay_system",
    "placement",
    "pull",
    "rpa",
    "sale",
    "salescenter",
    "sign.b2e",
    "sonet_group",
    "socialnetwork",
    "task",
    "tasks",
    "telephony",
    "timeman",
    "user",
    "user_brief",
    "user_basic",
    "user.userfield",
    "userfieldconfig",
    "userconsent",
    "vote",
];

/// Writes a result that is no list.
pub(super) fn answer(out: &mut Vec<u8>, result: &Value) -> Page {
    json::value(out, result);
    Page::default()
}

/// The application; a boxed portal tells a webhook what it may do.
pub(super) fn app_info(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if let Some(client) = &call.caller.client {
        return Ok(answer(out, &authorization::app_info(call.world, client)));
    }
    if call.is_box() {
        return Ok(answer(out, &json!({"SCOPE": call.scopes(), "LICENSE": "en_selfhosted"})));
    }
    Err(RestError::application_required())
}

/// The caller in short: needs no scope.
pub(super) fn profile(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let user = call.user(call.caller.user_id);
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

pub(super) fn server_time(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    Ok(answer(out, &clock::iso(call.world.clock.now()).into()))
}

/// The caller's scopes, or all there are.
pub(super) fn scope(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if call.params.get("full").is_some_and(truthy) {
        return Ok(answer(out, &json!(ALL_SCOPES)));
    }
    Ok(answer(out, &json!(call.scopes())))
}

/// Names of the methods of one scope, of the common ones (`scope=`), or of all.
pub(super) fn methods(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let full = call.params.get("full").is_some_and(truthy);
    let scope = call.params.get("scope").and_then(Value::as_str).filter(|_| !full);
    let names: Vec<&str> = methods::classic()
        .filter(|method| scope.is_none_or(|scope| method.scope.unwrap_or("") == scope))
        .map(|method| method.name)
        .collect();
    Ok(answer(out, &json!(names)))
}

/// Whether a method is there, and whether the caller may use it.
pub(super) fn method_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let name = call.params.get("name").and_then(scalar).unwrap_or_default();
    let method = methods::find(&name);
    let available = method.is_some_and(|method| call.covers(METHODS[method].scope));
    Ok(answer(out, &json!({"isExisting": method.is_some(), "isAvailable": available})))
}

/// What the plan includes: the two features that REST clients ask for.
pub(super) fn feature_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let code = call.params.get("code").and_then(scalar).unwrap_or_default();
    if code.is_empty() {
        return Err(RestError::new(400, "CODE_EMPTY", "CODE can't be empty"));
    }
    let included = FEATURES.contains(&code.as_str()) && !call.world.settings.read().lacks(&code);
    Ok(answer(out, &json!({"value": if included { "Y" } else { "N" }})))
}
