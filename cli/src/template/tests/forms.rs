//! The same template in the forms that tools give it.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};

use super::*;

/// Replaces every text that is one of those, as a server does that gives new ids.
fn renumber(value: &mut Value, is_id: &dyn Fn(&str) -> bool) {
    match value {
        Value::String(text) if is_id(text) => *text = text.chars().rev().collect(),
        Value::Array(items) => items.iter_mut().for_each(|item| renumber(item, is_id)),
        Value::Object(fields) => fields.values_mut().for_each(|field| renumber(field, is_id)),
        _ => {}
    }
}

#[test]
fn one_object_of_a_corezoid_zip() {
    let mut bare = shipped(Tool::Corezoid)[1].clone();
    assert!(errors(&bare).is_empty(), "what it calls may be there already: {:?}", errors(&bare));
    node(&mut bare, "Settings")["condition"]["logics"] = json!([]);
    assert!(has(&errors(&bare), &["Settings", "missing"]), "{:?}", errors(&bare));
}

#[test]
fn a_corezoid_folder_with_new_numbers() {
    let mut folder = shipped(Tool::Corezoid);
    renumber(&mut folder, &|text| text.len() == 24 && text.chars().all(|c| c.is_ascii_hexdigit()));
    let text = folder.to_string().replace("100000", "77770");
    let mut folder: Value = serde_json::from_str(&text).unwrap();
    let before = said(&folder);
    assert!(before.len() == 1 && has(&before, &["every 25 minutes"]), "{before:?}");
    *setting(Tool::Corezoid, &mut folder, "renew_every_minutes") = json!("5");
    node(&mut folder, "Save the pair in the Token storage")["condition"]["logics"][0]
        .as_object_mut()
        .unwrap()
        .remove("err_node_id");
    let errors = errors(&folder);
    assert!(has(&errors, &["Settings", "blocks"]), "{errors:?}");
    assert!(has(&errors, &["Save the pair", "missing", "the error branch"]), "{errors:?}");
}

#[test]
fn a_zip_stored_or_packed() {
    let shipped: &[u8] =
        include_bytes!("../../../../process-templates/corezoid/standalone/bitrix24-oauth.zip");
    assert!(check(shipped, &[]).unwrap().1.iter().all(|found| found.level == Level::Warning));
    let object = super::shipped(Tool::Corezoid)[1].to_string().replace("\"25\"", "\"5\"");
    let zip = packed("1_Bitrix_OAuth.conv.json", object.as_bytes());
    let (tool, findings) = check(&zip, &[]).unwrap();
    assert!(tool == Tool::Corezoid && findings.iter().any(|found| found.what.contains("blocks")));
    for end in [4, 100, zip.len() / 2, zip.len() - 22] {
        let error = check(&zip[..end], &[]).unwrap_err();
        assert!(error.message().contains("cut off"), "{error}");
    }
    let mut damaged = zip;
    damaged[200] ^= 1;
    assert_eq!(check(&damaged, &[]).unwrap_err().kind(), Kind::InvalidInput);
}

/// A zip as other programs write it: one file, deflated.
fn packed(name: &str, content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    let body = encoder.finish().unwrap();
    let mut stored = zip::write(&[(name.to_owned(), String::from_utf8(content.to_vec()).unwrap())]);
    let start = 30 + name.len();
    let size = (body.len() as u32).to_le_bytes();
    let directory = start + content.len();
    for at in [8, directory + 10] {
        stored[at] = 8;
    }
    for at in [18, directory + 20] {
        stored[at..at + 4].copy_from_slice(&size);
    }
    let end = stored.len() - 6;
    stored[end..end + 4].copy_from_slice(&((start + body.len()) as u32).to_le_bytes());
    stored.splice(start..directory, body);
    stored
}

#[test]
fn a_node_red_tab_that_was_imported_as_a_copy() {
    let mut flow = shipped(Tool::NodeRed);
    renumber(&mut flow, &|text| text.starts_with("b24oauth-"));
    let before = said(&flow);
    assert!(before.iter().all(|line| line.contains("is empty")), "{before:?}");
    node(&mut flow, "POST oauth/token")["wires"] = json!([[]]);
    assert!(has(&errors(&flow), &["POST oauth/token", "missing"]), "{:?}", errors(&flow));
}

#[test]
fn an_n8n_workflow_with_a_new_id_and_several_in_an_array() {
    let files: Vec<Value> =
        Tool::N8n.files().iter().map(|(_, text)| built_in(text).unwrap()).collect();
    for file in &files {
        let mut copy = file.clone();
        copy["id"] = json!("Xn2Jd81kfQz0Lw3e");
        assert_eq!(said(&copy), said(file), "the same file is chosen");
        copy["connections"].as_object_mut().unwrap().retain(|name, _| name.starts_with("A w"));
        assert!(has(&errors(&copy), &["missing"]), "{:?}", errors(&copy));
    }
    let mut all = json!(files);
    assert!(errors(&all).is_empty(), "{:?}", errors(&all));
    for workflow in ["Bitrix24 OAuth", "Bitrix24 OAuth: something broke"] {
        let line = format!("Warning: {workflow}: Settings: alert_url is empty: nobody is told");
        assert!(said(&all).contains(&line), "{:?}", said(&all));
    }
    node(&mut all[2], "A token?")["type"] = json!("n8n-nodes-base.telegraph");
    assert!(has(&errors(&all), &["A token?", "unknown node"]), "{:?}", errors(&all));
}

#[test]
fn what_is_of_no_template_is_never_ready() {
    for text in
        ["", "[]", "{}", "null", "[1, {\"a\": []}]", "{\"nodes\": 7}", "[[[]]]", "PK\u{3}\u{4}"]
    {
        assert_eq!(check(text.as_bytes(), &[]).unwrap_err().kind(), Kind::InvalidInput, "{text}");
    }
    for text in [
        r#"[{"obj_type": {}, "scheme": {"nodes": [1, {"condition": 7}]}}]"#,
        r#"{"nodes": [{}, 4], "connections": {"a": [[[{"node": 5}]]]}}"#,
        r#"[{"type": 5, "id": {}, "wires": {"a": 1}, "env": [[]]}]"#,
        r#"{"nodes": [{"name": "Settings", "type": "n8n-nodes-base.set"}], "connections": {}}"#,
        r#"[{"id": "1", "type": "tab", "label": "Flow 1"}, {"id": "2", "z": "1", "type": "inject", "wires": []}]"#,
        r#"{"obj_type": 1, "obj_id": 5, "title": "x", "scheme": {"nodes": [{"id": "a", "title": "Start"}]}}"#,
    ] {
        let error = check(text.as_bytes(), &[]).unwrap_err();
        assert!(error.message().contains("nothing in it is of a template"), "{error}");
    }
    assert!(check(b"\xff\xfe\x00", &[]).unwrap_err().message().contains("not text"));
}

#[test]
fn garbage_in_a_template_is_survived() {
    for tool in Tool::ALL {
        for garbage in [json!(7), json!([[{}]])] {
            for key in [
                "wires",
                "links",
                "parameters",
                "condition",
                "env",
                "type",
                "connections",
                "settings",
                "scheme",
                "obj_type",
            ] {
                let mut file = shipped(tool);
                spoil(&mut file, key, &garbage);
                let _ = check(file.to_string().as_bytes(), &[]);
            }
        }
    }
}

fn spoil(value: &mut Value, wanted: &str, garbage: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, wanted, garbage)),
        Value::Object(fields) => {
            for (key, field) in fields {
                if key == wanted { *field = garbage.clone() } else { spoil(field, wanted, garbage) }
            }
        }
        _ => {}
    }
}
