//! What is held back when the authorization server refuses or does not answer.

use std::time::Duration;

use evergrant::{Error, Kind};
use evergrant_tests::stage::Stage;
use serde_json::json;

async fn refused(stage: &Stage) -> Error {
    stage.application.renew_token(stage.grant.id, 1).await.err().unwrap()
}

async fn throttle(stage: &Stage, times: u32) {
    let body = json!({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"});
    stage
        .fault(json!({"at": "token", "kind": "json", "status": 503, "body": body, "times": times}))
        .await;
}

#[tokio::test]
async fn a_server_that_goes_on_throttling_is_asked_more_and_more_rarely() {
    let stage = Stage::new().await;
    throttle(&stage, 6).await;
    for times in 0..6 {
        assert_eq!(refused(&stage).await.kind(), Kind::RateLimited, "{times}");
        let held = refused(&stage).await;
        assert_eq!(held.kind(), Kind::Network, "{times}");
        let longest = Duration::from_secs(2 << times);
        let pause = held.retry_after().unwrap();
        assert!(pause <= longest && pause > longest / 2 - Duration::from_secs(1), "{pause:?}");
        stage.clock.turn(2 << times);
    }
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}
