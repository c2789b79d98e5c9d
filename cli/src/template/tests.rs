use serde_json::json;

use super::*;

fn filled(tool: Tool, settings: Settings) -> String {
    let mut settings = settings;
    fill(tool, &mut settings).unwrap().remove(0).1
}

fn settings() -> Settings {
    Settings {
        portal: Some("https://example.bitrix24.de".into()),
        client_id: Some("local.5c8bb1b0891cf2.87252039".into()),
        scope: Some("crm,tasks".into()),
        authorization_server: Some("https://oauth.bitrix24.tech".into()),
        interval: Some(30),
    }
}

fn errors(text: &str) -> Vec<String> {
    let errors = check(text).unwrap().1.into_iter().filter(|found| found.level == Level::Error);
    errors.map(|found| format!("{}: {}", found.node, found.what)).collect()
}

#[test]
fn what_ships_is_sound() {
    for tool in Tool::ALL {
        for (name, text) in tool.files() {
            let (found_tool, findings) = check(text).unwrap();
            assert_eq!(found_tool, tool, "{name}");
            let errors: Vec<_> =
                findings.iter().filter(|found| found.level == Level::Error).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
            // Corezoid's readers cannot ask: its timer is on, and is warned of.
            let timers = usize::from(tool == Tool::Corezoid);
            assert_eq!(findings.len(), timers, "{name}: {findings:?}");
        }
    }
}

#[test]
fn settings_arrive() {
    for tool in Tool::ALL {
        let text = filled(tool, settings());
        for value in [
            "example.bitrix24.de",
            "local.5c8bb1b0891cf2.87252039",
            "crm,tasks",
            "https://oauth.bitrix24.tech",
        ] {
            assert!(text.contains(value), "{tool:?} {value}");
        }
        let (_, findings) = check(&text).unwrap();
        assert!(
            findings.iter().any(|found| found.what.contains("every 30 minutes")),
            "{findings:?}"
        );
        assert!(findings.iter().all(|found| found.level == Level::Warning), "{findings:?}");
        let still = filled(tool, Settings { interval: Some(0), ..Settings::default() });
        assert!(check(&still).unwrap().1.is_empty(), "no timer, no warning");
    }
}

#[test]
fn bad_settings_are_named() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        fill(Tool::NodeRed, &mut settings).unwrap_err()
    };
    for (field, error) in [
        ("portal", with(|s| s.portal = Some("example.bitrix24.de/path".into()))),
        ("client_id", with(|s| s.client_id = Some("a b".into()))),
        ("scope", with(|s| s.scope = Some("crm\u{7}".into()))),
        (
            "authorization_server",
            with(|s| s.authorization_server = Some("https://evil.example".into())),
        ),
        ("interval", with(|s| s.interval = Some(5))),
        ("interval", with(|s| s.interval = Some(60))),
    ] {
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.context().contains(&("field", field.into())), "{field}: {error}");
    }
}

#[test]
fn a_timer_that_the_vendor_blocks_is_an_error() {
    for (tool, from, to) in [
        (Tool::Corezoid, r#""renew_every_minutes": "25""#, r#""renew_every_minutes": "5""#),
        (Tool::NodeRed, r#""value": "30""#, r#""value": "5""#),
        (Tool::N8n, r#""value": 30"#, r#""value": 5"#),
    ] {
        let interval = if tool == Tool::Corezoid { 25 } else { 30 };
        let text = filled(tool, Settings { interval: Some(interval), ..Settings::default() });
        assert!(text.contains(from), "{tool:?}");
        let edited = text.replacen(from, to, 1);
        // The first such value of Node-RED and n8n is the interval or a pause; both files have one place each.
        let edited = edited.replace(from, to);
        assert!(errors(&edited).iter().any(|found| found.contains("blocks")), "{tool:?}");
    }
}

#[test]
fn secrets_in_plain_sight_are_errors() {
    let token = "5f".repeat(35);
    for tool in Tool::ALL {
        let text = filled(tool, Settings { client_id: Some(token.clone()), ..Settings::default() });
        assert!(errors(&text).iter().any(|found| found.contains("plain sight")), "{tool:?}");
    }
    let mut flow: Value = serde_json::from_str(node_red::FILES[0].1).unwrap();
    let variables = flow[0]["env"].as_array_mut().unwrap();
    let secret = variables.iter_mut().find(|v| v["name"] == "client_secret").unwrap();
    secret["value"] = json!("hunter2");
    let found = errors(&flow.to_string());
    assert!(found[0].contains("client_secret"), "{found:?}");
    assert!(!found.concat().contains("hunter2"), "it is not echoed");
    secret_typed_into(&mut flow);
    assert!(errors(&flow.to_string())[0].contains("no credential any more"));
}

fn secret_typed_into(flow: &mut Value) {
    let variables = flow[0]["env"].as_array_mut().unwrap();
    let secret = variables.iter_mut().find(|v| v["name"] == "client_secret").unwrap();
    *secret = json!({"name": "client_secret", "value": "", "type": "str"});
}

#[test]
fn broken_graphs_are_errors() {
    let break_it = |tool: Tool, change: fn(&mut Value)| {
        let mut file: Value = serde_json::from_str(tool.files()[0].1).unwrap();
        change(&mut file);
        errors(&file.to_string())
    };
    let unwired = break_it(Tool::NodeRed, |flow| {
        let wired = |node: &&mut Value| {
            node["wires"].as_array().is_some_and(|w| !w.is_empty() && w[0] != json!([]))
        };
        let node = flow.as_array_mut().unwrap().iter_mut().find(wired).unwrap();
        node["wires"] = json!([[]]);
    });
    assert!(unwired.iter().any(|found| found.contains("missing")), "{unwired:?}");
    let unknown = break_it(Tool::NodeRed, |flow| {
        flow.as_array_mut()
            .unwrap()
            .push(json!({"id": "x", "type": "telegram sender", "wires": [["gone"]]}));
    });
    assert!(unknown.iter().any(|found| found.contains("unknown node")), "{unknown:?}");
    assert!(unknown.iter().any(|found| found.contains("not there")), "{unknown:?}");
    let dangling = break_it(Tool::Corezoid, |folder| {
        let logics = &mut folder[1]["scheme"]["nodes"][0]["condition"]["logics"];
        logics[0]["to_node_id"] = json!("nowhere");
    });
    assert!(dangling.iter().any(|found| found.contains("not there")), "{dangling:?}");
    let stuck = break_it(Tool::Corezoid, |folder| {
        folder[1]["scheme"]["nodes"][0]["condition"]["logics"] = json!([]);
    });
    assert!(stuck.iter().any(|found| found.contains("missing")), "{stuck:?}");
    let cut = break_it(Tool::N8n, |workflow| {
        workflow["connections"].as_object_mut().unwrap().remove("Settings");
    });
    assert!(cut.iter().any(|found| found.contains("missing")), "{cut:?}");
}

#[test]
fn nonsense_is_no_template() {
    for text in ["", "[]", "{}", "null", "[1, {\"a\": []}]", "{\"nodes\": 7}", "[[[]]]"] {
        assert_eq!(check(text).unwrap_err().kind(), Kind::InvalidInput, "{text}");
    }
    // Of the right shape at the top, and nonsense below.
    for text in [
        r#"[{"obj_type": {}, "scheme": {"nodes": [1, {"condition": 7}]}}]"#,
        r#"{"nodes": [{}, 4], "connections": {"a": [[[{"node": 5}]]]}}"#,
        r#"[{"type": 5, "id": {}, "wires": {"a": 1}, "env": [[]]}]"#,
    ] {
        check(text).unwrap();
    }
}
