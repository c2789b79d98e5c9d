//! What a portal posts by itself: events and frames. Every field of the form is named here, in our own words, with the
//! page of the vendor's documentation that it follows; a field too many is as wrong as a missing one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::handler::{Handler, pairs};
use crate::support::{Pair, Running, small, start};

/// From which portal a call comes.
const PORTAL: &[&str] = &["domain", "server_endpoint", "client_endpoint", "member_id"];
/// That it is the portal that calls.
const PROOF: &[&str] = &["application_token"];
/// What an application may do there.
const GRANT: &[&str] = &["scope", "status"];
/// For whom.
const TOKEN: &[&str] = &["access_token", "expires_in"];
const REFRESH: &[&str] = &["refresh_token"];
/// Fields that the printed examples lack and live posts have.
const LIVE: &[&str] = &["expires", "user_id"];

/// A form as it should be.
struct Post {
    event: &'static str,
    /// `data[…]`; the brackets of deeper levels are written out.
    data: &'static [&'static str],
    auth: &'static [&'static [&'static str]],
    /// Whether it went to a handler that was bound, whose number it tells then.
    bound: bool,
    page: &'static str,
}

impl Post {
    fn fields(&self) -> BTreeSet<String> {
        let mut fields: BTreeSet<String> = ["event", "ts"].map(str::to_owned).into();
        if self.bound {
            fields.insert("event_handler_id".to_owned());
        }
        fields.extend(self.data.iter().map(|name| match name.split_once('[') {
            Some((name, rest)) => format!("data[{name}][{rest}"),
            None => format!("data[{name}]"),
        }));
        let auth = self.auth.iter().copied().flatten();
        fields.extend(auth.map(|name| format!("auth[{name}]")));
        fields
    }
}

const LIFE: [Post; 4] = [
    Post {
        event: "ONAPPINSTALL",
        data: &["VERSION", "ACTIVE", "INSTALLED", "LANGUAGE_ID"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, REFRESH],
        bound: false,
        page: "api-reference/common/events/on-app-install.md",
    },
    Post {
        event: "ONAPPUPDATE",
        data: &["VERSION", "PREVIOUS_VERSION", "LANGUAGE_ID"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, REFRESH],
        bound: false,
        page: "api-reference/common/events/on-app-update.md",
    },
    Post {
        event: "ONAPPPAYMENT",
        data: &["CODE", "VERSION", "STATUS", "PAYMENT_EXPIRED", "DAYS", "LANGUAGE_ID"],
        auth: &[PORTAL],
        bound: false,
        page: "api-reference/common/events/on-app-payment.md",
    },
    Post {
        event: "ONAPPUNINSTALL",
        data: &["LANGUAGE_ID", "CLEAN"],
        auth: &[PORTAL, PROOF],
        bound: false,
        page: "api-reference/common/events/on-app-uninstall.md",
    },
];

const BOUND: [Post; 5] = [
    Post {
        event: "ONCRMLEADADD",
        data: &["FIELDS[ID]"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, LIVE],
        bound: true,
        page: "api-reference/events/index.md",
    },
    Post {
        event: "ONTASKADD",
        data: &["FIELDS_BEFORE", "FIELDS_AFTER[ID]", "IS_ACCESSIBLE_BEFORE", "IS_ACCESSIBLE_AFTER"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, LIVE],
        bound: true,
        page: "api-reference/tasks/events-tasks/on-task-add.md",
    },
    Post {
        event: "ONTASKDELETE",
        data: &["FIELDS_BEFORE[ID]", "FIELDS_AFTER", "IS_ACCESSIBLE_BEFORE", "IS_ACCESSIBLE_AFTER"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, LIVE],
        bound: true,
        page: "api-reference/tasks/events-tasks/on-task-delete.md",
    },
    Post {
        event: "ONAPPTEST",
        data: &["QUERY[hello]", "LANGUAGE_ID"],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, LIVE, REFRESH],
        bound: true,
        page: "api-reference/events/test-handler.md",
    },
    Post {
        event: "ONOFFLINEEVENT",
        // An empty list has no field in a form.
        data: &[],
        auth: &[PORTAL, PROOF, GRANT, TOKEN, LIVE, REFRESH],
        bound: true,
        page: "api-reference/events/on-offline-event.md",
    },
];

const ROBOT: Post = Post {
    event: "ONCRMLEADADD",
    data: &["FIELDS[ID]"],
    auth: &[PORTAL, PROOF, GRANT],
    bound: true,
    page: "_includes/auth-params-in-events.md",
};

const CONFIRMED: Post = Post {
    event: "ONAPPMETHODCONFIRM",
    data: &["TOKEN", "METHOD", "CONFIRMED", "LANGUAGE_ID"],
    auth: &[PORTAL, PROOF],
    bound: true,
    page: "api-reference/common/events/on-app-method-confirm.md",
};

const OUTGOING: Post = Post {
    event: "ONCRMDEALUPDATE",
    data: &["FIELDS[ID]"],
    auth: &[PORTAL, PROOF],
    bound: true,
    page: "local-integrations/local-webhooks.md",
};

/// What a frame has in its address, and what in its form; `PLACEMENT_OPTIONS` comes only where there are some.
const FRAME_QUERY: &[&str] = &["DOMAIN", "PROTOCOL", "LANG", "APP_SID"];
const FRAME_FORM: &[&str] = &[
    "AUTH_ID",
    "AUTH_EXPIRES",
    "REFRESH_ID",
    "SERVER_ENDPOINT",
    "APPLICATION_TOKEN",
    "APPLICATION_SCOPE",
    "member_id",
    "status",
    "PLACEMENT",
];

/// A portal, its handler and what was compared.
struct Scene {
    running: Running,
    handler: Handler,
    pair: Pair,
    compared: usize,
}

impl Scene {
    async fn new() -> Self {
        let running = start(small()).await;
        let pair = running.pair().await;
        Self { running, handler: Handler::start().await, pair, compared: 0 }
    }

    async fn expect(&mut self, post: &Post) {
        let request = self.handler.next().await;
        let form = request.form();
        assert_eq!(form["event"], post.event, "{}", post.page);
        let got: BTreeSet<String> = form.keys().cloned().collect();
        assert_eq!(got, post.fields(), "{} ({})", post.event, post.page);
        assert!(request.head.contains("application/x-www-form-urlencoded"), "{}", request.head);
        assert!(form["ts"].parse::<u64>().is_ok());
        self.compared += 1;
    }

    async fn bind(&self, event: &str) {
        let params =
            json!({"auth": self.pair.access, "event": event, "handler": self.handler.url("/h")});
        let reply = self.running.rest("event.bind", params).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    async fn rest(&self, method: &str, mut params: Value) {
        params["auth"] = self.pair.access.clone().into();
        let reply = self.running.rest(method, params).await;
        assert_eq!(reply.status, 200, "{method}: {}", reply.text);
    }

    /// The portal's own word on a new task, and on the handler that hears of it.
    async fn changes(&mut self) {
        for post in &BOUND {
            self.bind(post.event).await;
        }
        let [lead, added, deleted, test, _] = &BOUND;
        self.rest("crm.lead.add", json!({"fields": {"TITLE": "x"}})).await;
        self.expect(lead).await;
        self.rest("tasks.task.add", json!({"fields": {"TITLE": "x", "RESPONSIBLE_ID": 1}})).await;
        self.expect(added).await;
        self.rest("tasks.task.delete", json!({"taskId": 7})).await;
        self.expect(deleted).await;
        self.rest("event.test", json!({"hello": "world"})).await;
        self.expect(test).await;
        let robot =
            json!({"event": "ONCRMLEADADD", "data": {"FIELDS": {"ID": "7"}}, "user_id": null});
        self.running.control("/events/fire", robot).await;
        self.expect(&ROBOT).await;
    }

    async fn offline(&mut self) {
        let [.., wake] = &BOUND;
        self.rest("event.bind", json!({"event": "ONCRMCONTACTADD", "event_type": "offline"})).await;
        self.rest("crm.contact.add", json!({"fields": {"NAME": "x"}})).await;
        self.expect(wake).await;
    }

    async fn life(&mut self) {
        let handler = self.handler.url("/life");
        let [install, update, payment, uninstall] = &LIFE;
        self.running.control("/events/install", json!({"handler": handler})).await;
        self.expect(install).await;
        self.running.control("/events/update", json!({"handler": handler})).await;
        self.expect(update).await;
        self.running.control("/events/payment", json!({"handler": handler})).await;
        self.expect(payment).await;
        self.running.control("/events/uninstall", json!({"handler": handler})).await;
        self.expect(uninstall).await;
    }

    /// Both the page of an application and an installer that has not finished are opened like this.
    async fn frames(&mut self) {
        let names = |names: &[&str]| {
            names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>()
        };
        for options in [Value::Null, json!({"ID": "5"})] {
            let body = json!({"handler": self.handler.url("/app"), "options": options});
            self.running.control("/frame", body).await;
            let request = self.handler.next().await;
            let query = pairs(request.head.split(['?', ' ']).nth(2).unwrap());
            assert_eq!(query.keys().cloned().collect::<BTreeSet<_>>(), names(FRAME_QUERY));
            let mut wanted = names(FRAME_FORM);
            if !options.is_null() {
                wanted.insert("PLACEMENT_OPTIONS".to_owned());
            }
            let form = request.form();
            assert_eq!(form.keys().cloned().collect::<BTreeSet<_>>(), wanted);
            assert_eq!(form["PLACEMENT"], "DEFAULT");
            self.compared += 1;
        }
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what was compared is part of the result")]
async fn posts_have_the_fields_that_are_described() {
    let mut scene = Scene::new().await;
    scene.changes().await;
    scene.offline().await;
    scene.frames().await;
    scene.bind(CONFIRMED.event).await;
    let decision = json!({"TOKEN": "x", "METHOD": "voximplant.user.get", "CONFIRMED": "1", "LANGUAGE_ID": "en"});
    let decision = json!({"event": CONFIRMED.event, "data": decision, "user_id": null});
    scene.running.control("/events/fire", decision).await;
    scene.expect(&CONFIRMED).await;
    let hook = json!({"event": OUTGOING.event, "handler": scene.handler.url("/out")});
    scene.running.control("/events/webhook", hook).await;
    scene.rest("crm.deal.update", json!({"id": 1, "fields": {"TITLE": "x"}})).await;
    scene.expect(&OUTGOING).await;
    scene.life().await;
    println!("{} posts compared, 1 kind of exceptions:", scene.compared);
    println!(
        "  auth[expires], auth[user_id] of events with tokens: live posts have them, the printed ones do not"
    );
}
