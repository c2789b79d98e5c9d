//! A stage for tests of the keeper: one emulator, one application, one grant.

use std::{path::Path, time::Duration};

use evergrant::{Application, ApplicationBuilder, Clock, Grant, KeySource};
use serde_json::{Value, json};

use crate::{Emulator, store};

/// An emulator, an application over a store of its own, and one grant.
pub struct Stage {
    /// The server.
    pub emulator: Emulator,
    /// The store's address.
    pub store: String,
    /// Where it lies if it is a file, as `grants.db`; else where the spool lies.
    pub folder: tempfile::TempDir,
    /// The application's clock.
    pub clock: Clock,
    /// The application.
    pub application: Application,
    /// Its only grant, at first.
    pub grant: Grant,
}

impl Stage {
    /// Starts an emulator and makes a grant in a fresh store.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::fresh(folder.path()).await;
        Self::set(folder, store).await
    }

    /// The same on SQLite, for tests that touch its file.
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("grants.db").display());
        Self::set(folder, store).await
    }

    async fn set(folder: tempfile::TempDir, store: String) -> Self {
        let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        let clock = Clock::system();
        let application = builder(&emulator, &store, folder.path(), &clock).open().await.unwrap();
        let consent = emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
        let code = consent["code"].as_str().unwrap();
        let grant = application.exchange_code(&emulator.ready("portal"), code).await.unwrap();
        Self { emulator, store, folder, clock, application, grant }
    }

    /// Another application object over the same store, as another program would have it.
    pub async fn reopen(&self) -> Application {
        self.builder().open().await.unwrap()
    }

    /// Its settings, to be changed before it is opened.
    pub fn builder(&self) -> ApplicationBuilder {
        builder(&self.emulator, &self.store, self.folder.path(), &self.clock)
    }

    /// Plants a fault.
    pub async fn fault(&self, fault: Value) {
        self.emulator.control("POST", "/faults", &fault).await;
    }

    /// Refresh tokens that were spent.
    pub async fn refreshes(&self) -> u64 {
        self.emulator.count("/authorization/refreshes").await
    }

    /// Spent refresh tokens that came again.
    pub async fn reuses(&self) -> u64 {
        let chains = self.emulator.control("GET", "/chains", &Value::Null).await;
        chains.as_array().unwrap().iter().map(|chain| chain["reuses"].as_u64().unwrap()).sum()
    }

    /// How often the grant's audit has this word.
    pub async fn events(&self, word: &str) -> usize {
        let audit = self.application.audit(self.grant.id).await.unwrap();
        audit.iter().filter(|entry| entry.event == word).count()
    }

    /// Waits until a refresh token is on its way.
    pub async fn sent(&self) {
        until("an exchange is under way", || async {
            let audit = self.application.audit(self.grant.id).await.unwrap();
            audit.last().is_some_and(|entry| entry.event == "sent")
        })
        .await;
    }

    /// Refresh tokens that the authorization server would still take.
    pub async fn living(&self) -> Vec<String> {
        let tokens = self.emulator.control("GET", "/tokens", &Value::Null).await;
        let alive = |token: &&Value| {
            token["kind"] == "refresh" && token["alive"] == true && token["spent"] != true
        };
        tokens
            .as_array()
            .unwrap()
            .iter()
            .filter(alive)
            .map(|token| token["token"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A refresh token as a frame opening delivers it: issued by the server, unknown to us.
    pub async fn pair_of(&self, consent: &Value) -> String {
        let body = format!(
            "grant_type=authorization_code&client_id={}&client_secret={}&code={}",
            self.emulator.ready("client_id"),
            self.emulator.ready("client_secret"),
            consent["code"].as_str().unwrap()
        );
        let url = format!("{}/oauth/token/", self.emulator.ready("authorization"));
        let answer = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Another consent of the same person.
    pub async fn consent(&self) -> Grant {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
        let portal = self.emulator.ready("portal");
        let code = consent["code"].as_str().unwrap().to_owned();
        self.application.exchange_code(&portal, code).await.unwrap()
    }

    /// The grant's status.
    pub async fn status(&self) -> String {
        self.application.grant(self.grant.id).await.unwrap().status.as_str().to_owned()
    }
}

/// An application over `store`, without budgets; spool and key as every program of the stage has them.
pub fn builder(
    emulator: &Emulator,
    store: &str,
    folder: &Path,
    clock: &Clock,
) -> ApplicationBuilder {
    let builder =
        Application::builder(emulator.ready("client_id"), emulator.ready("client_secret"))
            .store(store)
            .key(KeySource::Key("11".repeat(32).into()))
            .authorization_server(emulator.ready("authorization"))
            .clock(clock.clone())
            .budget(0, 0);
    if store.starts_with("sqlite:") { builder } else { builder.spool(folder.join("spool")) }
}

/// Waits for something to become true; the test fails if it does not within ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}
