//! `im.notify*`: notifications, kept so that a test can see who was told what.

use serde_json::{Value, json};

use super::common::answer;
use super::im::person;
use super::state::Message;
use super::{Call, Page, RestError};
use crate::clock;
use crate::params::{integer, scalar};

/// Longest `ATTACH`, as JSON.
const ATTACH: usize = 60_000;
/// Most notifications of one answer.
const LIMIT: usize = 50;

/// `TYPE` decides whether a person or the system speaks.
pub(super) fn notify(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let system = call
        .params
        .get("type")
        .and_then(scalar)
        .is_some_and(|word| word.eq_ignore_ascii_case("system"));
    add(call, if system { "system" } else { "user" }, out)
}

/// From the caller.
pub(super) fn personal(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    add(call, "user", out)
}

/// From the system.
pub(super) fn system(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    add(call, "system", out)
}

fn add(call: &Call<'_>, kind: &'static str, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let refuse = |code: &str, text: &str| Err(RestError::new(400, code, text));
    // `TO` and `USER_ID` mean the same.
    let to = call.params.get("user_id").or_else(|| call.params.get("to")).map_or(0, integer);
    if !u64::try_from(to).is_ok_and(crate::users::is_valid) {
        return refuse("USER_ID_EMPTY", "User ID can't be empty");
    }
    let text = call.params.get("message").and_then(scalar).unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return refuse("MESSAGE_EMPTY", "Message can't be empty");
    }
    let attach = attach(call)?;
    let word = |name: &str| call.params.get(name).and_then(scalar).unwrap_or_default();
    let message = Message {
        id: 0,
        kind,
        dialog: to.to_string(),
        author: if kind == "system" { 0 } else { call.caller.user_id },
        at: call.world.clock.now(),
        text: text.to_owned(),
        tag: word("tag"),
        sub_tag: word("sub_tag"),
        attach,
    };
    let id = call.world.rest.messages.get().add(message);
    Ok(answer(out, &id.into()))
}

/// The attachment: a map, a list or the JSON of one.
pub(super) fn attach(call: &Call<'_>) -> Result<Value, RestError> {
    let attach = match call.params.get("attach") {
        None | Some(Value::Null) => return Ok(Value::Null),
        Some(Value::String(text)) if text.is_empty() => return Ok(Value::Null),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(other) => other.clone(),
    };
    if !attach.is_object() && !attach.is_array() {
        return Err(RestError::new(400, "ATTACH_ERROR", "Incorrect attach params"));
    }
    if attach.to_string().len() > ATTACH {
        let text = "You have exceeded the maximum allowable size of attach";
        return Err(RestError::new(400, "ATTACH_OVERSIZE", text));
    }
    Ok(attach)
}

/// The caller's notifications, newest first; `LAST_ID` with `LAST_TYPE` goes on where a page ended.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let last_id = call.params.get("last_id").map(integer);
    if last_id.is_some() != call.params.get("last_type").is_some() {
        let text = "Parameters LAST_ID and LAST_TYPE should be used together.";
        return Err(RestError::new(400, "LAST_ID_AND_LAST_TYPE", text));
    }
    let before = last_id.and_then(|id| u64::try_from(id).ok()).unwrap_or(u64::MAX);
    let limit = call
        .params
        .get("limit")
        .map_or(LIMIT, |limit| usize::try_from(integer(limit)).unwrap_or(LIMIT).clamp(1, LIMIT));
    let me = call.caller.user_id.to_string();
    let own: Vec<Message> = {
        let messages = call.world.rest.messages.get();
        let own = messages.all().iter().filter(|one| one.kind != "message" && one.dialog == me);
        own.cloned().collect()
    };
    let page: Vec<&Message> = own.iter().rev().filter(|one| one.id < before).take(limit).collect();
    let mut authors: Vec<u64> = page.iter().map(|one| one.author).filter(|&id| id > 0).collect();
    authors.sort_unstable();
    authors.dedup();
    let result = json!({
        "total_count": own.len(),
        "total_unread_count": own.len(),
        "chat_id": chat_of(call.caller.user_id),
        "notifications": page.iter().map(|one| row(call, one)).collect::<Vec<_>>(),
        "users": authors.into_iter().map(|id| person(call, id)).collect::<Vec<_>>(),
    });
    Ok(answer(out, &result))
}

/// Every user's notifications live in a chat.
fn chat_of(user_id: u64) -> u64 {
    user_id * 2 + 75
}

fn row(call: &Call<'_>, one: &Message) -> Value {
    json!({
        "id": one.id,
        "chat_id": chat_of(call.caller.user_id),
        "author_id": one.author,
        "date": clock::iso(one.at),
        // 2: somebody tells; 4: the system does.
        "notify_type": if one.kind == "system" { 4 } else { 2 },
        "notify_module": "rest",
        "notify_event": "rest_notify",
        "notify_tag": one.tag,
        "notify_sub_tag": one.sub_tag,
        "notify_title": "",
        "setting_name": "rest|rest_notify",
        "text": one.text,
        "notify_read": "N",
        "params": if one.attach.is_null() { Value::Null } else { json!({"ATTACH": [one.attach]}) },
    })
}
