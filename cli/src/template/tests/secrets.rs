use super::*;

const SECRET: &str = "hunter2";

/// The place where a secret was typed, and the secret, are named; the value is not.
fn found(tool: Tool, words: &[&str], change: impl Fn(&mut Value)) {
    let said = after(tool, change);
    let all = [&["Error", "plain sight"], words].concat();
    assert!(has(&said, &all), "{words:?}: {said:?}");
    let told = said.iter().filter(|line| line.contains("plain sight")).count();
    assert_eq!(told, 1, "once: {said:?}");
    assert!(!said.concat().contains(SECRET), "it is not echoed: {said:?}");
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

#[test]
fn in_n8n() {
    let ask = "Ask the authorization server";
    let tell = ESCALATION;
    let parameter = |name: &'static str, key: &'static str, value: &'static str| {
        move |workflow: &mut Value| node(workflow, name)["parameters"][key] = json!(value)
    };
    let n8n = Tool::N8n;
    found(
        n8n,
        &[tell, "client_secret"],
        parameter(tell, "jsonBody", r#"{"client_secret": "hunter2"}"#),
    );
    found(
        n8n,
        &[tell],
        parameter(tell, "jsonBody", r#"={"a": "{{ $json.a }}", "refresh_token": "hunter2"}"#),
    );
    found(n8n, &[tell], parameter(tell, "url", "https://chat.example/?client_secret=hunter2"));
    found(n8n, &["Read the answer"], |workflow| {
        let code = node(workflow, "Read the answer")["parameters"]["jsCode"].as_str().unwrap();
        let code = format!("const clientSecret = 'hunter2'\n{code}");
        node(workflow, "Read the answer")["parameters"]["jsCode"] = json!(code);
    });
    for value in ["hunter2", "=hunter2", "={{ 'hunter2' }}"] {
        found(n8n, &[ask, "client_secret"], |workflow| {
            let fields = &mut node(workflow, ask)["parameters"]["bodyParameters"]["parameters"];
            push(fields, json!({"name": "client_secret", "value": value}));
        });
    }
    for value in ["Bearer hunter2", "hunter2"] {
        found(n8n, &[tell], |workflow| {
            let header = json!([{"name": "Authorization", "value": value}]);
            node(workflow, tell)["parameters"]["headerParameters"] = json!({"parameters": header});
        });
    }
    found(n8n, &["Save the pair", "access_token"], |workflow| {
        workflow["pinData"] = json!({"Save the pair": [{"json": {"access_token": "hunter2"}}]});
    });
    found(n8n, &["refresh_token"], |workflow| {
        workflow["staticData"] = json!({"global": {"refresh_token": "hunter2"}});
    });
}

#[test]
fn in_node_red() {
    let red = Tool::NodeRed;
    found(red, &["Bitrix24 OAuth", "client_secret"], |flow| {
        *setting(red, flow, "client_secret") = json!(SECRET);
    });
    found(red, &["client_secret"], |flow| {
        flow[0]["credentials"] = json!({"client_secret": SECRET});
    });
    found(red, &["password"], |flow| flow[0]["credentials"] = json!({"password": SECRET}));
    found(red, &["POST the message"], |flow| {
        node(flow, "POST the message")["url"] =
            json!("https://chat.example/?a=1&access_token=hunter2");
    });
    found(red, &["Created?"], |flow| {
        node(flow, "Created?")["func"] =
            json!("const p = { \"client_secret\": 'hunter2' }; return msg");
    });
    found(red, &["Created?"], |flow| {
        node(flow, "Created?")["func"] = json!("msg.headers = { authorization: 'Bearer hunter2' }");
    });
    found(red, &["POST the message"], |flow| {
        let header = json!([{"keyType": "other", "keyValue": "Authorization", "valueType": "other", "valueValue": "Bearer hunter2"}]);
        node(flow, "POST the message")["headers"] = header;
    });
    found(red, &["redirect with a code"], |flow| {
        let rule = json!({"t": "set", "p": "payload.client_secret", "pt": "msg", "to": SECRET, "tot": "str"});
        push(&mut node(flow, "redirect with a code")["rules"], rule);
    });
    let said = after(red, |flow| {
        let variables = flow[0]["env"].as_array_mut().unwrap();
        let secret = variables.iter_mut().find(|v| v["name"] == "client_secret").unwrap();
        *secret = json!({"name": "client_secret", "value": "", "type": "str"});
    });
    assert!(has(&said, &["Error", "client_secret is no credential any more"]), "{said:?}");
}

#[test]
fn in_corezoid() {
    let corezoid = Tool::Corezoid;
    let extra = |title: &'static str, key: &'static str, value: &'static str| {
        move |folder: &mut Value| {
            let logic = &mut node(folder, title)["condition"]["logics"][0];
            logic["extra"][key] = json!(value);
            logic["extra_type"][key] = json!("string");
        }
    };
    found(corezoid, &["Settings", "client_secret"], extra("Settings", "client_secret", SECRET));
    found(corezoid, &["Settings", "refresh_token"], extra("Settings", "new_refresh_token", SECRET));
    found(corezoid, &["Settings", "code"], extra("Settings", "code", SECRET));
    found(corezoid, &["Get access_token by code"], |folder| {
        let logic = &mut node(folder, "Get access_token by code")["condition"]["logics"][0];
        logic["url"] = json!("https://oauth.bitrix.info/oauth/token/?client_secret=hunter2");
    });
    for descr in ["hunter2", "fill in: hunter2"] {
        found(corezoid, &["Bitrix OAuth", "client_secret"], |folder| {
            let inputs = folder[1]["params"].as_array_mut().unwrap();
            let input = inputs.iter_mut().find(|input| input["name"] == "client_secret").unwrap();
            input["descr"] = json!(descr);
        });
    }
}

#[test]
fn tokens_anywhere() {
    let token = "5f".repeat(35);
    for tool in Tool::ALL {
        let said = after(tool, |file| *setting(tool, file, "client_id") = json!(token));
        assert!(has(&said, &["Error", "a token stands here in plain sight"]), "{tool:?}: {said:?}");
        assert!(!said.concat().contains(&token), "it is not echoed");
    }
}

#[test]
fn references_placeholders_and_talk_are_none() {
    for text in [
        "={{ $json.client_secret }}",
        "{{client_secret}}",
        "${CLIENT_SECRET}",
        "",
        "...",
        "<client_secret>",
        "your-secret",
        "xxxxxxxx",
        "client_secret",
    ] {
        assert!(!plain_sight::is_literal("client_secret", text), "{text}");
    }
    assert!(!plain_sight::is_literal("authorization", "Bearer ..."));
    for text in [
        r#"Custom Auth with {"body": {"client_secret": "..."}}"#,
        "what stands between `code=` and `&`",
        "msg.payload = { client_secret: settings.client_secret2, refresh_token: row.refresh_token }",
        "const client_secret = env.get('client_secret')",
        "if (grant_type === 'refresh_token') return",
        "kind ? 'refresh_token' : 'code'",
        "error.code === 'E_INVALID_2024_GRANT_X'",
        "?client_secret={{client_secret}}&code=${code}",
        "`alert_key` as `Authorization: Bearer`. For e-mail",
        "'Bearer ' + msg.token.access_token",
        "client_secret is missing: fill it in",
        "access_token: string",
    ] {
        assert_eq!(plain_sight::secret_in(text), None, "{text}");
    }
}
