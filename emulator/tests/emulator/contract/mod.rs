//! The emulator's answers against the examples of the vendor's documentation: names of keys and types of values.
//!
//! The examples lie beside the repository (`../shared/data`), or where `EVERGRANT_SHARED` says. An example that
//! cannot agree is named here with its reason.

mod described;
mod posts;
mod request;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Pair, Reply, Running, small, start};
use request::{is_v3, request};

/// Keys of examples that this portal does not have, with the reason.
const MISSING: [(&str, &str, &str); 14] = [
    ("*", "UF_", "custom fields are those of the documentation's own portal"),
    ("*", "ufCrm", "custom fields are those of the documentation's own portal"),
    ("*", "PARENT_ID_", "relations to smart processes of the documentation's own portal"),
    ("*", "parentId1", "relations to smart processes of the documentation's own portal"),
    ("crm.lead.get", "IM", "this lead has no messenger"),
    ("crm.lead.fields", "CONTACT_IDS", "a lead has one contact here"),
    ("crm.contact.fields", "COMPANY_IDS", "a contact has one company here"),
    ("crm.company.fields", "CONTACT_ID", "companies do not list their contacts here"),
    ("disk.file.search", "next", "there are not more than fifty files here"),
    ("tasks.task.get", "uf", "tasks have no attachments here"),
    ("tasks.task.list", "counter", "nobody has unread comments here"),
    (
        "tasks.task.update",
        "sprintId",
        "absent in the example of tasks.task.add, so not always there",
    ),
    (
        "tasks.task.update",
        "backlogId",
        "absent in the example of tasks.task.add, so not always there",
    ),
    ("tasks.task.update", "nodeId", "absent in the example of tasks.task.add, so not always there"),
];

/// Where both sides have the key, but of another type.
const OTHER_TYPE: [(&str, &str, &str); 1] =
    [("im.notify.get", "phones", "nobody has a telephone here, and then it is false")];

/// Examples that are not compared at all: part of the source, and why.
const SKIPPED: [(&str, &str); 6] = [
    ("crm-lead-list.md:645", "the caller has all rights, so access is never denied"),
    ("crm-company-list.md:411", "the caller has all rights, so access is never denied"),
    ("crm-lead-add.md:619", "the caller has all rights, so access is never denied"),
    ("crm-company-fields.md:914", "the caller has all rights, so access is never denied"),
    ("note-collection-list.md:371", "everybody has the module of knowledge bases"),
    ("im-department-colleagues-list.md:437", "no extranet user calls"),
];

fn examples() -> Option<Vec<Value>> {
    let folder = match std::env::var_os("EVERGRANT_SHARED") {
        Some(folder) => PathBuf::from(folder),
        // As it is when this runs: a compiled test outlives the checkout that it was compiled in.
        None => PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?).join("../../shared"),
    };
    let text = std::fs::read_to_string(folder.join("data/portal-answers.jsonl")).ok()?;
    Some(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// A portal with something in it, and two callers.
struct Bench {
    running: Running,
    application: Pair,
    filled: u64,
    file: Value,
}

impl Bench {
    async fn new() -> Self {
        let running = start(small()).await;
        let application = running.pair().await;
        let leads = json!({"filter": {"HAS_PHONE": "Y", "HAS_EMAIL": "Y"}, "select": ["ID"]});
        let leads = running.call("crm.lead.list", leads).await.json();
        let filled = leads["result"][0]["ID"].as_str().unwrap().parse().unwrap();
        let upload = json!({"id": 5, "data": {"NAME": "a.txt"}, "fileContent": "aGVsbG8="});
        let file =
            running.call("disk.folder.uploadfile", upload).await.json()["result"]["ID"].clone();
        running.call("im.notify", json!({"USER_ID": 1, "MESSAGE": "x"})).await;
        running.call("im.message.add", json!({"DIALOG_ID": "chat1", "MESSAGE": "x"})).await;
        let url = format!("{}/rest/app.option.set", running.ready().portal);
        let options =
            json!({"auth": application.access, "options": {"data": "value", "data2": "value2"}});
        assert_eq!(running.post_json(&url, &options).await.status, 200);
        Self { running, application, filled, file }
    }

    async fn ask(&self, method: &str, source: &str, mut body: Value, success: bool) -> Reply {
        for value in body.as_object_mut().unwrap().values_mut() {
            match value.as_str() {
                Some("FILLED") => *value = self.filled.into(),
                Some("FILE") => *value = self.file.clone(),
                _ => {}
            }
        }
        let ready = self.running.ready();
        // The application's own methods are shown refusing a webhook.
        let application = success && method.starts_with("app.");
        if application {
            body["auth"] = self.application.access.clone().into();
        }
        let base =
            if application { format!("{}/rest/", ready.portal) } else { ready.webhook.clone() };
        let base = if is_v3(source) { base.replace("/rest/", "/rest/api/") } else { base };
        self.running.post_json(&format!("{base}{method}"), &body).await
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        // An empty map is a list to PHP.
        Value::Array(items) if items.is_empty() => "empty",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Both may be empty in one of PHP's ways.
fn agree(wanted: &Value, got: &Value) -> bool {
    let (wanted, got) = (kind(wanted), kind(got));
    wanted == got
        || [wanted, got].contains(&"null")
        || ["empty"].iter().any(|empty| {
            (wanted == *empty && matches!(got, "array" | "object"))
                || (got == *empty && matches!(wanted, "array" | "object"))
        })
}

#[derive(Default)]
struct Report {
    problems: Vec<String>,
    exceptions: BTreeMap<String, usize>,
}

impl Report {
    /// Whether a difference has a reason.
    fn excuse(&mut self, list: &[(&str, &str, &str)], method: &str, key: &str) -> bool {
        let fits = |pattern: &str| {
            pattern.strip_suffix('*').map_or(pattern == method, |start| method.starts_with(start))
        };
        let found = list.iter().find(|(pattern, start, _)| fits(pattern) && key.starts_with(start));
        if let Some((_, start, reason)) = found {
            *self.exceptions.entry(format!("{method}: {start}…: {reason}")).or_default() += 1;
        }
        found.is_some()
    }

    fn compare(&mut self, method: &str, path: &str, wanted: &Value, got: &Value) {
        match (wanted, got) {
            // Names of a map by id are values, not structure.
            (Value::Object(wanted), Value::Object(got)) => {
                for (key, wanted) in wanted {
                    let here = format!("{path}.{key}");
                    match got.get(key) {
                        Some(got) if agree(wanted, got) => self.compare(method, &here, wanted, got),
                        Some(got) => {
                            if !self.excuse(&OTHER_TYPE, method, key) {
                                self.problems.push(format!("{method} {here}: {wanted} but {got}"));
                            }
                        }
                        None if key == "time" || self.excuse(&MISSING, method, key) => {}
                        None => self.problems.push(format!("{method} {here}: missing")),
                    }
                }
            }
            (Value::Array(wanted), Value::Array(got)) => {
                if let (Some(wanted), Some(got)) = (wanted.first(), got.first()) {
                    if agree(wanted, got) {
                        self.compare(method, &format!("{path}[]"), wanted, got);
                    } else {
                        self.problems.push(format!("{method} {path}[]: {wanted} but {got}"));
                    }
                }
            }
            _ => {}
        }
    }

    /// Prints the exceptions; there must be no problems.
    #[expect(clippy::print_stdout, reason = "what was compared is part of the result")]
    #[track_caller]
    fn finish(&self) {
        println!("{} kinds of exceptions:", self.exceptions.len());
        self.exceptions.iter().for_each(|(line, count)| println!("  {count} x {line}"));
        assert!(
            self.problems.is_empty(),
            "{} differences:\n{}",
            self.problems.len(),
            self.problems.join("\n")
        );
    }
}

/// Whether the emulator knows the method of an example.
async fn is_served(bench: &Bench, method: &str, source: &str) -> bool {
    let reply = bench.ask(method, source, json!({}), false).await;
    reply.status != 404
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what was compared is part of the result")]
async fn answers_have_the_structure_of_the_documented_ones() {
    let Some(examples) = examples() else {
        println!("skipped: no examples at ../shared/data/portal-answers.jsonl or EVERGRANT_SHARED");
        return;
    };
    let bench = Bench::new().await;
    let mut report = Report::default();
    let (mut compared, mut skipped) = (0, Vec::new());
    for example in &examples {
        let (Some(method), Some(source), Some(kind)) =
            (example["method"].as_str(), example["source"].as_str(), example["kind"].as_str())
        else {
            continue;
        };
        // Offline events and their like have tests of their own.
        if method.starts_with("event.") || !is_served(&bench, method, source).await {
            continue;
        }
        let success = kind == "success";
        let reason =
            SKIPPED.iter().find(|(part, _)| source.ends_with(part)).map(|(_, reason)| *reason);
        let (None, Some(body)) = (reason, request(method, source, success)) else {
            let reason = reason.unwrap_or("no such row can exist here");
            skipped.push(format!("{method} ({source}): {reason}"));
            continue;
        };
        let reply = bench.ask(method, source, body, success).await;
        let answer = reply.json();
        if success != answer.get("error").is_none() {
            report.problems.push(format!("{method} ({source}): {}", reply.text));
            continue;
        }
        if !success && answer["error"].is_string() && answer["error"] != example["body"]["error"] {
            report.problems.push(format!(
                "{method} ({source}): {} is not {}",
                answer["error"], example["body"]["error"]
            ));
        }
        compared += 1;
        report.compare(method, "", &example["body"], &answer);
    }
    println!("{compared} examples compared, {} not:", skipped.len());
    skipped.iter().for_each(|line| println!("  {line}"));
    report.finish();
    assert!(compared > 60, "only {compared} examples were found");
}
