//! A database server dies and its replica takes its place, with or without the last changes.

use std::process::Command;

use evergrant::{Application, Clock, Grant, Kind};
use evergrant_tests::{
    Emulator,
    stage::{builder, until},
    store,
};
use serde_json::{Value, json};

/// A private server with a replica.
struct Cluster {
    place: tempfile::TempDir,
    /// Both, as an address that finds the one that can be written to.
    url: String,
    replica: String,
}

impl Cluster {
    fn start() -> Option<Self> {
        if !store::is_here("postgres") {
            return None;
        }
        let mut cluster = Self {
            place: tempfile::tempdir().unwrap(),
            url: String::new(),
            replica: String::new(),
        };
        let primary = cluster.tell("start", "EVERGRANT_TEST_POSTGRES");
        cluster.replica = cluster.tell("standby", "EVERGRANT_TEST_STANDBY");
        let host = |url: &str| url.split(['@', '/']).nth(3).unwrap().to_owned();
        let hosts = [host(&primary), host(&cluster.replica)].join(",");
        cluster.url = format!("postgres://evergrant@{hosts}/postgres");
        Some(cluster)
    }

    fn tell(&self, action: &str, name: &str) -> String {
        let script = store::root().join("tools/servers");
        let done = Command::new(script)
            .args(["postgres", action])
            .env("EVERGRANT_SERVERS", self.place.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{action}: {}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8(done.stdout).unwrap();
        let found = said.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        found.unwrap_or_default().to_owned()
    }

    /// Waits until the replica has the grant's generation.
    async fn follows(&self, generation: i64) {
        until("the replica follows", || async {
            let (client, connection) =
                tokio_postgres::connect(&self.replica, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let rows = client.query("SELECT max(generation) FROM evergrant.grants", &[]).await;
            rows.is_ok_and(|rows| rows[0].get::<_, Option<i64>>(0) == Some(generation))
        })
        .await;
    }

    fn fail_over(&self) {
        self.tell("crash", "");
        self.tell("promote", "");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.tell("stop", "");
    }
}

/// Two machines that use the cluster, and a grant.
struct Stage {
    cluster: Cluster,
    emulator: Emulator,
    folder: tempfile::TempDir,
    clock: Clock,
    grant: Grant,
    application: Application,
}

impl Stage {
    async fn new() -> Option<Self> {
        let cluster = Cluster::start()?;
        let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let open = builder(&emulator, &cluster.url, &folder.path().join("one"), &clock);
        let application = open.background(false).open().await.unwrap();
        let consent = emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
        let code = consent["code"].as_str().unwrap();
        let grant = application.exchange_code(&emulator.ready("portal"), code).await.unwrap();
        Some(Self { cluster, emulator, folder, clock, grant, application })
    }

    /// An application on another machine.
    async fn elsewhere(&self) -> Application {
        let folder = self.folder.path().join("two");
        let open = builder(&self.emulator, &self.cluster.url, &folder, &self.clock);
        open.background(false).open().await.unwrap()
    }

    async fn turn(&self, seconds: i64) {
        self.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
        self.clock.turn(seconds);
    }

    async fn refreshes(&self) -> u64 {
        self.emulator.count("/authorization/refreshes").await
    }
}

/// What the store's server said last was that it is gone; the pool finds the other one.
async fn found_again(application: &Application) {
    until("the new primary is found", || async { application.maintain().await.is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failover_forgets_is_brought_in_again() {
    let Some(stage) = Stage::new().await else { return };
    let (application, grant) = (&stage.application, stage.grant.id);
    application.renew_token(grant, 1).await.unwrap();
    stage.cluster.follows(2).await;
    stage.cluster.tell("detach", "");
    application.renew_token(grant, 2).await.unwrap();
    stage.cluster.fail_over();
    found_again(application).await;
    let now = application.grant(grant).await.unwrap().generation;
    assert_eq!(now, 3, "an older image, brought forward by the first who saw it");
    assert_eq!(application.token(grant, 0).await.unwrap().generation, 3, "readers lose nothing");
    stage.turn(3700).await;
    assert_eq!(application.token(grant, 60).await.unwrap().generation, 4);
    assert_eq!(stage.refreshes().await, 3, "the spent one was not sent again");
    application.client(grant).call("profile", Value::Null).await.unwrap();
    assert_eq!(application.statistics().salvaged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_the_store_forgot_is_known_to_its_process() {
    let Some(stage) = Stage::new().await else { return };
    let (application, grant) = (&stage.application, stage.grant.id);
    stage.cluster.follows(1).await;
    stage.cluster.tell("detach", "");
    application.renew_token(grant, 1).await.unwrap();
    stage.cluster.fail_over();
    found_again(application).await;
    stage.turn(200).await;
    // The portal calls the newest token expired: the store has to be brought there before.
    assert_eq!(application.renew_token(grant, 2).await.unwrap().generation, 3);
    assert_eq!(stage.refreshes().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_knows_nothing_asks_the_server() {
    let Some(stage) = Stage::new().await else { return };
    let grant = stage.grant.id;
    let other = stage.elsewhere().await;
    stage.cluster.follows(1).await;
    stage.cluster.fail_over();
    found_again(&other).await;
    other.token(grant, 60).await.expect("readers are served");
    let early = other.renew_token(grant, 1).await.err().unwrap();
    assert_eq!(early.kind(), Kind::Store, "{early}");
    stage.turn(191).await;
    assert_eq!(other.renew_token(grant, 1).await.unwrap().generation, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_cannot_be_asked_those_who_know_have_the_hold_back_to_speak_up() {
    let Some(stage) = Stage::new().await else { return };
    let grant = stage.grant.id;
    let other = stage.elsewhere().await;
    stage.cluster.follows(1).await;
    stage.turn(3700).await;
    stage.cluster.fail_over();
    found_again(&other).await;
    for seconds in [191, 300] {
        stage.turn(seconds).await;
        let error = other.token(grant, 60).await.err().unwrap();
        assert!(error.to_string().contains("quarantine"), "{error}");
    }
    stage.turn(200).await;
    assert_eq!(other.token(grant, 60).await.unwrap().generation, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_noticed_before_anything_is_sent() {
    let Some(stage) = Stage::new().await else { return };
    let (other, grant) = (stage.elsewhere().await, stage.grant.id);
    stage.cluster.follows(1).await;
    stage.cluster.tell("detach", "");
    stage.application.renew_token(grant, 1).await.unwrap();
    stage.cluster.fail_over();
    // Nobody does any maintenance: the store itself refuses.
    until("the new primary is found", || async {
        let error = other.renew_token(grant, 1).await.err().unwrap();
        error.to_string().contains("restored or copied a moment ago")
    })
    .await;
    assert_eq!(stage.refreshes().await, 1, "the spent one was not sent again");
}
