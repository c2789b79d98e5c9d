//! The wire to the store is cut at every packet of a rotation or a consent, in either direction.

use std::time::Duration;

use evergrant::{Application, Clock, Grant, Kind};
use evergrant_tests::{Emulator, proxy::Proxy, stage::builder, store};
use serde_json::{Value, json};
use tempfile::TempDir;

/// More packets than a rotation has.
const PACKETS: u32 = 40;

/// An application whose store is behind a proxy.
struct Stage {
    emulator: Emulator,
    clock: Clock,
    proxy: Proxy,
    application: Application,
    _folder: TempDir,
}

impl Stage {
    async fn new(kind: &str) -> Option<Self> {
        if !store::is_here(kind) {
            println!("skipped: no {kind} was started (tools/servers {kind} start)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (address, proxy) = through_proxy(&store::of_kind(kind, folder.path()).await).await;
        let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        let clock = Clock::system();
        let application = builder(&emulator, &address, folder.path(), &clock).open().await.unwrap();
        Some(Self { emulator, clock, proxy, application, _folder: folder })
    }

    async fn code(&self) -> String {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
        consent["code"].as_str().unwrap().to_owned()
    }

    async fn exchange(&self, code: &str) -> evergrant::Result<Grant> {
        self.application.exchange_code(&self.emulator.ready("portal"), code).await
    }

    async fn reuses(&self) -> u64 {
        let chains = self.emulator.control("GET", "/chains", &Value::Null).await;
        chains.as_array().unwrap().iter().map(|chain| chain["reuses"].as_u64().unwrap()).sum()
    }
}

/// Code in, token kept: also where the store is gone in the middle of it.
async fn consents_at_every_packet(kind: &str) {
    let Some(stage) = Stage::new(kind).await else { return };
    let code = stage.code().await;
    let grant = stage.exchange(&code).await.unwrap();
    let (mut generation, mut cuts, mut kept) = (grant.generation, 0, 0);
    for packet in 0..PACKETS {
        let code = stage.code().await;
        stage.proxy.cut_after(packet);
        let severed = stage.exchange(&code).await;
        cuts += u32::from(stage.proxy.mend());
        if severed.is_err() {
            // A code is good once: if the server has taken it, its answer is in the spool.
            until_maintained(&stage.application).await;
            if stage.application.grant(grant.id).await.unwrap().generation == generation {
                stage.exchange(&code).await.unwrap_or_else(|error| panic!("{packet}: {error:?}"));
            } else {
                kept += 1;
            }
        }
        let now = stage.application.grant(grant.id).await.unwrap();
        assert_eq!(now.generation, generation + 1, "packet {packet}");
        generation = now.generation;
    }
    assert!(cuts > 5 && kept > 0, "{cuts} cuts and {kept} answers kept are no test");
    stage.application.renew_token(grant.id, generation).await.unwrap();
    assert_eq!(stage.reuses().await, 0, "no refresh token was sent twice");
    stage.application.audit(grant.id).await.unwrap();
}

async fn until_maintained(application: &Application) {
    for _ in 0..100 {
        match application.maintain().await {
            Ok(()) => return,
            Err(error) => assert_eq!(error.kind(), Kind::Store, "{error}"),
        }
    }
    panic!("the store does not come back");
}

async fn rotates_at_every_packet(kind: &str) {
    let Some(stage) = Stage::new(kind).await else { return };
    let code = stage.code().await;
    let grant = stage.exchange(&code).await.unwrap();
    let Stage { emulator, clock, proxy, application, .. } = &stage;

    let (mut generation, mut cuts) = (grant.generation, 0);
    for packet in 0..PACKETS {
        proxy.cut_after(packet);
        let severed = application.renew_token(grant.id, generation).await;
        if let Err(error) = &severed {
            assert_ne!(error.kind().as_str(), "needs_reauthorization", "packet {packet}: {error}");
        }
        cuts += u32::from(proxy.mend());
        let mut renewed = severed;
        for _ in 0..200 {
            match &renewed {
                Ok(_) => break,
                // A pair that was served from memory is being stored.
                Err(error) if error.kind() == Kind::Store => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                // Whatever is held or pausing now is free after this.
                Err(_) => clock.turn(200),
            }
            renewed = application.renew_token(grant.id, generation).await;
        }
        let renewed = renewed.unwrap_or_else(|error| panic!("packet {packet}: {error}"));
        assert_eq!(renewed.generation, generation + 1, "packet {packet}");
        generation = renewed.generation;
    }
    assert!(cuts > 5, "{cuts} cuts are no test");
    assert_eq!(stage.reuses().await, 0, "no refresh token was sent twice");
    assert_eq!(emulator.count("/authorization/refreshes").await, u64::from(PACKETS));
    application.audit(grant.id).await.unwrap();
}

/// The same store behind a proxy.
async fn through_proxy(address: &str) -> (String, Proxy) {
    let url = address.split('?').next().unwrap();
    let authority = url.split("//").nth(1).unwrap().split('/').next().unwrap();
    let server = authority.split('@').next_back().unwrap();
    let proxy = Proxy::before(server.to_owned()).await;
    (address.replacen(server, &format!("localhost:{}", proxy.address.port()), 1), proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn to_postgres() {
    rotates_at_every_packet("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_redis() {
    rotates_at_every_packet("redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_postgres_with_a_code_in_hand() {
    consents_at_every_packet("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_redis_with_a_code_in_hand() {
    consents_at_every_packet("redis").await;
}
