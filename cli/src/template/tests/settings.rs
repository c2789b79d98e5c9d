use super::*;

const TIMERS: [(Tool, &str); 3] = [
    (Tool::Corezoid, "renew_every_minutes"),
    (Tool::NodeRed, "fixed_renewal_minutes"),
    (Tool::N8n, "fixed_renewal_minutes"),
];

fn every(workflow: &mut Value, rule: &Value) {
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    let schedule = nodes.iter_mut().find(|node| node["type"] == "n8n-nodes-base.scheduleTrigger");
    schedule.unwrap()["parameters"]["rule"]["interval"] = json!([rule]);
}

#[test]
fn an_interval_has_the_same_bounds_as_at_export() {
    for (tool, name) in TIMERS {
        for value in ["", "often", "NaN", "inf", "-25", "5", "19", "51", "1440"] {
            let said = after(tool, |file| *setting(tool, file, name) = json!(value));
            assert!(has(&said, &["Error", name]), "{tool:?} {value:?}: {said:?}");
        }
        for value in ["20", "50", "0"] {
            let mut file = shipped(tool);
            *setting(tool, &mut file, name) = json!(value);
            assert!(errors(&file).is_empty(), "{tool:?} {value}: {:?}", errors(&file));
        }
        let said = after(tool, |file| *setting(tool, file, name) = json!("5"));
        assert!(has(&said, &["renews every 5 minutes", "blocks"]), "{said:?}");
    }
    let number =
        after(Tool::N8n, |file| *setting(Tool::N8n, file, "fixed_renewal_minutes") = json!(55));
    assert!(has(&number, &["Error", "fixed_renewal_minutes", "lives an hour"]), "{number:?}");
}

#[test]
fn other_settings_are_named_as_well() {
    for tool in Tool::ALL {
        for (name, value) in [
            ("portal", "example.bitrix24.com/crm/"),
            ("portal", "me@example.bitrix24.com"),
            ("client_id", "a b"),
            ("scope", ",,,"),
            ("authorization_server", "https://oauth.example"),
            ("keep_alive_days", "40"),
        ] {
            let said = after(tool, |file| *setting(tool, file, name) = json!(value));
            assert!(has(&said, &["Error", &format!("{name}: ")]), "{tool:?} {name}: {said:?}");
        }
        for value in ["example", "example.bitrix24.com", "https://example.bitrix24.com"] {
            let mut file = shipped(tool);
            *setting(tool, &mut file, "portal") = json!(value);
            let adds_scheme = tool == Tool::Corezoid && value.contains("://");
            assert_eq!(!errors(&file).is_empty(), adds_scheme, "{tool:?} {value}");
        }
    }
    for tool in [Tool::N8n, Tool::NodeRed] {
        let said = after(tool, |file| *setting(tool, file, "alert_url") = json!("chat.example"));
        assert!(has(&said, &["Error", "alert_url"]), "{said:?}");
        let of_environment =
            after(tool, |file| *setting(tool, file, "portal") = json!("${PORTAL}"));
        assert!(of_environment.is_empty(), "{of_environment:?}");
    }
}

#[test]
fn a_renewal_that_the_schedule_cannot_keep_is_an_error() {
    let with = |minutes: u32, rule: Value| {
        let mut workflow = shipped(Tool::N8n);
        *setting(Tool::N8n, &mut workflow, "fixed_renewal_minutes") = json!(minutes);
        every(&mut workflow, &rule);
        errors(&workflow)
    };
    for (minutes, rule) in [
        (30, json!({"field": "minutes", "minutesInterval": 30})),
        (50, json!({"field": "minutes", "minutesInterval": 10})),
        (20, json!({"field": "hours"})),
        (20, json!({})),
        (20, json!({"field": "cronExpression", "expression": "0 * * * *"})),
        (20, json!({"field": "cronExpression", "expression": "*/5 9-17 * * *"})),
    ] {
        let found = with(minutes, rule.clone());
        assert!(
            has(&found, &["too rarely", "fixed_renewal_minutes"]),
            "{minutes} {rule}: {found:?}"
        );
    }
    for (minutes, rule) in [
        (30, json!({"field": "minutes", "minutesInterval": 25})),
        (50, json!({"field": "minutes", "minutesInterval": 5})),
        (50, json!({"field": "cronExpression", "expression": "*/5 * * * *"})),
        (25, json!({"field": "minutes", "minutesInterval": "={{ 5 }}"})),
    ] {
        let found = with(minutes, rule.clone());
        assert!(found.is_empty(), "{minutes} {rule}: {found:?}");
    }
    let mut workflow = shipped(Tool::N8n);
    *setting(Tool::N8n, &mut workflow, "fixed_renewal_minutes") = json!(30);
    let nodes = workflow["nodes"].as_array_mut().unwrap();
    nodes.iter_mut().for_each(|node| {
        if node["type"] == "n8n-nodes-base.scheduleTrigger" {
            node["disabled"] = json!(true);
        }
    });
    assert!(has(&errors(&workflow), &["no timer starts the renewal"]));
}

#[test]
fn a_schedule_of_seconds_that_renews_is_an_error() {
    let seconds = json!({"field": "seconds", "secondsInterval": 5});
    let decided = after(Tool::N8n, |workflow| every(workflow, &seconds));
    assert!(
        has(&decided, &["Warning", "starts every 5 seconds"]),
        "the template decides: {decided:?}"
    );
    let spends = after(Tool::N8n, |workflow| {
        let own = json!({"id": "t", "name": "My timer", "type": "n8n-nodes-base.scheduleTrigger", "parameters": {"rule": {"interval": [seconds]}}});
        workflow["nodes"].as_array_mut().unwrap().push(own);
        workflow["connections"]["My timer"] =
            json!({"main": [[{"node": "Write down the attempt", "type": "main", "index": 0}]]});
    });
    assert!(has(&spends, &["Error: My timer", "renews every 5 seconds", "blocks"]), "{spends:?}");
    let spends = after(Tool::NodeRed, |flow| {
        let (tab, to) = (flow[0]["id"].clone(), node(flow, "Write down the attempt")["id"].clone());
        let own = json!({"id": "t", "z": tab, "type": "inject", "name": "My timer", "repeat": "5", "crontab": "", "wires": [[to]]});
        flow.as_array_mut().unwrap().push(own);
    });
    assert!(has(&spends, &["Error: My timer", "renews every 5 seconds", "blocks"]), "{spends:?}");
}

#[test]
fn timers_of_ones_own_are_warned_of() {
    let said = after(Tool::N8n, |workflow| {
        let own = json!({"id": "t", "name": "My timer", "type": "n8n-nodes-base.scheduleTrigger", "parameters": {"rule": {"interval": [{"field": "hours"}]}}});
        workflow["nodes"].as_array_mut().unwrap().push(own);
    });
    assert!(has(&said, &["Warning: My timer", "a timer"]), "{said:?}");
    let said =
        after(Tool::NodeRed, |flow| node(flow, "Create a new lead")["repeat"] = json!("3600"));
    assert!(has(&said, &["Warning: Create a new lead", "a timer"]), "{said:?}");
}

#[test]
fn what_n8n_saves_and_whom_it_tells() {
    let said = after(Tool::N8n, |workflow| {
        workflow["settings"]["saveDataSuccessExecution"] = json!("all");
    });
    assert!(has(&said, &["Warning: Bitrix24 OAuth", "saveDataSuccessExecution"]), "{said:?}");
    let said = after(Tool::N8n, |workflow| {
        let settings = workflow["settings"].as_object_mut().unwrap();
        settings.remove("saveDataSuccessExecution");
        settings.remove("errorWorkflow");
    });
    assert!(has(&said, &["Warning: Bitrix24 OAuth", "error workflow"]), "{said:?}");
    assert_eq!(said.len(), 2, "{said:?}");
}
