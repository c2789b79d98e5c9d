//! `evergrant call`, `batch` and `list` through a webhook.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use evergrant_tests::{Emulator, program};
use serde_json::Value;

async fn portal(leads: u32) -> Emulator {
    let leads = leads.to_string();
    let flags = ["--leads", &leads, "--deals", "1", "--contacts", "1", "--burst", "0"];
    Emulator::start(&flags.map(str::to_owned)).await
}

fn command(emulator: &Emulator, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env("EVERGRANT_WEBHOOK", emulator.ready("webhook")).args(arguments);
    command
}

fn run(emulator: &Emulator, arguments: &[&str]) -> Output {
    command(emulator, arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn ids(lines: &str) -> Vec<i64> {
    let id =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["ID"].as_str().unwrap().parse();
    lines.lines().map(|line| id(line).unwrap()).collect()
}

#[tokio::test]
async fn rows_are_written_in_every_format() {
    let emulator = portal(120).await;
    let list = |more: &[&str]| {
        let method = ["list", "crm.lead.list", "select[]=ID", "select[]=TITLE"];
        out(&run(&emulator, &[&method[..], more].concat()))
    };
    let lines = list(&[]);
    assert_eq!(ids(&lines).len(), 120);
    assert!(ids(&lines).is_sorted());
    let array: Value = serde_json::from_str(&list(&["--output", "json"])).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 120);
    let csv = list(&["--output", "csv", "--limit", "3"]);
    assert_eq!(csv.lines().count(), 4);
    assert_eq!(csv.lines().next(), Some("ID,TITLE"));
    let table = list(&["--output", "table", "--limit", "3"]);
    assert_eq!(table.lines().count(), 4);
    assert!(table.starts_with("ID"));
    let down = ids(&list(&["--order", "ID:desc", "--limit", "60"]));
    assert_eq!(down.len(), 60);
    assert!(down.is_sorted_by(|a, b| a > b));
    let none = ["--output", "json", "filter[ID]=987654321"];
    assert_eq!(list(&none), "[]\n");
    for (bad, field) in [
        (&["--order", "ID:sideways"][..], "order"),
        (&["--resume", "x", "--output", "csv"], "resume"),
        (&["--strategy", "luck"], "strategy"),
    ] {
        let refused = run(&emulator, &[&["list", "crm.lead.list"], bad].concat());
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains(field), "{bad:?}");
    }
}

#[tokio::test]
async fn a_batch_answers_each_command_in_its_place() {
    let emulator = portal(5).await;
    let mut commands = String::new();
    for index in 0..120 {
        let method = if index == 70 { "no.such.method" } else { "crm.lead.get" };
        commands +=
            &format!("{{\"method\": \"{method}\", \"params\": {{\"ID\": {}}}}}\n", index % 5 + 1);
    }
    commands +=
        r#"{"method": "crm.lead.add", "params": {"fields": {"TITLE": "new"}}, "name": "lead"}"#;
    commands += r#"{"method": "crm.lead.get", "params": {"ID": "$result[lead]"}}"#;
    let mut child = command(&emulator, &["batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 122);
    for (index, line) in lines.iter().enumerate().take(120) {
        assert_eq!(line["ok"], index != 70, "{line}");
        if index != 70 {
            assert_eq!(line["result"]["ID"], (index % 5 + 1).to_string());
        }
    }
    assert!(lines[70]["error"].as_str().unwrap().contains("no.such.method"));
    assert_eq!(lines[121]["result"]["TITLE"], "new");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 commands failed"));
}

#[tokio::test]
async fn a_pace_that_cannot_be_is_named_before_anything_is_sent() {
    let emulator = portal(1).await;
    for (option, value, field) in [
        ("--rate-limit", "fast", "rate_limit"),
        ("--reserve", "0.95", "reserve"),
        ("--reserve", "NaN", "reserve"),
    ] {
        let output = run(&emulator, &["call", "profile", option, value]);
        assert!(!output.status.success(), "{option} {value}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(field), "{said}");
    }
    let requests = || async {
        emulator.control("GET", "/counters", &Value::Null).await["portal"]["requests"].clone()
    };
    assert_eq!(requests().await, 0);
    out(&run(&emulator, &["call", "profile", "--rate-limit", "10,1", "--reserve", "0.2"]));
    assert_eq!(requests().await, 1);
}

/// A variable that cannot be read shows that it is: also where an option says something else of the pace.
#[tokio::test]
async fn the_variable_holds_for_what_no_option_says() {
    let emulator = portal(1).await;
    let called = |variable: &str, more: &[&str]| {
        let mut call = command(&emulator, &[&["call", "profile"], more].concat());
        call.env("EVERGRANT_RATE_LIMIT", variable).output().unwrap()
    };
    for more in [&[][..], &["--reserve", "0.2"]] {
        let said = refusal(&called("fast", more));
        assert!(said.contains("EVERGRANT_RATE_LIMIT"), "{more:?}: {said}");
        out(&called("10,1", more));
    }
    out(&called("fast", &["--rate-limit", "standard"]));
}

/// Room for one request, then none for a quarter of an hour.
#[tokio::test]
async fn a_batch_ends_at_its_deadline_with_what_it_has() {
    let emulator = portal(1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("commands");
    fs::write(&file, "{\"method\": \"profile\"}\n".repeat(60)).unwrap();
    let file = file.display().to_string();
    let output = command(&emulator, &["batch", &file, "--timeout", "1", "--reserve", "0.1"])
        .env("EVERGRANT_RATE_LIMIT", "2,0.001")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let ok = |line: &str| serde_json::from_str::<Value>(line).unwrap()["ok"] == true;
    let answered = lines.lines().filter(|line| ok(line)).count();
    assert!([10, 50].contains(&answered), "one of the two requests has room: {lines}");
    assert!(lines.contains("deadline"), "{lines}");
}

#[tokio::test]
async fn a_webhook_follows_its_portal_where_the_command_line_says_so() {
    let emulator = portal(1).await;
    let moved = emulator.control("POST", "/domain", &serde_json::json!({})).await;
    let new = moved["portal"].as_str().unwrap().strip_prefix("http://").unwrap();
    let said = refusal(&run(&emulator, &["call", "profile"]));
    assert!(said.contains(new) && said.contains("moved_to"), "{said}");
    for arguments in [&["call", "profile"], &["list", "crm.lead.list"]] {
        out(&run(&emulator, &[&arguments[..], &["--moved-to", new]].concat()));
    }
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn an_output_that_cannot_be_written_says_why() {
    let emulator = portal(3).await;
    let list = || command(&emulator, &["list", "crm.lead.list"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = refusal(&list().stdout(full).stderr(Stdio::piped()).output().unwrap());
    assert!(said.contains("the output cannot be written") && said.contains("No space"), "{said}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let said = refusal(&list().stdout(writer).stderr(Stdio::piped()).output().unwrap());
    assert!(said.contains("nobody reads the output"), "{said}");
}

#[tokio::test]
async fn parameters_and_commands_that_cannot_be_read_are_named_before_anything_is_sent() {
    let emulator = portal(1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let long = |name: &str, content: &str, size: u64| {
        let path = file(name, content.as_bytes());
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(size).unwrap();
        path
    };
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = file("deep.json", format!(r#"{{"a": {nested}}}"#).as_bytes());
    let latin = file("latin.json", b"{\"TITLE\": \"caf\xe9\"}");
    let params = long("params.json", "{}", (64 << 20) + 1);
    let command = r#"{"method": "crm.lead.add", "params": {"fields": {"TITLE": "a"}}}"#;
    let commands = long("commands.ndjson", &format!("{command}\n"), (256 << 20) + 1);
    let absent = folder.path().join("absent").display().to_string();
    let place = folder.path().display().to_string();
    for (source, says) in [
        (&deep, &["nested too deep"][..]),
        (&latin, &["not UTF-8", "byte 14", "latin.json"]),
        (&absent, &["cannot be read", "absent", "No such file"]),
        (&place, &["cannot be read", &place, "directory"]),
        (&params, &["too long", "params.json", "67108864"]),
    ] {
        let output = run(&emulator, &["call", "profile", "--params", &format!("@{source}")]);
        let said = refusal(&output);
        assert!(says.iter().all(|part| said.contains(part)), "{said}");
    }
    for (source, says) in [
        (&deep, &["nested too deep"][..]),
        (&latin, &["not UTF-8", "latin.json"]),
        (&absent, &["cannot be read", "absent", "No such file"]),
        (&commands, &["too long", "commands.ndjson", "268435456"]),
    ] {
        let said = refusal(&run(&emulator, &["batch", source]));
        assert!(says.iter().all(|part| said.contains(part)), "{said}");
    }
    let pair = refusal(&run(&emulator, &["call", "profile", &format!("a:={nested}")]));
    assert!(pair.contains("the value after := is nested too deep"), "{pair}");
    let counters = emulator.control("GET", "/counters", &Value::Null).await;
    assert_eq!(counters["portal"]["requests"], 0);
}

/// Whoever types at it can still stop it.
#[tokio::test]
async fn a_program_that_waits_for_standard_input_can_be_interrupted() {
    let emulator = portal(1).await;
    for arguments in [&["batch"][..], &["call", "profile", "--params", "-"]] {
        let mut waiting = command(&emulator, arguments).stdin(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", waiting.id());
        let watches = || {
            let status = fs::read_to_string(&status).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 1) != 0
        };
        while !watches() {
            std::thread::yield_now();
        }
        // Whoever waits for a child closes its input, unless it is held.
        let _input = waiting.stdin.take();
        let id = rustix::process::Pid::from_child(&waiting);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        assert_eq!(waiting.wait().unwrap().code(), Some(130));
    }
}

/// On a terminal of its own: what `script` records of it is what a person sees.
#[tokio::test]
async fn a_batch_shows_on_a_terminal_how_far_it_is() {
    let emulator = portal(5).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("commands"), "{\"method\": \"profile\"}\n".repeat(120)).unwrap();
    let seen = |more: &str| {
        let line = format!("'{}' batch commands {more} > outcomes", program().display());
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(folder.path())
            .env("EVERGRANT_WEBHOOK", emulator.ready("webhook"))
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = out(&output);
        let outcomes = fs::read_to_string(folder.path().join("outcomes")).unwrap();
        assert_eq!(outcomes.lines().count(), 120);
        shown
    };
    let shown = seen("");
    assert!(shown.contains(" 0 of 120 commands"), "{shown:?}");
    assert!(seen("--quiet").is_empty());
}

#[test]
fn help_begins_with_what_belongs_to_the_command() {
    for (name, own) in [("call", "--timeout"), ("batch", "--go-on"), ("list", "--resume")] {
        let output = Command::new(program()).args([name, "--help"]).output().unwrap();
        let help = out(&output);
        assert!(help.find(own).unwrap() < help.find("--client-id").unwrap(), "{help}");
    }
}
