//! Events, installations and frames, as a handler on loopback sees them.

use std::collections::HashMap;

use evergrant_emulator::Config;
use serde_json::{Value, json};

use crate::handler::Handler;
use crate::support::{Running, small, start};

async fn deliveries(running: &Running, count: usize) -> Vec<Value> {
    for _ in 0..500 {
        let all = running.truth("/deliveries").await;
        let list = all.as_array().unwrap().clone();
        if list.len() >= count && list.iter().all(|delivery| delivery["outcome"] != "waiting") {
            return list;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    unreachable!("{} deliveries never came: {}", count, running.truth("/deliveries").await)
}

async fn bind(running: &Running, token: &str, event: &str, handler: &str) {
    let params = json!({"auth": token, "event": event, "handler": handler});
    let reply = running.rest("event.bind", params).await;
    assert_eq!(reply.json()["result"], true, "{}", reply.text);
}

/// A handler that answers every lead with another one is called seven times, and then no more.
#[tokio::test]
async fn a_handler_that_calls_itself_is_left_alone() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let pair = running.pair().await;
    bind(&running, &pair.access, "ONCRMLEADADD", &handler.url("/hook")).await;
    let add = async |token: &str| {
        let params = json!({"auth": token, "fields": {"TITLE": "again"}});
        assert_eq!(running.rest("crm.lead.add", params).await.status, 200);
    };
    for round in 1..=2 {
        add(&pair.access).await;
        for _ in 0..7 {
            let form = handler.next().await.form();
            add(&form["auth[access_token]"]).await;
        }
        // What is sent is noted before the call that caused it is answered.
        assert_eq!(deliveries(&running, 7 * round).await.len(), 7 * round);
    }
    let leads = running.call("crm.lead.list", json!({"select": ["ID"]})).await.json();
    assert_eq!(leads["total"], 516, "the calls themselves all worked");
}

/// `event.test` is an event too.
#[tokio::test]
async fn an_event_that_tests_itself_is_left_alone() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let mut token = running.pair().await.access;
    bind(&running, &token, "ONAPPTEST", &handler.url("/hook")).await;
    for _ in 0..7 {
        running.rest("event.test", json!({"auth": token})).await;
        token = handler.next().await.form()["auth[access_token]"].clone();
    }
    running.rest("event.test", json!({"auth": token})).await;
    assert_eq!(deliveries(&running, 7).await.len(), 7);
}

#[tokio::test]
async fn a_change_is_posted_as_a_form_with_tokens_of_its_own() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let pair = running.pair().await;
    bind(&running, &pair.access, "onCrmLeadAdd", &handler.url("/hook?x=1")).await;
    running.rest("crm.lead.add", json!({"auth": pair.access, "fields": {"TITLE": "a & b"}})).await;
    let request = handler.next().await;
    assert!(request.head.starts_with("POST /hook?x=1 HTTP/1.1"), "{}", request.head);
    assert!(request.head.contains("application/x-www-form-urlencoded"));
    assert!(request.body.contains("data%5BFIELDS%5D%5BID%5D=501"), "{}", request.body);
    let form = request.form();
    assert_eq!(form["event"], "ONCRMLEADADD");
    assert_eq!(form["auth[member_id]"], running.ready().member_id);
    assert_eq!(form["auth[client_endpoint]"], format!("{}/rest/", running.ready().portal));
    assert_eq!(form["auth[user_id]"], "1");
    assert_eq!(form["auth[application_token]"].len(), 32);
    assert!(!form.contains_key("auth[refresh_token]"), "ordinary events carry none");
    let own = &form["auth[access_token]"];
    assert_ne!(*own, pair.access);
    assert_eq!(running.call_as(own, "profile").await.status, 200, "the token works");
    let done = deliveries(&running, 1).await;
    assert_eq!((&done[0]["outcome"], &done[0]["status"]), (&json!("delivered"), &json!(200)));
    let shown = done[0]["body"].as_str().unwrap();
    assert!(shown.contains("auth%5Bdomain%5D=127.0.0.1"), "{shown}");
    for secret in [own, &form["auth[application_token]"]] {
        assert!(!done[0].to_string().contains(secret.as_str()), "secrets are cut");
    }

    for (method, event) in
        [("crm.lead.update", "ONCRMLEADUPDATE"), ("crm.lead.delete", "ONCRMLEADDELETE")]
    {
        bind(&running, &pair.access, event, &handler.url("/hook")).await;
        let params = json!({"auth": pair.access, "id": 501, "fields": {"TITLE": "x"}});
        assert_eq!(running.rest(method, params).await.status, 200);
        let form = handler.next().await.form();
        assert_eq!((form["event"].as_str(), form["data[FIELDS][ID]"].as_str()), (event, "501"));
    }
    let params = json!({"auth": pair.access, "entityTypeId": 2, "fields": {"title": "deal"}});
    bind(&running, &pair.access, "ONCRMDEALADD", &handler.url("/hook")).await;
    assert_eq!(running.rest("crm.item.add", params).await.status, 200);
    assert_eq!(handler.next().await.form()["event"], "ONCRMDEALADD");
}

#[tokio::test]
async fn bindings_follow_the_portals_rules() {
    let running = start(Config { scope: vec!["crm".to_owned()], ..small() }).await;
    let (admin, other) = (running.pair_of(1).await, running.pair_of(2).await);
    let bind = |token: String, params: Value| {
        let running = &running;
        async move {
            let mut params = params;
            params["auth"] = token.into();
            running.rest("event.bind", params).await.error()
        }
    };
    let good = json!({"EVENT": "ONCRMLEADADD", "HANDLER": "http://127.0.0.1:9/h"});
    for (params, error) in [
        (json!({"handler": "http://127.0.0.1:9/h"}), "ERROR_ARGUMENT"),
        (json!({"event": "ONCRMLEADADD"}), "ERROR_ARGUMENT"),
        (json!({"event": "ONNOTHING", "handler": "http://127.0.0.1:9/h"}), "ERROR_EVENT_NOT_FOUND"),
        (json!({"event": "ONTASKADD", "handler": "http://127.0.0.1:9/h"}), "ERROR_EVENT_NOT_FOUND"),
        (
            json!({"event": "ONCRMLEADADD", "handler": "http://localhost/h"}),
            "ERROR_WRONG_HANDLER_URL",
        ),
        (
            json!({"event": "ONCRMLEADADD", "handler": "ftp://127.0.0.1/h"}),
            "ERROR_UNSUPPORTED_PROTOCOL",
        ),
        (
            json!({"event": "ONCRMLEADADD", "handler": "http://127.0.0.1/h", "event_type": "x"}),
            "ERROR_ARGUMENT",
        ),
    ] {
        assert_eq!(
            bind(admin.access.clone(), params.clone()).await,
            (400, error.to_owned()),
            "{params}"
        );
    }
    assert_eq!(
        running.call("event.bind", good.clone()).await.error(),
        (403, "WRONG_AUTH_TYPE".to_owned())
    );
    assert_eq!(bind(admin.access.clone(), good.clone()).await.0, 200);
    assert_eq!(
        bind(admin.access.clone(), good.clone()).await,
        (400, "ERROR_CORE".to_owned()),
        "bound already"
    );
    let foreign =
        json!({"event": "ONCRMLEADADD", "handler": "http://127.0.0.1:9/h", "auth_type": 1});
    assert_eq!(bind(other.access.clone(), foreign).await, (403, "ACCESS_DENIED".to_owned()));
    let offline = json!({"event": "ONCRMLEADADD", "event_type": "offline"});
    assert_eq!(
        bind(other.access.clone(), offline.clone()).await,
        (403, "ACCESS_DENIED".to_owned())
    );
    assert_eq!(bind(other.access.clone(), good.clone()).await.0, 200, "their own");
    assert_eq!(bind(admin.access.clone(), offline).await.0, 200);

    let shown = running.call_as(&admin.access, "event.get").await.json();
    assert_eq!(
        shown["result"],
        json!([
            {"event": "ONCRMLEADADD", "handler": "http://127.0.0.1:9/h", "auth_type": "0", "offline": 0},
            {"event": "ONCRMLEADADD", "handler": "http://127.0.0.1:9/h", "auth_type": "2", "offline": 0},
            {"event": "ONCRMLEADADD", "connector_id": "", "offline": 1},
        ])
    );
    let own = running.call_as(&other.access, "event.get").await.json();
    assert_eq!(own["result"].as_array().unwrap().len(), 1, "only their own");
    let unbind = json!({"auth": admin.access, "event": "ONCRMLEADADD", "auth_type": 0});
    assert_eq!(running.rest("event.unbind", unbind).await.json()["result"], json!({"count": 1}));
    let unbind = json!({"auth": admin.access});
    assert_eq!(running.rest("event.unbind", unbind).await.json()["result"], json!({"count": 2}));
    let names = running.call_as(&admin.access, "events").await.json()["result"].to_string();
    assert!(names.contains("ONCRMDEALUPDATE") && !names.contains("ONTASKADD"), "{names}");
}

#[tokio::test]
async fn only_loopback_is_called_and_nothing_is_retried() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let closed = Handler::start().await;
    let gone = closed.url("/h");
    drop(closed);
    bind(&running, &pair.access, "ONCRMLEADADD", "https://portal.example/h").await;
    bind(&running, &pair.access, "ONCRMLEADADD", "http://192.0.2.7/h").await;
    bind(&running, &pair.access, "ONCRMLEADADD", &gone).await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    let done = deliveries(&running, 3).await;
    let outcomes: Vec<&str> =
        done.iter().map(|delivery| delivery["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes[..2], ["not delivered: not loopback"; 2]);
    assert!(outcomes[2].starts_with("not delivered: "), "{outcomes:?}");
    assert_eq!(deliveries(&running, 3).await.len(), 3);
}

#[tokio::test]
async fn a_refusing_handler_is_noted_and_called_once() {
    let running = start(small()).await;
    let handler = Handler::answering(500).await;
    let pair = running.pair().await;
    bind(&running, &pair.access, "ONCRMLEADADD", &handler.url("/h")).await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    handler.next().await;
    let done = deliveries(&running, 1).await;
    assert_eq!((done.len(), &done[0]["status"]), (1, &json!(500)));
    running
        .control(
            "/events/fire",
            json!({"event": "ONCRMLEADADD", "data": {"FIELDS": {"ID": "7"}}, "user_id": null}),
        )
        .await;
    let form = handler.next().await.form();
    assert_eq!(form["data[FIELDS][ID]"], "7", "the next one is another, not the same again");
    assert!(!form.contains_key("auth[access_token]"), "a robot has no tokens");
    assert!(form.contains_key("auth[application_token]"));
}

#[tokio::test]
async fn a_life_from_installation_to_the_end() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let url = handler.url("/life");
    running
        .control("/events/install", json!({"handler": url, "finished": false, "language": "de"}))
        .await;
    let form = handler.next().await.form();
    assert_eq!(form["event"], "ONAPPINSTALL");
    assert_eq!((form["data[INSTALLED]"].as_str(), form["data[LANGUAGE_ID]"].as_str()), ("N", "de"));
    assert!(!form.contains_key("auth[expires]") && !form.contains_key("auth[user_id]"));
    let refreshed = running.refresh(&form["auth[refresh_token]"]).await;
    assert_eq!(refreshed.status, 200, "the installer's pair can be refreshed");
    let access = refreshed.json()["access_token"].as_str().unwrap().to_owned();
    let info = running.oracle(&access).await.json();
    assert_eq!(info["result"]["INSTALLED"], false);

    bind(&running, &access, "ONCRMLEADADD", &url).await;
    bind(&running, &access, "ONAPPUPDATE", &url).await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    assert_eq!(deliveries(&running, 1).await.len(), 1, "an unfinished installation hears nothing");
    running.control("/events/finish", json!({})).await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    let token = handler.next().await.form()["auth[application_token]"].clone();

    running.control("/events/update", json!({"version": "2.1.0"})).await;
    let form = handler.next().await.form();
    assert_eq!(form["event"], "ONAPPUPDATE");
    assert_eq!(
        (form["data[PREVIOUS_VERSION]"].as_str(), form["data[VERSION]"].as_str()),
        ("1.0.0", "2.1.0")
    );
    assert_ne!(form["auth[application_token]"], token, "an update changes it");
    assert_eq!(
        running.truth("/events").await["bindings"],
        json!([]),
        "an update drops the bindings"
    );

    running.control("/events/payment", json!({"handler": url, "days": 12, "status": "S"})).await;
    let form = handler.next().await.form();
    assert_eq!((form["event"].as_str(), form["data[DAYS]"].as_str()), ("ONAPPPAYMENT", "12"));
    assert!(
        !form.contains_key("auth[application_token]") && !form.contains_key("auth[access_token]")
    );

    bind(&running, &access, "ONAPPUNINSTALL", &url).await;
    running.control("/events/uninstall", json!({"clean": true})).await;
    let form = handler.next().await.form();
    assert_eq!((form["event"].as_str(), form["data[CLEAN]"].as_str()), ("ONAPPUNINSTALL", "1"));
    assert!(
        form.contains_key("auth[application_token]") && !form.contains_key("auth[access_token]")
    );
    assert_eq!(running.call_as(&access, "profile").await.status, 401, "its tokens are dead");
    let state = running.truth("/events").await;
    assert_eq!(
        (&state["bindings"], &state["installations"][0]["installed"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn each_frame_opening_begins_its_own_chain() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let consent = running.pair_of(3).await;
    let body = json!({"handler": handler.url("/app?own=1"), "user_id": 3, "placement": "CRM_LEAD_DETAIL_TAB", "options": {"ID": "5"}});
    running.control("/frame", body.clone()).await;
    let (head, form) = {
        let request = handler.next().await;
        (request.head.clone(), request.form())
    };
    let query: HashMap<String, String> =
        crate::handler::pairs(head.split(['?', ' ']).nth(2).unwrap());
    assert_eq!(query["own"], "1");
    assert_eq!(format!("http://{}", query["DOMAIN"]), running.ready().portal);
    assert_eq!(
        (query["PROTOCOL"].as_str(), query["LANG"].as_str(), query["APP_SID"].len()),
        ("0", "en", 32)
    );
    assert_eq!(
        (form["AUTH_EXPIRES"].as_str(), form["PLACEMENT"].as_str()),
        ("3600", "CRM_LEAD_DETAIL_TAB")
    );
    assert_eq!(form["PLACEMENT_OPTIONS"], r#"{"ID":"5"}"#);
    assert_eq!(
        (form["member_id"].as_str(), form["status"].as_str()),
        (running.ready().member_id.as_str(), "L")
    );
    assert!(!form.contains_key("DOMAIN") && !query.contains_key("AUTH_ID"));
    running.control("/frame", body).await;
    let second = handler.next().await.form();
    assert_eq!(running.refresh(&form["REFRESH_ID"]).await.status, 200);
    for alive in [&consent.refresh, &second["REFRESH_ID"]] {
        assert_eq!(running.refresh(alive).await.status, 200, "the chains do not touch each other");
    }
    let chains = running.truth("/chains").await;
    let opened: Vec<&str> =
        chains.as_array().unwrap().iter().map(|chain| chain["opened"].as_str().unwrap()).collect();
    assert_eq!(opened, ["consent", "frame", "frame"]);
}

#[tokio::test]
async fn faults_strike_frames_by_their_placement() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let open = async |placement: &str| {
        let body = json!({"handler": handler.url("/app"), "placement": placement});
        running.control("/frame", body).await["deliveries"].as_array().unwrap().len()
    };
    let lost = json!({"at": "frame", "kind": "drop", "method": "CRM_LEAD_DETAIL_TAB"});
    running.control("/faults", lost).await;
    running.control("/faults", json!({"at": "event", "kind": "drop"})).await;
    assert_eq!(open("DEFAULT").await, 1);
    assert_eq!(handler.next().await.form()["PLACEMENT"], "DEFAULT");
    assert_eq!(open("CRM_LEAD_DETAIL_TAB").await, 1);
    assert_eq!(deliveries(&running, 2).await[1]["outcome"], "not delivered: lost by a fault");
    running.control("/faults", json!({"at": "frame", "kind": "duplicate"})).await;
    assert_eq!(open("DEFAULT").await, 2);
    let twice = (handler.next().await.form(), handler.next().await.form());
    assert_eq!(twice.0["REFRESH_ID"], twice.1["REFRESH_ID"], "the same opening, told twice");
    let wrong = running.try_control("/faults", json!({"at": "frame", "kind": "html"})).await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("kind")));
}

#[tokio::test]
async fn outgoing_webhooks_and_event_test() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let hook = json!({"event": "onCrmDealUpdate", "handler": handler.url("/out")});
    let token = running.control("/events/webhook", hook).await["application_token"].clone();
    running.call("crm.deal.update", json!({"id": 1, "fields": {"TITLE": "x"}})).await;
    let form = handler.next().await.form();
    assert_eq!(form["auth[application_token]"], token.as_str().unwrap());
    assert!(!form.contains_key("auth[access_token]") && !form.contains_key("auth[scope]"));

    let pair = running.pair().await;
    bind(&running, &pair.access, "ONAPPTEST", &handler.url("/test")).await;
    let reply = running.rest("event.test", json!({"auth": pair.access, "hello": "world"})).await;
    assert_eq!(reply.json()["result"], 1);
    let form = handler.next().await.form();
    assert_eq!(form["data[QUERY][hello]"], "world");
    assert!(form.contains_key("auth[refresh_token]") && !form.contains_key("data[QUERY][auth]"));
}

#[tokio::test]
async fn faults_strike_deliveries() {
    let running = start(small()).await;
    let handler = Handler::start().await;
    let pair = running.pair().await;
    bind(&running, &pair.access, "ONCRMLEADADD", &handler.url("/h")).await;
    running.control("/faults", json!({"at": "event", "kind": "duplicate"})).await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    let (one, two) = (handler.next().await.body, handler.next().await.body);
    assert_eq!(one, two);
    running
        .control("/faults", json!({"at": "event", "method": "OnCrmLeadAdd", "kind": "drop"}))
        .await;
    running.call("crm.lead.add", json!({"fields": {}})).await;
    let done = deliveries(&running, 3).await;
    assert_eq!(done[2]["outcome"], "not delivered: lost by a fault");
}
