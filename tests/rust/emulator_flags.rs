//! The flags of `evergrant emulator`: what each does, and what nonsense it refuses.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

use evergrant_tests::{Emulator, program};
use serde_json::{Value, json};

/// In flags that hold secrets; no message may repeat it.
const SECRET: &str = "OpensNothing24";

fn owned(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|&flag| flag.to_owned()).collect()
}

/// A call through the first portal's webhook.
async fn call(emulator: &Emulator, method: &str, params: &Value) -> Value {
    let url = format!("{}{method}", emulator.ready("webhook"));
    let answer = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .body(params.to_string())
        .send()
        .await
        .unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn total(emulator: &Emulator, method: &str) -> u64 {
    call(emulator, method, &json!({})).await["total"].as_u64().unwrap()
}

#[tokio::test]
async fn profile_settings_and_rows_are_as_the_flags_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.csv");
    std::fs::write(&file, "ID,NAME\n7,Ada\n9,Grace\n").unwrap();
    let data = format!("contact={}", file.display());
    let flags = [
        "--profile",
        "box",
        "--set",
        "rotation=family",
        "--set",
        "refresh_days=180",
        "--set",
        "burst=0",
        "--leads",
        "20",
        "--id-density",
        "50",
        "--companies",
        "3",
        "--tasks",
        "4",
        "--data",
        &data,
    ];
    let emulator = Emulator::start(&owned(&flags)).await;
    let settings = emulator.control("GET", "/settings", &Value::Null).await;
    for (name, value) in [
        ("profile", json!("box")),
        ("rotation", json!("family")),
        ("refresh_days", json!(180)),
        ("burst", json!(0)),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }
    assert_eq!(total(&emulator, "crm.lead.list").await, 20);
    assert_eq!(total(&emulator, "crm.company.list").await, 3);
    assert_eq!(total(&emulator, "tasks.task.list").await, 4);
    let order = json!({"order": {"ID": "DESC"}, "select": ["ID"]});
    let last = call(&emulator, "crm.lead.list", &order).await["result"][0]["ID"].clone();
    assert_eq!(last, "39", "every second id is a gap");
    let contacts = call(&emulator, "crm.contact.list", &json!({"select": ["ID", "NAME"]})).await;
    assert_eq!(
        contacts["result"],
        json!([{"ID": "7", "NAME": "Ada"}, {"ID": "9", "NAME": "Grace"}])
    );
}

#[tokio::test]
async fn portals_applications_and_users_are_as_the_flags_say() {
    let free = free_port().to_string();
    let flags = [
        "--regional-port",
        &free,
        "--portal",
        r#"{"leads": 5, "settings": {"rotation": "grace"}}"#,
        "--portal",
        r#"{"seed": 99}"#,
        "--application",
        r#"{"client_id": "app.second", "client_secret": "s", "redirect_uri": "http://127.0.0.1:9/cb", "scope": ["crm"], "portal": 1}"#,
        "--user",
        r#"{"id": 2, "name": "Ada", "kind": "extranet", "webhook": "adashook"}"#,
        "--user",
        r#"{"id": 3, "active": false}"#,
    ];
    let emulator = Emulator::start(&owned(&flags)).await;
    let ready = emulator.ready_line();
    assert!(emulator.ready("regional_authorization").ends_with(&format!(":{free}")), "{ready}");
    let members: std::collections::BTreeSet<&str> = ready["portals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|portal| portal["member_id"].as_str().unwrap())
        .collect();
    assert_eq!(members.len(), 3, "{ready}");
    let second = ready["portals"][1]["member_id"].as_str().unwrap();
    let settings =
        emulator.control("GET", &format!("/portals/{second}/settings"), &Value::Null).await;
    assert_eq!(settings["rotation"], "grace");
    let application = &ready["applications"][1];
    assert_eq!(
        (&application["client_id"], &application["member_id"], &application["scope"]),
        (&json!("app.second"), &json!(second), &json!(["crm"]))
    );
    let hook = emulator.ready("webhook").replace("/rest/1/", "/rest/2/");
    let (base, _) = hook.trim_end_matches('/').rsplit_once('/').unwrap();
    let answer = reqwest::get(format!("{base}/adashook/profile")).await.unwrap();
    let profile: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(
        (&profile["result"]["ID"], &profile["result"]["NAME"]),
        (&json!("2"), &json!("Ada"))
    );
}

#[tokio::test]
async fn https_is_served_beside_http_with_an_authority_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    let emulator = Emulator::start(&owned(&["--tls", "--ca-file", file.to_str().unwrap()])).await;
    let tls = &emulator.ready_line()["tls"];
    assert_eq!(tls["ca_file"], file.to_str().unwrap());
    let pem = std::fs::read(&file).unwrap();
    assert_eq!(tls["ca"].as_str().unwrap().as_bytes(), pem);
    let url = format!("{}profile", emulator.ready("webhook")).replace("http://", "https://");
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    let trusting = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    assert_eq!(trusting.get(&url).send().await.unwrap().status(), 200);
    assert!(reqwest::get(&url).await.is_err(), "nobody else trusts it");

    let own = Emulator::start(&owned(&["--tls"])).await;
    let path = own.ready_line()["tls"]["ca_file"].as_str().unwrap().to_owned();
    assert!(Path::new(&path).exists());
    // The process is killed at the end, so it cannot do this itself.
    std::fs::remove_file(path).unwrap();
    let plain = Emulator::start(&[]).await;
    assert_eq!(plain.ready_line()["tls"], Value::Null);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs with flags that must be refused; the message. Nothing was printed for a launcher, and nothing listens.
#[track_caller]
fn refused(flags: &[&str]) -> String {
    let control = free_port();
    let output = Command::new(program())
        .args(["emulator", "--authorization-port", "0", "--portal-port", "0"])
        .args(["--control-port", &control.to_string(), "--until-stdin-closes"])
        .args(flags)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code();
    // 2 is the command line's own code.
    assert!(matches!(code, Some(1 | 2)), "{flags:?} ended with {code:?}: {message}");
    assert!(
        output.stdout.is_empty(),
        "{flags:?} printed {:?}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(TcpStream::connect(("127.0.0.1", control)).is_err(), "{flags:?}: somebody listens");
    assert!(!message.contains("panicked"), "{message}");
    assert!(!message.contains(SECRET), "a secret in: {message}");
    message
}

#[test]
fn nonsense_is_refused_by_the_name_of_the_flag_or_field() {
    let secret = |text: &str| text.replace("SECRET", SECRET);
    for (flag, value, told) in [
        ("--profile", "cloudy", "cloud or box"),
        ("--profile", "", "cloud or box"),
        ("--regional-port", "65536", "--regional-port"),
        ("--regional-port", "http", "--regional-port"),
        ("--id-density", "0", "id_density: must be between 1 and 100"),
        ("--id-density", "101", "id_density: must be between 1 and 100"),
        ("--id-density", "1000", "--id-density"),
        ("--id-density", "half", "--id-density"),
        ("--companies", "-1", "-1"),
        ("--companies", "many", "--companies"),
        ("--companies", "100000001", "companies: at most"),
        ("--tasks", "1.5", "--tasks"),
        ("--tasks", "100000001", "tasks: at most"),
        ("--set", "rotation", "NAME=VALUE"),
        ("--set", "rotation=sideways", "rotation: must be one of: strict, grace, family"),
        ("--set", "rotatoin=strict", "rotatoin: is not known"),
        ("--set", "burst=many", "burst: must be a whole number"),
        ("--set", "grace_window=-1", "grace_window: must be a whole number"),
        ("--set", "=1", "is not known"),
        ("--data", "leads.csv", "ENTITY=FILE"),
        ("--data", "invoice=x.csv", "lead, deal, contact, company or task"),
        ("--data", "lead=/no/such/file.csv", "/no/such/file.csv"),
        ("--portal", "{", "--portal: this is not JSON"),
        ("--portal", "[]", "--portal: this is not a JSON object"),
        ("--user", "[2]", "--user: this is not a JSON object"),
        ("--portal", r#"{"webhook_secret": "SECRET"}"#, "--portal: a field is unknown"),
        ("--portal", r#"{"port": "SECRET"}"#, "--portal: a field is unknown or has the wrong type"),
        ("--portal", r#"{"seed": 24}"#, "portals: 1: seed: another portal has it"),
        ("--portal", r#"{"leads": 100000001}"#, "leads: at most"),
        ("--portal", r#"{"settings": {"burst": "SECRET"}}"#, "burst: must be a whole number"),
        ("--portal", r#"{"users": [{"id": 0}]}"#, "id: must be a user id"),
        ("--application", "", "--application: this is not a JSON object"),
        (
            "--application",
            r#"{"client_id": "a", "client_secret": "SECRET""#,
            "--application: this is not JSON",
        ),
        ("--application", r#"{"client_id": "a", "client_secret": ["SECRET"]}"#, "--application"),
        (
            "--application",
            r#"{"client_id": "a", "secret": "SECRET"}"#,
            "--application: a field is unknown",
        ),
        (
            "--application",
            r#"{"client_id": "a b", "client_secret": "SECRET"}"#,
            "1: client_id: must be",
        ),
        (
            "--application",
            r#"{"client_id": "a", "client_secret": "SECRET", "redirect_uri": "/cb"}"#,
            "redirect_uri: must be",
        ),
        (
            "--application",
            r#"{"client_id": "a", "client_secret": "SECRET", "redirect_uri": "http://127.0.0.1/", "portal": 3}"#,
            "portal: there is no such portal",
        ),
        ("--user", "2", "--user"),
        ("--user", r#"{"id": 0}"#, "id: must be a user id"),
        (
            "--user",
            r#"{"id": 2, "kind": "boss"}"#,
            "--user: a field is unknown or has the wrong type",
        ),
        ("--user", r#"{"id": 2, "webhook": "SECRET/"}"#, "webhook: must be at most 200 digits"),
        ("--ca-file", "/tmp/x.pem", "--tls"),
    ] {
        let message = refused(&[flag, &secret(value)]);
        assert!(message.contains(told), "{flag} {value}: {message}");
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let card = r#"{"client_id": "a", "client_secret": "b", "redirect_uri": "http://127.0.0.1/"}"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, "ID,TITLE\n1,first\nsecond,x\n").unwrap();
    let data = format!("lead={}", file.display());
    for (flags, told) in [
        (
            &["--application", card, "--application", card][..],
            "2: client_id: another application has it",
        ),
        (&["--portal", r#"{"seed": 5}"#, "--portal", r#"{"seed": 5}"#], "portals: 2: seed"),
        (&["--user", r#"{"id": 2}"#, "--user", "{"], "--user, the 2. of them: this is not JSON"),
        (&["--data", "task=a.csv", "--data", "task=b.csv"], "more than one file for task"),
        (&["--data", &data], "line 3"),
        (&["--tls", "--ca-file", "/no/such/folder/ca.pem"], "ca_file: /no/such/folder/ca.pem"),
        (&["--address", "0.0.0.0"], "loopback"),
        (&["--no-such-flag"], "--no-such-flag"),
    ] {
        let message = refused(flags);
        assert!(message.contains(told), "{flags:?}: {message}");
    }
}

#[test]
fn a_port_in_use_is_named_and_nothing_else_stays_open() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let portal = format!(r#"{{"port": {port}}}"#);
    for (flags, field) in [
        (["--regional-port", &port], "regional_port"),
        (["--authorization-port", &port], "authorization_port"),
        (["--portal-port", &port], "portal_port"),
        (["--control-port", &port], "control_port"),
        (["--portal", &portal], "port"),
    ] {
        let output = Command::new(program())
            .arg("emulator")
            .args(match field {
                "authorization_port" => &["--portal-port", "0", "--control-port", "0"][..],
                "portal_port" if flags[0] == "--portal-port" => {
                    &["--authorization-port", "0", "--control-port", "0"]
                }
                "control_port" => &["--authorization-port", "0", "--portal-port", "0"],
                _ => &["--authorization-port", "0", "--portal-port", "0", "--control-port", "0"],
            })
            .args(flags)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(output.stdout.is_empty(), "{field}: {:?}", String::from_utf8_lossy(&output.stdout));
        assert!(message.contains(field) && message.contains(&port), "{field}: {message}");
        assert!(message.contains("0 for any free one"), "what to do: {message}");
    }
}
