//! What the machine does to a process: a full disk, a read-only one, a signal, a clock that jumps.

use std::path::{Path, PathBuf};

use evergrant_tests::{
    processes::{Mount, Scene, Worker},
    stage::until,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::{Value, json};
use tokio::{process::Command, sync::Mutex};

/// A scene whose store lies on a small file system of its own; `None` where the system allows no mounts.
async fn on_a_small_disk() -> Option<(Scene, Mount)> {
    let mut scene = Scene::on_sqlite().await;
    let disk = scene.folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = Mount::small(&disk, 2 << 20).await;
    if mount.is_none() {
        eprintln!("skipped: this system allows no mounts");
    }
    scene.store = format!("sqlite:{}", disk.join("grants.db").display());
    Some((scene, mount?))
}

async fn worker_on(scene: &Scene, mount: &Mount) -> Worker {
    let mut worker = scene.start(mount.command(Scene::worker_path()), &[]);
    let opened = worker.open(scene).await;
    assert!(opened.get("ok").is_some(), "{opened}");
    worker
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_sent_and_the_old_token_is_served() {
    let Some((scene, mount)) = on_a_small_disk().await else { return };
    let mut first = worker_on(&scene, &mount).await;
    let grant = scene.consent(&mut first, 1).await;
    // A process that has no room in the spool yet, and one that has.
    let mut second = worker_on(&scene, &mount).await;
    mount.fill();
    for _ in 0..3 {
        let answer = second.renew(&grant, 1).await;
        assert_eq!(answer["error"]["kind"], "store", "{answer}");
        assert_eq!(second.token(&grant).await["generation"], 1);
    }
    assert_eq!(scene.refreshes().await, 0, "nothing was spent");
    mount.free();
    assert_eq!(second.renew(&grant, 1).await["generation"], 2);
    assert_eq!(first.renew(&grant, 2).await["generation"], 3);
    assert_eq!(scene.lost(&mut first).await, 0);
}

#[tokio::test]
async fn a_disk_that_fills_while_the_server_works_loses_nothing() {
    let Some((scene, mount)) = on_a_small_disk().await else { return };
    let mut worker = worker_on(&scene, &mount).await;
    let grant = scene.consent(&mut worker, 1).await;
    scene.fault(json!({"at": "token", "kind": "delay", "delay_ms": 1500, "times": 1})).await;
    let question =
        worker.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    sent(&mut worker, &grant).await;
    mount.fill();
    // Either the store had room left, or the pair is in the spool and served from memory.
    let answer = worker.answer(question).await["ok"][0].take();
    assert_eq!(answer["generation"], 2, "{answer}");
    worker.signal(Signal::KILL);
    worker.killed().await;
    mount.free();
    let mut next = worker_on(&scene, &mount).await;
    assert_eq!(next.renew(&grant, 1).await["generation"], 2);
    assert_eq!((scene.refreshes().await, scene.reuses().await), (1, 0));
    assert_eq!(scene.lost(&mut next).await, 0);
}

#[tokio::test]
async fn where_nothing_runs_behind_its_caller_the_caller_stays_until_the_store_has_the_pair() {
    let scene = Scene::on_sqlite().await;
    let mut worker = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut worker, 1).await;
    scene.fault(json!({"at": "token", "kind": "delay", "delay_ms": 700, "times": 1})).await;
    let question =
        worker.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    sent(&mut worker, &grant).await;
    // The store takes reads only, until somebody mends it.
    let store = scene.store.trim_start_matches("sqlite:");
    let other = rusqlite::Connection::open(store).unwrap();
    other.execute_batch(
        "CREATE TRIGGER broken BEFORE UPDATE ON chains BEGIN SELECT raise(ABORT, 'broken'); END",
    )
    .unwrap();
    until("the answer is in the spool", || async { scene.spooled() == 1 }).await;
    other.execute_batch("DROP TRIGGER broken").unwrap();
    let answer = worker.answer(question).await["ok"][0].take();
    assert_eq!(answer["generation"], 2, "{answer}");
    // Frozen for ever, spool and all.
    worker.signal(Signal::KILL);
    worker.killed().await;
    let mut next = scene.worker_on("two", json!({}), &[]).await;
    assert_eq!(next.token(&grant).await["generation"], 2);
    assert_eq!(next.renew(&grant, 2).await["generation"], 3);
}

/// Waits until the refresh token is on its way.
async fn sent(worker: &mut Worker, grant: &Value) {
    let worker = Mutex::new(worker);
    until("the refresh token is sent", || async {
        worker.lock().await.events(grant).await.last().is_some_and(|event| event == "sent")
    })
    .await;
}

#[tokio::test]
async fn a_store_that_cannot_be_written_to_is_an_error_at_the_start() {
    let Some((scene, mount)) = on_a_small_disk().await else { return };
    let mut first = worker_on(&scene, &mount).await;
    let grant = scene.consent(&mut first, 1).await;
    drop(first);
    remount(&mount, "ro").await;
    let mut worker = scene.start(mount.command(Scene::worker_path()), &[]);
    let answer = worker.open(&scene).await;
    assert_eq!(answer["error"]["kind"], "store", "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("grants.db"), "{answer}");
    remount(&mount, "rw").await;
    let mut worker = worker_on(&scene, &mount).await;
    assert_eq!(worker.renew(&grant, 1).await["generation"], 2);
}

async fn remount(mount: &Mount, how: &str) {
    let script = format!("mount -o remount,{how} \"$0\"");
    until("nobody has the file open", || async {
        let mut command: Command = mount.command("bash");
        command.args(["-c", &script]).arg(Path::new(&mount.place));
        command.stderr(std::process::Stdio::null()).status().await.unwrap().success()
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_finishes_its_rotation() {
    let scene = Scene::on_sqlite().await;
    let mut worker = scene.worker().await;
    let grant = scene.consent(&mut worker, 1).await;
    scene.fault(json!({"at": "token", "kind": "delay", "delay_ms": 1500, "times": 1})).await;
    worker.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    sent(&mut worker, &grant).await;
    worker.signal(Signal::TERM);
    assert!(worker.ended().await.success());
    let mut next = scene.worker().await;
    assert_eq!(next.token(&grant).await["generation"], 2);
    assert_eq!(scene.lost(&mut next).await, 0);
}

#[tokio::test]
async fn wall_clocks_that_jump_in_the_middle_of_a_rotation_change_nothing() {
    let scene = Scene::on_sqlite().await;
    let (mut one, mut other) = (scene.worker().await, scene.worker().await);
    let grant = scene.consent(&mut one, 1).await;
    for (generation, jump) in [(1, 3600), (2, -7200), (3, 90_000)] {
        scene.fault(json!({"at": "token", "kind": "delay", "delay_ms": 700, "times": 1})).await;
        let command = json!({"do": "renew", "grant": grant["id"], "generation": generation});
        let question = one.begin(command).await;
        sent(&mut one, &grant).await;
        one.ok(json!({"do": "jump", "seconds": jump})).await;
        other.ok(json!({"do": "jump", "seconds": -jump})).await;
        let late = other.renew(&grant, generation).await;
        assert_eq!(late["generation"], generation + 1, "it waits: {late}");
        assert_eq!(one.answer(question).await["ok"][0]["generation"], generation + 1);
    }
    assert_eq!((scene.refreshes().await, scene.reuses().await), (3, 0));
    assert_eq!(scene.lost(&mut one).await, 0);
}

/// Files that nobody may write to, root and those who have them open included, until this is dropped.
struct Immutable(Vec<PathBuf>);

impl Immutable {
    /// `None` where the system does not allow it.
    fn make(files: Vec<PathBuf>) -> Option<Self> {
        let made = Self(files);
        if made.change("+i") {
            return Some(made);
        }
        eprintln!("skipped: this system makes no file immutable");
        None
    }

    fn change(&self, how: &str) -> bool {
        let mut command = std::process::Command::new("chattr");
        command.arg(how).args(&self.0).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        self.change("-i");
    }
}

/// The store's file and its journals.
fn store_files(scene: &Scene) -> Vec<PathBuf> {
    ["grants.db", "grants.db-wal", "grants.db-shm"]
        .map(|name| scene.folder.path().join(name))
        .into()
}

/// What must hold while `worker` may read its store and cannot write to it.
async fn serves_and_refuses(scene: &Scene, worker: &mut Worker, grant: &Value) {
    let before = worker.token(grant).await;
    for _ in 0..3 {
        let answer = worker.renew(grant, 1).await;
        assert_eq!(answer["error"]["kind"], "store", "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(scene.folder.path().to_str().unwrap()), "{message}");
        assert!(message.to_lowercase().contains("check"), "what to do: {message}");
        let served = worker.token(grant).await;
        assert_eq!((&served["token"], &served["generation"]), (&before["token"], &json!(1)));
    }
    assert_eq!(scene.refreshes().await, 0, "nothing was spent");
}

/// What must hold when it can write again: for `worker`, and for programs that are started then.
async fn goes_on(scene: &Scene, worker: &mut Worker, grant: &Value) {
    assert_eq!(worker.renew(grant, 1).await["generation"], 2);
    let mut next = scene.worker_on("next", json!({}), &[]).await;
    assert_eq!(next.token(grant).await["generation"], 2);
    assert_eq!(next.renew(grant, 2).await["generation"], 3);
    let holds = next.ok(json!({"do": "holds"})).await;
    let chains =
        holds.as_array().unwrap().iter().map(|grant| grant["chains"].as_array().unwrap().len());
    assert_eq!(chains.collect::<Vec<_>>(), [1], "one grant of one chain: {holds}");
    assert_eq!((scene.refreshes().await, scene.reuses().await), (2, 0));
    assert_eq!(scene.lost(&mut next).await, 0);
}

#[tokio::test]
async fn a_file_that_turns_read_only_under_a_running_program_costs_nothing() {
    let scene = Scene::on_sqlite().await;
    let mut worker = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut worker, 1).await;
    let Some(immutable) = Immutable::make(store_files(&scene)) else { return };
    serves_and_refuses(&scene, &mut worker, &grant).await;
    let mut late = scene.start(Scene::program(), &[]);
    let answer = late.open(&scene).await;
    assert_eq!(answer["error"]["kind"], "store", "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("grants.db") && message.contains("write to"), "{message}");
    drop(immutable);
    goes_on(&scene, &mut worker, &grant).await;
}

/// How large the worker's files may become from now on; how large they might be before.
fn limit(worker: &Worker, current: Option<u64>) -> Rlimit {
    let pid = Pid::from_raw(worker.pid().try_into().unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap()
}

#[tokio::test]
async fn a_process_that_may_write_no_file_any_more_spends_nothing() {
    let scene = Scene::on_sqlite().await;
    // The limit is an error then, not the end of the process.
    let mut program = Command::new("env");
    program.arg("--ignore-signal=XFSZ").arg(Scene::worker_path());
    let mut worker = scene.start(program, &[]);
    worker.ok(scene.settings()).await;
    let grant = scene.consent(&mut worker, 1).await;
    let before = limit(&worker, Some(0));
    serves_and_refuses(&scene, &mut worker, &grant).await;
    limit(&worker, before.current);
    goes_on(&scene, &mut worker, &grant).await;
}

#[tokio::test]
async fn a_file_that_turns_read_only_while_the_server_works_loses_nothing() {
    let scene = Scene::on_sqlite().await;
    let mut worker = scene.worker_on("one", json!({}), &[]).await;
    let grant = scene.consent(&mut worker, 1).await;
    scene.fault(json!({"at": "token", "kind": "delay", "delay_ms": 1500, "times": 1})).await;
    let question =
        worker.begin(json!({"do": "renew", "grant": grant["id"], "generation": 1})).await;
    sent(&mut worker, &grant).await;
    let Some(immutable) = Immutable::make(store_files(&scene)) else { return };
    until("the answer is in the spool", || async { scene.spooled() == 1 }).await;
    assert_eq!(worker.grant(&grant).await["generation"], 1, "the store has the old pair");
    drop(immutable);
    let answer = worker.answer(question).await["ok"][0].take();
    assert_eq!(answer["generation"], 2, "{answer}");
    goes_on(&scene, &mut worker, &grant).await;
}
