//! Configuration, ready line, ports.

use std::net::IpAddr;

use evergrant_emulator::{
    Application, Config, DataFile, Emulator, Entity, PortalConfig, UserConfig,
};

use crate::support::{small, start};

async fn refused(config: Config) -> String {
    match Emulator::start(config).await {
        Ok(_) => unreachable!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_ready_line_has_everything_a_launcher_needs() {
    let running = start(small()).await;
    let line = serde_json::to_value(running.ready()).unwrap();
    let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "authorization",
        "portal",
        "control",
        "client_id",
        "client_secret",
        "redirect_uri",
        "member_id",
        "webhook",
        "pid",
        "regional_authorization",
        "portals",
        "applications",
        "tls",
    ];
    assert_eq!(keys, expected);
    let ready = running.ready();
    assert_eq!(ready.member_id.len(), 32);
    assert!(ready.member_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(ready.client_secret.len(), 50);
    assert!(
        ready.webhook.starts_with(&format!("{}/rest/1/", ready.portal))
            && ready.webhook.ends_with('/')
    );
    assert_eq!(ready.pid, std::process::id());
    assert_eq!(running.truth("/").await, line);
}

#[tokio::test]
async fn two_emulators_run_side_by_side_and_the_same_seed_is_the_same_portal() {
    let (first, second) = (start(small()).await, start(small()).await);
    let third = start(Config { seed: 25, ..small() }).await;
    assert_ne!(first.ready().portal, second.ready().portal);
    assert_eq!(first.ready().member_id, second.ready().member_id);
    assert_ne!(first.ready().member_id, third.ready().member_id);
    let lead = async |running: &crate::support::Running| {
        running.get(&format!("{}crm.lead.get?id=7", running.ready().webhook)).await
    };
    let (a, b, c) =
        (lead(&first).await.json(), lead(&second).await.json(), lead(&third).await.json());
    assert_eq!(a["result"], b["result"]);
    assert_ne!(a["result"], c["result"]);
}

#[tokio::test]
async fn stopping_frees_the_ports_and_closes_connections() {
    let running = start(small()).await;
    let ready = running.ready().clone();
    assert_eq!(running.get(&ready.control).await.status, 200);
    let http = running.http.clone();
    running.emulator.stop().await;
    assert!(http.get(&ready.control).send().await.is_err());

    let port = ready.portal.rsplit(':').next().unwrap().parse().unwrap();
    let again = Emulator::start(Config { portal_port: port, ..small() }).await.unwrap();
    assert_eq!(again.ready().portal, ready.portal);
}

#[tokio::test]
async fn ipv6_loopback_works_where_the_system_has_it() {
    let address: IpAddr = "::1".parse().unwrap();
    if std::net::TcpListener::bind((address, 0)).is_err() {
        return; // This machine has no IPv6.
    }
    let running = start(Config { address, ..small() }).await;
    assert!(running.ready().portal.starts_with("http://[::1]:"), "{}", running.ready().portal);
    assert_eq!(running.get(&format!("{}profile", running.ready().webhook)).await.status, 200);
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    for address in ["0.0.0.0", "192.0.2.7", "::"] {
        let error = refused(Config { address: address.parse().unwrap(), ..small() }).await;
        assert!(
            error.starts_with("address:") && error.contains(address) && error.contains("loopback"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = refused(Config { control_port: port, ..small() }).await;
    assert!(error.starts_with("control_port:") && error.contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn impossible_settings_are_named_and_secrets_are_not_repeated() {
    let text = str::to_owned;
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| (text(name), serde_json::json!(value))).collect()
    };
    let seeded = |seed| PortalConfig { seed: Some(seed), ..PortalConfig::default() };
    for (field, config) in [
        ("client_id", Config { client_id: String::new(), ..small() }),
        ("client_id", Config { client_id: text("with space"), ..small() }),
        ("client_secret", Config { client_secret: text("line\nbreak"), ..small() }),
        ("webhook_secret", Config { webhook_secret: text("a/b"), ..small() }),
        ("webhook_secret", Config { webhook_secret: "a".repeat(201), ..small() }),
        ("redirect_uri", Config { redirect_uri: text("/callback"), ..small() }),
        ("redirect_uri", Config { redirect_uri: text("javascript://x/"), ..small() }),
        ("redirect_uri", Config { redirect_uri: text("http://x/\r\nset-cookie: a"), ..small() }),
        ("leads", Config { leads: usize::MAX, ..small() }),
        ("leak_per_second", Config { leak_per_second: f64::NAN, ..small() }),
        ("leak_per_second", Config { leak_per_second: -1.0, ..small() }),
        ("auto_consent", Config { auto_consent: Some(0), ..small() }),
        ("now", Config { now: Some(-1), ..small() }),
        ("now", Config { now: Some(i64::MAX), ..small() }),
        ("scope", Config { scope: vec![text("a b")], ..small() }),
        ("settings", Config { settings: map(&[("burst", "many")]), ..small() }),
        ("settings", Config { settings: map(&[("brust", "1")]), ..small() }),
        ("users", Config { users: vec![UserConfig::default()], ..small() }),
        ("applications", Config { applications: vec![Application::default()], ..small() }),
        ("portals", Config { portals: vec![seeded(24)], ..small() }),
    ] {
        let error = refused(config).await;
        assert!(error.starts_with(&format!("{field}:")), "{field}: {error}");
        assert!(!error.contains("line\nbreak") && !error.contains("a/b"), "{error}");
    }
    let file = |name: &str| DataFile { entity: Entity::Lead, path: name.into() };
    let error = refused(Config { data: vec![file("a.csv"), file("b.csv")], ..small() }).await;
    assert!(error.contains("more than one file for lead"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let config = Config::default();
    let shown = format!("{config:?}");
    assert!(
        !shown.contains(&config.client_secret) && !shown.contains(&config.webhook_secret),
        "{shown}"
    );
}

#[test]
fn entities_are_read_from_words() {
    assert_eq!("deal".parse(), Ok(Entity::Deal));
    assert!("invoice".parse::<Entity>().unwrap_err().contains("lead, deal, contact"));
}

#[tokio::test]
async fn a_million_rows_start_at_once() {
    let began = std::time::Instant::now();
    let running = start(Config { leads: 1_000_000, ..small() }).await;
    assert!(began.elapsed().as_millis() < 1_000, "{:?}", began.elapsed());
    let reply = running
        .call("crm.lead.list", serde_json::json!({"order": {"ID": "DESC"}, "select": ["ID"]}))
        .await;
    assert_eq!(reply.json()["total"], 1_000_000);
    assert_eq!(reply.json()["result"][0]["ID"], "1000000");
}
