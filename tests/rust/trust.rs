//! Stores that were restored, rolled back or copied.

use std::{fs, path::Path};

use evergrant::{Application, Kind};
use evergrant_tests::stage::{Stage, builder};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The store's files as they are now.
fn backup(stage: &Stage) -> [(&'static str, Vec<u8>); 2] {
    ["grants.db", "grants.db-wal"]
        .map(|name| (name, fs::read(stage.folder.path().join(name)).unwrap()))
}

fn restore(folder: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    // What the shared memory says is about the other files.
    let _ = fs::remove_file(folder.join("grants.db-shm"));
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// The store in `folder`, as a program opens it there.
async fn open(stage: &Stage, folder: &Path) -> Application {
    let store = format!("sqlite:{}", folder.join("grants.db").display());
    builder(&stage.emulator, &store, folder, &stage.clock).open().await.unwrap()
}

/// As if the file had been opened on another machine before.
fn move_here(folder: &Path) {
    let db = Connection::open(folder.join("grants.db")).unwrap();
    let changed = db.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('installation', CAST('elsewhere' AS BLOB))",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
}

/// Time that the server sees pass, too.
async fn turn(stage: &Stage, seconds: i64) {
    stage.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
    stage.clock.turn(seconds);
}

#[tokio::test]
async fn a_store_that_was_rolled_back_is_brought_forward() {
    let stage = Stage::on_sqlite().await;
    let before = backup(&stage);
    for generation in 1..4 {
        stage.application.renew_token(stage.grant.id, generation).await.unwrap();
    }
    let rotations = stage.refreshes().await;
    // Somebody restores yesterday's backup; the spool beside it knows better.
    let restored = tempfile::tempdir().unwrap();
    restore(restored.path(), &before);
    let spool = "grants.db.spool";
    copy_folder(&stage.folder.path().join(spool), &restored.path().join(spool));
    let application = open(&stage, restored.path()).await;
    let token = application.renew_token(stage.grant.id, 1).await.unwrap();
    assert_eq!(token.generation, 4);
    assert_eq!(stage.refreshes().await, rotations, "nothing was spent");
    application.client(stage.grant.id).call("profile", Value::Null).await.unwrap();
    assert_eq!(application.renew_token(stage.grant.id, 4).await.unwrap().generation, 5);
    assert_eq!(application.statistics().salvaged, 3);
}

#[tokio::test]
async fn a_consent_that_the_store_forgot_comes_back_with_what_followed() {
    let stage = Stage::on_sqlite().await;
    let before = backup(&stage);
    let again = stage.consent().await;
    assert_eq!(again.generation, 2);
    stage.application.renew_token(again.id, 2).await.unwrap();
    let restored = tempfile::tempdir().unwrap();
    restore(restored.path(), &before);
    let spool = "grants.db.spool";
    copy_folder(&stage.folder.path().join(spool), &restored.path().join(spool));
    let application = open(&stage, restored.path()).await;
    let rotations = stage.refreshes().await;
    let token = application.renew_token(again.id, 1).await.unwrap();
    assert!(token.generation >= 2);
    let current = application.renew_token(again.id, 2).await.unwrap();
    assert_eq!(current.generation, 3);
    assert_eq!(stage.refreshes().await, rotations, "nothing was spent");
    application.client(again.id).call("profile", Value::Null).await.unwrap();
}

#[tokio::test]
async fn a_store_that_moved_is_released_where_its_own_machine_agrees() {
    let stage = Stage::on_sqlite().await;
    stage.application.renew_token(stage.grant.id, 1).await.unwrap();
    move_here(stage.folder.path());
    let application = stage.reopen().await;
    application.token(stage.grant.id, 60).await.expect("readers are served");
    let error = application.renew_token(stage.grant.id, 2).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Store, "an attempt that it forgot may be under way");
    assert!(error.retry_after().unwrap().as_secs() > 100);
    turn(&stage, 191).await;
    assert_eq!(application.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
}

#[tokio::test]
async fn a_copy_without_its_spool_asks_the_server_and_else_a_person() {
    let stage = Stage::on_sqlite().await;
    let copy = tempfile::tempdir().unwrap();
    restore(copy.path(), &backup(&stage));
    move_here(copy.path());
    let application = open(&stage, copy.path()).await;
    application.renew_token(stage.grant.id, 1).await.err().unwrap();
    turn(&stage, 4000).await;
    // The access token is dead: nobody can tell whether production has rotated since.
    let error = application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Store);
    assert_eq!(stage.refreshes().await, 0);
    assert!(format!("{error}").contains("quarantine"), "{error}");
    application.release(stage.grant.id).await.unwrap();
    assert_eq!(application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

/// The server's word is as good for the copy as for the original, which would lose its grant.
#[tokio::test]
async fn a_copy_whose_access_token_the_server_still_takes_waits_all_the_same() {
    let stage = Stage::on_sqlite().await;
    let copy = tempfile::tempdir().unwrap();
    restore(copy.path(), &backup(&stage));
    move_here(copy.path());
    let application = open(&stage, copy.path()).await;
    for seconds in [0, 191, 700] {
        turn(&stage, seconds).await;
        let error = application.renew_token(stage.grant.id, 1).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Store);
    }
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_copy_beside_its_original_is_told_from_it() {
    let stage = Stage::on_sqlite().await;
    let copy = tempfile::tempdir().unwrap();
    restore(copy.path(), &backup(&stage));
    let application = open(&stage, copy.path()).await;
    application.token(stage.grant.id, 60).await.expect("readers are served");
    turn(&stage, 191).await;
    let error = application.renew_token(stage.grant.id, 1).await.err().unwrap();
    assert!(error.to_string().contains("quarantine"), "{error}");
    assert_eq!(stage.application.renew_token(stage.grant.id, 1).await.unwrap().generation, 2);
    // What is opened where it was is what it was.
    assert_eq!(stage.reopen().await.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
}

#[tokio::test]
async fn a_store_that_moves_with_its_spool_goes_on() {
    let stage = Stage::on_sqlite().await;
    stage.application.renew_token(stage.grant.id, 1).await.unwrap();
    let moved = tempfile::tempdir().unwrap();
    restore(moved.path(), &backup(&stage));
    let spool = "grants.db.spool";
    copy_folder(&stage.folder.path().join(spool), &moved.path().join(spool));
    let application = open(&stage, moved.path()).await;
    turn(&stage, 191).await;
    assert_eq!(application.renew_token(stage.grant.id, 2).await.unwrap().generation, 3);
}

/// That the store does not take an answer now is no word about whether there is one.
#[tokio::test]
async fn a_store_that_fails_is_not_taken_for_the_lack_of_an_answer() {
    let stage = Stage::on_sqlite().await;
    let grant = stage.grant.id;
    let db = Connection::open(stage.folder.path().join("grants.db")).unwrap();
    db.execute_batch("CREATE TABLE before AS SELECT * FROM chains").unwrap();
    stage.application.renew_token(grant, 1).await.unwrap();
    // The store forgets the rotation, the old token was refused, and for a while nothing can be written.
    db.execute_batch(
        "DELETE FROM chains; INSERT INTO chains SELECT * FROM before; DROP TABLE before;
         UPDATE chains SET state = 'doubted'; UPDATE grants SET generation = 1;
         CREATE TRIGGER full BEFORE UPDATE OF lineage ON chains
         BEGIN SELECT raise(abort, 'database or disk is full'); END;",
    )
    .unwrap();
    let status = async || stage.application.grant(grant).await.unwrap().status;
    for _ in 0..2 {
        let _ = stage.application.maintain().await;
        assert_eq!(status().await.as_str(), "active", "the answer is in the spool");
    }
    db.execute_batch("DROP TRIGGER full").unwrap();
    stage.application.maintain().await.unwrap();
    assert_eq!(stage.application.renew_token(grant, 2).await.unwrap().generation, 3);
}
