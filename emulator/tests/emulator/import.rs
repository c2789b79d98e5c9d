//! Rows from files.

use std::path::PathBuf;

use evergrant_emulator::{Config, DataFile, Emulator, Entity};
use serde_json::{Value, json};

use crate::support::{Running, ids, small, start};

fn file(folder: &tempfile::TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn with(entity: Entity, path: PathBuf) -> Config {
    Config { data: vec![DataFile { entity, path }], ..small() }
}

async fn get(running: &Running, method: &str, id: u64) -> Value {
    running.call(method, json!({"id": id})).await.json()["result"].clone()
}

#[tokio::test]
async fn a_csv_file_takes_the_place_of_generated_rows() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "\u{feff}ID,Title,OPPORTUNITY,OPENED,DATE_CREATE,PHONE,UF_CRM_COLOR\n\
               20,\"Two, with a comma\",15.5,Y,2026-01-02T03:04:05+03:00,+7 495 000-00-00,red\n\
               7,\"Ромашка\nв две строки\",,n,2026-01-02,,\n";
    let running = start(with(Entity::Lead, file(&folder, "leads.csv", csv))).await;
    let list = running.call("crm.lead.list", json!({"select": ["*", "UF_*"]})).await.json();
    assert_eq!((ids(&list), &list["total"]), (vec![7, 20], &json!(2)));
    assert_eq!(list["result"][1]["UF_CRM_COLOR"], "red");
    let lead = get(&running, "crm.lead.get", 20).await;
    assert_eq!(lead["TITLE"], "Two, with a comma");
    assert_eq!((&lead["OPPORTUNITY"], &lead["OPENED"]), (&json!("15.50"), &json!("Y")));
    assert_eq!(lead["DATE_CREATE"], "2026-01-02T03:04:05+03:00");
    assert_eq!(lead["PHONE"][0]["VALUE"], "+7 495 000-00-00");
    let other = get(&running, "crm.lead.get", 7).await;
    assert_eq!(other["TITLE"], "Ромашка\nв две строки");
    assert_eq!(
        (&other["OPPORTUNITY"], &other["OPENED"], other.get("PHONE")),
        (&Value::Null, &json!("N"), None)
    );
    assert_eq!(other["DATE_CREATE"], "2026-01-02T00:00:00+03:00");

    let found =
        running.call("crm.lead.list", json!({"filter": {"UF_CRM_COLOR": "RED"}})).await.json();
    assert_eq!(ids(&found), [20]);
    assert_eq!(
        running.call("crm.lead.add", json!({"fields": {"UF_CRM_COLOR": "blue"}})).await.json()["result"],
        21
    );
    assert_eq!(get(&running, "crm.lead.get", 21).await["UF_CRM_COLOR"], "blue");
    // The other entities are generated as before.
    assert_eq!(running.call("crm.deal.list", json!({})).await.json()["total"], 60);
}

#[tokio::test]
async fn semicolons_and_missing_ids_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "c.CSV", "NAME;LAST_NAME\nАнна;Соколова\nIvan;\"Petrov; junior\"\n");
    let running = start(with(Entity::Contact, path)).await;
    assert_eq!(get(&running, "crm.contact.get", 2).await["LAST_NAME"], "Petrov; junior");
    assert_eq!(get(&running, "crm.contact.get", 1).await["NAME"], "Анна");
}

#[tokio::test]
async fn a_json_file_may_have_rows_with_different_keys() {
    let folder = tempfile::tempdir().unwrap();
    let json = json!([
        {"ID": "5", "TITLE": "First", "OPPORTUNITY": 10, "CLOSED": false},
        {"id": 6, "UF_CRM_LIST": [1, 2], "OPPORTUNITY": "7.25", "CLOSED": "Y", "TITLE": null},
    ]);
    let running = start(with(Entity::Deal, file(&folder, "deals.json", &json.to_string()))).await;
    let (first, second) =
        (get(&running, "crm.deal.get", 5).await, get(&running, "crm.deal.get", 6).await);
    assert_eq!(
        (&first["OPPORTUNITY"], &first["CLOSED"], &first["UF_CRM_LIST"]),
        (&json!("10.00"), &json!("N"), &Value::Null)
    );
    assert_eq!(
        (&second["OPPORTUNITY"], &second["CLOSED"], &second["TITLE"]),
        (&json!("7.25"), &json!("Y"), &Value::Null)
    );
    assert_eq!(second["UF_CRM_LIST"], "[1,2]");
}

#[tokio::test]
async fn bad_files_are_refused_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, line, said) in [
        ("a.csv", "ID,TITLE\n1,ok\n2\n", 3, "1 values where the header has 2 columns"),
        ("b.csv", "ID,TITLE\n1,ok\nx,bad\n", 3, "ID: expected a whole number"),
        ("c.csv", "ID,TITLE\n1,ok\n1,again\n", 3, "the ID 1 occurs more than once"),
        ("d.csv", "ID\n0\n", 2, "ID must be a whole number between 1"),
        ("e.csv", "ID,DATE_CREATE\n1,yesterday\n", 2, "DATE_CREATE: expected a date"),
        ("f.csv", "ID,OPENED\n1,maybe\n", 2, "OPENED: expected Y or N"),
        ("g.csv", "ID,OPPORTUNITY\n1,a lot\n", 2, "OPPORTUNITY: expected an amount"),
        ("h.csv", "ID,<script>\n1,x\n", 1, "not a field name"),
        ("i.csv", "ID,Id\n1,2\n", 1, "the column Id occurs more than once"),
        ("j.json", "[\n{\"ID\": 1},\n{\"ID\": }\n]", 3, "expected value"),
        ("k.json", "[\n{\"ID\": 1},\n{\"ID\": \"x\"}\n]", 3, "ID: expected a whole number"),
        ("l.json", "[{\"ID\": 1}, 5]", 1, "expected a map"),
        ("m.json", "{\"ID\": 1}", 1, "an array of objects"),
        ("n.json", "[{\"ID\": 1}] trailing", 1, "trailing characters"),
        ("o.json", "[{\"ID\": 1}", 1, "EOF"),
    ] {
        let path = file(&folder, name, content);
        let error = Emulator::start(with(Entity::Lead, path.clone()))
            .await
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("{}, line {line}:", path.display())), "{name}: {error}");
        assert!(error.contains(said), "{name}: {error}");
    }
    let binary = folder.path().join("p.csv");
    std::fs::write(&binary, b"ID,TITLE\n1,\xff\xfe\n").unwrap();
    let error =
        Emulator::start(with(Entity::Lead, binary)).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
    let missing = Emulator::start(with(Entity::Lead, folder.path().join("none.csv")))
        .await
        .map(|_| ())
        .unwrap_err();
    assert!(missing.to_string().contains("none.csv"), "{missing}");
    let odd = file(&folder, "rows.xlsx", "");
    let error = Emulator::start(with(Entity::Lead, odd)).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("must end in .csv or .json"), "{error}");
    let empty = start(with(Entity::Lead, file(&folder, "empty.csv", ""))).await;
    assert_eq!(empty.call("crm.lead.list", json!({})).await.json()["total"], 0);
    assert_eq!(empty.call("crm.lead.add", json!({"fields": {}})).await.json()["result"], 1);
}
