//! The wire to the store is cut at every packet of a rotation, in either direction.

use std::time::Duration;

use evergrant::{Clock, Kind};
use evergrant_tests::{Emulator, proxy::Proxy, stage::builder, store};
use serde_json::{Value, json};

/// More packets than a rotation has.
const PACKETS: u32 = 40;

async fn at_every_packet(kind: &str) {
    if !store::is_here(kind) {
        println!("skipped: no {kind} was started (tools/servers {kind} start)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (address, proxy) = through_proxy(&store::of_kind(kind, folder.path()).await).await;
    let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
    let emulator = Emulator::start(&flags.map(str::to_owned)).await;
    let clock = Clock::system();
    let application = builder(&emulator, &address, folder.path(), &clock).open().await.unwrap();
    let consent = emulator.control("POST", "/consent", &json!({"user_id": 1})).await;
    let code = consent["code"].as_str().unwrap();
    let grant = application.exchange_code(&emulator.ready("portal"), code).await.unwrap();

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
    let chains = emulator.control("GET", "/chains", &Value::Null).await;
    let reuses: u64 =
        chains.as_array().unwrap().iter().map(|chain| chain["reuses"].as_u64().unwrap()).sum();
    assert_eq!(reuses, 0, "no refresh token was sent twice");
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
    at_every_packet("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_redis() {
    at_every_packet("redis").await;
}
