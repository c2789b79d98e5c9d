//! `im.message.add` and what reads it back; colleagues, as a list with `OFFSET` and `LIMIT`.

use serde_json::{Value, json};

use super::common::answer;
use super::notify::attach;
use super::state::Message;
use super::{Call, Page, RestError};
use crate::clock;
use crate::params::{integer, scalar, truthy};
use crate::users::{self, UserKind};

/// Default and greatest `LIMIT` of colleagues.
const COLLEAGUES: (usize, usize) = (10, 50);
/// Default and greatest `LIMIT` of messages.
const MESSAGES: (usize, usize) = (20, 50);

/// Default and greatest `LIMIT` of recent chats.
const RECENT: (usize, usize) = (50, 200);

/// A user as chats show them.
pub(super) fn person(call: &Call<'_>, id: u64) -> Value {
    let user = call.user(id);
    json!({
        "id": user.id,
        "active": user.active,
        "name": format!("{} {}", user.name, user.last_name),
        "first_name": user.name,
        "last_name": user.last_name,
        "work_position": user.position,
        "color": "#1eb4aa",
        "avatar": "",
        "avatar_hr": "",
        "gender": if user.id.is_multiple_of(2) { "M" } else { "F" },
        "birthday": "",
        "extranet": user.kind == UserKind::Extranet,
        "network": false,
        "bot": false,
        "connector": false,
        "external_auth_id": "socservices",
        "status": "online",
        "idle": false,
        "last_activity_date": clock::iso(call.world.clock.now()),
        "mobile_last_date": false,
        "desktop_last_date": false,
        "absent": false,
        "departments": [1],
        "phones": false,
        "bot_data": null,
        "type": "user",
        "website": "",
        "email": format!("user{}@example.com", user.id),
    })
}

/// `chat5`, `sg7` or a user id.
fn dialog_of(call: &Call<'_>) -> Result<String, RestError> {
    let refuse = |code: &str, text: &str| Err(RestError::new(400, code, text));
    let dialog = call.params.get("dialog_id").and_then(scalar).unwrap_or_default();
    let chat = dialog.strip_prefix("chat").or_else(|| dialog.strip_prefix("sg"));
    match chat {
        Some(id) if id.parse::<u64>().is_ok_and(|id| id > 0) => Ok(dialog),
        Some(_) => refuse("CHAT_ID", "Chat ID can't be empty"),
        None if dialog.is_empty() => refuse("DIALOG_ID_EMPTY", "Dialog ID can't be empty"),
        None if dialog.parse().is_ok_and(users::is_valid) => Ok(dialog),
        None => refuse("USER_ID_EMPTY", "User ID can't be empty"),
    }
}

/// Keeps a message; answers its id.
pub(super) fn add(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let dialog = dialog_of(call)?;
    let attach = attach(call)?;
    let text = call.params.get("message").and_then(scalar).unwrap_or_default();
    if text.trim().is_empty() && attach.is_null() {
        return Err(RestError::new(400, "MESSAGE_EMPTY", "Message can't be empty"));
    }
    let system = call.params.get("system").and_then(scalar).is_some_and(|flag| flag == "Y");
    let message = Message {
        id: 0,
        kind: "message",
        dialog,
        author: if system { 0 } else { call.caller.user_id },
        at: call.world.clock.now(),
        text,
        tag: String::new(),
        sub_tag: String::new(),
        attach,
    };
    let id = call.world.rest.messages.get().add(message);
    Ok(answer(out, &id.into()))
}

/// Messages of one dialog, newest first; `LAST_ID` goes back from there, `FIRST_ID` forward.
pub(super) fn messages(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let dialog = dialog_of(call)?;
    let id = |name: &str| call.params.get(name).and_then(|id| u64::try_from(integer(id)).ok());
    let limit = limit(call, MESSAGES);
    let list: Vec<Message> = {
        let messages = call.world.rest.messages.get();
        let own = messages.all().iter().filter(|one| {
            let between =
                one.author.to_string() == dialog && one.dialog == call.caller.user_id.to_string();
            one.kind == "message" && (one.dialog == dialog || between)
        });
        match (id("first_id"), id("last_id")) {
            (Some(first), _) => own.filter(|one| one.id > first).take(limit).cloned().collect(),
            (None, last) => {
                let last = last.filter(|&last| last > 0).unwrap_or(u64::MAX);
                own.rev().filter(|one| one.id < last).take(limit).cloned().collect()
            }
        }
    };
    let chat_id = dialog.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let chat_id: u64 = chat_id.parse().unwrap_or(0);
    let mut authors: Vec<u64> = list.iter().map(|one| one.author).filter(|&id| id > 0).collect();
    authors.sort_unstable();
    authors.dedup();
    let row = |one: &Message| {
        json!({
            "id": one.id,
            "chat_id": chat_id,
            "author_id": one.author,
            "date": clock::iso(one.at),
            "text": one.text,
            "unread": false,
            "uuid": null,
            "replaces": [],
            "params": if one.attach.is_null() { json!([]) } else { json!({"ATTACH": [one.attach]}) },
            "disappearing_date": null,
        })
    };
    let result = json!({
        "chat_id": chat_id,
        "messages": list.iter().map(row).collect::<Vec<_>>(),
        "users": authors.into_iter().map(|id| person(call, id)).collect::<Vec<_>>(),
        "files": [],
    });
    Ok(answer(out, &result))
}

/// The caller's chats, latest first: `OFFSET` and `LIMIT`, whether there are more, and a total that says nothing.
pub(super) fn recent(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let me = call.caller.user_id;
    let mut latest: Vec<(String, Message)> = Vec::new();
    {
        let messages = call.world.rest.messages.get();
        for one in messages.all().iter().rev().filter(|one| one.kind == "message") {
            // A person's chat with the caller is called like the person, whoever wrote.
            let dialog = match one.dialog.parse::<u64>() {
                Err(_) => one.dialog.clone(),
                Ok(_) if one.author == me => one.dialog.clone(),
                Ok(other) if other == me => one.author.to_string(),
                Ok(_) => continue,
            };
            if !latest.iter().any(|(known, _)| *known == dialog) {
                latest.push((dialog, one.clone()));
            }
        }
    }
    let offset = call.params.get("offset").map_or(0, integer);
    let offset = usize::try_from(offset).unwrap_or(0);
    let page = latest.iter().skip(offset).take(limit(call, RECENT));
    let items: Vec<Value> = page.map(|(dialog, message)| chat(call, dialog, message)).collect();
    let more = offset.saturating_add(items.len()) < latest.len() && !items.is_empty();
    let result = json!({
        "items": items,
        "hasMorePages": more,
        "hasMore": more,
        "copilot": null,
        "messagesAutoDeleteConfigs": [],
    });
    answer(out, &result);
    Ok(Page { countless: true, ..Page::default() })
}

/// A chat as the list of recent ones shows it.
fn chat(call: &Call<'_>, dialog: &str, last: &Message) -> Value {
    let at = clock::iso(last.at);
    let other = dialog.parse::<u64>().ok();
    let number = dialog.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let user = other.map(|id| person(call, id));
    let title =
        user.as_ref().map_or_else(|| format!("Chat {number}").into(), |user| user["name"].clone());
    json!({
        "id": other.map_or_else(|| json!(dialog), |id| json!(id)),
        "chat_id": number.parse::<u64>().unwrap_or(0),
        "type": if other.is_some() { "user" } else { "chat" },
        "avatar": {"url": "", "color": "#1eb4aa"},
        "title": title,
        "message": {
            "id": last.id,
            "text": last.text,
            "file": false,
            "author_id": last.author,
            "attach": !last.attach.is_null(),
            "sticker": null,
            "date": at,
            "status": "received",
            "uuid": null,
        },
        "counter": 0,
        "last_id": last.id,
        "pinned": false,
        "unread": false,
        "has_reminder": false,
        "date_update": at,
        "date_last_activity": at,
        "user": user.unwrap_or_else(|| person(call, last.author.max(1))),
        "chat": {"text_field_enabled": true, "background_id": null, "mute_list": []},
        "options": [],
    })
}

fn limit(call: &Call<'_>, (default, greatest): (usize, usize)) -> usize {
    let given = call.params.get("limit").map(integer);
    given.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default).clamp(1, greatest)
}

/// The caller's colleagues: ids, or people with `USER_DATA=Y`.
pub(super) fn colleagues(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if call.is_extranet() {
        let text = "Only intranet users have access to this method.";
        return Err(RestError::new(403, "ACCESS_ERROR", text));
    }
    let limit = limit(call, COLLEAGUES);
    let offset = call.params.get("offset").map_or(0, integer);
    let offset = usize::try_from(offset).unwrap_or(0);
    let ids: Vec<u64> =
        call.users().iter().map(|user| user.id).filter(|&id| id != call.caller.user_id).collect();
    let page = ids.iter().copied().skip(offset).take(limit);
    let full = call.params.get("user_data").is_some_and(|flag| truthy(flag) && flag != "N");
    let rows: Vec<Value> = page.map(|id| if full { person(call, id) } else { id.into() }).collect();
    let after = offset.saturating_add(rows.len());
    answer(out, &rows.into());
    let next = (after < ids.len()).then_some(after);
    Ok(Page { next, total: Some(ids.len()), ..Page::default() })
}
