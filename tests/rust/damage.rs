//! A store that is damaged, locked with another key, or newer than the program.

use evergrant_tests::processes::{Scene, Worker};
use rusqlite::{Connection, params, types::Value as Cell};
use serde_json::{Value, json};

fn database(scene: &Scene) -> Connection {
    Connection::open(scene.folder.path().join("grants.db")).unwrap()
}

fn cell(scene: &Scene, column: &str, grant: &Value) -> Cell {
    let query = format!("SELECT {column} FROM chains WHERE grant_id = ?1");
    database(scene).query_row(&query, [grant["id"].as_i64()], |row| row.get(0)).unwrap()
}

fn put(scene: &Scene, column: &str, grant: &Value, garbage: &Cell) {
    let update = format!("UPDATE chains SET {column} = ?2 WHERE grant_id = ?1");
    database(scene).execute(&update, params![grant["id"].as_i64(), garbage]).unwrap();
}

async fn two_grants() -> (Scene, Worker, Value, Value) {
    let scene = Scene::on_sqlite().await;
    let mut worker = scene.worker().await;
    let sound = scene.consent(&mut worker, 1).await;
    let damaged = scene.consent(&mut worker, 2).await;
    (scene, worker, sound, damaged)
}

/// The store's file is as it was before it was opened: the same kind of error each time, and the right key or program
/// finds everything.
async fn refused(scene: &Scene, settings: Value, kind: &str) -> String {
    let mut worker = scene.start(Scene::program(), &[]);
    let answer = worker.ask(settings).await;
    assert_eq!(answer["error"]["kind"], kind, "{answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_damaged_row_is_named_and_left_as_it_is_and_the_others_work() {
    let garbage = [
        ("refresh", Cell::Blob(vec![7; 60])),
        ("refresh", Cell::Blob(Vec::new())),
        ("access", Cell::Blob(vec![7; 60])),
        ("state", Cell::Text("asleep".into())),
        ("lineage", Cell::Blob(vec![7; 5])),
        ("refresh_hash", Cell::Blob(vec![7; 3])),
    ];
    for (column, garbage) in garbage {
        let (scene, _, sound, damaged) = two_grants().await;
        put(&scene, column, &damaged, &garbage);
        let mut worker = scene.worker().await;
        let answer = worker.renew(&damaged, 1).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            ["store", "key"].contains(&answer["error"]["kind"].as_str().unwrap_or("")),
            "{column}: {answer}"
        );
        assert!(message.contains(&format!("grant {}", damaged["id"])), "{column}: {message}");
        assert_eq!(cell(&scene, column, &damaged), garbage, "{column}");
        assert_eq!(scene.refreshes().await, 0, "{column}");
        assert_eq!(worker.renew(&sound, 1).await["generation"], 2, "{column}");
        worker.ok(json!({"do": "maintain"})).await;
    }
}

#[tokio::test]
async fn a_damaged_refresh_token_does_not_take_the_old_access_token_away() {
    let (scene, _, _, damaged) = two_grants().await;
    let sound = cell(&scene, "refresh", &damaged);
    put(&scene, "refresh", &damaged, &Cell::Blob(vec![7; 60]));
    let mut worker = scene.worker().await;
    assert_eq!(worker.token(&damaged).await["generation"], 1);
    put(&scene, "refresh", &damaged, &sound);
    assert_eq!(worker.renew(&damaged, 1).await["generation"], 2, "repaired from a backup");
}

#[tokio::test]
async fn another_key_opens_nothing_and_changes_nothing() {
    let (scene, mut worker, sound, _) = two_grants().await;
    let mut settings = scene.settings();
    settings["key"] = "22".repeat(32).into();
    let message = refused(&scene, settings, "key").await;
    assert!(!message.contains("2222"), "{message}");
    assert_eq!(worker.renew(&sound, 1).await["generation"], 2);
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_left_alone() {
    let (scene, worker, sound, _) = two_grants().await;
    drop(worker);
    let version: i64 =
        database(&scene).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    database(&scene).pragma_update(None, "user_version", version + 1).unwrap();
    let message = refused(&scene, scene.settings(), "store").await;
    assert!(message.contains("newer"), "{message}");
    database(&scene).pragma_update(None, "user_version", version).unwrap();
    assert_eq!(scene.worker().await.renew(&sound, 1).await["generation"], 2);
}

#[tokio::test]
async fn a_damaged_row_keeps_no_other_grant_in_quarantine() {
    let (scene, mut worker, sound, damaged) = two_grants().await;
    for grant in [&sound, &damaged] {
        assert_eq!(worker.renew(grant, 1).await["generation"], 2);
    }
    drop(worker);
    put(&scene, "state", &damaged, &Cell::Text("asleep".into()));
    let moved = "UPDATE meta SET value = CAST('elsewhere' AS BLOB) WHERE name = 'installation'";
    assert_eq!(database(&scene).execute(moved, []).unwrap(), 1);
    let mut worker = scene.worker().await;
    scene.turn(191).await;
    worker.ok(json!({"do": "maintain"})).await;
    assert_eq!(worker.renew(&sound, 2).await["generation"], 3);
}
