//! What an outage writes to the log: one incident, however many grants wait for its end.

use std::time::Duration;

use evergrant::{Application, Clock, GrantId};
use evergrant_tests::{
    Emulator,
    proxy::Proxy,
    stage::builder,
    store,
    trace::{self, Lines},
};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

/// More than are looked after at a time.
const GRANTS: i64 = 20;
/// A chain that could not be kept alive is due again.
const AGAIN: i64 = 3601;
const DAY: i64 = 86_400;

/// Many grants, and an authorization server that can be taken away.
struct Stage {
    emulator: Emulator,
    host: Proxy,
    clock: Clock,
    application: Application,
    lines: Lines,
    /// What was said before this.
    read: usize,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new(lines: Lines) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::fresh(folder.path()).await;
        let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        let server = emulator.ready("authorization").replace("http://", "");
        let host = Proxy::before(server.trim_end_matches('/').to_owned()).await;
        let clock = Clock::system();
        let application = builder(&emulator, &store, folder.path(), &clock)
            .authorization_server(format!("http://{}", host.address))
            .background(false)
            .open()
            .await
            .unwrap();
        let mut stage =
            Self { emulator, host, clock, application, lines, read: 0, _folder: folder };
        for user_id in 1..=GRANTS {
            stage.consent(user_id).await;
        }
        stage.read = stage.lines.text().len();
        stage
    }

    async fn consent(&self, user_id: i64) -> GrantId {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": user_id})).await;
        let code = consent["code"].as_str().unwrap().to_owned();
        let portal = self.emulator.ready("portal");
        self.application.exchange_code(&portal, code).await.unwrap().id
    }

    async fn turn(&self, seconds: i64) {
        self.clock.turn(seconds);
        self.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
    }

    async fn fault(&self, fault: Value) {
        self.emulator.control("POST", "/faults", &fault).await;
    }

    /// Some rounds in which every grant is due.
    async fn rounds(&self, rounds: usize) {
        for _ in 0..rounds {
            self.application.maintain().await.unwrap();
            self.turn(AGAIN).await;
        }
    }

    async fn refreshes(&self) -> u64 {
        self.emulator.count("/authorization/refreshes").await
    }

    /// Lines of this level since the stage was set.
    fn said(&self, level: &str) -> Vec<String> {
        let text = self.lines.text();
        let is_of_level = |line: &&str| line.split_whitespace().nth(1) == Some(level);
        text[self.read..].lines().filter(is_of_level).map(str::to_owned).collect()
    }

    /// One error when it began, one line when it was over.
    fn one_incident(&self) {
        let host = format!("host=\"{}\"", self.host.address);
        let errors = self.said("ERROR");
        assert!(errors.len() == 1 && errors[0].contains("does not answer"), "{errors:#?}");
        assert!(errors[0].contains(&host), "{errors:#?}");
        let mut over = self.said("INFO");
        over.retain(|line| line.contains("answers again"));
        assert!(over.len() == 1 && over[0].contains(&host), "{over:#?}");
    }

    async fn no_secrets(&self) {
        let text = self.lines.text();
        let tokens = self.emulator.control("GET", "/tokens", &Value::Null).await;
        let tokens = tokens.as_array().unwrap();
        assert!(tokens.len() >= 4 * GRANTS as usize, "each was issued and renewed");
        let mut secrets: Vec<_> =
            tokens.iter().map(|token| token["token"].as_str().unwrap().to_owned()).collect();
        secrets.push(self.emulator.ready("client_secret"));
        assert!(secrets.iter().all(|secret| !secret.is_empty() && !text.contains(secret)));
    }
}

async fn nobody_listens(lines: Lines) {
    let mut stage = Stage::new(lines).await;
    stage.turn(22 * DAY).await;
    stage.host.leave().await;
    stage.rounds(5).await;
    assert_eq!(stage.said("ERROR").len(), 1, "{:#?}", stage.said("ERROR"));
    stage.host.come_back().await;
    stage.rounds(2).await;
    assert_eq!(stage.refreshes().await, GRANTS as u64, "all are made up for");
    stage.one_incident();
    assert_eq!(stage.said("WARN"), [""; 0], "nothing was sent: nothing is in doubt");
    stage.no_secrets().await;
}

async fn it_hangs_up(lines: Lines) {
    let stage = Stage::new(lines).await;
    stage.turn(22 * DAY).await;
    stage.fault(json!({"at": "token", "kind": "drop", "when": "before", "times": 1000})).await;
    stage.rounds(5).await;
    // A token whose answer was lost is said: those that were sent before anybody knew of the outage, and
    // one now and then that tries.
    let (lost, others): (Vec<_>, Vec<_>) =
        stage.said("WARN").into_iter().partition(|line| line.contains("is ambiguous"));
    assert!((1..GRANTS as usize).contains(&lost.len()), "{lost:#?}");
    assert!(others.len() <= lost.len(), "{others:#?}");
    stage.emulator.control("DELETE", "/faults", &Value::Null).await;
    stage.rounds(6).await;
    assert_eq!(stage.refreshes().await, GRANTS as u64, "all are made up for");
    stage.one_incident();
    stage.no_secrets().await;
}

/// It takes connections and says nothing: exchanges that began one after the other fail together.
async fn it_hangs(lines: Lines) {
    let mut stage = Stage::new(lines).await;
    stage.turn(22 * DAY).await;
    stage.host.leave().await;
    stage.rounds(2).await;
    assert_eq!(stage.said("ERROR"), [""; 0], "twice is no outage yet");
    let silent = TcpListener::bind(stage.host.address).await.unwrap();
    let (mut connections, mut callers) = (Vec::new(), Vec::new());
    for grant in stage.application.grants().await.unwrap().into_iter().take(3) {
        let application = stage.application.clone();
        let renew = async move { application.renew_token(grant.id, grant.generation).await };
        callers.push(tokio::spawn(renew));
        let request = async {
            let (mut connection, _) = silent.accept().await.unwrap();
            connection.read_u8().await.map(|_| connection)
        };
        let request = timeout(Duration::from_secs(30), request).await;
        connections.push(request.expect("it asks").expect("the request"));
        // Longer than the others wait for what becomes of one try.
        stage.turn(161).await;
    }
    drop((connections, silent));
    for caller in callers {
        assert!(caller.await.unwrap().is_err());
    }
    stage.host.come_back().await;
    stage.turn(AGAIN).await;
    stage.rounds(6).await;
    assert_eq!(stage.refreshes().await, GRANTS as u64, "all are made up for");
    stage.one_incident();
}

/// One test: a process has one log.
#[tokio::test]
async fn an_outage_is_one_error_in_the_log_and_one_line_when_it_is_over() {
    let lines = trace::record();
    nobody_listens(lines.clone()).await;
    it_hangs_up(lines.clone()).await;
    it_hangs(lines).await;
}
