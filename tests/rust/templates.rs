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
