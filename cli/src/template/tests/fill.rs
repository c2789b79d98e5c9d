use super::*;

fn settings() -> Settings {
    Settings {
        portal: Some("https://example.bitrix24.de".into()),
        client_id: Some("local.5c8bb1b0891cf2.87252039".into()),
        scope: Some("crm,tasks".into()),
        authorization_server: Some("https://oauth.bitrix24.tech".into()),
        alert_url: Some("https://chat.example/hook".into()),
        interval: Some(30),
    }
}

fn filled(tool: Tool, mut settings: Settings) -> Vec<(&'static str, Value)> {
    let files = fill(tool, &mut settings).unwrap();
    files.into_iter().map(|(name, content)| (name, read(&content).unwrap())).collect()
}

#[test]
fn settings_arrive() {
    for tool in Tool::ALL {
        let mut file = filled(tool, settings()).remove(0).1;
        let interval =
            if tool == Tool::Corezoid { "renew_every_minutes" } else { "fixed_renewal_minutes" };
        for (name, value) in [
            ("portal", "example.bitrix24.de"),
            ("client_id", "local.5c8bb1b0891cf2.87252039"),
            ("scope", "crm,tasks"),
            ("authorization_server", "https://oauth.bitrix24.tech"),
            (interval, "30"),
        ] {
            let written = setting(tool, &mut file, name);
            let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
            assert_eq!(text, value, "{tool:?} {name}");
        }
        let said = said(&file);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(has(&said, &["Warning", "every 30 minutes"]), "{said:?}");
        let still = Settings { interval: Some(0), ..settings() };
        let still = filled(tool, still).remove(0).1;
        assert!(super::said(&still).is_empty(), "no timer, no warning");
    }
}

#[test]
fn every_interval_that_is_taken_is_kept() {
    for tool in Tool::ALL {
        for minutes in [20, 50] {
            let file = filled(tool, Settings { interval: Some(minutes), ..settings() }).remove(0).1;
            assert!(errors(&file).is_empty(), "{tool:?} {minutes}: {:?}", errors(&file));
        }
    }
}

#[test]
fn a_bare_portal_name_is_passed_on() {
    for tool in Tool::ALL {
        let portal = Some("example".to_owned());
        let mut file = filled(tool, Settings { portal, ..settings() }).remove(0).1;
        assert_eq!(setting(tool, &mut file, "portal"), "example", "{tool:?}");
        assert!(errors(&file).is_empty(), "{tool:?}");
    }
}

#[test]
fn the_address_for_messages_is_filled_in_wherever_it_is_read() {
    for tool in Tool::ALL {
        let files = filled(tool, settings());
        let with = |words: &str| {
            let names = files.iter().filter(|(_, file)| file.to_string().contains(words));
            names.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let places = with("alert_url\"");
        assert_eq!(with("https://chat.example/hook"), places, "{tool:?}");
        assert_eq!(places.len(), if tool == Tool::NodeRed { 1 } else { 2 }, "{tool:?}");
        assert!(files.iter().all(|(_, file)| !has(&said(file), &["nobody is told"])), "{tool:?}");
    }
    let errors = built_in(Tool::N8n.files()[1].1).unwrap();
    assert!(has(&said(&errors), &["Warning", "alert_url is empty", "nobody is told"]));
}

#[test]
fn bad_settings_are_named() {
    let within = |tool, change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        fill(tool, &mut settings).unwrap_err()
    };
    let with = |change: &dyn Fn(&mut Settings)| within(Tool::NodeRed, change);
    let portal = |text: &str| with(&|settings| settings.portal = Some(text.to_owned()));
    let scope = |text: &str| with(&|settings| settings.scope = Some(text.to_owned()));
    let alert = |text: &str| with(&|settings| settings.alert_url = Some(text.to_owned()));
    let interval = |minutes| with(&|settings| settings.interval = Some(minutes));
    for (field, error) in [
        ("portal", portal("example.bitrix24.de/path")),
        ("portal", portal("me@example.bitrix24.de")),
        ("portal", portal("-example")),
        ("portal", portal("exam ple")),
        ("client_id", with(&|settings| settings.client_id = Some("a b".into()))),
        ("scope", scope("crm\u{7}")),
        ("scope", scope(",,,")),
        (
            "authorization_server",
            with(&|s| s.authorization_server = Some("https://evil.example".into())),
        ),
        ("alert_url", alert("chat.example/hook")),
        ("alert_url", alert("ftp://chat.example/hook")),
        ("alert_url", alert("https://chat.example/a b")),
        ("alert_url", alert("https://me:pw@chat.example/")),
        ("alert_url", within(Tool::Corezoid, &|s| s.alert_url = Some("http://10.0.0.5/".into()))),
        ("alert_url", within(Tool::Corezoid, &|s| s.alert_url = Some("HTTPS://a.example/".into()))),
        ("interval", interval(5)),
        ("interval", interval(51)),
    ] {
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.context().contains(&("field", field.into())), "{field}: {error}");
    }
    assert!(!alert("https://me:pw@chat.example/").to_string().contains("pw"), "it may hold a key");
}

#[test]
fn the_zip_is_the_one_that_ships() {
    let files = fill(Tool::Corezoid, &mut Settings::default()).unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["bitrix24-oauth.json", "bitrix24-oauth.zip"]);
    let shipped: &[u8] =
        include_bytes!("../../../../process-templates/corezoid/standalone/bitrix24-oauth.zip");
    assert!(files[1].1 == shipped, "another zip than process-templates/corezoid/build.mjs makes");
}
