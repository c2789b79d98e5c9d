//! Several portals, applications and users; another address; https.

use evergrant_emulator::{Application, Config, PortalConfig, UserConfig, UserKind};
use serde_json::json;

use crate::support::{Pair, Reply, Running, small, start};

fn application(client_id: &str, portal: Option<usize>, scope: &[&str]) -> Application {
    Application {
        client_id: client_id.to_owned(),
        client_secret: format!("secret-of-{client_id}"),
        redirect_uri: format!("http://127.0.0.1:8924/{client_id}"),
        scope: scope.iter().map(|&scope| scope.to_owned()).collect(),
        portal,
        status: None,
    }
}

async fn two() -> Running {
    start(Config {
        portals: vec![PortalConfig { leads: 7, ..PortalConfig::default() }],
        applications: vec![
            application("app.everywhere", None, &["crm", "user"]),
            application("local.second", Some(1), &["user"]),
        ],
        ..small()
    })
    .await
}

/// Consent and exchange of another application, at the first or at a named portal.
async fn pair_of(running: &Running, prefix: &str, client_id: &str) -> (serde_json::Value, Pair) {
    let body = json!({"client_id": client_id, "user_id": 2});
    let consent = running.control(&format!("{prefix}/consent"), body).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("client_secret", &format!("secret-of-{client_id}")),
        ("code", consent["code"].as_str().unwrap()),
    ];
    let url = format!("{}/oauth/token/", running.ready().authorization);
    let answer = running.post_form(&url, &form).await.json();
    let pair = Pair::of(&answer);
    (answer, pair)
}

async fn call(running: &Running, place: usize, token: &str, method: &str) -> Reply {
    let url = format!("{}/rest/{method}", running.ready().portals[place].portal);
    running.get_with(&url, &[("auth", token)]).await
}

#[tokio::test]
async fn two_portals_have_their_own_rows_identity_tokens_and_settings() {
    let running = two().await;
    let ready = running.ready().clone();
    assert_eq!(ready.portals.len(), 2);
    assert_eq!(
        (&ready.portals[0].portal, &ready.portals[0].member_id),
        (&ready.portal, &ready.member_id)
    );
    assert_ne!(ready.portals[0].member_id, ready.portals[1].member_id);
    assert_eq!(ready.applications[2].member_id.as_ref(), Some(&ready.portals[1].member_id));
    let count = async |place: usize| {
        let url = format!("{}crm.lead.list", ready.portals[place].webhook);
        running.get(&url).await.json()["total"].as_u64()
    };
    assert_eq!((count(0).await, count(1).await), (Some(500), Some(7)));

    let second = format!("/portals/{}", ready.portals[1].member_id);
    let (here, first) = pair_of(&running, "", "app.everywhere").await;
    let (there, other) = pair_of(&running, &second, "app.everywhere").await;
    assert_eq!(here["client_endpoint"], format!("{}/rest/", ready.portals[0].portal));
    assert_eq!(there["client_endpoint"], format!("{}/rest/", ready.portals[1].portal));
    assert_eq!(there["member_id"], ready.portals[1].member_id);
    assert_eq!((&here["status"], &there["status"]), (&json!("F"), &json!("F")));
    assert_eq!(call(&running, 0, &first.access, "profile").await.status, 200);
    assert_eq!(call(&running, 1, &other.access, "profile").await.status, 200);
    let crossed = call(&running, 1, &first.access, "profile").await;
    assert_eq!(
        crossed.error(),
        (401, "invalid_token".to_owned()),
        "a token is good at its own portal"
    );

    running.control(&format!("{second}/settings"), json!({"deleted": true})).await;
    assert_eq!(call(&running, 1, &other.access, "profile").await.error().1, "PORTAL_DELETED");
    assert_eq!(call(&running, 0, &first.access, "profile").await.status, 200);
    let revoked =
        running.control("/revoke", json!({"member_id": ready.portals[1].member_id})).await;
    assert_eq!(revoked["revoked"], 1);
}

#[tokio::test]
async fn each_portal_has_its_own_bucket() {
    let limited = json!({"burst": 2, "leak_per_second": 0.0});
    let settings = limited.as_object().unwrap().clone();
    let running = start(Config {
        portals: vec![PortalConfig { settings, ..PortalConfig::default() }],
        ..small()
    })
    .await;
    let url = format!("{}profile", running.ready().portals[1].webhook);
    for expected in [200, 200, 503] {
        assert_eq!(running.get(&url).await.status, expected);
    }
    assert_eq!(running.call("profile", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_local_application_is_on_its_portal_only_and_scopes_are_its_own() {
    let running = two().await;
    let ready = running.ready().clone();
    let second = format!("/portals/{}", ready.portals[1].member_id);
    let body = json!({"client_id": "local.second"});
    assert_eq!(running.try_control("/consent", body).await.json()["field"], "client_id");
    let url = format!("{}/oauth/authorize/?client_id=local.second", ready.portal);
    assert_eq!(running.get(&url).await.status, 400);

    let (answer, pair) = pair_of(&running, &second, "local.second").await;
    assert_eq!((&answer["status"], &answer["scope"]), (&json!("L"), &json!("user")));
    assert_eq!(call(&running, 1, &pair.access, "user.current").await.status, 200);
    let refused = call(&running, 1, &pair.access, "crm.lead.list").await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
    assert_eq!(call(&running, 1, &pair.access, "profile").await.status, 200, "needs no scope");
}

#[tokio::test]
async fn portals_and_applications_can_be_added_while_it_runs() {
    let running = start(small()).await;
    let portals = running.control("/portals", json!({"leads": 3, "seed": 77})).await;
    let webhook = portals[1]["webhook"].as_str().unwrap();
    let leads = running.get(&format!("{webhook}crm.lead.list")).await.json();
    assert_eq!(leads["total"], 3);
    let again = running.try_control("/portals", json!({"seed": 77})).await;
    assert_eq!(again.json()["field"], "seed");
    let odd = running.try_control("/portals", json!({"leeds": 3})).await;
    assert_eq!(odd.json()["field"], "leeds");
    let odd = running.try_control("/portals", json!({"leads": "many"})).await;
    assert_eq!(odd.json()["field"], "leads");

    let card =
        json!({"client_id": "app.late", "client_secret": "secret-of-app.late", "scope": ["crm"]});
    let applications = running.control("/applications", card).await;
    assert_eq!(applications[1]["client_id"], "app.late");
    let (answer, _) = pair_of(&running, "", "app.late").await;
    assert_eq!(answer["scope"], "crm");
    running
        .control("/applications", json!({"client_id": "app.late", "scope": ["crm", "im"]}))
        .await;
    let (answer, _) = pair_of(&running, "", "app.late").await;
    assert_eq!(answer["scope"], "crm,im", "the secret stayed, the scopes changed");
    for (body, field) in [
        (json!({}), "client_id"),
        (json!({"client_id": "app.x"}), "client_secret"),
        (
            json!({"client_id": "app.x", "client_secret": "s", "redirect_uri": "nowhere"}),
            "redirect_uri",
        ),
        (json!({"client_id": "app.x", "client_secret": "s", "scope": ["a b"]}), "scope"),
        (json!({"client_id": "app.x", "client_secret": "s", "portal": 9}), "portal"),
        (json!({"client_id": "app.x", "client_secret": 5}), "client_secret"),
    ] {
        let reply = running.try_control("/applications", body.clone()).await;
        assert_eq!(reply.json()["field"], field, "{body}: {}", reply.text);
    }
    assert_eq!(running.truth("/").await["applications"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn users_differ_in_what_they_may() {
    let guest = UserConfig { id: 40, kind: Some(UserKind::Extranet), ..UserConfig::default() };
    let running = start(Config { users: vec![guest], ..small() }).await;
    let users = running.truth("/users").await;
    let find = |id: u64| users.as_array().unwrap().iter().find(|user| user["id"] == id).cloned();
    assert_eq!(find(40).unwrap()["kind"], "extranet");
    assert_eq!(find(1).unwrap()["kind"], "admin");

    let pair = running.pair_of(7).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.json()["result"]["ADMIN"], false);
    running.control("/users", json!({"id": 7, "kind": "admin", "name": "Ada"})).await;
    let profile = running.call_as(&pair.access, "profile").await.json();
    assert_eq!(
        (&profile["result"]["ADMIN"], &profile["result"]["NAME"]),
        (&json!(true), &json!("Ada"))
    );
    running.control("/users", json!({"id": 7, "access": false})).await;
    let refused = running.call_as(&pair.access, "profile").await;
    assert_eq!(refused.error(), (403, "user_access_error".to_owned()));
    running.control("/users", json!({"id": 7, "access": true, "active": false})).await;
    assert_eq!(running.call_as(&pair.access, "profile").await.error().1, "authorization_error");

    let webhook = json!({"id": 8, "webhook": "webhookofuser8", "scope": ["user"]});
    running.control("/users", webhook).await;
    let url = format!("{}/rest/8/webhookofuser8", running.ready().portal);
    assert_eq!(running.get(&format!("{url}/user.current")).await.json()["result"]["ID"], "8");
    let narrow = running.get(&format!("{url}/crm.lead.list")).await;
    assert_eq!(narrow.error(), (403, "insufficient_scope".to_owned()));
    assert!(narrow.text.contains("webhook token"), "{}", narrow.text);
    running.control("/users", json!({"id": 8, "active": false})).await;
    let dismissed = running.get(&format!("{url}/profile")).await;
    assert_eq!(dismissed.error(), (403, "INVALID_CREDENTIALS".to_owned()));
    assert!(!running.truth("/log").await.to_string().contains("webhookofuser8"));
    running.control("/users", json!({"id": 2, "active": false})).await;
    let users = running.truth("/users").await;
    let users = users.as_array().unwrap();
    let active: Vec<_> = users.iter().map(|user| (user["id"].as_u64(), &user["active"])).collect();
    for (id, still) in [(1, true), (2, false), (7, false), (8, false)] {
        assert!(active.contains(&(Some(id), &json!(still))), "{id}: {users:?}");
    }
    let employees = running.call("user.get", json!({})).await.json();
    assert!(!employees["result"].to_string().contains("\"ID\":\"8\""), "lists show who works here");
    for (body, field) in [
        (json!({"kind": "admin"}), "id"),
        (json!({"id": 3, "kind": "robot"}), "kind"),
        (json!({"id": 3, "webhook": "UPPER"}), "webhook"),
    ] {
        let reply = running.try_control("/users", body.clone()).await;
        assert_eq!(reply.json()["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_portal_moves_and_its_old_address_says_where() {
    let running = start(small()).await;
    let (old, pair) = (running.ready().clone(), running.pair().await);
    let new = running.control("/domain", json!({})).await["portal"].as_str().unwrap().to_owned();
    assert_ne!(new, old.portal);
    let got = running.get(&format!("{}/rest/profile?auth={}", old.portal, pair.access)).await;
    assert_eq!(got.status, 302);
    assert_eq!(got.header("location"), format!("{new}/rest/profile?auth={}", pair.access));
    let posted = running.call_as(&pair.access, "profile").await;
    assert_eq!((posted.status, posted.header("location")), (302, &*format!("{new}/rest/profile")));
    let url = format!("{new}/rest/profile");
    assert_eq!(running.get_with(&url, &[("auth", &pair.access)]).await.status, 200, "tokens stay");
    let answer = running.refresh(&pair.refresh).await.json();
    assert_eq!(answer["client_endpoint"], format!("{new}/rest/"));
    assert_eq!(answer["member_id"], old.member_id);
    assert_eq!(running.truth("/").await["portal"], new);

    running.control("/reset", json!({})).await;
    assert_eq!(running.truth("/").await["portal"], old.portal);
    assert_eq!(running.get(&format!("{new}/rest/profile")).await.status, 302, "and back again");
}

#[tokio::test]
async fn https_is_served_beside_http_with_an_authority_that_can_be_trusted() {
    let running = start(Config { tls: true, ..small() }).await;
    let tls = running.ready().tls.clone().unwrap();
    assert_eq!(std::fs::read_to_string(&tls.ca_file).unwrap(), tls.ca);
    let trusting = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(tls.ca.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let secure = |url: &str| url.replacen("http://", "https://", 1);
    let profile = format!("{}profile", running.ready().webhook);
    let reply = Reply::of(trusting.get(secure(&profile)).send().await.unwrap()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(running.get(&profile).await.status, 200, "plain http goes on");

    let Running { emulator, .. } = &running;
    let ready = emulator.ready();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", ready.client_id.as_str()),
        ("client_secret", &ready.client_secret),
        ("code", &running.code(1).await),
    ];
    let url = secure(&format!("{}/oauth/token/", ready.authorization));
    let answer = Reply::of(trusting.post(url).form(&form).send().await.unwrap()).await.json();
    assert_eq!(answer["client_endpoint"], format!("{}/rest/", secure(&ready.portal)));
    assert_eq!(answer["server_endpoint"], format!("{}/rest/", secure(&ready.authorization)));

    // A webhook demands https once plain http is not let through.
    running.control("/settings", json!({"http_webhooks": false})).await;
    assert_eq!(running.get(&profile).await.error(), (400, "INVALID_REQUEST".to_owned()));
    let reply = Reply::of(trusting.get(secure(&profile)).send().await.unwrap()).await;
    assert_eq!(reply.status, 200);
    assert!(running.http.get(secure(&profile)).send().await.is_err(), "nobody else trusts it");
    running.emulator.stop().await;
    assert!(!tls.ca_file.exists(), "the file is gone with the emulator");
}
