//! What keeps a grant alive for longer than one rotation: spares, budgets, keep-alive, keys.

use std::time::Duration;

use evergrant::{KeySource, Kind, RetrySpent};
use evergrant_tests::stage::Stage;
use serde_json::{Value, json};

#[tokio::test]
async fn a_spare_chain_takes_over_when_the_primary_is_lost() {
    for (old_access, reuses) in [("lives", 1), ("dies", 0)] {
        a_spare_takes_over(old_access, reuses).await;
    }
}

/// Where the old access token dies with its refresh token, it tells that the latter was spent: it is not
/// sent again to find out.
async fn a_spare_takes_over(old_access: &str, reuses: u64) {
    let stage = Stage::new().await;
    stage.emulator.control("POST", "/settings", &json!({"old_access": old_access})).await;
    let again = stage.consent().await;
    assert_eq!(
        (again.id, again.generation),
        (stage.grant.id, 2),
        "the former chain is a spare now"
    );
    stage.fault(json!({"at": "token", "kind": "drop", "when": "after", "times": 1})).await;
    let error = stage.application.renew_token(again.id, 2).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Ambiguous);
    stage.clock.turn(91);
    let token = stage.application.renew_token(again.id, 2).await.unwrap();
    assert_eq!(token.generation, 3);
    stage.application.client(again.id).call("profile", Value::Null).await.unwrap();
    assert_eq!(stage.status().await, "active", "nobody had to consent again");
    assert_eq!(stage.application.statistics().promoted, 1);
    assert_eq!(stage.reuses().await, reuses, "{old_access}");
    assert_eq!(stage.application.renew_token(again.id, 3).await.unwrap().generation, 4);
}

#[tokio::test]
async fn a_request_that_was_lost_three_times_leaves_the_turn_to_a_spare() {
    let stage = Stage::new().await;
    stage.consent().await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "before", "times": 3})).await;
    for pause in [91, 181, 361] {
        let error = stage.application.renew_token(stage.grant.id, 2).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Ambiguous, "{pause}");
        assert_eq!(stage.application.statistics().promoted, 0, "{pause}: the token is good");
        stage.clock.turn(pause);
    }
    assert_eq!(stage.application.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
    assert_eq!(stage.application.statistics().promoted, 1);
    assert_eq!((stage.refreshes().await, stage.reuses().await), (0, 0));
}

#[tokio::test]
async fn whoever_says_always_asks_the_server_itself() {
    let mut stage = Stage::new().await;
    stage.consent().await;
    let always = stage.builder().retry_spent_token(RetrySpent::Always);
    stage.application = always.open().await.unwrap();
    stage.fault(json!({"at": "token", "kind": "drop", "when": "after", "times": 1})).await;
    let error = stage.application.renew_token(stage.grant.id, 2).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Ambiguous);
    stage.clock.turn(91);
    assert_eq!(stage.application.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
    assert_eq!((stage.reuses().await, stage.application.statistics().promoted), (1, 1));
}

#[tokio::test]
async fn what_the_vendor_blocked_stays_blocked_for_a_program_that_starts_anew() {
    let stage = Stage::new().await;
    let refusal = json!({"error": "OVERLOAD_LIMIT", "error_description": "blocked"});
    stage.fault(json!({"at": "token", "kind": "json", "status": 429, "body": refusal})).await;
    let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Blocked);
    let sent = stage.events("sent").await;
    for _ in 0..3 {
        let application = stage.reopen().await;
        let error = application.renew_token(stage.grant.id, 1).await.err().unwrap();
        assert!(error.retry_after().unwrap() > Duration::from_secs(3000), "{error:?}");
    }
    assert_eq!(stage.events("sent").await, sent);
    stage.emulator.control("DELETE", "/faults", &Value::Null).await;
    stage.clock.turn(3601);
    let application = stage.reopen().await;
    assert_eq!(application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_delivered_pair_becomes_a_spare_once() {
    let stage = Stage::new().await;
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let delivered = stage.pair_of(&consent).await;
    let grant = stage.application.add_spare(stage.grant.id, delivered.clone()).await.unwrap();
    assert_eq!(grant.generation, 1, "readers keep what they have");
    let spent = stage.refreshes().await;
    let error = stage.application.add_spare(stage.grant.id, delivered).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput, "a reload of the frame posts the same pair again");
    assert_eq!(stage.refreshes().await, spent, "an ancestor is never sent");
    let foreign = stage.emulator.control("POST", "/consent", &json!({"user_id": 2})).await;
    let foreign = stage.pair_of(&foreign).await;
    let error = stage.application.add_spare(stage.grant.id, foreign).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput, "another user has other rights");
}

#[tokio::test]
async fn of_two_handlers_of_one_delivery_one_sends() {
    let stage = Stage::new().await;
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let delivered = stage.pair_of(&consent).await;
    let other = stage.reopen().await;
    let (grant, spent) = (stage.grant.id, stage.refreshes().await);
    let (one, two) = tokio::join!(
        stage.application.add_spare(grant, delivered.clone()),
        other.add_spare(grant, delivered.clone())
    );
    let refused = match (one, two) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        (one, two) => panic!("{:?} {:?}", one.err(), two.err()),
    };
    assert_eq!(refused.kind(), Kind::InvalidInput);
    assert_eq!(stage.refreshes().await, spent + 1);
}

#[tokio::test]
async fn a_delivery_whose_answer_was_lost_is_not_sent_again() {
    let stage = Stage::new().await;
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let delivered = stage.pair_of(&consent).await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "after", "times": 1})).await;
    stage.application.add_spare(stage.grant.id, delivered.clone()).await.unwrap_err();
    let spent = stage.refreshes().await;
    let error = stage.application.add_spare(stage.grant.id, delivered).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput, "it would be reuse, for all we know");
    assert_eq!(stage.refreshes().await, spent);
    let fine = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let fine = stage.pair_of(&fine).await;
    stage.application.add_spare(stage.grant.id, fine).await.unwrap();
}

#[tokio::test]
async fn a_token_of_unknown_fate_is_looked_after_while_nobody_reads() {
    let stage = Stage::new().await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "before", "times": 1})).await;
    stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 0, "not before its pause is over");
    stage.clock.turn(91);
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 1, "long before its keep-alive would have been due");
    let token = stage.application.token(stage.grant.id, 0).await.unwrap();
    assert_eq!(token.generation, 2);
}

#[tokio::test]
async fn a_status_is_told_by_every_program() {
    let stage = Stage::new().await;
    let other = stage.reopen().await;
    other.token(stage.grant.id, 0).await.unwrap();
    let changes = other.changes();
    let body = json!({"error": "PAYMENT_REQUIRED"});
    let lapsed = json!({"at": "token", "kind": "json", "status": 402, "body": body, "times": 1});
    stage.fault(lapsed).await;
    stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    other.maintain().await.unwrap();
    let change = changes.try_next().expect("told");
    assert_eq!((change.grant, change.status.as_str()), (stage.grant.id, "suspended"));
    other.maintain().await.unwrap();
    assert!(changes.try_next().is_none(), "told once");
}

#[tokio::test]
async fn budgets_hold_for_all_programs_together() {
    let stage = Stage::new().await;
    let limited =
        async |per_hour, per_day| stage.builder().budget(per_hour, per_day).open().await.unwrap();
    let programs = [limited(3, 5).await, limited(3, 5).await];
    for generation in 1..4 {
        programs[generation as usize % 2].renew_token(stage.grant.id, generation).await.unwrap();
    }
    let error = programs[0].renew_token(stage.grant.id, 4).await.err().unwrap();
    assert_eq!(error.kind(), Kind::RateLimited);
    let wait = error.retry_after().unwrap().as_secs();
    assert!((3500..=3600).contains(&wait), "{wait}");
    stage.clock.turn(3601);
    programs[1].renew_token(stage.grant.id, 4).await.unwrap();
    programs[0].renew_token(stage.grant.id, 5).await.unwrap();
    let error = programs[1].renew_token(stage.grant.id, 6).await.err().unwrap();
    assert!(error.retry_after().unwrap().as_secs() > 3600, "the day's budget");
    assert_eq!(stage.refreshes().await, 5);
}

#[tokio::test]
async fn keep_alive_rotates_idle_chains_long_before_they_die() {
    let stage = Stage::new().await;
    stage.clock.turn(17 * 86_400);
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 0, "not on a daily schedule");
    stage.clock.turn(5 * 86_400);
    stage.emulator.control("POST", "/clock", &json!({"advance": 22 * 86_400})).await;
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 1);
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 1, "once is enough");
}

#[tokio::test]
async fn what_was_missed_in_an_outage_is_made_up_for_in_rounds() {
    let stage = Stage::new().await;
    let app = &stage.application;
    for user_id in 2..=70 {
        let consent =
            stage.emulator.control("POST", "/consent", &json!({"user_id": user_id})).await;
        let code = consent["code"].as_str().unwrap_or_else(|| panic!("{consent}"));
        app.exchange_code(&stage.emulator.ready("portal"), code).await.unwrap();
    }
    stage.clock.turn(23 * 86_400);
    for rotated in [64, 70, 70] {
        app.maintain().await.unwrap();
        assert_eq!(stage.refreshes().await, rotated, "not all at once, and none twice");
    }
}

#[tokio::test]
async fn what_fails_in_a_round_of_maintenance_keeps_nothing_else_from_being_done() {
    let stage = Stage::on_sqlite().await;
    let store = rusqlite::Connection::open(stage.folder.path().join("grants.db")).unwrap();
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON nodes
        BEGIN SELECT RAISE(ABORT, 'on purpose'); END";
    store.execute_batch(broken).unwrap();
    stage.clock.turn(22 * 86_400);
    stage.emulator.control("POST", "/clock", &json!({"advance": 22 * 86_400})).await;
    let error = stage.application.maintain().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Store, "the node could not say that it lives");
    assert_eq!(stage.refreshes().await, 1, "and the chain was kept alive");
    store.execute_batch("DROP TRIGGER broken").unwrap();
    stage.application.maintain().await.unwrap();
}

#[tokio::test]
async fn a_token_in_use_is_renewed_before_its_reader_has_to_wait() {
    let stage = Stage::new().await;
    let changes = stage.application.changes();
    stage.application.token(stage.grant.id, 60).await.unwrap();
    stage.emulator.control("POST", "/clock", &json!({"advance": 3600 - 59})).await;
    stage.clock.turn(3600 - 59);
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.refreshes().await, 0, "nobody has read it for an hour");
    stage.application.token(stage.grant.id, 10).await.unwrap();
    stage.application.maintain().await.unwrap();
    let change = tokio::time::timeout(Duration::from_secs(10), changes.next()).await.unwrap();
    assert_eq!((change.grant, change.generation), (stage.grant.id, 2));
    assert_eq!(stage.application.peek_token(stage.grant.id, 3000).unwrap().generation, 2);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_shortens_no_pause_and_loses_nothing() {
    let stage = Stage::new().await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "before", "times": 1})).await;
    stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
    for jump in [3600, -7200, 3600] {
        stage.clock.jump(jump);
        let error = stage.application.renew_token(stage.grant.id, 1).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Ambiguous, "{jump}");
    }
    stage.clock.turn(91);
    for (generation, jump) in [(1, 3600), (2, -7200), (3, 3600)] {
        stage.clock.jump(jump);
        let token = stage.application.renew_token(stage.grant.id, generation).await.unwrap();
        assert_eq!(token.generation, generation + 1);
        assert!(token.expires_at > stage.clock.now() + 3000, "never already expired");
    }
}

#[tokio::test]
async fn the_audit_tells_what_happened_and_notices_a_change() {
    let stage = Stage::new().await;
    stage.application.renew_token(stage.grant.id, 1).await.unwrap();
    let audit = stage.application.audit(stage.grant.id).await.unwrap();
    let events: Vec<_> = audit.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["installed", "intent", "sent", "committed"]);
    assert_eq!(audit.last().unwrap().generation, 2);
    let text = format!("{audit:?}");
    assert!(stage.living().await.iter().all(|token| !text.contains(token)));
}

#[tokio::test]
async fn a_grant_moves_to_another_user_and_keeps_its_number() {
    let stage = Stage::new().await;
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 2})).await;
    let code = consent["code"].as_str().unwrap().to_owned();
    let moved = stage.application.transfer(stage.grant.id, code).await.unwrap();
    assert_eq!((moved.id, moved.user_id, moved.generation), (stage.grant.id, 2, 2));
    let profile = stage.application.client(moved.id).call("profile", Value::Null).await.unwrap();
    assert_eq!(profile.result["ID"], "2");
    let own = stage.consent().await;
    assert_ne!(own.id, moved.id, "the first user's consent is another grant now");
    let consent = stage.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let code = consent["code"].as_str().unwrap().to_owned();
    let error = stage.application.transfer(moved.id, code).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput, "that user has a grant of their own");
}

#[tokio::test]
async fn the_master_key_changes_under_a_rotation() {
    let stage = Stage::new().await;
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    let with_key = async |key: String| stage.builder().key(KeySource::Key(key.into())).open().await;
    let both = with_key(format!("1:{old},2:{new}")).await.unwrap();
    stage.fault(json!({"at": "token", "kind": "delay", "delay_ms": 700, "times": 1})).await;
    let rotating = {
        let (application, grant) = (both.clone(), stage.grant.id);
        tokio::spawn(async move { application.renew_token(grant, 1).await })
    };
    stage.sent().await;
    assert_eq!(both.reseal().await.unwrap(), 1);
    assert!(!rotating.is_finished(), "it met the rotation");
    assert_eq!(rotating.await.unwrap().unwrap().generation, 2);
    assert_eq!(both.reseal().await.unwrap(), 0);
    let after = with_key(format!("2:{new}")).await.unwrap();
    assert_eq!(after.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
    assert_eq!(with_key(old).await.err().unwrap().kind(), Kind::Key);
}

#[tokio::test]
async fn shutting_down_drains_and_begins_nothing_new() {
    let stage = Stage::new().await;
    stage.fault(json!({"at": "token", "kind": "delay", "delay_ms": 700, "times": 1})).await;
    let renewing = {
        let (application, grant) = (stage.application.clone(), stage.grant.id);
        tokio::spawn(async move { application.renew_token(grant, 1).await })
    };
    stage.sent().await;
    assert!(!stage.application.shut_down(Duration::from_millis(1)).await, "not in time");
    assert!(stage.application.shut_down(Duration::from_secs(30)).await);
    assert_eq!(renewing.await.unwrap().unwrap().generation, 2);
    let error = stage.application.renew_token(stage.grant.id, 2).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Cancelled);
}

#[tokio::test]
async fn a_fixed_interval_rotates_by_the_clock_within_the_budgets() {
    let stage = Stage::new().await;
    let program = stage
        .builder()
        .fixed_interval(Duration::from_secs(1500))
        .budget(3, 4)
        .open()
        .await
        .unwrap();
    // The interval is counted from the pair that this setting has seen.
    program.renew_token(stage.grant.id, 1).await.unwrap();
    for round in 1..=4 {
        stage.clock.turn(1501);
        program.maintain().await.unwrap();
        let spent = stage.refreshes().await;
        assert_eq!(spent, (1 + round).min(4), "the day's budget holds all the same");
    }
}
