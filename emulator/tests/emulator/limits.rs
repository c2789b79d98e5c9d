//! The leaky bucket.

use evergrant_emulator::Config;
use serde_json::json;

use crate::support::{small, start};

#[tokio::test]
async fn the_bucket_overflows_and_leaks_on_the_virtual_clock() {
    let running = start(Config { burst: 50, leak_per_second: 0.1, ..small() }).await;
    let mut statuses = Vec::new();
    // Real time passes as well, so one more than fifty may fit.
    for _ in 0..80 {
        statuses.push(running.call("profile", json!({})).await.status);
    }
    let passed = statuses.iter().filter(|&&status| status == 200).count();
    assert!((50..=51).contains(&passed), "{passed} passed");
    let refused = running.call("profile", json!({})).await;
    assert_eq!(refused.error(), (503, "QUERY_LIMIT_EXCEEDED".to_owned()));
    assert_eq!(refused.json()["error_description"], "Too many requests");

    running.control("/clock", json!({"advance": 100})).await;
    let mut passed = 0;
    while running.call("profile", json!({})).await.status == 200 {
        passed += 1;
    }
    assert!((10..=11).contains(&passed), "a hundred seconds leak ten requests, not {passed}");
    let counters = running.truth("/counters").await;
    assert_eq!(counters["portal"]["limited"], counters["portal"]["errors"]["QUERY_LIMIT_EXCEEDED"]);
}

#[tokio::test]
async fn the_limit_can_be_changed_and_switched_off() {
    let running = start(Config { burst: 1, leak_per_second: 0.0, ..small() }).await;
    assert_eq!(running.call("profile", json!({})).await.status, 200);
    assert_eq!(
        running.call("no.such", json!({})).await.status,
        503,
        "the limit stands before everything else"
    );
    running.control("/settings", json!({"burst": 0})).await;
    for _ in 0..100 {
        assert_eq!(running.call("profile", json!({})).await.status, 200);
    }
}

#[tokio::test]
async fn the_token_endpoint_has_no_bucket() {
    let running = start(Config { burst: 1, leak_per_second: 0.0, ..small() }).await;
    for _ in 0..5 {
        running.pair().await;
    }
    assert_eq!(running.truth("/counters").await["portal"]["limited"], 0);
}

#[tokio::test]
async fn presets_and_drained_buckets_and_the_floor_of_a_run() {
    let running = start(Config { now: Some(1_780_000_000), ..small() }).await;
    running.control("/settings", json!({"bucket": "enterprise"})).await;
    for _ in 0..250 {
        assert_eq!(running.call("profile", json!({})).await.status, 200);
    }
    let limits = running.truth("/limits").await;
    assert_eq!((&limits[0]["admitted"], &limits[0]["burst"]), (&json!(250), &json!(250)));
    assert_eq!(limits[0]["floor_seconds"], 0.0, "a burst costs no time");

    running
        .control(
            "/settings",
            json!({"bucket": "custom", "burst": 10, "leak_per_second": 0.5, "drained": true}),
        )
        .await;
    assert_eq!(running.call("profile", json!({})).await.status, 503, "others were here before");
    for _ in 0..3 {
        running.control("/clock", json!({"advance": 2})).await;
        assert_eq!(running.call("profile", json!({})).await.status, 200);
    }
    let limits = running.truth("/limits").await;
    assert_eq!((&limits[0]["admitted"], &limits[0]["refused"]), (&json!(3), &json!(1)));
    assert_eq!(limits[0]["floor_seconds"], 6.0);
    let took = limits[0]["seconds"].as_f64().unwrap();
    assert!((6.0..7.0).contains(&took), "{took}");
    assert_eq!(running.truth("/counters").await["limits"][0]["admitted"], 3);
}

/// The example of the documentation: 480 s allowed, 20 s a call.
#[tokio::test]
async fn operating_time_is_kept_in_baskets_of_a_minute() {
    let running = start(Config { now: Some(1_780_000_020), ..small() }).await;
    let costs = json!({"operating_cost": {"crm.lead.list": 20.0}});
    running.control("/settings", costs).await;
    let list = async || running.call("crm.lead.list", json!({"select": ["ID"]})).await;
    let first = list().await.json();
    let reset_at = first["time"]["operating_reset_at"].as_i64().unwrap();
    assert!((600..605).contains(&(reset_at - 1_780_000_020)), "{reset_at}");
    assert_eq!(first["time"]["operating"], 20.0);
    list().await;
    running.control("/clock", json!({"advance": 60})).await;
    for _ in 0..23 {
        assert_eq!(list().await.status, 200);
    }
    let refused = list().await;
    assert_eq!(refused.error(), (429, "OPERATION_TIME_LIMIT".to_owned()));
    assert_eq!(
        running.call("crm.lead.get", json!({"id": 1})).await.status,
        200,
        "this method alone"
    );
    let pair = running.pair().await;
    assert_eq!(
        running.call_as(&pair.access, "crm.lead.list").await.status,
        200,
        "this caller alone"
    );
    let batch = running.call("batch", json!({"cmd": {"a": "crm.lead.list", "b": "profile"}})).await;
    let result = batch.json()["result"].clone();
    assert_eq!(result["result_error"]["a"]["error"], "OPERATION_TIME_LIMIT");
    assert_eq!(result["result"]["b"]["ID"], "1");

    // The oldest basket of 40 s leaves: 460 s remain.
    running.control("/clock", json!({"set": reset_at})).await;
    let after = list().await.json();
    assert_eq!(after["time"]["operating"], 480.0);
}

#[tokio::test]
async fn a_share_of_the_time_counts() {
    let running = start(Config { now: Some(1_780_000_020), ..small() }).await;
    let settings = json!({"operating_cost": {"profile": 20.0}, "operating_share": 0.5});
    running.control("/settings", settings).await;
    let operating =
        async || running.call("profile", json!({})).await.json()["time"]["operating"].clone();
    assert_eq!(operating().await, 10.0);
    running.control("/settings", json!({"operating_share": null})).await;
    assert_eq!(operating().await, 30.0, "all of it, unless said otherwise");
    running.control("/settings", json!({"operating_share": 0})).await;
    assert_eq!(operating().await, 30.0);
}

#[tokio::test]
async fn a_batch_can_be_billed_as_a_whole() {
    let running = start(small()).await;
    let settings = json!({"command_ms": 400, "cost_clock": "virtual", "operating_batch": "batch"});
    running.control("/settings", settings).await;
    let batch =
        running.call("batch", json!({"cmd": ["profile", "profile", "profile"]})).await.json();
    assert!((batch["time"]["operating"].as_f64().unwrap() - 1.2).abs() < 0.1, "{}", batch["time"]);
    assert_eq!(batch["result"]["result_time"][2]["operating"], 0.0);
    running.control("/settings", json!({"operating_batch": "methods"})).await;
    let batch = running.call("batch", json!({"cmd": ["profile", "profile"]})).await.json();
    assert_eq!(batch["result"]["result_time"][1]["operating"].as_f64().unwrap().round(), 1.0);
}

#[tokio::test]
async fn costs_pass_on_the_virtual_clock_without_waiting() {
    let running = start(small()).await;
    let settings = json!({
        "cost_clock": "virtual", "round_trip_ms": 1000, "command_ms": 2000, "count_ms": 4000,
    });
    running.control("/settings", settings).await;
    let elapsed = async |method: &str, params: serde_json::Value| {
        let offset = async || running.truth("/clock").await["offset"].as_i64().unwrap();
        let before = offset().await;
        let reply = running.call(method, params).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        offset().await - before
    };
    let began = std::time::Instant::now();
    assert_eq!(elapsed("profile", json!({})).await, 3);
    assert_eq!(elapsed("crm.lead.list", json!({})).await, 7);
    assert_eq!(elapsed("crm.lead.list", json!({"start": -1})).await, 3);
    assert_eq!(elapsed("batch", json!({"cmd": ["profile", "crm.lead.list?start=-1"]})).await, 5);
    assert!(began.elapsed().as_secs() < 3, "nobody waits");
}

#[tokio::test]
async fn costs_are_waited_for_on_the_real_clock() {
    let running = start(small()).await;
    running.control("/settings", json!({"round_trip_ms": 60, "command_ms": 40})).await;
    let began = std::time::Instant::now();
    let reply = running.call("profile", json!({})).await.json();
    assert!(began.elapsed().as_millis() >= 100, "{:?}", began.elapsed());
    let time = &reply["time"];
    let took = time["finish"].as_f64().unwrap() - time["start"].as_f64().unwrap();
    assert!(took >= 0.04, "the portal tells what the command took: {time}");
}

#[tokio::test]
async fn the_front_cuts_what_takes_a_minute_after_the_work_is_done() {
    let running = start(small()).await;
    running.control("/settings", json!({"cost_clock": "virtual", "command_ms": 61_000})).await;
    let added = running.call("crm.lead.add", json!({"fields": {"TITLE": "late"}})).await;
    assert_eq!(added.status, 504);
    assert!(added.header("content-type").starts_with("text/html"));
    running.control("/settings", json!({"command_ms": 0})).await;
    let leads = running.call("crm.lead.list", json!({})).await.json();
    assert_eq!(leads["total"], 501, "nobody heard of it, but it was done");
    running.control("/settings", json!({"command_ms": 61_000, "cut_after": 0})).await;
    assert_eq!(running.call("profile", json!({})).await.status, 200);
}

#[tokio::test]
async fn ids_can_have_gaps() {
    let running = start(Config { id_density: 10, leads: 500, ..small() }).await;
    let all =
        running.call("crm.lead.list", json!({"order": {"ID": "DESC"}, "select": ["ID"]})).await;
    assert_eq!(all.json()["total"], 500);
    assert_eq!(crate::support::ids(&all.json())[0], 4991);
    let some = json!({"filter": {">ID": 100, "<=ID": 300}, "select": ["ID"]});
    let some = running.call("crm.lead.list", some).await.json();
    assert_eq!(some["total"], 20);
    assert_eq!(crate::support::ids(&some)[..3], [101, 111, 121]);
    assert_eq!(running.call("crm.lead.get", json!({"id": 102})).await.status, 400);
    assert_eq!(running.call("crm.lead.get", json!({"id": 111})).await.status, 200);
    let added = running.call("crm.lead.add", json!({"fields": {"TITLE": "x"}})).await.json();
    assert_eq!(added["result"], 4992);
}
