//! Batches: every command has its own outcome in its own place, and none runs twice.

use std::time::{Duration, Instant};

use evergrant::{Batch, CallOptions, Client, Command, Kind, Priority, RateLimit, Retry};
use evergrant_tests::Emulator;
use serde_json::{Value, json};

async fn portal() -> (Emulator, Client) {
    let flags = ["--leads", "300", "--deals", "1", "--contacts", "1", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let client =
        Client::from_webhook(&emulator.ready("webhook")).unwrap().rate_limit(RateLimit::Off);
    (emulator, client)
}

async fn fault(emulator: &Emulator, mut fault: Value) {
    fault["at"] = json!("rest");
    emulator.control("POST", "/faults", &fault).await;
}

fn lead(id: u64) -> Command {
    Command::new("crm.lead.get", json!({"id": id})).unwrap()
}

#[tokio::test]
async fn three_requests_with_errors_in_the_middle() {
    let (emulator, client) = portal().await;
    let missing = |index: u64| [0, 49, 50, 77, 119].contains(&index);
    let commands =
        (0..120).map(|index| lead(if missing(index) { 999_999 } else { index + 1 })).collect();
    let outcomes = client.batch(commands).await.unwrap();
    assert_eq!(emulator.count("/portal/requests").await, 3);
    assert_eq!(outcomes.len(), 120);
    for (index, outcome) in (0..).zip(&outcomes) {
        match outcome {
            Ok(answer) => assert_eq!(answer.result["ID"], (index + 1).to_string()),
            Err(error) => {
                assert!(missing(index), "{index}: {error}");
                assert!(error.context().contains(&("command", index.to_string())), "{error}");
                assert!(error.context().contains(&("method", "crm.lead.get".into())), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_the_error_of_its_own_commands_alone() {
    let (emulator, client) = portal().await;
    fault(&emulator, json!({"method": "batch", "kind": "drop", "when": "after", "skip": 1})).await;
    let add = || Command::new("crm.lead.add", json!({"fields": {"TITLE": "once"}})).unwrap();
    let outcomes = client.batch((0..150).map(|_| add()).collect()).await.unwrap();
    let lost: Vec<usize> = (0..150).filter(|index| outcomes[*index].is_err()).collect();
    assert_eq!(lost.len(), 50);
    assert!(lost[0].is_multiple_of(50) && lost[49] == lost[0] + 49, "{lost:?}");
    for index in lost {
        let error = outcomes[index].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.retry()), (Kind::Ambiguous, Retry::IfIdempotent));
    }
    let count = client.count("crm.lead.list", json!({"filter": {"TITLE": "once"}})).await.unwrap();
    assert_eq!(count, 150, "each was added once");
    // Where nothing at all was answered, the batch is the error.
    fault(&emulator, json!({"method": "batch", "kind": "drop"})).await;
    assert_eq!(client.batch(vec![add()]).await.unwrap_err().kind(), Kind::Ambiguous);
}

#[tokio::test]
async fn commands_use_what_others_brought() {
    let (_emulator, client) = portal().await;
    let mut batch = Batch::new();
    let mut companies = Vec::new();
    for number in 0..60 {
        let fields = json!({"fields": {"TITLE": format!("company {number}")}});
        companies.push(batch.add(&format!("company{number}"), "crm.company.add", fields).unwrap());
    }
    for (number, company) in companies.iter().enumerate() {
        let fields = json!({"NAME": format!("person {number}"), "COMPANY_ID": company});
        batch.push("crm.contact.add", json!({"fields": fields})).unwrap();
    }
    let found = batch
        .add("found", "crm.lead.list", json!({"order": {"ID": "ASC"}, "select": ["ID"]}))
        .unwrap();
    batch.push("crm.lead.get", json!({"id": found.at(6).at("ID")})).unwrap();
    let outcomes = client.run_batch(batch).await.unwrap();
    assert_eq!(outcomes.last().unwrap().as_ref().unwrap().result["ID"], "7");
    for number in [0, 17, 59] {
        let company = &outcomes[number].as_ref().unwrap().result;
        let contact = &outcomes[60 + number].as_ref().unwrap().result;
        let contact = client.call("crm.contact.get", json!({"id": contact})).await.unwrap().result;
        assert_eq!(contact["NAME"], format!("person {number}"));
        assert_eq!(contact["COMPANY_ID"], company.to_string());
    }
}

#[tokio::test]
async fn a_chain_stops_at_its_failure_and_others_go_on() {
    let (_emulator, client) = portal().await;
    let mut batch = Batch::new();
    for (number, id) in [(0, 999_999), (1, 5), (2, 999_999), (3, 6)] {
        let lead = batch.add(&format!("lead{number}"), "crm.lead.get", json!({"id": id})).unwrap();
        let fields = json!({"TITLE": "follows", "COMMENTS": lead.at("TITLE")});
        batch.push("crm.lead.add", json!({"fields": fields})).unwrap();
    }
    let outcomes = client.run_batch(batch.clone()).await.unwrap();
    let well: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(well, [false, false, true, true, false, false, true, true]);
    let error = outcomes[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Cancelled, Retry::Safe));
    assert!(error.to_string().contains("lead0"), "{error}");
    let added = json!({"filter": {"TITLE": "follows"}});
    assert_eq!(client.count("crm.lead.list", added.clone()).await.unwrap(), 2);
    // Who does not want that gets what the portal makes of it.
    let outcomes = client.run_batch(batch.halt(false)).await.unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 6);
    assert_eq!(client.count("crm.lead.list", added).await.unwrap(), 6);
}

#[tokio::test]
async fn what_was_refused_unexecuted_is_asked_for_alone() {
    let (emulator, client) = portal().await;
    let refusal =
        json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
    let strike = |skip: u64| json!({"method": "crm.lead.add", "kind": "json", "body": refusal, "skip": skip, "times": 2});
    fault(&emulator, strike(3)).await;
    let add = || Command::new("crm.lead.add", json!({"fields": {"TITLE": "again"}})).unwrap();
    let outcomes = client.batch((0..10).map(|_| add()).collect()).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let again = json!({"filter": {"TITLE": "again"}});
    assert_eq!(client.count("crm.lead.list", again).await.unwrap(), 10);
    assert_eq!(emulator.count("/portal/methods/batch").await, 1);
    // The first of a chain is refused: the whole chain has its second chance, once.
    fault(&emulator, json!({"method": "crm.company.add", "kind": "json", "body": refusal})).await;
    let mut batch = Batch::new();
    let company =
        batch.add("company", "crm.company.add", json!({"fields": {"TITLE": "x"}})).unwrap();
    batch.push("crm.contact.add", json!({"fields": {"COMPANY_ID": company}})).unwrap();
    let outcomes = client.run_batch(batch).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn data_that_looks_like_a_reference_stays_data() {
    let (_emulator, client) = portal().await;
    let title = "$result[c0][TITLE]";
    let commands =
        vec![lead(1), Command::new("crm.lead.add", json!({"fields": {"TITLE": title}})).unwrap()];
    let outcomes = client.batch(commands).await.unwrap();
    let id = &outcomes[1].as_ref().unwrap().result;
    let lead = client.call("crm.lead.get", json!({"id": id})).await.unwrap().result;
    assert_eq!(lead["TITLE"], title);
}

#[tokio::test]
async fn a_deadline_holds_for_the_whole_batch() {
    let (emulator, client) = portal().await;
    let run = |count: u64, millis: u64| {
        let batch = (1..=count).map(lead).collect::<Vec<_>>();
        let options =
            CallOptions::new().deadline(Duration::from_millis(millis)).priority(Priority::Bulk);
        client.run_batch_with(batch.into(), options)
    };
    assert!(run(120, 20_000).await.unwrap().iter().all(Result::is_ok));
    let slow = json!({"method": "batch", "kind": "delay", "delay_ms": 700, "times": 100});
    fault(&emulator, slow).await;
    let started = Instant::now();
    // Four requests at once: the fifth has what is left.
    let outcomes = run(250, 1000).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(1600), "{:?}", started.elapsed());
    assert!(outcomes[..200].iter().all(Result::is_ok));
    for outcome in &outcomes[200..] {
        assert_eq!(outcome.as_ref().unwrap_err().kind(), Kind::Timeout);
    }
    assert_eq!(run(1, 300).await.unwrap_err().kind(), Kind::Timeout, "no request had an answer");
}

#[tokio::test]
async fn a_command_that_is_asked_for_alone_keeps_to_the_deadline() {
    let (emulator, client) = portal().await;
    let refused = json!({"method": "profile", "command": "c1", "kind": "json", "status": 429,
                         "body": {"error": "OPERATION_TIME_LIMIT"}});
    fault(&emulator, refused).await;
    let profile = || Command::new("profile", Value::Null).unwrap();
    let batch: Batch = vec![lead(1), profile()].into();
    let options = CallOptions::new().deadline(Duration::from_secs(5));
    let started = Instant::now();
    let outcomes = client.run_batch_with(batch, options).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(4), "it would have to wait for a minute");
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().kind(), Kind::OperatingLimit);
}

#[tokio::test]
async fn what_no_batch_has_is_named() {
    let (emulator, client) = portal().await;
    for (options, field) in [
        (CallOptions::new().idempotent(true), "idempotent"),
        (CallOptions::new().idempotency_key("x"), "idempotency_key"),
        (CallOptions::new().deadline(Duration::ZERO), "deadline"),
    ] {
        let error = client.run_batch_with(vec![lead(1)].into(), options).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.context().contains(&("field", field.into())), "{error}");
    }
    assert_eq!(emulator.count("/portal/requests").await, 0);
}
