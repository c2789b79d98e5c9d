//! Routing, credentials, order of checks, envelope.

use evergrant_emulator::Config;
use serde_json::json;

use crate::support::{Reply, small, start};

const NOW: i64 = 1_780_000_000;

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_token_is_taken_from_every_place_it_may_stand_in() {
    let running = start(small()).await;
    let token = running.pair_of(7).await.access;
    let url = format!("{}/rest/profile", running.ready().portal);
    let replies = [
        running.get_with(&url, &[("auth", &token)]).await,
        running.get_with(&url, &[("access_token", &token)]).await,
        running.post_form(&url, &[("auth", &token)]).await,
        running.post_json(&url, &json!({"auth": token})).await,
        Reply::of(running.http.get(&url).bearer_auth(&token).send().await.unwrap()).await,
        Reply::of(
            running
                .http
                .get(&url)
                .header("authorization", format!("bEaReR  {token}"))
                .send()
                .await
                .unwrap(),
        )
        .await,
        // Without a content type a body is read as a query.
        Reply::of(running.http.post(&url).body(format!("auth={token}")).send().await.unwrap())
            .await,
    ];
    for reply in replies {
        assert_eq!(reply.json()["result"]["ID"], "7", "{}", reply.text);
    }
    // The header wins over the parameter.
    let request = running.http.get(&url).bearer_auth("0".repeat(70)).query(&[("auth", &token)]);
    assert_eq!(Reply::of(request.send().await.unwrap()).await.error(), code(401, "invalid_token"));
}

#[tokio::test]
async fn paths_are_read_generously() {
    let running = start(small()).await;
    let token = running.pair().await.access;
    let portal = &running.ready().portal;
    let secret = running.ready().webhook.trim_end_matches('/').rsplit('/').next().unwrap();
    for path in [
        "/rest/profile",
        "/rest/profile/",
        "/rest//profile",
        "/rest/profile.json",
        "/rest/PROFILE",
        "/rest/Profile.json/",
    ] {
        let reply = running.get_with(&format!("{portal}{path}"), &[("auth", &token)]).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    }
    for path in ["profile", "profile.json", "/profile", "profile/"] {
        let reply = running.get(&format!("{portal}/rest/1/{secret}/{path}")).await;
        assert_eq!(reply.json()["result"]["ADMIN"], true, "{path}: {}", reply.text);
    }
    let reply = running
        .get_with(&format!("{portal}/rest/profile"), &[("aplogin", "1"), ("ap", secret)])
        .await;
    assert_eq!(reply.status, 200);
    for path in ["/rest", "/rest/", "/rest/a/b", "/rest/a/b/c/d", "/rest/1/x/none.such"] {
        let reply = running.get_with(&format!("{portal}{path}"), &[("auth", &token)]).await;
        assert_eq!(reply.error(), code(404, "ERROR_METHOD_NOT_FOUND"), "{path}");
    }
    assert_eq!(running.get(&format!("{portal}/elsewhere")).await.status, 404);
}

#[tokio::test]
async fn checks_run_in_the_portals_order_with_its_errors() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let pair = running.pair().await;
    let portal = running.ready().portal.clone();
    let call = async |path: &str, query: &[(&str, &str)]| {
        let reply = running.get_with(&format!("{portal}{path}"), query).await;
        let body = reply.json();
        assert!(body.get("time").is_none() && body.get("result").is_none(), "{body}");
        reply.error()
    };
    // The method comes before the credentials.
    assert_eq!(
        call("/rest/no.such.method", &[("auth", "x")]).await,
        code(404, "ERROR_METHOD_NOT_FOUND")
    );
    assert_eq!(call("/rest/profile", &[]).await, code(401, "NO_AUTH_FOUND"));
    assert_eq!(call("/rest/profile", &[("auth", "")]).await, code(401, "NO_AUTH_FOUND"));
    assert_eq!(
        call("/rest/profile", &[("auth[]", &pair.access)]).await,
        code(401, "NO_AUTH_FOUND")
    );
    assert_eq!(call("/rest/profile", &[("auth", "unknown")]).await, code(401, "invalid_token"));
    assert_eq!(call("/rest/profile", &[("auth", &pair.refresh)]).await, code(401, "invalid_token"));
    for path in ["/rest/1/wrongsecret/profile", "/rest/2/emulatedwebhook1/profile"] {
        assert_eq!(call(path, &[]).await, code(401, "NO_AUTH_FOUND"));
    }
    running.control("/clock", json!({"advance": 3599})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.status, 200);
    running.control("/clock", json!({"advance": 1})).await;
    assert_eq!(call("/rest/profile", &[("auth", &pair.access)]).await, code(401, "expired_token"));
    let errors = running.truth("/counters").await["portal"]["errors"].clone();
    assert_eq!(errors["expired_token"], 1);
    assert_eq!(errors["NO_AUTH_FOUND"], 5);
}

#[tokio::test]
async fn the_envelope_has_time_and_cors_headers() {
    let running = start(Config { now: Some(NOW), ..small() }).await;
    let reply = running.call("server.time", json!({})).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    assert!(reply.header("date").starts_with("Thu, 28 May 2026 20:2"), "{}", reply.header("date"));
    let body = reply.json();
    assert!(body["result"].as_str().unwrap().starts_with("2026-05-28T23:2"), "{body}");
    let time = &body["time"];
    let keys: Vec<&str> = time.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "start",
        "finish",
        "duration",
        "processing",
        "date_start",
        "date_finish",
        "operating_reset_at",
        "operating",
    ];
    assert_eq!(keys, expected);
    assert!(time["start"].is_i64() && time["finish"].is_f64(), "{time}");
    assert_eq!(time["operating_reset_at"].as_i64().unwrap(), time["start"].as_i64().unwrap() + 600);
    assert_eq!(time["date_start"], time["date_finish"]);
    assert!(time["date_start"].as_str().unwrap().ends_with("+03:00"));

    let options = running
        .http
        .request(reqwest::Method::OPTIONS, format!("{}/rest/profile", running.ready().portal));
    let reply = Reply::of(options.send().await.unwrap()).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    assert_eq!(reply.header("access-control-allow-headers"), "origin, content-type, accept");
}

#[tokio::test]
async fn json_is_written_as_php_writes_it() {
    let running = start(small()).await;
    let title = "<b>a/b</b> & 'c' \"d\" \u{2028} Ромашка\n\u{1}";
    let id =
        running.call("crm.lead.add", json!({"fields": {"TITLE": title}})).await.json()["result"]
            .clone();
    let reply = running.call("crm.lead.get", json!({"id": id})).await;
    let escaped = r#""TITLE":"\u003Cb\u003Ea\/b\u003C\/b\u003E \u0026 \u0027c\u0027 \u0022d\u0022 \u2028 Ромашка\n\u0001""#;
    assert!(reply.text.contains(escaped), "{}", reply.text);
    assert_eq!(reply.json()["result"]["TITLE"], title);
}

#[tokio::test]
async fn common_methods_answer() {
    let running = start(small()).await;
    let token = running.pair_of(2).await.access;
    let user = running.call_as(&token, "user.current").await.json();
    assert_eq!((&user["result"]["ID"], &user["result"]["ACTIVE"]), (&json!("2"), &json!(true)));
    assert_eq!(running.call_as(&token, "profile").await.json()["result"]["ADMIN"], false);
    let info = running.call_as(&token, "app.info").await.json();
    assert_eq!(info["result"]["CODE"], running.ready().client_id);
    assert_eq!(running.call("app.info", json!({})).await.error(), code(403, "ACCESS_DENIED"));
    let scope = running.call("scope", json!({})).await.json();
    assert_eq!(scope["result"][0], "crm");
    assert_eq!(scope["result"][1], "user");
    let methods = running.call("methods", json!({})).await.json();
    assert!(methods["result"].as_array().unwrap().contains(&json!("crm.lead.list")));
    let of_users = running.call("methods", json!({"scope": "user"})).await.json();
    assert_eq!(of_users["result"], json!(["user.current", "user.get", "user.search"]));
}

#[tokio::test]
async fn query_and_body_are_one_and_the_body_wins() {
    let running = start(small()).await;
    let url = format!("{}crm.lead.get?id=3", running.ready().webhook);
    assert_eq!(running.post_form(&url, &[]).await.json()["result"]["ID"], "3");
    assert_eq!(running.post_form(&url, &[("id", "4")]).await.json()["result"]["ID"], "4");
    assert_eq!(running.post_json(&url, &json!({"id": 5})).await.json()["result"]["ID"], "5");
    assert_eq!(running.post_json(&url, &json!({"ID": "6"})).await.json()["result"]["ID"], "3");
    // Broken JSON is as good as none.
    let broken =
        running.http.post(&url).header("content-type", "application/json").body("{\"id\":");
    assert_eq!(Reply::of(broken.send().await.unwrap()).await.json()["result"]["ID"], "3");
}
