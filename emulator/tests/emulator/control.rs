//! Clock, consent, settings, revocation, truth, log, reset.

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::support::{Pair, small, start};

const NOW: i64 = 1_780_000_000;

#[tokio::test]
async fn the_clock_is_turned_and_keeps_running() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let at = |clock: &Value| clock["now"].as_i64().unwrap();
    assert!((NOW..NOW + 30).contains(&at(&running.truth("/clock").await)));
    let clock = running.control("/clock", json!({"advance": 3600})).await;
    assert!((NOW + 3600..NOW + 3630).contains(&at(&clock)), "{clock}");
    let clock = running.control("/clock", json!({"advance": -3600})).await;
    assert!((NOW..NOW + 30).contains(&at(&clock)), "{clock}");
    let clock = running.control("/clock", json!({"set": 2_000_000_000})).await;
    assert!((2_000_000_000..2_000_000_030).contains(&at(&clock)), "{clock}");
    let real = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    )
    .unwrap();
    let offset = clock["offset"].as_i64().unwrap();
    assert!((real + offset - at(&clock)).abs() <= 2, "{clock}");

    let running = start(small()).await;
    assert_eq!(running.truth("/clock").await["offset"], 0);
}

#[tokio::test]
async fn revoking_kills_matching_chains_at_both_servers() {
    let running = start(small()).await;
    let (one, two, other) =
        (running.pair_of(1).await, running.pair_of(1).await, running.pair_of(2).await);
    assert_eq!(
        running.control("/revoke", json!({"member_id": "f".repeat(32)})).await,
        json!({"revoked": 0})
    );
    assert_eq!(running.control("/revoke", json!({"user_id": 1})).await, json!({"revoked": 2}));
    for pair in [&one, &two] {
        assert_eq!(running.refresh(&pair.refresh).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(
            running.call_as(&pair.access, "profile").await.error(),
            (401, "invalid_token".to_owned())
        );
        assert_eq!(running.oracle(&pair.access).await.error(), (401, "invalid_token".to_owned()));
    }
    assert_eq!(running.call_as(&other.access, "profile").await.status, 200);
    let client = running.ready().client_id.clone();
    assert_eq!(
        running.control("/revoke", json!({"client_id": client})).await,
        json!({"revoked": 1})
    );
    assert_eq!(running.control("/revoke", json!({})).await, json!({"revoked": 0}));
}

#[tokio::test]
async fn the_truth_about_tokens_is_told() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let first = running.pair_of(9).await;
    let second = Pair::of(&running.refresh(&first.refresh).await.json());
    let tokens = running.truth("/tokens").await;
    let find = |tokens: &Value, token: &str| {
        tokens.as_array().unwrap().iter().find(|entry| entry["token"] == token).unwrap().clone()
    };
    let spent = find(&tokens, &first.refresh);
    let keys: Vec<&str> = spent.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "kind",
        "token",
        "client_id",
        "member_id",
        "user_id",
        "chain",
        "issued_at",
        "expires_at",
        "alive",
        "spent",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        (&spent["kind"], &spent["spent"], &spent["alive"]),
        (&json!("refresh"), &json!(true), &json!(false))
    );
    assert_eq!((&spent["user_id"], &spent["chain"]), (&json!(9), &json!(1)));
    let fresh = find(&tokens, &second.refresh);
    assert_eq!((&fresh["spent"], &fresh["alive"]), (&json!(false), &json!(true)));
    assert_eq!(
        fresh["expires_at"].as_i64().unwrap() - fresh["issued_at"].as_i64().unwrap(),
        30 * 86_400
    );
    assert_eq!(find(&tokens, &first.access)["alive"], true);
    running.control("/clock", json!({"advance": 3601})).await;
    assert_eq!(find(&running.truth("/tokens").await, &second.access)["alive"], false);
}

#[tokio::test]
async fn the_log_shows_requests_and_no_secrets() {
    let running = start(small()).await;
    let ready = running.ready().clone();
    let pair = running.pair().await;
    running.refresh(&pair.refresh).await;
    running.call_as(&pair.access, "profile").await;
    running
        .get_with(
            &format!("{}/rest/profile", ready.portal),
            &[("auth", "short-secret"), ("x", "visible")],
        )
        .await;
    running.get(&format!("{}/rest/1/wrong-webhook-secret/profile", ready.portal)).await;
    let cmd = json!({"cmd": {"a": format!("profile?auth={}&note=kept", pair.access)}});
    running.call("batch", cmd).await;

    let log = running.truth("/log").await;
    let text = log.to_string();
    for secret in [
        &pair.access,
        &pair.refresh,
        &ready.client_secret,
        "short-secret",
        "wrong-webhook-secret",
        "emulatedwebhook1",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for kept in [
        "grant_type=refresh_token",
        "visible",
        "note=kept",
        "/rest/1/***/profile",
        "\"authorization\"",
        "\"portal\"",
    ] {
        assert!(text.contains(kept), "{kept} not in {text}");
    }
    let entries = log.as_array().unwrap();
    let keys: Vec<&str> = entries[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["n", "at", "server", "method", "path", "query", "body", "status"]);
    assert_eq!(
        entries.iter().map(|entry| entry["n"].as_u64().unwrap()).collect::<Vec<_>>(),
        (1..=6).collect::<Vec<_>>()
    );
    assert_eq!(running.truth("/log?after=4").await.as_array().unwrap().len(), 2);

    running.http.delete(format!("{}/log", ready.control)).send().await.unwrap();
    assert_eq!(running.truth("/log").await, json!([]));
    running.call("profile", json!({})).await;
    assert_eq!(running.truth("/log").await[0]["n"], 7, "numbers go on");
}

#[tokio::test]
async fn reset_is_like_a_fresh_start() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let ready = running.truth("/").await;
    let pair = running.pair().await;
    running.call("crm.lead.add", json!({"fields": {"TITLE": "x"}})).await;
    running.call("crm.lead.delete", json!({"id": 1})).await;
    running.control("/settings", json!({"status": "X", "burst": 1})).await;
    running.control("/faults", json!({"at": "rest", "kind": "drop", "times": 9})).await;
    running.control("/clock", json!({"advance": 999_999})).await;

    assert_eq!(running.control("/reset", json!({})).await, json!({}));
    assert_eq!(running.truth("/").await, ready);
    assert_eq!(running.truth("/tokens").await, json!([]));
    assert_eq!(running.truth("/log").await, json!([]));
    assert_eq!(running.truth("/faults").await, json!([]));
    assert_eq!(running.truth("/settings").await["status"], "L");
    assert!((NOW..NOW + 60).contains(&running.truth("/clock").await["now"].as_i64().unwrap()));
    let counters = running.truth("/counters").await;
    assert_eq!(counters["portal"]["requests"], 0);
    assert_eq!(counters["portal"]["methods"], json!({}));
    assert_eq!(
        counters["authorization"],
        json!({"codes_issued": 0, "exchanges": 0, "refreshes": 0, "errors": {}})
    );
    assert_eq!(
        running.call_as(&pair.access, "profile").await.error(),
        (401, "invalid_token".to_owned())
    );
    let leads = running.call("crm.lead.list", json!({})).await.json();
    assert_eq!((&leads["total"], &leads["result"][0]["ID"]), (&json!(500), &json!("1")));
}

#[tokio::test]
async fn settings_are_shown_and_nothing_is_half_changed() {
    let running = start(small()).await;
    let before = running.truth("/settings").await;
    let expected = json!({
        "auto_consent": null, "old_access": "lives", "omit": [], "status": "L", "burst": 0,
        "leak_per_second": 2.0, "server_domain": null, "client_endpoint": null,
        "profile": "cloud", "rotation": "strict", "refresh_days": 30, "bearer": true,
        "http_webhooks": true, "batch_overflow": null, "event_refresh_token": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&before[name], value, "{name}");
    }
    let reply = running.try_control("/settings", json!({"status": "D", "burst": "many"})).await;
    assert_eq!(reply.json()["field"], "burst");
    assert_eq!(running.truth("/settings").await, before);
}

#[tokio::test]
async fn every_refusal_names_its_field() {
    let running = start(small()).await;
    for (path, body, field) in [
        ("/clock", json!({"advance": "soon"}), "advance"),
        ("/clock", json!({"advance": 1e30}), "advance"),
        ("/clock", json!({"advance": 1, "set": 1}), "set"),
        ("/clock", json!({"set": -5}), "set"),
        ("/clock", json!({}), "advance"),
        ("/clock", json!({"advnace": 5, "advance": 1}), "advnace"),
        ("/consent", json!({"user_id": 0}), "user_id"),
        ("/consent", json!({"user_id": 1.5}), "user_id"),
        ("/consent", json!({"user_id": "1"}), "user_id"),
        ("/consent", json!({"client_id": "local.other"}), "client_id"),
        ("/consent", json!({"state": ["x"]}), "state"),
        ("/settings", json!({"auto_consnet": 1}), "auto_consnet"),
        ("/settings", json!({"auto_consent": "1"}), "auto_consent"),
        ("/settings", json!({"old_access": "sleeps"}), "old_access"),
        ("/settings", json!({"omit": ["secret"]}), "omit"),
        ("/settings", json!({"omit": "expires"}), "omit"),
        ("/settings", json!({"status": 5}), "status"),
        ("/settings", json!({"burst": -1}), "burst"),
        ("/settings", json!({"leak_per_second": -0.5}), "leak_per_second"),
        ("/settings", json!({"server_domain": "a\r\nb"}), "server_domain"),
        ("/settings", json!({"client_endpoint": "x".repeat(501)}), "client_endpoint"),
        ("/settings", json!({"statuses": {"x": 99}}), "statuses"),
        ("/settings", json!({"operating_cost": 5}), "operating_cost"),
        ("/settings", json!({"profile": "cellar"}), "profile"),
        ("/settings", json!({"refresh_days": 0}), "refresh_days"),
        ("/settings", json!({"front": "yes"}), "front"),
        ("/domain", json!({"port": 70_000}), "port"),
        ("/installed", json!({"client_id": "local.other"}), "client_id"),
        ("/installed", json!({"installed": 1}), "installed"),
        ("/revoke", json!({"user": 1}), "user"),
        ("/revoke", json!({"member_id": 5}), "member_id"),
        ("/faults", json!({"kind": "drop"}), "at"),
        ("/faults", json!({"at": "rest"}), "kind"),
        ("/faults", json!({"at": "moon", "kind": "drop"}), "at"),
        ("/faults", json!({"at": "rest", "kind": "fire"}), "kind"),
        ("/faults", json!({"at": "rest", "kind": "drop", "when": "during"}), "when"),
        ("/faults", json!({"at": "rest", "kind": "drop", "times": 0}), "times"),
        ("/faults", json!({"at": "rest", "kind": "drop", "skip": -1}), "skip"),
        ("/faults", json!({"at": "rest", "kind": "status", "status": 99}), "status"),
        ("/faults", json!({"at": "rest", "kind": "drop", "method": 5}), "method"),
        ("/reset", json!({"hard": true}), "hard"),
    ] {
        let reply = running.try_control(path, body.clone()).await;
        assert_eq!(reply.error(), (400, "invalid_request".to_owned()), "{path} {body}");
        assert_eq!(reply.json()["field"], field, "{path} {body}: {}", reply.text);
        assert!(reply.json()["error_description"].as_str().unwrap().len() > 5);
    }
    let control = &running.ready().control;
    for (query, field) in [
        ("/log?after=x", "after"),
        ("/log?aftr=5", "aftr"),
        ("/settings?member_id=nope", "member_id"),
        ("/?x", "x"),
        ("/page?x=1", "x"),
    ] {
        let reply = running.get(&format!("{control}{query}")).await;
        assert_eq!(reply.error(), (400, "invalid_request".to_owned()), "{query}");
        assert_eq!(reply.json()["field"], field, "{query}");
    }
    assert_eq!(running.truth("/faults").await, json!([]));
}

#[tokio::test]
async fn a_refusal_says_what_would_do() {
    let running = start(small()).await;
    for (path, body, words) in [
        ("/users", json!({"id": 3, "kind": "x"}), "must be one of admin, employee, extranet"),
        ("/users", json!({"id": 3, "active": "no"}), "must be a boolean"),
        ("/users", json!({"id": 3, "scope": "crm"}), "must be an array"),
        ("/users", json!({"id": 3, "webhook": 5}), "must be a string"),
        ("/portals", json!({"port": 99_999}), "must be a whole number between 0 and 65535"),
        ("/portals", json!({"seed": -1}), "must be a whole number that is not negative"),
        ("/portals", json!({"settings": []}), "must be an object"),
        (
            "/faults",
            json!({"at": "rest", "kind": "duplicate"}),
            "cannot happen there; what can: html, json, drop, truncate, status, reset, delay, late, slow, skew, \
             overload, internal, unexpected, unavailable, error_200",
        ),
        (
            "/faults",
            json!({"at": "event", "kind": "html"}),
            "cannot happen there; what can: drop, delay, duplicate",
        ),
    ] {
        let reply = running.try_control(path, body.clone()).await;
        assert_eq!(
            (reply.status, &reply.json()["error_description"]),
            (400, &json!(words)),
            "{body}"
        );
    }
    // The value itself is not repeated: it may be a secret.
    let secret = json!({"id": 3, "kind": "hidden, expected nothing"});
    assert!(!running.try_control("/users", secret).await.text.contains("hidden"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_explained() {
    let running = start(small()).await;
    let control = running.ready().control.clone();
    let reply = running.get(&format!("{control}/clocks")).await;
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("clock"), "{}", reply.text);
    let reply = running.get(&format!("{control}/reset")).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
}
