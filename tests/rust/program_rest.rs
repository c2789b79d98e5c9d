//! `evergrant call`, `batch` and `list` through a webhook.

use std::{
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
