//! Cloud and box, the order of checks, and where credentials are read.

use evergrant_emulator::{Config, Profile};
use serde_json::{Value, json};

use crate::support::{Pair, Reply, Running, small, start};

async fn boxed() -> Running {
    start(Config { profile: Profile::Box, now: Some(1_780_000_000), ..small() }).await
}

async fn portal(running: &Running, path: &str) -> Reply {
    running.get(&format!("{}/rest/{path}", running.ready().portal)).await
}

#[tokio::test]
async fn errors_have_the_status_of_their_profile() {
    let running = start(small()).await;
    let pair = running.pair_of(5).await;
    for (change, code, cloud, own) in [
        (json!({"http_webhooks": false}), "INVALID_REQUEST", 400, 401),
        (json!({"http_webhooks": true, "blocked": true}), "OVERLOAD_LIMIT", 503, 401),
        (json!({"blocked": false, "paid": false}), "ACCESS_DENIED", 403, 401),
        (json!({"paid": true, "deleted": true}), "PORTAL_DELETED", 500, 403),
    ] {
        for (profile, status) in [("cloud", cloud), ("box", own)] {
            running.control("/settings", change.clone()).await;
            running.control("/settings", json!({"profile": profile})).await;
            let reply = running.call("profile", json!({})).await;
            assert_eq!(reply.error(), (status, code.to_owned()), "{profile}");
        }
    }
    running.control("/settings", json!({"deleted": false, "profile": "box"})).await;
    running.control("/users", json!({"id": 5, "access": false})).await;
    let refused = running.call_as(&pair.access, "profile").await;
    assert_eq!(refused.error(), (401, "user_access_error".to_owned()));
    running.control("/settings", json!({"statuses": {"user_access_error": 418}})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.status, 418);
}

/// What the documentation says of a cloud portal, and the code of a self-hosted one.
#[tokio::test]
async fn defaults_follow_the_profile() {
    let cloud = [
        (401, "NO_AUTH_FOUND"),
        (403, "INVALID_CREDENTIALS"),
        (400, "ERROR_BATCH_LENGTH_EXCEEDED"),
        (400, "invalid_client"),
    ];
    let own = [
        (401, "INVALID_CREDENTIALS"),
        (401, "INVALID_CREDENTIALS"),
        (200, "-"),
        (401, "NOT_INSTALLED"),
    ];
    for (profile, expected, offline_life) in
        [(Profile::Cloud, cloud, 2_592_000), (Profile::Box, own, 2_952_000)]
    {
        let running = start(Config { profile, now: Some(1_780_000_000), ..small() }).await;
        let dismissed = json!({"id": 8, "webhook": "webhookofuser8", "active": false});
        running.control("/users", dismissed).await;
        let wrong = portal(&running, "1/wrong/profile").await;
        let dismissed = portal(&running, "8/webhookofuser8/profile").await;
        let long = running.call("batch", json!({"cmd": vec!["server.time"; 51]})).await;
        let pair = running.pair().await;
        running.control("/installed", json!({"installed": false})).await;
        let gone = running.refresh(&pair.refresh).await;
        let answers = [wrong, dismissed, long, gone].map(|reply| reply.error());
        assert_eq!(answers, expected.map(|(status, code)| (status, code.to_owned())), "{profile}");

        running.control("/installed", json!({"installed": true})).await;
        let pair = running.pair().await;
        let params = json!({"auth": pair.access, "event": "ONCRMLEADADD", "event_type": "offline"});
        assert_eq!(running.rest("event.bind", params).await.status, 200);
        running.call("crm.lead.add", json!({"fields": {"TITLE": "x"}})).await;
        let rows = async || running.truth("/events").await["offline"].as_array().unwrap().len();
        running.control("/clock", json!({"advance": offline_life - 1})).await;
        assert_eq!(rows().await, 1, "{profile}");
        running.control("/clock", json!({"advance": 1})).await;
        assert_eq!(rows().await, 0, "{profile}");
    }
}

/// The same in both; `docs/decisions/0031-what-the-cloud-profile-leaves-of-the-papers.md` says why.
#[tokio::test]
async fn defaults_that_both_profiles_share() {
    for profile in [Profile::Cloud, Profile::Box] {
        let running = start(Config { profile, now: Some(1_780_000_000), ..small() }).await;
        let unknown = portal(&running, "profile?auth=x").await;
        assert_eq!(unknown.error(), (401, "invalid_token".to_owned()), "{profile}");
        let pair = running.pair().await;
        let url = format!("{}/rest/profile", running.ready().portal);
        let bearer = running.http.get(url).bearer_auth(&pair.access).send().await.unwrap();
        assert_eq!(bearer.status(), 200, "{profile}");
        running.control("/clock", json!({"advance": 30 * 86_400 - 1})).await;
        let pair = Pair::of(&running.refresh(&pair.refresh).await.json());
        running.control("/clock", json!({"advance": 30 * 86_400})).await;
        assert_eq!(running.refresh(&pair.refresh).await.error().1, "invalid_grant", "{profile}");
    }
}

#[tokio::test]
async fn checks_come_in_the_order_of_the_server() {
    let running = start(small()).await;
    let unknown = portal(&running, "no.such.method?auth=nonsense").await;
    assert_eq!(unknown.error(), (404, "ERROR_METHOD_NOT_FOUND".to_owned()), "before credentials");
    running.control("/settings", json!({"deleted": true})).await;
    let deleted = portal(&running, "no.such.method").await;
    assert_eq!(deleted.error().1, "PORTAL_DELETED", "before the method");
    running.control("/settings", json!({"deleted": false})).await;

    let pair = running.pair().await;
    let bearer = async |token: &str, path: &str| {
        let url = format!("{}/rest/{path}", running.ready().portal);
        Reply::of(running.http.get(url).bearer_auth(token).send().await.unwrap()).await
    };
    let both = format!("profile?auth={}", pair.access);
    assert_eq!(bearer("nonsense", &both).await.error().1, "invalid_token", "Bearer wins");
    assert_eq!(bearer(&pair.access, "profile?auth=nonsense").await.status, 200);
    let webhook = bearer("nonsense", "1/emulatedwebhook1/profile").await;
    assert_eq!(webhook.error().1, "invalid_token", "applications come before webhooks");
    running.control("/settings", json!({"bearer": false})).await;
    assert_eq!(bearer("nonsense", &both).await.status, 200);
    for (query, code) in [
        ("profile?auth=", "NO_AUTH_FOUND"),
        ("profile?auth[]=x", "NO_AUTH_FOUND"),
        ("profile?auth=x", "invalid_token"),
        ("profile?aplogin=1&ap=wrong", "NO_AUTH_FOUND"),
        ("profile?aplogin=1", "NO_AUTH_FOUND"),
        ("profile?sessid=x", "access_denied"),
    ] {
        assert_eq!(portal(&running, query).await.error(), (401, code.to_owned()), "{query}");
    }
    let fallback = format!("profile?auth=&access_token={}", pair.access);
    assert_eq!(portal(&running, &fallback).await.status, 200);
    assert_eq!(portal(&running, "profile?aplogin=1&ap=emulatedwebhook1").await.status, 200);
    let login = "profile?aplogin=user1@example.com&ap=emulatedwebhook1";
    assert_eq!(portal(&running, login).await.status, 200);
    running.control("/settings", json!({"unknown_token": "NO_AUTH_FOUND"})).await;
    assert_eq!(portal(&running, "profile?auth=x").await.error().1, "NO_AUTH_FOUND");
}

#[tokio::test]
async fn a_token_that_is_no_link_is_refused() {
    let running = start(small()).await;
    let refused = (403, "ACCESS_DENIED".to_owned());
    for token in ["disk|aWQ9MQ==|00", "x", ""] {
        let reply = running.call("crm.lead.add", json!({"token": token, "fields": {}})).await;
        assert_eq!(reply.error(), refused, "{token}");
        assert_eq!(reply.json()["error_description"], "Access denied! Link check failed");
    }
    assert_eq!(portal(&running, "1/emulatedwebhook1/profile?token=x").await.error(), refused);
    let leads = running.call("crm.lead.list", json!({"select": ["ID"], "token": null})).await;
    assert_eq!(leads.json()["total"], 500, "null is not there, and nothing was done");
    // Method and credentials come first.
    assert_eq!(portal(&running, "no.such.method?token=x").await.status, 404);
    assert_eq!(portal(&running, "profile?token=x").await.error().1, "NO_AUTH_FOUND");
}

#[tokio::test]
async fn a_box_believes_its_first_verdict_for_an_hour() {
    let running = boxed().await;
    running.control("/settings", json!({"old_access": "dies"})).await;
    let (seen, unseen) = (running.pair().await, running.pair().await);
    assert_eq!(running.call_as(&seen.access, "profile").await.status, 200);
    for pair in [&seen, &unseen] {
        running.refresh(&pair.refresh).await;
    }
    assert_eq!(running.call_as(&seen.access, "profile").await.status, 200, "remembered");
    assert_eq!(running.oracle(&seen.access).await.status, 401, "the issuer knows better");
    let refused = running.call_as(&unseen.access, "profile").await;
    assert_eq!(refused.error(), (401, "invalid_token".to_owned()));
    running.control("/clock", json!({"advance": 3599})).await;
    assert_eq!(running.call_as(&seen.access, "profile").await.status, 200);
    running.control("/clock", json!({"advance": 2})).await;
    assert_eq!(running.call_as(&seen.access, "profile").await.status, 401);

    // A bad word is remembered too: the token was told expired, and stays so when the clock is turned back.
    let pair = Pair::of(&running.exchange(&running.code(1).await).await.json());
    running.control("/clock", json!({"advance": 3600})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.error().1, "expired_token");
    running.control("/clock", json!({"advance": -600})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.error().1, "expired_token");
    running.control("/settings", json!({"verdict_cache": 0})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.status, 200);
}

#[tokio::test]
async fn a_box_has_no_front() {
    let running = start(Config { profile: Profile::Box, burst: 1, ..small() }).await;
    for _ in 0..5 {
        assert_eq!(running.call("profile", json!({})).await.status, 200);
    }
    let reply = running.call("profile", json!({})).await;
    assert_eq!(reply.json()["time"].get("operating"), None, "no limiter, no figures");
    assert_eq!(reply.header("x-bitrix-rest-time"), "");
    running.control("/settings", json!({"front": true, "operating_limit": 420})).await;
    assert_eq!(running.call("profile", json!({})).await.json()["time"]["operating"], 0.0);
    assert_eq!(running.call("profile", json!({})).await.status, 503);
}

#[tokio::test]
async fn cloud_headers_and_cors_are_there() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let reply = running.call_as(&pair.access, "profile").await;
    assert_eq!(reply.header("x-bitrix-rest-application"), running.ready().client_id);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-headers"), "origin, content-type, accept");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let url = format!("{}/rest/profile", running.ready().portal);
    let options = running.http.request(reqwest::Method::OPTIONS, url).send().await.unwrap();
    let options = Reply::of(options).await;
    assert_eq!((options.status, options.text.as_str()), (200, ""));
    assert_eq!(options.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn the_proxy_can_be_switched_off() {
    let running = start(small()).await;
    running.control("/settings", json!({"proxy_token": false})).await;
    let url = format!("{}/oauth/token/", running.ready().portal);
    assert_eq!(running.get(&url).await.status, 404);
}

#[tokio::test]
async fn the_time_block_has_its_variants() {
    let running = start(small()).await;
    let time = async |shape: &str| {
        running.control("/settings", json!({"time": shape})).await;
        running.call("profile", json!({})).await.json()["time"].clone()
    };
    let whole = |time: &Value| time["start"].is_u64();
    let usual = time("integer_start").await;
    assert!(whole(&usual) && usual["operating_reset_at"].is_u64(), "{usual}");
    let full = time("full").await;
    assert!(!whole(&full) && full["operating"].is_number(), "{full}");
    assert_eq!(time("without_reset").await.get("operating_reset_at"), None);
    assert_eq!(time("without_operating").await.get("operating"), None);
    assert_eq!(time("absent").await, Value::Null);
}

#[tokio::test]
async fn settings_can_be_given_at_the_start() {
    let settings = json!({"status": "P", "rotation": "family"}).as_object().unwrap().clone();
    let running = start(Config { settings, ..small() }).await;
    assert_eq!(running.truth("/settings").await["rotation"], "family");
    running.control("/settings", json!({"status": "D"})).await;
    running.control("/settings", json!({"status": null})).await;
    assert_eq!(running.truth("/settings").await["status"], "P", "null is as at the start");
}
