//! `disk.*` in small form: two storages, three folders, files that calls upload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::common::answer;
use super::state::File;
use super::{Call, Page, RestError, small};
use crate::clock;
use crate::params::{Params, parse_query, scalar};
use crate::rows::{hash_text, mix};

/// Id, name, type and id of the owner, root folder.
const STORAGES: [(u64, &str, &str, &str, u64); 2] =
    [(1, "Company drive", "common", "shared_files_s1", 5), (3, "My drive", "user", "1", 7)];
/// Id, name, storage, parent.
const FOLDERS: [(u64, &str, u64, Option<u64>); 3] =
    [(5, "Company drive", 1, None), (7, "My drive", 3, None), (9, "Reports", 1, Some(5))];
/// When the folders were made.
const MADE: &str = "2024-07-01T00:00:00+03:00";

fn no_entity(id: &str) -> RestError {
    RestError::new(400, "ERROR_NOT_FOUND", &format!("Could not find entity with id `{id}`"))
}

/// The `id` of a call, as a number and as it came.
fn id_of(call: &Call<'_>) -> Result<(u64, String), RestError> {
    // Positional: the first argument.
    let given = call.params.get("id").or_else(|| call.params.exact("0")).and_then(scalar);
    let given = given.unwrap_or_default();
    match given.parse() {
        Ok(id) => Ok((id, given)),
        Err(_) => {
            let text = "Invalid value of parameter {Parameter #0}";
            Err(RestError::new(400, "ERROR_ARGUMENT", text))
        }
    }
}

fn storage_json((id, name, kind, owner, root): (u64, &str, &str, &str, u64)) -> Value {
    json!({
        "ID": id.to_string(),
        "NAME": name,
        "CODE": null,
        "MODULE_ID": "disk",
        "ENTITY_TYPE": kind,
        "ENTITY_ID": owner,
        "ROOT_OBJECT_ID": root.to_string(),
    })
}

pub(super) fn storage_list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let rows = STORAGES.into_iter().map(storage_json).collect();
    let rows = small::arranged(rows, call.params.get("filter"), call.params.get("order"));
    Ok(small::page(call, rows, out))
}

pub(super) fn storage_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    let storage = STORAGES.into_iter().find(|storage| storage.0 == id);
    Ok(answer(out, &storage_json(storage.ok_or_else(|| no_entity(&given))?)))
}

fn folder_json(
    call: &Call<'_>,
    (id, name, storage, parent): (u64, &str, u64, Option<u64>),
) -> Value {
    json!({
        "ID": id.to_string(),
        "NAME": name,
        "CODE": null,
        "STORAGE_ID": storage.to_string(),
        "TYPE": "folder",
        "REAL_OBJECT_ID": id.to_string(),
        "PARENT_ID": parent.map(|id| id.to_string()),
        "DELETED_TYPE": "0",
        "CREATE_TIME": MADE,
        "UPDATE_TIME": MADE,
        "DELETE_TIME": null,
        "CREATED_BY": "1",
        "UPDATED_BY": "1",
        "DELETED_BY": "0",
        "DETAIL_URL": format!("{}/company/personal/user/1/disk/path/{name}", call.base()),
    })
}

fn folder_of(id: u64) -> Option<(u64, &'static str, u64, Option<u64>)> {
    FOLDERS.into_iter().find(|folder| folder.0 == id)
}

pub(super) fn folder_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    let folder = folder_of(id).ok_or_else(|| no_entity(&given))?;
    Ok(answer(out, &folder_json(call, folder)))
}

pub(super) fn folder_children(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    folder_of(id).ok_or_else(|| no_entity(&given))?;
    let inside = FOLDERS.into_iter().filter(|folder| folder.3 == Some(id));
    let mut rows: Vec<Value> = inside.map(|folder| folder_json(call, folder)).collect();
    let files: Vec<File> = {
        let files = call.world.rest.files.get();
        files.map.values().filter(|file| file.folder == id).cloned().collect()
    };
    rows.extend(files.iter().map(|file| file_json(call, file, false)));
    let rows = small::arranged(rows, call.params.get("filter"), call.params.get("order"));
    Ok(small::page(call, rows, out))
}

/// A file; an answer to an upload has numbers where later ones have texts.
fn file_json(call: &Call<'_>, file: &File, fresh: bool) -> Value {
    let number = |number: u64| if fresh { json!(number) } else { json!(number.to_string()) };
    let storage = folder_of(file.folder).map_or(1, |folder| folder.2);
    let at = clock::iso(file.at);
    let user = file.user_id.to_string();
    json!({
        "ID": number(file.id),
        "NAME": file.name,
        "CODE": null,
        "STORAGE_ID": storage.to_string(),
        "TYPE": "file",
        "PARENT_ID": file.folder.to_string(),
        "DELETED_TYPE": number(0),
        "GLOBAL_CONTENT_VERSION": number(1),
        "FILE_ID": number(file.id + 20_000),
        "SIZE": file.bytes.len().to_string(),
        "CREATE_TIME": at,
        "UPDATE_TIME": at,
        "DELETE_TIME": null,
        "CREATED_BY": user,
        "UPDATED_BY": user,
        "DELETED_BY": if fresh { Value::Null } else { json!("0") },
        "DOWNLOAD_URL": link(call, "download", &format!("id={}", file.id)),
        "DETAIL_URL": format!("{}/company/personal/user/{user}/disk/file/{}", call.base(), file.name),
    })
}

/// Files and folders with `query` (in lower case) in their names, latest change first.
pub(super) fn named(
    call: &Call<'_>,
    query: &str,
    kind: &str,
    storage: Option<u64>,
    folder: Option<u64>,
) -> Vec<Value> {
    let fits = |name: &str, parent: Option<u64>| {
        let above = parent.and_then(folder_of);
        name.to_lowercase().contains(query)
            && storage.is_none_or(|id| above.is_some_and(|above| above.2 == id))
            && folder
                .is_none_or(|id| above.is_some_and(|above| above.0 == id || above.3 == Some(id)))
    };
    let mut rows = Vec::new();
    if kind != "folder" {
        let mut files: Vec<File> = {
            let files = call.world.rest.files.get();
            let named = files.map.values().filter(|file| fits(&file.name, Some(file.folder)));
            named.cloned().collect()
        };
        files.sort_by_key(|file| std::cmp::Reverse((file.at, file.id)));
        rows.extend(files.iter().map(|file| file_json(call, file, false)));
    }
    if kind != "file" {
        let folders = FOLDERS.into_iter().filter(|folder| fits(folder.1, folder.3));
        rows.extend(folders.map(|folder| folder_json(call, folder)));
    }
    rows
}

pub(super) fn file_get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    let file = call.world.rest.files.get().map.get(&id).cloned();
    Ok(answer(out, &file_json(call, &file.ok_or_else(|| no_entity(&given))?, false)))
}

pub(super) fn file_delete(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    call.world.rest.files.get().remove(id).ok_or_else(|| no_entity(&given))?;
    Ok(answer(out, &true.into()))
}

pub(super) fn folder_upload(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    folder_of(id).ok_or_else(|| no_entity(&given))?;
    begin_upload(call, id, out)
}

/// Into the storage's root folder.
pub(super) fn storage_upload(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let (id, given) = id_of(call)?;
    let storage = STORAGES.into_iter().find(|storage| storage.0 == id);
    begin_upload(call, storage.ok_or_else(|| no_entity(&given))?.4, out)
}

/// With `fileContent` the file is there at once, else the answer says where to post it.
fn begin_upload(call: &Call<'_>, folder: u64, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let name = call.params.get("data").and_then(|data| data.get("NAME")).and_then(scalar);
    let (content_name, content) = match call.params.get("fileContent") {
        None | Some(Value::Null) => {
            let link = link(call, "upload", &format!("folder={folder}"));
            return Ok(answer(out, &json!({"field": "file", "uploadUrl": link})));
        }
        Some(Value::Array(pair)) => match &pair[..] {
            [name, content, ..] => (scalar(name), scalar(content)),
            [content] => (None, scalar(content)),
            [] => (None, None),
        },
        Some(single) => (None, scalar(single)),
    };
    let compact: String =
        content.unwrap_or_default().chars().filter(|letter| !letter.is_whitespace()).collect();
    let bytes = STANDARD.decode(compact).map_err(|_| {
        RestError::new(400, "ERROR_ARGUMENT", "Invalid value of parameter {fileContent}")
    })?;
    let name = name.or(content_name).filter(|name| !name.is_empty()).unwrap_or("file".to_owned());
    keep(call, folder, name, bytes.into(), out)
}

fn keep(
    call: &Call<'_>,
    folder: u64,
    name: String,
    bytes: Bytes,
    out: &mut Vec<u8>,
) -> Result<Page, RestError> {
    let at = call.world.clock.now();
    let file = File { id: 0, name, folder, user_id: call.caller.user_id, at, bytes };
    let kept = call.world.rest.files.get().add(file);
    let full = || RestError::new(400, "DISK_OBJ_22000", "There is no space left on the drive");
    Ok(answer(out, &file_json(call, &kept.ok_or_else(full)?, true)))
}

/// The second step of an upload: a signed link, a form with one file.
pub(super) fn upload(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let folder = signed(call, "upload")?.text("folder").and_then(|id| id.parse().ok());
    let folder = folder.ok_or_else(RestError::broken_link)?;
    let Some(file) = call.params.files().first() else {
        return Err(RestError::new(400, "ERROR_ARGUMENT", "Invalid value of parameter {file}"));
    };
    keep(call, folder, file.name.clone(), file.bytes.clone(), out)
}

/// The bytes of a file behind a signed link.
pub(super) fn download(call: &Call<'_>, _: &mut Vec<u8>) -> Result<Page, RestError> {
    let id = signed(call, "download")?.text("id").and_then(|id| id.parse::<u64>().ok());
    let id = id.ok_or_else(RestError::broken_link)?;
    let file = call.world.rest.files.get().map.get(&id).cloned();
    let file = file.ok_or_else(|| no_entity(&id.to_string()))?;
    Ok(Page { file: Some(file), ..Page::default() })
}

/// The address of a signed call: credentials as the caller has them, and `scope|query|signature`.
fn link(call: &Call<'_>, method: &str, query: &str) -> String {
    let encoded = STANDARD.encode(query);
    let token = format!("disk|{encoded}|{}", signature(call, method, &encoded));
    let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
    let (path, auth) = call.params.door();
    let auth = auth.map_or_else(String::new, |auth| format!("auth={auth}&"));
    format!("{}{path}{method}.json?{auth}token={token}", call.base())
}

fn signature(call: &Call<'_>, method: &str, query: &str) -> String {
    let key = mix(call.world.rest.link_key, call.caller.user_id);
    let text = hash_text(&format!("{method}|{query}"));
    format!("{:016x}{:016x}", mix(key, text), mix(text, key))
}

/// The query inside a signed link.
fn signed(call: &Call<'_>, method: &str) -> Result<Params, RestError> {
    let token = call.params.get("token").and_then(scalar).unwrap_or_default();
    let mut parts = token.splitn(3, '|');
    let (Some("disk"), Some(query), Some(given)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(RestError::broken_link());
    };
    if given != signature(call, method, query) {
        return Err(RestError::broken_link());
    }
    let query = STANDARD.decode(query).map_err(|_| RestError::broken_link())?;
    Ok(Params::from_map(parse_query(&query)))
}
