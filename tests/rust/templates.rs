//! `evergrant template` as a person uses it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use evergrant_tests::program;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).arg("template").args(arguments).current_dir(folder).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_template_is_written_once_and_checked_before_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run(folder.path(), &["list"]);
    for tool in ["corezoid", "node-red", "n8n"] {
        assert!(String::from_utf8_lossy(&listed.stdout).contains(tool), "{tool}");
        let place = folder.path().join(tool);
        fs::create_dir(&place).unwrap();
        let export = ["export", tool, "--portal", "example.bitrix24.de", "--interval", "25"];
        let written = run(&place, &export);
        assert!(written.status.success(), "{}", errors(&written));
        assert!(errors(&written).contains("client_secret"), "it says where the secret goes");
        for name in String::from_utf8(written.stdout).unwrap().lines() {
            let checked = run(&place, &["check", name]);
            assert!(checked.status.success(), "{name}: {}", errors(&checked));
        }
        let file = place.join("bitrix24-oauth.json");
        assert!(fs::read_to_string(&file).unwrap().contains("example.bitrix24.de"));
        fs::write(&file, "mine").unwrap();
        let again = run(&place, &export);
        assert!(!again.status.success() && errors(&again).contains("--force"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert!(run(&place, &[&export[..], &["--force"]].concat()).status.success());
        assert_ne!(fs::read_to_string(&file).unwrap(), "mine");
    }
}

#[test]
fn what_is_wrong_ends_with_one_and_names_the_node() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["export", "node-red"]);
    let file = folder.path().join("bitrix24-oauth.json");
    let sound = fs::read_to_string(&file).unwrap();
    let secret = "5f".repeat(35);
    fs::write(&file, sound.replacen("\"value\": \"\"", &format!("\"value\": \"{secret}\""), 1))
        .unwrap();
    let checked = run(folder.path(), &["check", "bitrix24-oauth.json"]);
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8(checked.stdout.clone()).unwrap();
    assert!(said.starts_with("error: ") && said.contains("plain sight"), "{said}");
    assert!(!said.contains(&secret), "it is not echoed");
    for (name, content) in
        [("empty", ""), ("no-template", "{}"), ("cut", &sound[..sound.len() / 2])]
    {
        fs::write(folder.path().join(name), content).unwrap();
        let checked = run(folder.path(), &["check", name]);
        assert!(!checked.status.success() && errors(&checked).contains("field file"), "{name}");
    }
    let missing = run(folder.path(), &["check", "nowhere.json"]);
    assert!(errors(&missing).contains("nowhere.json"));
    fs::write(folder.path().join("bytes"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(errors(&run(folder.path(), &["check", "bytes"])).contains("not text"));
}

#[test]
fn a_folder_is_made_and_what_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let new = run(folder.path(), &["export", "n8n", "--output", "flows/new"]);
    assert!(new.status.success(), "{}", errors(&new));
    assert!(folder.path().join("flows/new/create-a-new-lead.json").exists());
    fs::write(folder.path().join("file"), "").unwrap();
    let below = run(folder.path(), &["export", "node-red", "--output", "file/flows"]);
    let said = errors(&below);
    assert!(!below.status.success() && said.contains("file/flows"), "{said}");
    assert!(said.contains("Not a directory") && said.contains("--output"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_a_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bitrix24-oauth.json");
    std::os::unix::fs::symlink("nowhere", &place).unwrap();
    let refused = run(folder.path(), &["export", "node-red"]);
    assert!(!refused.status.success() && errors(&refused).contains("--force"));
    assert!(run(folder.path(), &["export", "node-red", "--force"]).status.success());
    assert!(place.symlink_metadata().unwrap().is_file(), "the link is replaced, not followed");
    use std::os::unix::fs::PermissionsExt;
    let sibling = folder.path().join("sibling");
    fs::write(&sibling, "").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&place), mode(&sibling), "readable like any file that a person makes");
}

#[test]
fn all_files_are_replaced_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["bitrix24-oauth.json", "bitrix24-oauth-errors.json", "create-a-new-lead.json"];
    let last = folder.path().join(names[2]);
    fs::write(&last, "mine").unwrap();
    assert!(!run(folder.path(), &["export", "n8n"]).status.success());
    let there = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(there(), [names[2]], "none of the others, and nothing temporary");
    fs::remove_file(&last).unwrap();
    fs::create_dir(&last).unwrap();
    fs::write(folder.path().join(names[0]), "mine").unwrap();
    let forced = run(folder.path(), &["export", "n8n", "--force"]);
    let said = errors(&forced);
    assert!(!forced.status.success() && said.contains(names[2]), "{said}");
    assert!(said.contains("s a directory"), "{said}");
    assert_eq!(there(), [names[0], names[2]]);
    assert_eq!(fs::read_to_string(folder.path().join(names[0])).unwrap(), "mine");
}

#[test]
fn nodes_that_ones_own_tool_has_are_said() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["export", "node-red"]);
    let file = folder.path().join("bitrix24-oauth.json");
    let mut flow: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for kind in ["e-mail", "telegram sender"] {
        let node = serde_json::json!({"id": kind, "type": kind, "wires": []});
        flow.as_array_mut().unwrap().push(node);
    }
    fs::write(&file, flow.to_string()).unwrap();
    let check = ["check", "bitrix24-oauth.json"];
    let unknown = run(folder.path(), &check);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stdout).contains("--node \"e-mail\""));
    let mine = ["--node", "e-mail", "--node", "telegram sender"];
    assert!(run(folder.path(), &[&check[..], &mine].concat()).status.success());
}

#[test]
fn settings_are_refused_by_name_and_names_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value) in [
        ("--scope", ",,,"),
        ("--alert-url", "chat.example"),
        ("--portal", "https://example.bitrix24.com/crm/"),
        ("--interval", "51"),
    ] {
        let refused = run(folder.path(), &["export", "n8n", option, value]);
        let field = option.trim_start_matches('-').replace('-', "_");
        assert!(!refused.status.success(), "{option}");
        assert!(errors(&refused).contains(&format!("field {field}")), "{}", errors(&refused));
    }
    let given = ["--portal", "example", "--alert-url", "https://chat.example/hook"];
    let written = run(folder.path(), &[&["export", "corezoid"][..], &given].concat());
    assert!(written.status.success(), "{}", errors(&written));
    let checked = run(folder.path(), &["check", "bitrix24-oauth.zip"]);
    assert!(checked.status.success() && errors(&checked).contains("ready"), "{}", errors(&checked));
    let other = r#"{"nodes": [{"name": "Settings"}], "connections": {}}"#;
    fs::write(folder.path().join("other.json"), other).unwrap();
    let other = run(folder.path(), &["check", "other.json"]);
    assert!(!other.status.success() && !errors(&other).contains("ready"), "{}", errors(&other));
}
