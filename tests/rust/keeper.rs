//! What must hold when things go wrong around a rotation. The emulator's truth decides.

use std::{fs, time::Duration};

use evergrant::Kind;
use evergrant_tests::{
    stage::{Stage, until},
    store,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_caller_that_leaves_takes_no_answer_with_it() {
    let stage = Stage::new().await;
    for _ in 0..5 {
        let leaving = stage.application.renew_token(
            stage.grant.id,
            stage.application.grant(stage.grant.id).await.unwrap().generation,
        );
        let _ = tokio::time::timeout(Duration::from_micros(300), leaving).await;
    }
    until("the rotations are stored", || async {
        let generation = stage.application.grant(stage.grant.id).await.unwrap().generation;
        u64::try_from(generation).unwrap() == 1 + stage.refreshes().await
    })
    .await;
    assert_eq!(stage.living().await.len(), 1);
    stage.application.renew_token(stage.grant.id, 0).await.unwrap();
    stage.application.client(stage.grant.id).call("profile", Value::Null).await.unwrap();
}

#[tokio::test]
async fn two_programs_on_one_store_make_one_exchange() {
    let stage = Stage::new().await;
    let programs = [stage.reopen().await, stage.reopen().await, stage.reopen().await];
    let callers: Vec<_> = (0..48)
        .map(|index| {
            let application = programs[index % programs.len()].clone();
            let grant = stage.grant.id;
            tokio::spawn(async move {
                application.renew_token(grant, 1).await.map(|token| token.generation)
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), 2);
    }
    assert_eq!(stage.refreshes().await, 1);
}

#[tokio::test]
async fn without_room_for_the_answer_nothing_is_sent() {
    let stage = Stage::new().await;
    let name = if store::kind() == "sqlite" { "grants.db.spool" } else { "spool" };
    let spool = stage.folder.path().join(name);
    fs::remove_dir_all(&spool).unwrap();
    fs::write(&spool, "in the way").unwrap();
    let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Store);
    assert_eq!(stage.refreshes().await, 0);
    fs::remove_file(&spool).unwrap();
    fs::create_dir(&spool).unwrap();
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn an_answer_lost_before_processing_is_tried_again_after_a_pause() {
    let stage = Stage::new().await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "before", "times": 1})).await;
    let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Ambiguous);
    assert!(error.retry_after().is_some());
    let early = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(early.kind(), Kind::Ambiguous, "not again at once");
    assert_eq!(stage.refreshes().await, 0);
    stage.clock.turn(91);
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn an_answer_lost_after_processing_is_found_out_not_guessed() {
    for kind in ["drop", "truncate"] {
        let stage = Stage::new().await;
        let grant = &stage.grant;
        stage.fault(json!({"at": "token", "kind": kind, "when": "after", "times": 1})).await;
        let generation = grant.generation;
        let error = stage.application.renew_token(grant.id, generation).await.err().unwrap();
        assert!(
            matches!(error.kind(), Kind::Ambiguous | Kind::UnexpectedAnswer),
            "{kind}: {error:?}"
        );
        let status = stage.application.grant(grant.id).await.unwrap().status;
        assert_eq!(status.as_str(), "active", "{kind}: not given up on a lost answer");
        stage.clock.turn(91);
        let error = stage.application.renew_token(grant.id, generation).await.err().unwrap();
        assert_eq!(
            error.kind(),
            Kind::NeedsReauthorization,
            "{kind}: the server itself said that it was spent"
        );
    }
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let stage = Stage::new().await;
    let body = json!({"access_token": "ab".repeat(35), "expires_in": 3600});
    stage
        .fault(json!({"at": "token", "kind": "json", "status": 200, "body": body, "times": 1}))
        .await;
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
    assert_eq!(stage.application.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
    assert_eq!(stage.refreshes().await, 1);
}

#[tokio::test]
async fn a_foreign_answer_overwrites_nothing() {
    let stage = Stage::new().await;
    let body = json!({"access_token": "ab".repeat(35), "refresh_token": "cd".repeat(35), "member_id": "0".repeat(32)});
    stage
        .fault(json!({"at": "token", "kind": "json", "status": 200, "body": body, "times": 1}))
        .await;
    let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(error.kind(), Kind::UnexpectedAnswer);
    assert_eq!(stage.application.grant(stage.grant.id).await.unwrap().generation, 1);
    stage.clock.turn(91);
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn an_unknown_error_is_never_a_death_sentence() {
    let stage = Stage::new().await;
    for (status, error) in [(400, "brand_new_code"), (500, "INTERNAL_SERVER_ERROR"), (401, "")] {
        stage.fault(json!({"at": "token", "kind": "json", "status": status, "body": {"error": error}, "times": 1})).await;
        stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
        assert_eq!(
            stage.application.grant(stage.grant.id).await.unwrap().status.as_str(),
            "active",
            "{error}"
        );
        stage.clock.turn(7200);
    }
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn an_unpaid_portal_suspends_and_resumes() {
    let stage = Stage::new().await;
    let body = json!({"error": "PAYMENT_REQUIRED", "error_description": "Payment required"});
    stage
        .fault(json!({"at": "token", "kind": "json", "status": 402, "body": body, "times": 1}))
        .await;
    for _ in 0..3 {
        let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Suspended);
    }
    assert_eq!(stage.application.grant(stage.grant.id).await.unwrap().status.as_str(), "suspended");
    stage.clock.turn(3601);
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
    assert_eq!(stage.application.grant(stage.grant.id).await.unwrap().status.as_str(), "active");
}

#[tokio::test]
async fn a_new_consent_wins_over_a_rotation_that_is_late() {
    let stage = Stage::new().await;
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let portal = stage.emulator.ready("portal");
    let (renewed, exchanged) = tokio::join!(
        stage.application.renew_token(stage.grant.id, 1),
        stage.application.exchange_code(&portal, consent["code"].as_str().unwrap().to_owned()),
    );
    renewed.unwrap();
    let generation = exchanged.unwrap().generation;
    let next = stage.application.renew_token(stage.grant.id, generation).await.unwrap();
    assert!(next.generation > generation);
}

#[tokio::test]
async fn a_network_that_is_down_spends_nothing() {
    let stage = Stage::new().await;
    // Port 9 (discard) answers nobody here.
    let away = stage.builder().authorization_server("http://127.0.0.1:9").open().await.unwrap();
    let grant = &stage.grant;
    for _ in 0..3 {
        let error = away.renew_token(grant.id, 1).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Network);
        assert!(error.is_retryable());
    }
    let back = stage.reopen().await;
    assert_eq!(back.renew_token(grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_costs_one_rotation_at_most() {
    let stage = Stage::new().await;
    let error = stage.application.renew_token(stage.grant.id, 4711).await.err().unwrap();
    assert_eq!(error.kind(), Kind::InvalidInput, "a generation that never was");
    assert_eq!(stage.refreshes().await, 0);

    let body = json!({"access_token": "ab".repeat(35), "expires_in": 120});
    stage
        .fault(json!({"at": "token", "kind": "json", "status": 200, "body": body, "times": 10}))
        .await;
    stage.clock.turn(3000);
    for _ in 0..2 {
        let error = stage.application.token(stage.grant.id, 3000).await.err().unwrap();
        assert_eq!(error.kind(), Kind::InvalidInput, "no token lives that long");
    }
    assert_eq!(stage.application.grant(stage.grant.id).await.unwrap().generation, 3);
}

#[tokio::test]
async fn secrets_travel_in_the_body_unless_a_setting_says_otherwise() {
    let stage = Stage::new().await;
    stage.application.renew_token(stage.grant.id, 1).await.unwrap();
    let requests = async || {
        let log = stage.emulator.control("GET", "/log", &Value::Null).await;
        let token = |entry: &&Value| entry["path"].as_str().unwrap().contains("/oauth/token");
        let line = |entry: &Value| format!("{} {}", entry["method"], entry["query"]);
        log.as_array().unwrap().iter().filter(token).map(line).collect::<Vec<_>>()
    };
    let posts = requests().await;
    assert_eq!(posts.len(), 2, "an exchange and a refresh");
    assert!(
        posts.iter().all(|line| line.contains("POST") && !line.contains("client_secret")),
        "{posts:?}"
    );

    let by_get = stage.builder().refresh_by_get(true).open().await.unwrap();
    assert_eq!(by_get.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
    assert!(requests().await[2].contains("GET"));
}
