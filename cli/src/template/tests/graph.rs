use super::*;

fn logic<'a>(folder: &'a mut Value, title: &str, place: usize) -> &'a mut Value {
    &mut node(folder, title)["condition"]["logics"][place]
}

fn id(file: &mut Value, name: &str) -> Value {
    node(file, name)["id"].clone()
}

fn connect(workflow: &mut Value, from: &str, output: usize, to: &str) {
    workflow["connections"][from]["main"][output][0]["node"] = json!(to);
}

#[test]
fn wires_that_lead_elsewhere_are_named_with_both_ends() {
    let swapped = after(Tool::N8n, |workflow| {
        workflow["connections"]["A token pair?"]["main"].as_array_mut().unwrap().reverse();
    });
    assert!(
        has(
            &swapped,
            &[
                "Warning: A token pair?",
                "output 1 led to \"Save the pair\", now to \"What is to be said?\""
            ]
        ),
        "{swapped:?}"
    );
    let skipped = after(Tool::N8n, |workflow| {
        connect(workflow, "A token pair?", 0, "What is to be said?");
    });
    assert!(
        has(&skipped, &["A token pair?", "\"Save the pair\", now to \"What is to be said?\""]),
        "{skipped:?}"
    );
    let skipped = after(Tool::NodeRed, |flow| {
        let to = id(flow, "What came of it?");
        node(flow, "POST oauth/token")["wires"] = json!([[to]]);
    });
    assert!(
        has(
            &skipped,
            &[
                "POST oauth/token",
                "led to \"Read the answer, save it\", now to \"What came of it?\""
            ]
        ),
        "{skipped:?}"
    );
    let swapped = after(Tool::Corezoid, |folder| {
        let logics =
            node(folder, "Are both tokens there?")["condition"]["logics"].as_array_mut().unwrap();
        let (yes, no) = (logics[0]["to_node_id"].clone(), logics[1]["to_node_id"].clone());
        logics[0]["to_node_id"] = no;
        logics[1]["to_node_id"] = yes;
    });
    assert_eq!(swapped.len(), 2, "{swapped:?}");
    assert!(
        has(
            &swapped,
            &[
                "Are both tokens there?",
                "condition 1 led to",
                "Is it the portal that was meant?\", now to"
            ]
        ),
        "{swapped:?}"
    );
}

#[test]
fn wires_that_are_gone_or_lead_nowhere_are_errors() {
    let gone = after(Tool::NodeRed, |flow| node(flow, "POST oauth/token")["wires"] = json!([[]]));
    assert!(has(&gone, &["Error: POST oauth/token", "missing", "Read the answer"]), "{gone:?}");
    let gone = after(Tool::N8n, |workflow| {
        workflow["connections"].as_object_mut().unwrap().remove("Settings");
    });
    assert!(has(&gone, &["Error: Settings", "missing", "What time is it?"]), "{gone:?}");
    let gone =
        after(Tool::Corezoid, |folder| node(folder, "Start")["condition"]["logics"] = json!([]));
    assert!(has(&gone, &["Start", "tasks would stay here"]), "{gone:?}");
    let lost =
        after(Tool::Corezoid, |folder| logic(folder, "Start", 0)["to_node_id"] = json!("nowhere"));
    assert!(has(&lost, &["Error: Bitrix OAuth: Start", "not there"]), "{lost:?}");
    let lost = after(Tool::NodeRed, |flow| {
        node(flow, "POST oauth/token")["wires"][0][0] = json!("nowhere");
    });
    assert!(has(&lost, &["Error: POST oauth/token", "not there"]), "{lost:?}");
    let lost = after(Tool::N8n, |workflow| connect(workflow, "Settings", 0, "nowhere"));
    assert!(has(&lost, &["Error: Settings", "not there"]), "{lost:?}");
}

#[test]
fn nodes_of_ones_own_in_a_wire_and_beside_it_are_welcome() {
    let said = after(Tool::N8n, |workflow| {
        let own =
            json!({"id": "own", "name": "Mine", "type": "n8n-nodes-base.noOp", "parameters": {}});
        workflow["nodes"].as_array_mut().unwrap().push(own);
        connect(workflow, "A token pair?", 0, "Mine");
        workflow["connections"]["Mine"] =
            json!({"main": [[{"node": "Save the pair", "type": "main", "index": 0}]]});
    });
    assert!(said.is_empty(), "{said:?}");
    let said = after(Tool::NodeRed, |flow| {
        let tab = flow[0]["id"].clone();
        let mail = json!({"id": "m", "z": tab, "type": "function", "name": "My mail", "wires": []});
        flow.as_array_mut().unwrap().push(mail);
        node(flow, ESCALATION)["wires"][0].as_array_mut().unwrap().push(json!("m"));
    });
    assert!(said.is_empty(), "{said:?}");
    let said = after(Tool::Corezoid, |folder| {
        let to = logic(folder, "Are both tokens there?", 1)["to_node_id"].clone();
        let own = json!({"type": "go_if_const", "to_node_id": to, "conditions": [{"param": "{{a}}", "fun": "eq", "const": "b", "cast": "string"}]});
        let logics =
            node(folder, "Are both tokens there?")["condition"]["logics"].as_array_mut().unwrap();
        logics.insert(0, own);
    });
    assert!(said.is_empty(), "a condition in front of the others: {said:?}");
}

#[test]
fn a_line_that_was_bent_with_junctions_is_the_same_line() {
    let said = after(Tool::NodeRed, |flow| {
        let (tab, to) = (flow[0]["id"].clone(), id(flow, "Read the answer, save it"));
        let corner = json!({"id": "corner", "z": tab, "type": "junction", "wires": [[to]]});
        flow.as_array_mut().unwrap().push(corner);
        node(flow, "POST oauth/token")["wires"] = json!([["corner"]]);
    });
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn nodes_that_are_gone_are_told() {
    let said = after(Tool::N8n, |workflow| {
        workflow["nodes"].as_array_mut().unwrap().retain(|node| node["name"] != "Told");
    });
    assert!(has(&said, &["Warning: Told", "is gone"]), "{said:?}");
    let said = after(Tool::Corezoid, |folder| {
        folder.as_array_mut().unwrap().pop();
    });
    assert_eq!(said, ["Warning: Create a new lead (example): this object of the template is gone"]);
}

#[test]
fn unknown_nodes_are_errors_unless_the_person_has_them() {
    let mut flow = shipped(Tool::NodeRed);
    flow.as_array_mut()
        .unwrap()
        .push(json!({"id": "x", "type": "e-mail", "name": "Mail", "wires": [["gone"]]}));
    assert!(has(&errors(&flow), &["Mail", "unknown node", "--node \"e-mail\""]));
    assert!(!has(&said_with(&flow, &["telegram sender", "e-mail"]), &["unknown node"]));
    assert!(has(&errors(&flow), &["Mail", "not there"]), "its wires are looked at all the same");
    let mut workflow = shipped(Tool::N8n);
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    nodes.push(
        json!({"id": "1", "name": "Stock", "type": "n8n-nodes-base.telegram", "parameters": {}}),
    );
    nodes.push(json!({"id": "2", "name": "Model", "type": "@n8n/n8n-nodes-langchain.agent", "parameters": {}}));
    nodes.push(
        json!({"id": "3", "name": "Own", "type": "n8n-nodes-bitrix24.bitrix", "parameters": {}}),
    );
    nodes.push(
        json!({"id": "4", "name": "Typo", "type": "n8n-nodes-base.telegramm", "parameters": {}}),
    );
    let found = errors(&workflow);
    assert!(
        found.len() == 2 && has(&found, &["Own", "unknown"]) && has(&found, &["Typo", "unknown"]),
        "{found:?}"
    );
    let said =
        after(Tool::Corezoid, |folder| logic(folder, "Settings", 0)["type"] = json!("delay"));
    assert!(has(&said, &["Settings", "unknown node", "delay"]), "{said:?}");
}

#[test]
fn twins_are_errors() {
    let twice = |list: &mut Value, place: usize| {
        let twin = list[place].clone();
        list.as_array_mut().unwrap().push(twin);
    };
    let said = after(Tool::N8n, |workflow| twice(&mut workflow["nodes"], 20));
    assert!(has(&said, &["Error", "the same name"]), "{said:?}");
    let said = after(Tool::NodeRed, |flow| twice(flow, 5));
    assert!(has(&said, &["Error", "the same id"]), "{said:?}");
    let said = after(Tool::NodeRed, |flow| {
        flow.as_array_mut()
            .unwrap()
            .push(json!({"id": "s", "type": "subflow:none", "name": "Alarm", "wires": []}));
    });
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(has(&said, &["Error: Alarm", "its subflow is not in this file"]), "{said:?}");
}

#[test]
fn corezoids_own_rules() {
    let error = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let said = after(Tool::Corezoid, change);
        assert!(has(&said, &[&["Error"], words].concat()), "{words:?}: {said:?}");
    };
    error(
        &|folder| {
            let other = id(&mut folder[2], "Active token");
            logic(&mut folder[1], "Start", 0)["to_node_id"] = other;
        },
        &["Start", "into another process"],
    );
    error(
        &|folder| logic(folder, ESCALATION, 0)["conv_id"] = json!(55),
        &["Escalation", "object 55", "not in this file"],
    );
    error(&|folder| logic(folder, ESCALATION, 0)["conv_id"] = json!("55"), &["object 55"]);
    for fields in ["extra", "extra_type"] {
        error(
            &|folder| {
                let fields = logic(folder, "Settings", 0)[fields].as_object_mut().unwrap();
                fields.remove("pause");
            },
            &["Settings", "not the same keys"],
        );
    }
    for kind in [json!(7), json!("0"), Value::Null] {
        error(
            &|folder| node(folder, "Start")["obj_type"] = kind.clone(),
            &["Start", "no such node"],
        );
    }
    error(&|folder| node(folder, "Settings")["obj_type"] = json!(4), &["Settings", "only plays"]);
    error(&|folder| folder[1]["obj_type"] = json!(77), &["Bitrix OAuth", "no such object"]);
    for value in [json!(29), json!(1), json!("5"), json!("soon")] {
        error(
            &|folder| {
                node(folder, "Get access_token by code")["condition"]["semaphors"][0]["value"] =
                    value.clone();
            },
            &["Get access_token by code", "time"],
        );
    }
    let said = after(Tool::Corezoid, |folder| {
        node(folder, "Get access_token by code")["condition"]["semaphors"][0]["value"] =
            json!("{{when}}");
    });
    assert!(said.is_empty(), "a moment is worked out in Corezoid: {said:?}");
}
