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
