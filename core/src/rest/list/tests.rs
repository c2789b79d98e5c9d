//! Lists of a portal that answers as a test wants.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};

use super::{ListOptions, Strategy};
use crate::{Error, Kind, Result, Retry, rest::testing::Portal};

fn rows(ids: std::ops::Range<u64>) -> Vec<Value> {
    ids.map(|id| json!({"ID": id.to_string()})).collect()
}

/// What a list came to, in one way of cutting it.
async fn listed(portal: &Portal, strategy: Strategy) -> Result<Vec<Value>> {
    let options = ListOptions::new().strategy(strategy);
    portal.client.list_with("x.y.list", json!({}), options)?.all().await
}

fn has(error: &Error, key: &str, text: &str) -> bool {
    error.context().iter().any(|(known, value)| *known == key && value == text)
}

#[tokio::test]
async fn more_rows_without_a_way_to_them_are_an_error() {
    for answer in [
        json!({"result": {"items": rows(1..51), "hasMore": true}, "total": -1}),
        json!({"result": {"items": rows(1..51), "hasMorePages": true}}),
        json!({"result": rows(1..51), "total": 120}),
        json!({"result": [], "total": "120"}),
    ] {
        let body = answer.clone();
        let portal = Portal::of(move |_, _| body.clone()).await;
        for strategy in [Strategy::Auto, Strategy::Pages] {
            let error = listed(&portal, strategy).await.unwrap_err();
            assert_eq!((error.kind(), error.retry()), (Kind::UnexpectedAnswer, Retry::Never));
            assert!(has(&error, "page", "start=0") && has(&error, "method", "x.y.list"));
            assert!(error.to_string().contains("in another way"), "{answer}: {error}");
            assert!(error.advice().unwrap().contains("call"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_later_page_without_a_way_on_is_an_error_too() {
    for last in [
        json!({"result": {"items": rows(11..21), "hasMore": true}}),
        json!({"result": {"items": rows(11..21)}, "total": 30}),
    ] {
        let portal = Portal::of(move |_, body| match body["start"].as_u64() {
            Some(0) => json!({"result": {"items": rows(1..11)}, "next": 10}),
            _ => last.clone(),
        })
        .await;
        let error = listed(&portal, Strategy::Auto).await.unwrap_err();
        assert!(has(&error, "page", "start=10"), "{error}");
    }
    // Counted, with the last pages in a batch.
    let portal = Portal::of(|path, _| match path {
        "batch" => {
            let last = json!({"items": rows(51..61), "hasMore": true});
            json!({"result": {"result": {"c0": last}, "result_error": [], "result_total": {"c0": 60}}})
        }
        _ => json!({"result": {"items": rows(1..51), "hasMore": true}, "next": 50, "total": 60}),
    })
    .await;
    let error = listed(&portal, Strategy::Auto).await.unwrap_err();
    assert!(has(&error, "page", "start=50"), "{error}");
}

#[tokio::test]
async fn by_id_too_more_behind_the_end_is_an_error() {
    // One row to a page, whatever it is asked for.
    let page = json!({"items": [{"ID": "7"}], "hasMore": true});
    let results = json!({"head": page, "tail": page, "second": page});
    let portal =
        Portal::of(move |_, _| json!({"result": {"result": results, "result_error": []}})).await;
    for strategy in [Strategy::AfterId, Strategy::Ranges] {
        let error = listed(&portal, strategy).await.unwrap_err();
        assert_eq!(error.kind(), Kind::UnexpectedAnswer, "{strategy:?}: {error}");
    }
}

#[tokio::test]
async fn a_list_that_is_whole_is_no_error() {
    for answer in [
        json!({"result": {"items": rows(1..51), "hasMore": false}, "total": -1}),
        json!({"result": rows(1..51), "total": 50}),
        json!({"result": rows(1..3)}),
        json!({"result": [], "total": 0}),
    ] {
        let portal = Portal::of(move |_, _| answer.clone()).await;
        listed(&portal, Strategy::Auto).await.unwrap();
    }
}

/// A portal whose first answers to single calls are pages of HTML.
async fn in_trouble(times: usize) -> Portal {
    let left = AtomicUsize::new(times);
    Portal::new(move |_, _| {
        let trouble = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        match trouble {
            true => (502, "<html>Bad gateway</html>".to_owned()),
            false => (200, json!({"result": rows(1..4), "total": 3}).to_string()),
        }
    })
    .await
}

#[tokio::test]
async fn the_first_page_and_a_count_are_asked_for_again() {
    let portal = in_trouble(1).await;
    assert_eq!(listed(&portal, Strategy::Auto).await.unwrap(), rows(1..4));
    assert_eq!(portal.asked().len(), 2);
    let portal = in_trouble(1).await;
    assert_eq!(portal.client.count("x.y.list", json!({})).await.unwrap(), 3);
    assert_eq!(portal.asked().len(), 2);
    let portal = in_trouble(100).await;
    let client = portal.client.clone();
    let counting = tokio::spawn(async move { client.count("x.y.list", json!({})).await });
    for error in
        [listed(&portal, Strategy::Auto).await.unwrap_err(), counting.await.unwrap().unwrap_err()]
    {
        assert_eq!((error.kind(), error.status()), (Kind::UnexpectedAnswer, Some(502)));
        assert!(has(&error, "page", "start=0") && has(&error, "method", "x.y.list"), "{error}");
    }
    assert_eq!(portal.asked().len(), 8, "four times each");
}
