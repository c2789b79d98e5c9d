//! Runs the scenarios in `tests/scenarios` through the core.

#[path = "scenarios/log.rs"]
mod log;
#[path = "scenarios/rest.rs"]
mod rest;
#[path = "scenarios/shown.rs"]
mod shown;
#[path = "scenarios/together.rs"]
mod together;

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use evergrant::{Application, Change, Client, Clock, Error};
use evergrant_tests::{Emulator, mismatch, store};
use libtest_mimic::{Arguments, Failed, Trial};
use log::Log;
use serde_json::{Map, Value, json};
use shown::{change_json, count, entry_json, error_json, grant_json, token_json};
use together::futures_of;

fn main() {
    let log = Log::default();
    // Unredacted on purpose: the core must not even hand a secret to the log.
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("evergrant=trace")
        .with_writer(move || writer.clone())
        .init();
    let passed = Arc::new(Mutex::new(BTreeSet::new()));
    let trials = scenarios()
        .into_iter()
        .flat_map(|scenario| {
            let mut stores: Vec<String> = texts(&scenario["stores"]);
            stores.retain(|store| store::is_here(store));
            let (log, passed) = (log.clone(), Arc::clone(&passed));
            stores
                .into_iter()
                .map(move |store| {
                    let name = format!("{}/{store}", scenario["name"].as_str().unwrap());
                    let (scenario, log, passed, done) =
                        (scenario.clone(), log.clone(), Arc::clone(&passed), name.clone());
                    Trial::test(name, move || {
                        let runtime = tokio::runtime::Builder::new_current_thread()
                            .enable_all()
                            .build()
                            .unwrap();
                        runtime.block_on(run(&scenario, &store, &log)).map_err(Failed::from)?;
                        passed.lock().unwrap().insert(done);
                        Ok(())
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    let folder = store::root().join("target/scenarios");
    fs::create_dir_all(&folder).unwrap();
    let passed: Vec<String> = passed.lock().unwrap().iter().cloned().collect();
    fs::write(folder.join("rust.json"), serde_json::to_string_pretty(&passed).unwrap()).unwrap();
    conclusion.exit();
}

fn scenarios() -> Vec<Value> {
    let mut paths: Vec<PathBuf> = fs::read_dir(store::root().join("tests/scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

async fn run(scenario: &Value, store: &str, log: &Log) -> Result<(), String> {
    let flags: Vec<String> = scenario["emulator"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, value)| [format!("--{name}"), value.to_string()])
        .collect();
    let emulator = Emulator::start(&flags).await;
    let folder = tempfile::tempdir().unwrap();
    let mut saved = emulator.ready_line().as_object().unwrap().clone();
    let folder_text = folder.path().to_str().unwrap().to_owned();
    let store_url = store::of_kind(store, folder.path()).await;
    if !matches!(store, "memory" | "sqlite") {
        fs::write(folder.path().join("key"), "11".repeat(32)).unwrap();
        saved.insert("key_file".into(), format!("{folder_text}/key").into());
        saved.insert("spool".into(), format!("{folder_text}/spool").into());
    }
    saved.insert("folder".into(), folder_text.into());
    saved.insert("store".into(), store_url.into());
    let mut stage = Stage {
        emulator: Arc::new(emulator),
        saved,
        application: None,
        clock: Clock::system(),
        client: None,
        begun: HashMap::new(),
        heard: Arc::default(),
        shown: Vec::new(),
    };
    for (index, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        let expected = stage.fill(step.get("expect").unwrap_or(&json!({"ok": "$any"})));
        let outcome = stage.step(step).await;
        if let Some(difference) = mismatch(&expected, &outcome) {
            return Err(format!("step {index} ({}): {difference}", step["do"]));
        }
        if let (Some(name), Some(value)) = (step["save"].as_str(), outcome.get("ok")) {
            stage.saved.insert(name.to_owned(), value.clone());
        }
    }
    let log = log.0.lock().unwrap().clone();
    stage.search_for_secrets(&String::from_utf8_lossy(&log)).await
}

struct Stage {
    emulator: Arc<Emulator>,
    saved: Map<String, Value>,
    application: Option<Application>,
    clock: Clock,
    client: Option<Client>,
    /// Steps that another one waits for.
    begun: HashMap<String, tokio::task::JoinHandle<Result<Value, Error>>>,
    /// What the listener was told.
    heard: Arc<Mutex<Vec<Change>>>,
    /// Every text that a person would have seen.
    shown: Vec<String>,
}

impl Stage {
    async fn step(&mut self, step: &Value) -> Value {
        let mut arguments = step.as_object().unwrap().clone();
        arguments.remove("expect");
        let repeated = arguments.remove("step");
        let arguments = self.fill(&Value::Object(arguments));
        if let (Some(inner), Some("begin")) = (&repeated, arguments["do"].as_str()) {
            let work = self.work();
            let inner = self.fill(inner);
            let name = arguments["as"].as_str().unwrap().to_owned();
            self.begun.insert(name, tokio::spawn(async move { work.reading(&inner).await }));
            return json!({"ok": null});
        }
        if let Some(inner) = repeated {
            let work = self.work();
            let times = arguments["times"].as_u64().unwrap();
            let inner = self.fill(&inner);
            let calls = (0..times).map(|_| work.reading(&inner));
            return json!({"ok": futures_of(calls).await.into_iter().map(|result| self.outcome(result)).collect::<Vec<_>>()});
        }
        let result = match arguments["do"].as_str().unwrap() {
            "open" => self.open(&arguments).await,
            "client" => {
                let grant = arguments["grant"].as_i64().unwrap();
                self.client =
                    self.application.as_ref().map(|application| application.client(grant));
                Ok(Value::Null)
            }
            "webhook" => Client::from_webhook(arguments["url"].as_str().unwrap()).map(|client| {
                self.client = Some(client);
                Value::Null
            }),
            "turn" => {
                self.clock.turn(arguments["seconds"].as_i64().unwrap());
                Ok(Value::Null)
            }
            "finish" => {
                let begun = self.begun.remove(arguments["what"].as_str().unwrap()).unwrap();
                let outcome = begun.await.unwrap();
                Ok(self.outcome(outcome))
            }
            "listen" => {
                self.listen(arguments["failures"].as_u64().unwrap());
                Ok(Value::Null)
            }
            "heard" => Ok(self.heard(arguments["calls"].as_u64().unwrap()).await),
            _ => self.work().reading(&arguments).await,
        };
        self.outcome(result)
    }

    /// Takes changes as a listener does that fails so often at first.
    fn listen(&self, failures: u64) {
        let (changes, heard) =
            (self.application.as_ref().unwrap().changes(), Arc::clone(&self.heard));
        tokio::spawn(async move {
            loop {
                let change = changes.next().await;
                let calls = {
                    let mut heard = heard.lock().unwrap();
                    heard.push(change);
                    heard.len() as u64
                };
                if calls <= failures {
                    changes.give_back(change);
                }
            }
        });
    }

    async fn heard(&self, calls: u64) -> Value {
        for _ in 0..1000 {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() as u64 >= calls {
                return heard.iter().map(change_json).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the listener was not called so often within ten seconds");
    }

    fn work(&self) -> Work {
        Work {
            emulator: Arc::clone(&self.emulator),
            application: self.application.clone(),
            client: self.client.clone(),
        }
    }

    async fn open(&mut self, arguments: &Value) -> Result<Value, Error> {
        let text = |name: &str, default: &str| {
            arguments
                .get(name)
                .or_else(|| self.saved.get(default))
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let mut builder = Application::builder(
            text("client_id", "client_id"),
            text("client_secret", "client_secret"),
        )
        .store(text("store", "store"))
        .authorization_server(text("authorization_server", "authorization"));
        let key_file = arguments.get("key_file").or_else(|| self.saved.get("key_file"));
        if let Some(path) = key_file.and_then(Value::as_str) {
            builder = builder.key_file(path);
        }
        if let Some(path) = self.saved.get("spool").and_then(Value::as_str) {
            builder = builder.spool(path);
        }
        if let Some(settings) = arguments["settings"].as_object() {
            let number = |name: &str, default: u64| {
                let value = settings.get(name).map_or(default, |value| value.as_u64().unwrap());
                u32::try_from(value).unwrap()
            };
            builder =
                builder.budget(number("rotations_per_hour", 3), number("rotations_per_day", 30));
        }
        self.application = Some(builder.clock(self.clock.clone()).open().await?);
        Ok(Value::Null)
    }

    fn outcome(&mut self, result: Result<Value, Error>) -> Value {
        match result {
            Ok(value) => json!({"ok": value}),
            Err(error) => {
                self.shown.extend([format!("{error}"), format!("{error:?}")]);
                json!({"error": error_json(&error)})
            }
        }
    }

    /// Puts saved values in the place of `${name.path}`.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(key, item)| (key.clone(), self.fill(item))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str) -> Value {
        let find = |name: &str| {
            let mut parts = name.split('.');
            let mut value = &self.saved[parts.next().unwrap()];
            for part in parts {
                value = part.parse::<usize>().map_or_else(|_| &value[part], |index| &value[index]);
            }
            value.clone()
        };
        if let Some(name) = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .filter(|name| !name.contains('}'))
        {
            return find(name);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap();
            let value = find(name);
            out.push_str(before);
            out.push_str(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str());
            rest = after;
        }
        (out + rest).into()
    }

    async fn search_for_secrets(&self, log: &str) -> Result<(), String> {
        let tokens = self.emulator.control("GET", "/tokens", &Value::Null).await;
        let mut secrets: Vec<String> = tokens
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["token"].as_str().unwrap().to_owned())
            .collect();
        secrets.push(self.emulator.ready("client_secret"));
        secrets.push(
            self.emulator
                .ready("webhook")
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned(),
        );
        let shown = self.shown.iter().map(String::as_str).chain([log]);
        for text in shown {
            if let Some(secret) = secrets.iter().find(|secret| text.contains(secret.as_str())) {
                return Err(format!("a secret ({}…) was shown", &secret[..4]));
            }
        }
        Ok(())
    }
}

/// What steps need that change nothing on the stage, so that they may run beside it.
struct Work {
    emulator: Arc<Emulator>,
    application: Option<Application>,
    client: Option<Client>,
}

impl Work {
    /// The operations that change nothing on the stage itself.
    async fn reading(&self, arguments: &Value) -> Result<Value, Error> {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default();
        let grant = || arguments["grant"].as_i64().unwrap();
        let application = || self.application.as_ref().unwrap();
        if let Some(client) = &self.client
            && let Some(outcome) = rest::call(client, arguments).await
        {
            return outcome;
        }
        match text("do") {
            "authorize_url" => application()
                .authorize_url(text("portal"))
                .map(|link| json!({"url": link.url, "state": link.state})),
            "exchange" => application()
                .exchange(text("redirect_url"), text("expected_state"))
                .await
                .map(|grant| grant_json(&grant)),
            "exchange_code" => application()
                .exchange_code(text("portal"), text("code"))
                .await
                .map(|grant| grant_json(&grant)),
            "grants" => {
                application().grants().await.map(|grants| grants.iter().map(grant_json).collect())
            }
            "grant" => application().grant(grant()).await.map(|grant| grant_json(&grant)),
            "token" => application()
                .token(grant(), arguments["min_ttl"].as_i64().unwrap())
                .await
                .map(|token| token_json(&token)),
            "renew_token" => application()
                .renew_token(grant(), arguments["generation"].as_i64().unwrap())
                .await
                .map(|token| token_json(&token)),
            "add_spare" => application()
                .add_spare(grant(), text("refresh_token"))
                .await
                .map(|grant| grant_json(&grant)),
            "transfer" => {
                application().transfer(grant(), text("code")).await.map(|grant| grant_json(&grant))
            }
            "audit" => application()
                .audit(grant())
                .await
                .map(|entries| entries.iter().map(entry_json).collect()),
            "wait_for_event" => {
                for _ in 0..500 {
                    let entries = application().audit(grant()).await?;
                    if entries.iter().any(|entry| entry.event == text("event")) {
                        return Ok(Value::Null);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                panic!("{} did not happen", text("event"));
            }
            "statistics" => {
                let statistics = application().statistics();
                Ok(json!({"rotations": statistics.rotations, "promoted": statistics.promoted,
                    "ambiguous": statistics.ambiguous}))
            }
            "shut_down" => {
                let deadline = Duration::from_secs_f64(arguments["deadline"].as_f64().unwrap());
                Ok(application().shut_down(deadline).await.into())
            }
            "control" => {
                Ok(self.emulator.control(text("method"), text("path"), &arguments["body"]).await)
            }
            "count" => Ok(count(arguments["of"].as_array().unwrap(), text("by"))),
            "write_file" => {
                fs::write(text("path"), text("text")).unwrap();
                Ok(Value::Null)
            }
            "file_mode" => {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(text("path")).unwrap().permissions().mode() & 0o777;
                Ok(format!("{mode:o}").into())
            }
            other => panic!("no operation {other}"),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}
