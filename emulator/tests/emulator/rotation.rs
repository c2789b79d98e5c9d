//! Rotation modes, lifetimes, blocks and the errors of the token endpoint.

use evergrant_emulator::{Application, Config};
use serde_json::{Value, json};

use crate::support::{Pair, Running, small, start};

const NOW: i64 = 1_780_000_000;

async fn with(settings: Value) -> Running {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    running.control("/settings", settings).await;
    running
}

async fn dead(running: &Running, token: &str) -> bool {
    running.refresh(token).await.error() == (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn grace_gives_the_same_successor_within_its_window() {
    let running = with(json!({"rotation": "grace", "grace_window": 60})).await;
    let first = running.pair().await;
    let second = Pair::of(&running.refresh(&first.refresh).await.json());
    running.control("/clock", json!({"advance": 30})).await;
    let again = running.refresh(&first.refresh).await.json();
    assert_eq!(Pair::of(&again), second, "a repetition is the first answer again");
    let left = again["expires_in"].as_i64().unwrap();
    assert!((3500..=3570).contains(&left), "{left} seconds are left, not an hour");
    running.control("/clock", json!({"advance": 60})).await;
    assert!(dead(&running, &first.refresh).await, "the window is over");
    assert_eq!(running.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn grace_can_give_new_successors_that_all_live() {
    let running = with(json!({"rotation": "grace", "grace_successor": "new"})).await;
    let first = running.pair().await;
    let one = Pair::of(&running.refresh(&first.refresh).await.json());
    let two = Pair::of(&running.refresh(&first.refresh).await.json());
    assert_ne!(one, two);
    for pair in [&one, &two] {
        assert_eq!(running.call_as(&pair.access, "profile").await.status, 200);
        assert_eq!(running.refresh(&pair.refresh).await.status, 200);
    }
}

#[tokio::test]
async fn grace_can_keep_the_newest_successor_only() {
    let running = with(json!({"rotation": "grace", "grace_successor": "newest"})).await;
    let first = running.pair().await;
    let one = Pair::of(&running.refresh(&first.refresh).await.json());
    let two = Pair::of(&running.refresh(&first.refresh).await.json());
    assert!(dead(&running, &one.refresh).await);
    assert_eq!(running.call_as(&one.access, "profile").await.status, 401);
    assert_eq!(running.call_as(&two.access, "profile").await.status, 200);
    assert_eq!(running.refresh(&two.refresh).await.status, 200);
}

#[tokio::test]
async fn in_a_family_reuse_ends_the_whole_chain_and_no_other() {
    let running = with(json!({"rotation": "family"})).await;
    let (first, other) = (running.pair().await, running.pair().await);
    let second = Pair::of(&running.refresh(&first.refresh).await.json());
    assert_eq!(running.call_as(&second.access, "profile").await.status, 200);
    assert!(dead(&running, &first.refresh).await);
    assert!(dead(&running, &second.refresh).await, "the successor ended too");
    assert_eq!(running.oracle(&second.access).await.status, 401);
    assert_eq!(running.refresh(&other.refresh).await.status, 200);

    let chains = running.truth("/chains").await;
    assert_eq!((&chains[0]["revoked"], &chains[0]["reuses"]), (&json!(true), &json!(1)));
    assert_eq!((&chains[1]["revoked"], &chains[1]["refreshes"]), (&json!(false), &json!(1)));
    assert_eq!(chains[0]["opened"], "consent");

    let code = running.code(1).await;
    let pair = Pair::of(&running.exchange(&code).await.json());
    assert_eq!(running.exchange(&code).await.status, 400);
    assert!(dead(&running, &pair.refresh).await, "a code that comes again ends what it began");
}

#[tokio::test]
async fn a_refresh_token_can_live_as_long_as_documented() {
    let running = with(json!({"refresh_days": 180})).await;
    let (first, second) = (running.pair().await, running.pair().await);
    running.control("/clock", json!({"advance": 180 * 86_400 - 60})).await;
    assert_eq!(running.refresh(&first.refresh).await.status, 200);
    running.control("/clock", json!({"advance": 120})).await;
    assert!(dead(&running, &second.refresh).await);
}

#[tokio::test]
async fn too_many_refreshes_an_hour_block_the_application() {
    let running = with(json!({"refreshes_per_hour": 3})).await;
    let mut pair = running.pair().await;
    for _ in 0..3 {
        pair = Pair::of(&running.refresh(&pair.refresh).await.json());
    }
    assert_eq!(running.refresh(&pair.refresh).await.error(), (503, "OVERLOAD_LIMIT".to_owned()));
    let rest = running.call_as(&pair.access, "profile").await;
    assert_eq!(rest.error(), (503, "OVERLOAD_LIMIT".to_owned()));
    assert_eq!(running.call("profile", json!({})).await.status, 200, "webhooks are not meant");
    running.control("/clock", json!({"advance": 3600})).await;
    assert_eq!(
        running.refresh(&pair.refresh).await.status,
        200,
        "the block did not cost the token"
    );
}

#[tokio::test]
async fn every_documented_error_of_the_token_endpoint_can_be_had() {
    let other = Application {
        client_id: "app.other".to_owned(),
        client_secret: "OtherSecret".to_owned(),
        redirect_uri: "http://127.0.0.1:8924/other".to_owned(),
        scope: vec!["crm".to_owned()],
        ..Application::default()
    };
    let running = start(Config { now: Some(NOW), applications: vec![other], ..small() }).await;
    let pair = running.pair().await;
    let ready = running.ready().clone();
    let url = format!("{}/oauth/token/", ready.authorization);
    let refresh = async |client: &str, secret: &str, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("client_secret", secret),
            ("refresh_token", &pair.refresh),
            ("scope", scope),
        ];
        running.post_form(&url, &form).await
    };
    let own = async || refresh(&ready.client_id, &ready.client_secret, "").await.error();
    let error = |status: u16, code: &str| (status, code.to_owned());

    assert_eq!(refresh("app.other", "OtherSecret", "").await.error(), error(200, "wrong_client"));
    let wide = refresh(&ready.client_id, &ready.client_secret, "crm,telephony").await;
    assert_eq!(wide.error(), error(403, "invalid_scope"));
    for (change, expected) in [
        (json!({"paid": false}), error(400, "PAYMENT_REQUIRED")),
        (json!({"statuses": {"PAYMENT_REQUIRED": 402}}), error(402, "PAYMENT_REQUIRED")),
        (json!({"paid": true, "blocked": true}), error(503, "OVERLOAD_LIMIT")),
        (json!({"deleted": true}), error(500, "PORTAL_DELETED")),
        (json!({"profile": "box"}), error(403, "PORTAL_DELETED")),
    ] {
        running.control("/settings", change.clone()).await;
        assert_eq!(own().await, expected, "{change}");
    }
    running.control("/settings", json!({"deleted": false, "blocked": false})).await;
    running.control("/settings", json!({"scope_error": "insufficient_scope"})).await;
    let wide = refresh(&ready.client_id, &ready.client_secret, "telephony").await;
    assert_eq!(wide.error().1, "insufficient_scope");

    let stale = running.code(1).await;
    running.control("/settings", json!({"stale_code": "expired_token"})).await;
    running.control("/clock", json!({"advance": 31})).await;
    assert_eq!(running.exchange(&stale).await.error(), error(400, "expired_token"));

    // Nothing of all this cost the token.
    let narrow = refresh(&ready.client_id, &ready.client_secret, "crm").await;
    assert_eq!((narrow.status, &narrow.json()["scope"]), (200, &json!("crm")));
    let next = Pair::of(&narrow.json());
    running.control("/installed", json!({"installed": false})).await;
    assert_eq!(running.refresh(&next.refresh).await.error(), error(401, "NOT_INSTALLED"));
    assert_eq!(running.call_as(&next.access, "profile").await.status, 401);
}

#[tokio::test]
async fn the_second_region_has_its_own_host_and_the_same_grants() {
    let running = with(json!({"region": "second"})).await;
    let ready = running.ready().clone();
    let second = ready.regional_authorization.trim_start_matches("http://").to_owned();
    let consent = running.control("/consent", json!({})).await;
    let redirect = consent["redirect_url"].as_str().unwrap();
    assert!(
        redirect.contains(&format!("server_domain={}", second.replace(':', "%3A"))),
        "{redirect}"
    );
    let answer = running.exchange(consent["code"].as_str().unwrap()).await.json();
    assert_eq!(answer["domain"], second);
    assert_eq!(answer["server_endpoint"], format!("http://{second}/rest/"));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", ready.client_id.as_str()),
        ("client_secret", &ready.client_secret),
        ("refresh_token", answer["refresh_token"].as_str().unwrap()),
    ];
    let url = format!("{}/oauth/token/", ready.regional_authorization);
    assert_eq!(running.post_form(&url, &form).await.status, 200);
}
