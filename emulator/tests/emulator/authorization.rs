//! The token endpoint and the oracle.

use serde_json::{Value, json};

use crate::support::{Pair, Running, small, start};
use evergrant_emulator::Config;

const NOW: i64 = 1_780_000_000;

async fn at_noon() -> Running {
    start(Config { now: Some(NOW), ..small() }).await
}

fn expiry_inside(token: &str) -> i64 {
    let byte = |at: usize| i64::from_str_radix(&token[at..at + 2], 16).unwrap();
    byte(0) | byte(2) << 8 | byte(4) << 16 | byte(6) << 24
}

#[tokio::test]
async fn both_grants_answer_the_documented_keys() {
    let running = at_noon().await;
    let ready = running.ready().clone();
    let first = running.exchange(&running.code(67).await).await.json();
    let second = running.refresh(first["refresh_token"].as_str().unwrap()).await.json();
    for answer in [&first, &second] {
        let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let documented = [
            "access_token",
            "client_endpoint",
            "domain",
            "expires",
            "expires_in",
            "member_id",
            "refresh_token",
            "scope",
            "server_endpoint",
            "status",
            "user_id",
        ];
        assert_eq!(keys, documented);
        assert_eq!(answer["client_endpoint"], format!("{}/rest/", ready.portal));
        assert_eq!(answer["server_endpoint"], format!("{}/rest/", ready.authorization));
        assert_eq!(answer["domain"], ready.authorization.trim_start_matches("http://"));
        assert_eq!((&answer["expires_in"], &answer["user_id"]), (&json!(3600), &json!(67)));
        assert_eq!(answer["member_id"], ready.member_id);
        assert_eq!(answer["status"], "L");
        let expires = answer["expires"].as_i64().unwrap();
        assert!((NOW + 3600..NOW + 3660).contains(&expires), "{expires}");
    }
    assert_ne!(Pair::of(&first).access, Pair::of(&second).access);
}

#[tokio::test]
async fn tokens_carry_their_expiry_and_have_the_shape_of_the_real_ones() {
    let running = at_noon().await;
    let code = running.code(1).await;
    let pair = Pair::of(&running.exchange(&code).await.json());
    for (token, life) in [(&code, 30), (&pair.access, 3600), (&pair.refresh, 30 * 86_400)] {
        assert_eq!(token.len(), 70);
        assert!(
            token.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)),
            "{token}"
        );
        let left = expiry_inside(token) - NOW;
        assert!((life..life + 60).contains(&left), "{left} instead of {life}");
    }
}

#[tokio::test]
async fn get_and_post_and_a_missing_slash_are_served() {
    let running = at_noon().await;
    let ready = running.ready().clone();
    for url in ["/oauth/token/", "/oauth/token"] {
        let pair = running.pair().await;
        let reply = running
            .get_with(
                &format!("{}{url}", ready.authorization),
                &[
                    ("grant_type", "refresh_token"),
                    ("client_id", &ready.client_id),
                    ("client_secret", &ready.client_secret),
                    ("refresh_token", &pair.refresh),
                ],
            )
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    }
    let put =
        running.http.put(format!("{}/oauth/token/", ready.authorization)).send().await.unwrap();
    assert_eq!(put.status(), 405);
}

#[tokio::test]
async fn a_refresh_token_is_spent_once_even_by_many_at_once() {
    let running = at_noon().await;
    let pair = running.pair().await;
    let tries = (0..20).map(|_| running.refresh(&pair.refresh));
    let mut answers = Vec::new();
    for reply in futures(tries).await {
        answers.push(reply.status);
    }
    assert_eq!(answers.iter().filter(|&&status| status == 200).count(), 1, "{answers:?}");
    assert_eq!(running.refresh(&pair.refresh).await.error(), (400, "invalid_grant".to_owned()));
    let counters = running.truth("/counters").await;
    assert_eq!(counters["authorization"]["refreshes"], 1);
    assert_eq!(counters["authorization"]["errors"]["invalid_grant"], 20);
}

/// Runs futures side by side without another dependency.
async fn futures<F: Future>(tries: impl Iterator<Item = F>) -> Vec<F::Output> {
    use std::task::Poll;
    let mut running: Vec<_> = tries.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in running.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(output) = one.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if running.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_code_works_once_and_for_thirty_seconds() {
    let running = at_noon().await;
    let code = running.code(1).await;
    assert_eq!(running.exchange(&code).await.status, 200);
    assert_eq!(running.exchange(&code).await.error(), (400, "invalid_grant".to_owned()));

    let late = running.code(1).await;
    running.control("/clock", json!({"advance": 30})).await;
    assert_eq!(running.exchange(&late).await.error(), (400, "invalid_grant".to_owned()));
    let counters = running.truth("/counters").await;
    assert_eq!(counters["authorization"]["codes_issued"], 2);
    assert_eq!(counters["authorization"]["exchanges"], 1);
}

#[tokio::test]
async fn a_refresh_token_lives_thirty_days() {
    let running = at_noon().await;
    let (first, second) = (running.pair().await, running.pair().await);
    running.control("/clock", json!({"advance": 30 * 86_400 - 60})).await;
    assert_eq!(running.refresh(&first.refresh).await.status, 200);
    running.control("/clock", json!({"advance": 120})).await;
    assert_eq!(running.refresh(&second.refresh).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn chains_are_independent_and_rotate_on() {
    let running = at_noon().await;
    let (mut one, other) = (running.pair().await, running.pair().await);
    for _ in 0..5 {
        one = Pair::of(&running.refresh(&one.refresh).await.json());
    }
    assert_eq!(running.refresh(&other.refresh).await.status, 200);
    let tokens = running.truth("/tokens").await;
    let chains: std::collections::BTreeSet<u64> =
        tokens.as_array().unwrap().iter().map(|token| token["chain"].as_u64().unwrap()).collect();
    assert_eq!(chains.into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn wrong_requests_get_their_oauth_error() {
    let running = at_noon().await;
    let ready = running.ready().clone();
    let pair = running.pair().await;
    let (id, secret) = (ready.client_id.as_str(), ready.client_secret.as_str());
    let kind = ("grant_type", "refresh_token");
    let token = ("refresh_token", pair.refresh.as_str());
    let upper = pair.refresh.to_uppercase();
    for (expected, form) in [
        ("invalid_request", vec![]),
        ("invalid_request", vec![("client_id", id), ("client_secret", secret), token]),
        (
            "invalid_request",
            vec![("grant_type", "password"), ("client_id", id), ("client_secret", secret)],
        ),
        ("invalid_request", vec![kind, ("client_secret", secret), token]),
        ("invalid_request", vec![kind, ("client_id", id), token]),
        ("invalid_request", vec![kind, ("client_id", id), ("client_secret", secret)]),
        (
            "invalid_request",
            vec![kind, ("client_id", id), ("client_secret", secret), ("refresh_token[]", "x")],
        ),
        ("invalid_client", vec![kind, ("client_id", "local.1"), ("client_secret", secret), token]),
        ("invalid_client", vec![kind, ("client_id", id), ("client_secret", "wrong"), token]),
        (
            "invalid_grant",
            vec![kind, ("client_id", id), ("client_secret", secret), ("refresh_token", "nonsense")],
        ),
        (
            "invalid_grant",
            vec![
                kind,
                ("client_id", id),
                ("client_secret", secret),
                ("refresh_token", &pair.access),
            ],
        ),
        (
            "invalid_grant",
            vec![kind, ("client_id", id), ("client_secret", secret), ("refresh_token", &upper)],
        ),
    ] {
        let reply =
            running.post_form(&format!("{}/oauth/token/", ready.authorization), &form).await;
        assert_eq!(reply.error(), (400, expected.to_owned()), "{form:?}");
        assert!(
            !reply.text.contains(secret) && !reply.text.contains(&pair.refresh),
            "{}",
            reply.text
        );
    }
    // None of them cost the token.
    assert_eq!(running.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn a_json_body_is_not_part_of_the_protocol() {
    let running = at_noon().await;
    let url = format!("{}/oauth/token/", running.ready().authorization);
    let reply = running.post_json(&url, &json!({"grant_type": "refresh_token"})).await;
    assert_eq!(reply.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn the_old_access_token_lives_or_dies_as_set() {
    let running = at_noon().await;
    let first = running.pair().await;
    let second = Pair::of(&running.refresh(&first.refresh).await.json());
    assert_eq!(running.call_as(&first.access, "profile").await.status, 200);
    assert_eq!(running.oracle(&first.access).await.status, 200);

    running.control("/settings", json!({"old_access": "dies"})).await;
    let third = Pair::of(&running.refresh(&second.refresh).await.json());
    assert_eq!(
        running.call_as(&second.access, "profile").await.error(),
        (401, "invalid_token".to_owned())
    );
    assert_eq!(running.oracle(&second.access).await.error(), (401, "invalid_token".to_owned()));
    assert_eq!(running.call_as(&third.access, "profile").await.status, 200);
    // Those that died are the ones issued together with what was spent.
    assert_eq!(running.call_as(&first.access, "profile").await.status, 200);
}

#[tokio::test]
async fn the_oracle_tells_alive_expired_and_unknown_apart() {
    let running = at_noon().await;
    let pair = running.pair().await;
    let alive = running.oracle(&pair.access).await;
    assert_eq!(alive.status, 200);
    assert_eq!(alive.json()["result"]["STATUS"], "L");
    let url = format!("{}/rest/app.info", running.ready().authorization);
    let posted = running.post_form(&url, &[("auth", &pair.access)]).await;
    assert_eq!(posted.json()["result"], alive.json()["result"]);
    for unknown in ["", "nonsense", &pair.refresh] {
        assert_eq!(running.oracle(unknown).await.error(), (401, "invalid_token".to_owned()));
    }
    running.control("/clock", json!({"advance": 3600})).await;
    assert_eq!(running.oracle(&pair.access).await.error(), (401, "expired_token".to_owned()));
    let other = format!("{}/rest/crm.lead.list", running.ready().authorization);
    assert_eq!(running.get(&other).await.error(), (404, "ERROR_METHOD_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn settings_shape_the_answer() {
    let running = at_noon().await;
    let changes = json!({
        "omit": ["expires", "user_id"],
        "status": "X",
        "server_domain": "evil.example",
        "client_endpoint": "https://evil.example/rest/",
    });
    running.control("/settings", changes).await;
    let answer = running.exchange(&running.code(1).await).await.json();
    assert_eq!((answer.get("expires"), answer.get("user_id")), (None, None));
    assert_eq!(answer["status"], "X");
    assert_eq!(answer["domain"], "evil.example");
    assert_eq!(answer["server_endpoint"], "https://evil.example/rest/");
    assert_eq!(answer["client_endpoint"], "https://evil.example/rest/");
    running
        .control(
            "/settings",
            json!({"omit": null, "status": null, "server_domain": null, "client_endpoint": null}),
        )
        .await;
    let answer = running.exchange(&running.code(1).await).await.json();
    assert_eq!(answer["status"], "L");
    assert_ne!(answer["user_id"], Value::Null);
}

#[tokio::test]
async fn the_portal_passes_token_requests_on_under_its_own_name() {
    let running = at_noon().await;
    let ready = running.ready().clone();
    let pair = running.pair().await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &ready.client_id),
        ("client_secret", &ready.client_secret),
        ("refresh_token", &pair.refresh),
    ];
    let answer = running.post_form(&format!("{}/oauth/token/", ready.portal), &form).await.json();
    assert_eq!(answer["domain"], ready.portal.trim_start_matches("http://"));
    assert_eq!(answer["server_endpoint"], format!("{}/rest/", ready.authorization));
    assert_eq!(running.refresh(&pair.refresh).await.error(), (400, "invalid_grant".to_owned()));
}
