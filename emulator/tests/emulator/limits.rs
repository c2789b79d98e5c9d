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
