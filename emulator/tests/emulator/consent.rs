//! `/oauth/authorize/`: page, form, redirect.

use std::collections::HashMap;

use evergrant_emulator::Config;
use serde_json::json;

use crate::support::{Reply, Running, small, start};

fn query_of(url: &str) -> HashMap<String, String> {
    let parsed = reqwest::Url::parse(url).unwrap();
    parsed.query_pairs().into_owned().collect()
}

async fn page(running: &Running, state: &str) -> Reply {
    let ready = running.ready();
    let url = format!("{}/oauth/authorize/", ready.portal);
    running.get_with(&url, &[("client_id", &ready.client_id), ("state", state)]).await
}

fn csrf_of(page: &Reply) -> String {
    let start = page.text.find("name=\"csrf\" value=\"").unwrap() + 19;
    page.text[start..].split('"').next().unwrap().to_owned()
}

async fn press(running: &Running, csrf: &str, decision: &str, user: &str) -> Reply {
    let url = format!("{}/oauth/authorize/", running.ready().portal);
    running.post_form(&url, &[("csrf", csrf), ("decision", decision), ("user_id", user)]).await
}

#[tokio::test]
async fn allow_redirects_with_the_six_parameters_and_a_code_that_works() {
    let running = start(small()).await;
    let ready = running.ready().clone();
    let page = page(&running, "a b&c=d/é").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        !page.text.contains(&ready.client_secret) && !page.text.contains("a b&c"),
        "the page keeps no secrets"
    );

    let reply = press(&running, &csrf_of(&page), "allow", "3").await;
    assert_eq!(reply.status, 302);
    let location = reply.header("location");
    assert!(location.starts_with("http://127.0.0.1:8924/callback?code="), "{location}");
    let query = query_of(location);
    assert_eq!(query["state"], "a b&c=d/é");
    assert_eq!(query["domain"], ready.portal.trim_start_matches("http://"));
    assert_eq!(query["server_domain"], ready.authorization.trim_start_matches("http://"));
    assert_eq!(query["member_id"], ready.member_id);
    assert!(query["scope"].starts_with("crm,user,"), "{}", query["scope"]);
    assert!(location.contains("scope=crm%2Cuser"), "{location}");
    assert_eq!(query.len(), 6);
    assert_eq!(running.exchange(&query["code"]).await.json()["user_id"], 3);
}

#[tokio::test]
async fn deny_and_unknown_applications_stay_on_the_page() {
    let running = start(small()).await;
    let denied = press(&running, &csrf_of(&page(&running, "s").await), "deny", "1").await;
    assert_eq!((denied.status, denied.header("location")), (200, ""));
    assert!(denied.text.contains("Access denied"));

    let url = format!("{}/oauth/authorize/", running.ready().portal);
    for query in [&[("client_id", "local.unknown<script>")][..], &[]] {
        let reply = running.get_with(&url, query).await;
        assert_eq!((reply.status, reply.header("location")), (400, ""));
        assert!(reply.header("content-type").starts_with("text/html"));
        assert!(!reply.text.contains("<script>"));
    }
    assert_eq!(running.truth("/counters").await["authorization"]["codes_issued"], 0);
}

#[tokio::test]
async fn a_form_works_once_and_only_if_this_portal_made_it() {
    let running = start(small()).await;
    let csrf = csrf_of(&page(&running, "s").await);
    for forged in ["", "0123456789abcdef0123456789abcdef"] {
        assert_eq!(press(&running, forged, "allow", "1").await.status, 403);
    }
    assert_eq!(press(&running, &csrf, "allow", "1").await.status, 302);
    assert_eq!(press(&running, &csrf, "allow", "1").await.status, 403);
    for user in ["0", "-1", "abc", "99999999999"] {
        let csrf = csrf_of(&page(&running, "s").await);
        assert_eq!(press(&running, &csrf, "allow", user).await.status, 400, "{user}");
    }
}

#[tokio::test]
async fn open_forms_are_bounded() {
    let running = start(small()).await;
    let first = csrf_of(&page(&running, "s").await);
    for _ in 0..256 {
        page(&running, "s").await;
    }
    assert_eq!(press(&running, &first, "allow", "1").await.status, 403);
}

#[tokio::test]
async fn auto_consent_redirects_at_once() {
    let running = start(Config { auto_consent: Some(5), ..small() }).await;
    let reply = page(&running, "xyz").await;
    assert_eq!(reply.status, 302);
    let query = query_of(reply.header("location"));
    assert_eq!(query["state"], "xyz");
    assert_eq!(running.exchange(&query["code"]).await.json()["user_id"], 5);

    running.control("/settings", json!({"auto_consent": null})).await;
    assert_eq!(page(&running, "xyz").await.status, 200);
    running.control("/settings", json!({"auto_consent": 2, "server_domain": "evil.example"})).await;
    let query = query_of(page(&running, "xyz").await.header("location"));
    assert_eq!(query["server_domain"], "evil.example");
}

#[tokio::test]
async fn an_address_with_a_query_of_its_own_keeps_it() {
    let config = Config { redirect_uri: "http://127.0.0.1:8924/cb?app=1".to_owned(), ..small() };
    let running = start(config).await;
    let consent = running.control("/consent", json!({})).await;
    let url = consent["redirect_url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:8924/cb?app=1&code="), "{url}");
    assert!(!url.contains("state="), "no state was given");
    assert_eq!(query_of(url)["code"], consent["code"]);
}
