//! The program `evergrant` as a person uses it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Output, Stdio},
};

use evergrant_tests::{Emulator, program};
use serde_json::{Value, json};

struct Stage {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let flags = ["--leads", "120", "--deals", "1", "--contacts", "1"];
        Self {
            emulator: Emulator::start(&flags.map(str::to_owned)).await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command
            .env_remove("EVERGRANT_WEBHOOK")
            .env("EVERGRANT_CLIENT_ID", self.emulator.ready("client_id"))
            .env("EVERGRANT_CLIENT_SECRET", self.emulator.ready("client_secret"))
            .env("EVERGRANT_AUTHORIZATION_SERVER", self.emulator.ready("authorization"))
            .env("EVERGRANT_STORE", format!("sqlite:{}/grants.db", self.folder.path().display()));
        command
    }

    /// Runs a command that reads `input`.
    fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    async fn code(&self, user: u32) -> String {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": user})).await;
        consent["code"].as_str().unwrap().to_owned()
    }

    /// The grant's history, and its head.
    fn audit(&self) -> (Vec<String>, String) {
        let audit: Value =
            serde_json::from_slice(&self.run(&["grants", "audit", "1", "--json"]).stdout).unwrap();
        let events = audit["entries"].as_array().unwrap().iter();
        let events = events.map(|entry| entry["event"].as_str().unwrap().to_owned()).collect();
        (events, audit["head"].as_str().unwrap().to_owned())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    async fn log_in(&self) {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
        let mut child = self
            .command()
            .args(["login", &self.emulator.ready("portal"), "--paste", "-vvv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", consent["code"].as_str().unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        self.no_secret_in(&text(&output)).await;
    }

    async fn no_secret_in(&self, text: &str) {
        let tokens = self.emulator.control("GET", "/tokens", &Value::Null).await;
        let mut secrets: Vec<String> = tokens
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["token"].as_str().unwrap().to_owned())
            .collect();
        assert!(!secrets.is_empty());
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
        for secret in secrets {
            assert!(!text.contains(&secret), "a secret ({}…) in:\n{text}", &secret[..4]);
        }
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_demo_says_what_it_did() {
    let output = Command::new(program()).arg("demo").output().unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 rotation,") && text.contains("10,000 leads"), "{text}");
}

#[tokio::test]
async fn log_in_call_list_and_show_without_a_secret() {
    let stage = Stage::new().await;
    stage.log_in().await;
    stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
    for arguments in [
        &["-vvv", "call", "crm.lead.get", "ID=5"][..],
        &["-vvv", "call", "crm.lead.list", "filter[>ID]:=100", "select[]=ID", "--full"],
        &["-vvv", "list", "crm.lead.list", "order[ID]=ASC"],
        &["-vvv", "grants"],
        &["-vvv", "grants", "--json"],
        &["-vvv", "call", "no.such.method"],
        &["-vvv", "call", "profile", "--webhook", &stage.emulator.ready("webhook")],
        &["-vvv", "call", "app.info", "--webhook", &stage.emulator.ready("webhook")],
        &["-vvv", "login", "https://oauth.bitrix.info"],
    ] {
        stage.no_secret_in(&text(&stage.run(arguments))).await;
    }
    assert_eq!(stage.emulator.count("/authorization/refreshes").await, 1);

    let rows = stage.run(&["list", "crm.lead.list", "order[ID]=ASC", "select[]=ID"]);
    let ids: Vec<String> = String::from_utf8(rows.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["ID"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, (1..=120).map(|id| id.to_string()).collect::<Vec<_>>());

    // The one command whose purpose is to show a token.
    let token = stage.run(&["token"]);
    assert_eq!(String::from_utf8(token.stdout).unwrap().trim().len(), 70);
    let token: Value = serde_json::from_slice(&stage.run(&["token", "--json"]).stdout).unwrap();
    assert_eq!(token["generation"], 2);
}

#[tokio::test]
async fn the_browser_comes_back_to_a_port_and_a_forged_redirect_does_not_end_the_wait() {
    let stage = Stage::new().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = stage
        .command()
        .args(["login", &stage.emulator.ready("portal"), "--port", &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let link = lines.next().unwrap().unwrap();
    let callback = format!("http://127.0.0.1:{port}/callback");
    assert_eq!(
        stage.emulator.follow(&format!("{callback}?code={}&state=forged", "0".repeat(70))).await,
        None
    );

    stage.emulator.control("POST", "/settings", &json!({"auto_consent": 1})).await;
    let redirect = stage.emulator.follow(&link).await.unwrap();
    let query = redirect.split_once('?').unwrap().1;
    assert_eq!(stage.emulator.follow(&format!("{callback}?{query}")).await, None);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("another state"), "{}", text(&output));
    stage.no_secret_in(&text(&output)).await;
    let grants: Value = serde_json::from_slice(&stage.run(&["grants", "--json"]).stdout).unwrap();
    assert_eq!(grants[0]["user_id"], 1);
}

#[tokio::test]
async fn eight_programs_meet_one_expired_token() {
    let stage = Stage::new().await;
    stage.log_in().await;
    stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
    let children: Vec<_> = (0..8)
        .map(|_| {
            stage
                .command()
                .args(["call", "profile"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(stage.emulator.count("/authorization/refreshes").await, 1);
}

#[tokio::test]
async fn nonsense_is_refused_with_the_name_of_the_field() {
    let stage = Stage::new().await;
    stage.log_in().await;
    for (arguments, named) in [
        (&["login", "http://example.bitrix24.com"][..], "portal"),
        (&["call", "crm.lead.get", "ID"], "KEY=VALUE"),
        (&["call", "crm.lead.get", "--params", "{"], "params"),
        (&["call", "crm.lead.get", "--params", "@/no/such/file"], "params"),
        (&["call", "../oauth/token"], "method"),
        (&["call", "profile", "--grant", "77"], "77"),
        (&["call", "profile", "--webhook", "https://example.com"], "webhook"),
        (&["token", "--min-ttl", "99999"], "min_ttl"),
        (&["list", "crm.lead.list", "start=50"], "start"),
        (&["token", "--grant", "-3"], "whole number"),
        (&["token", "--rotations-per-hour", "x"], "rotations-per-hour"),
        (&["grants", "audit", "0"], "whole number"),
        (&["grants", "audit", "99999999999999999999999"], "whole number"),
        (&["grants", "audit", "one"], "whole number"),
        (&["grants", "audit", "77"], "grant 77"),
        (&["grants", "audit", "1", "--head", "zz"], "head"),
        (&["grants", "release", "77"], "grant 77"),
        (&["grants", "transfer", "77", "--code", "x"], "grant 77"),
        (&["grants", "transfer", "1", "--code", " "], "code"),
        (&["grants", "transfer", "1", "--code", "-"], "standard input"),
        (&["grants", "add-spare", "77"], "grant 77"),
        (&["grants", "add-spare", "1"], "refresh_token"),
        (&["grants", "--store", "nowhere"], "store"),
        (&["grants", "--key-file", "/no/such/key"], "key"),
        (&["grants", "--authorization-server", "https://evil.example"], "authorization_server"),
        (&["emulator", "--address", "0.0.0.0", "--portal-port", "0"], "address"),
        (&["emulator", "--data", "lead=/no/such.csv", "--portal-port", "0"], "no/such.csv"),
        (&["emulator", "--data", "cat=x"], "--data"),
    ] {
        let output = stage.run(arguments);
        let shown = text(&output);
        assert!(!output.status.success(), "{arguments:?}: {shown}");
        assert!(shown.contains(named), "{arguments:?}: {shown}");
        assert!(!shown.contains("panicked"), "{arguments:?}: {shown}");
    }
    let secretless =
        stage.command().env_remove("EVERGRANT_CLIENT_SECRET").arg("grants").output().unwrap();
    assert!(text(&secretless).contains("EVERGRANT_CLIENT_SECRET"));
}

#[tokio::test]
async fn a_history_is_whole_until_somebody_changes_it() {
    let stage = Stage::new().await;
    stage.log_in().await;
    let (events, first) = stage.audit();
    assert_eq!(events, ["installed"]);
    stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
    stage.run(&["call", "profile"]);
    let output = stage.run(&["grants", "audit", "1", "--head", &first]);
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    let (events, last) = stage.audit();
    assert_eq!(events, ["installed", "intent", "sent", "committed"]);
    assert!(shown.contains(&format!("4 entries, whole; head {last}")), "{shown}");
    stage.no_secret_in(&shown).await;

    let output = stage.run(&["grants", "audit", "1", "--head", &"0".repeat(64)]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let store = rusqlite::Connection::open(stage.folder.path().join("grants.db")).unwrap();
    let change = "DROP TRIGGER audit_is_fixed; UPDATE audit SET event = 'refused' WHERE number = 1";
    store.execute_batch(change).unwrap();
    let output = stage.run(&["grants", "audit", "1"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("entry 1"), "{}", text(&output));
}

#[tokio::test]
async fn a_grant_is_transferred_and_its_spare_comes_from_standard_input() {
    let stage = Stage::new().await;
    stage.log_in().await;
    let code = stage.code(2).await;
    let output = stage.run_with(&["-vvv", "grants", "transfer", "1", "--code", "-"], &code);
    let shown = text(&output);
    assert!(shown.contains("was user 1's, is user 2's"), "{shown}");
    assert!(shown.contains("scopes lost: none"), "{shown}");
    stage.no_secret_in(&shown).await;

    let form = [
        ("grant_type", "authorization_code".to_owned()),
        ("client_id", stage.emulator.ready("client_id")),
        ("client_secret", stage.emulator.ready("client_secret")),
        ("code", stage.code(2).await),
    ];
    let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let url = format!("{}/oauth/token/?{}", stage.emulator.ready("authorization"), form.join("&"));
    let delivered = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    let delivered: Value = serde_json::from_slice(&delivered).unwrap();
    let token = delivered["refresh_token"].as_str().unwrap();
    let output = stage.run_with(&["-vvv", "grants", "add-spare", "1"], &format!("{token}\n"));
    assert!(text(&output).contains("has a spare chain"), "{}", text(&output));
    stage.no_secret_in(&text(&output)).await;
    let output = stage.run_with(&["grants", "add-spare", "1"], token);
    assert!(text(&output).contains("delivered before"), "{}", text(&output));
}

#[tokio::test]
async fn keep_alive_says_when_to_run_again_and_the_key_can_change() {
    let stage = Stage::new().await;
    let output = stage.run(&["grants", "keep-alive"]);
    assert!(text(&output).contains("no grant to keep alive"), "{}", text(&output));
    stage.log_in().await;
    let shown = text(&stage.run(&["grants", "keep-alive"]));
    assert!(shown.contains("0 refresh tokens renewed\nnext due 20"), "{shown}");
    assert!(shown.contains("run again before 20"), "{shown}");
    let next: Value =
        serde_json::from_slice(&stage.run(&["grants", "keep-alive", "--json"]).stdout).unwrap();
    assert!(next["due_at"].as_i64().unwrap() < next["run_before"].as_i64().unwrap());

    let key_file = stage.folder.path().join("grants.db.key");
    let old = std::fs::read_to_string(&key_file).unwrap();
    std::fs::write(&key_file, format!("1:{}\n2:{}\n", old.trim(), "22".repeat(32))).unwrap();
    let shown = text(&stage.run(&["grants", "reseal"]));
    assert!(shown.contains("1 grant is sealed"), "{shown}");
    let shown = text(&stage.run(&["grants", "reseal"]));
    assert!(shown.contains("already"), "{shown}");
    std::fs::write(&key_file, format!("2:{}\n", "22".repeat(32))).unwrap();
    let output = stage.run(&["call", "profile"]);
    assert!(output.status.success(), "{}", text(&output));
    let every = text(&stage.run(&["grants", "release", "--all"]));
    assert!(every.contains("grant 1 is not held any more"), "{every}");
    let shown = text(&stage.run(&["grants", "release", "1"]));
    assert!(shown.contains("not held"), "{shown}");
}

#[tokio::test]
async fn a_token_is_printed_on_standard_output_alone() {
    let stage = Stage::new().await;
    stage.log_in().await;
    stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
    let output = stage.run(&["-vvv", "token"]);
    assert_eq!(output.stdout.trim_ascii().len(), 70);
    stage.no_secret_in(&String::from_utf8_lossy(&output.stderr)).await;
    for round in 0..4 {
        stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
        let output = stage.run(&["call", "profile", "--rotations-per-hour", "2"]);
        assert_eq!(output.status.success(), round < 2, "{}", text(&output));
    }
    let output = stage.run(&["call", "profile", "--rotations-per-hour", "0"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[tokio::test]
async fn a_program_that_is_stopped_brings_its_exchange_to_an_end() {
    for signal in ["INT", "TERM"] {
        let stage = Stage::new().await;
        stage.log_in().await;
        let fault = json!({"at": "token", "kind": "delay", "delay_ms": 1500, "times": 1});
        stage.emulator.control("POST", "/faults", &fault).await;
        stage.emulator.control("POST", "/clock", &json!({"advance": 3600})).await;
        let child = stage
            .command()
            .args(["call", "profile"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until(|| stage.audit().0.iter().any(|event| event == "sent")).await;
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let expected = if signal == "INT" { 130 } else { 143 };
        assert_eq!(output.status.code(), Some(expected), "{}", text(&output));
        assert!(text(&output).contains("under way"), "{}", text(&output));
        assert_eq!(stage.audit().0.last().unwrap(), "committed");
        assert_eq!(stage.emulator.count("/authorization/refreshes").await, 1);
    }
}

/// Waits for something to become true; the test fails if it does not within ten seconds.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not within ten seconds");
}
