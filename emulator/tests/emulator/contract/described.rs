//! Answers that the vendor's documentation describes: their structure, written down here in our own words, each with
//! the page that it follows. What stands beside the repository is not needed for these.

use serde_json::{Map, Value, json};

use super::Report;
use crate::support::{Pair, Running, small, start};

/// Who asks, and where.
#[derive(Clone, Copy)]
enum Door {
    Webhook,
    /// With an administrator's access token.
    Application,
    /// REST 3.0, through the webhook.
    V3,
}

/// A call and what its answer looks like: names of keys, and a value of each type. Null is of any type.
struct Described {
    method: &'static str,
    door: Door,
    ask: Value,
    status: u16,
    answer: Value,
    /// Page of the vendor's documentation.
    page: &'static str,
}

/// Every key of the time block.
fn time() -> Value {
    json!({
        "start": 0, "finish": 0.0, "duration": 0.0, "processing": 0, "date_start": "", "date_finish": "",
        "operating_reset_at": 0, "operating": 0.0,
    })
}

fn success(
    (method, door, page): (&'static str, Door, &'static str),
    ask: Value,
    mut answer: Value,
) -> Described {
    answer["time"] = time();
    Described { method, door, ask, status: 200, answer, page }
}

fn refusal(
    (method, door, page): (&'static str, Door, &'static str),
    ask: Value,
    (status, error): (u16, Value),
) -> Described {
    let answer = match door {
        Door::V3 => json!({"error": error}),
        _ => json!({"error": error, "error_description": ""}),
    };
    Described { method, door, ask, status, answer, page }
}

/// An object whose values are all of one type.
fn all(names: &str, value: &Value) -> Value {
    let pair = |name: &str| (name.to_owned(), value.clone());
    names.split_whitespace().map(pair).collect::<Map<_, _>>().into()
}

/// Everything that a lead has of itself; the portal sends text, whatever it is about.
const LEAD: &str = "ID TITLE HONORIFIC NAME SECOND_NAME LAST_NAME COMPANY_TITLE COMPANY_ID CONTACT_ID
    IS_RETURN_CUSTOMER BIRTHDATE SOURCE_ID SOURCE_DESCRIPTION STATUS_ID STATUS_DESCRIPTION POST COMMENTS CURRENCY_ID
    OPPORTUNITY IS_MANUAL_OPPORTUNITY HAS_PHONE HAS_EMAIL HAS_IMOL ASSIGNED_BY_ID CREATED_BY_ID MODIFY_BY_ID
    DATE_CREATE DATE_MODIFY DATE_CLOSED STATUS_SEMANTIC_ID OPENED ORIGINATOR_ID ORIGIN_ID MOVED_BY_ID MOVED_TIME
    ADDRESS ADDRESS_2 ADDRESS_CITY ADDRESS_POSTAL_CODE ADDRESS_REGION ADDRESS_PROVINCE ADDRESS_COUNTRY
    ADDRESS_COUNTRY_CODE ADDRESS_LOC_ADDR_ID UTM_SOURCE UTM_MEDIUM UTM_CAMPAIGN UTM_CONTENT UTM_TERM LAST_ACTIVITY_BY
    LAST_ACTIVITY_TIME";

fn channel() -> Value {
    json!([{"ID": "", "VALUE_TYPE": "", "VALUE": "", "TYPE_ID": ""}])
}

fn lists() -> Vec<Described> {
    use Door::{V3, Webhook};
    let leads = ("crm.lead.list", Webhook, "api-reference/crm/leads/crm-lead-list.md");
    let paging = "settings/how-to-call-rest-api/list-methods-pecularities.md";
    let huge = "settings/performance/huge-data.md";
    let contacts = ("crm.contact.list", Webhook, "api-reference/crm/contacts/crm-contact-list.md");
    let tasks = ("tasks.task.list", Webhook, "api-reference/tasks/tasks-task-list.md");
    let person = all("id name link icon workPosition", &json!(""));
    let task = json!({
        "id": "", "title": "", "status": "", "subStatus": "", "deadline": null, "responsibleId": "", "priority": "",
        "auditors": [], "accomplices": [], "group": [], "responsible": person, "auditorsData": [],
        "accomplicesData": [], "tags": [], "counter": {},
    });
    let named = [
        "ID",
        "TITLE",
        "STATUS",
        "DEADLINE",
        "RESPONSIBLE_ID",
        "PRIORITY",
        "AUDITORS",
        "ACCOMPLICES",
        "GROUP_ID",
        "TAGS",
    ];
    let v3 = json!({"id": 0, "title": "", "responsibleId": 0, "deadline": null, "status": ""});
    vec![
        success(
            leads,
            json!({}),
            json!({"result": [all(LEAD, &json!(""))], "total": 0, "next": 0}),
        ),
        success(
            leads,
            json!({"select": ["ID", "PHONE"], "filter": {"HAS_PHONE": "Y"}}),
            json!({"result": [{"ID": "", "PHONE": channel()}], "total": 0, "next": 0}),
        ),
        success(
            ("crm.lead.list", Webhook, paging),
            json!({"filter": {"<=ID": 3}, "select": ["ID", "TITLE"]}),
            json!({"result": [{"ID": "", "TITLE": ""}], "total": 0}),
        ),
        success(
            ("crm.lead.list", Webhook, huge),
            json!({"start": -1, "order": {"ID": "ASC"}, "select": ["ID"]}),
            json!({"result": [{"ID": ""}], "total": 0}),
        ),
        success(
            contacts,
            json!({
                "select": ["ID", "NAME", "LAST_NAME", "EMAIL", "EXPORT", "ASSIGNED_BY_ID", "DATE_CREATE"],
                "filter": {"HAS_EMAIL": "Y", "<=ID": 50},
            }),
            json!({
                "result": [{
                    "ID": "", "NAME": "", "LAST_NAME": "", "EXPORT": "", "ASSIGNED_BY_ID": "", "DATE_CREATE": "",
                    "EMAIL": channel(),
                }],
                "total": 0,
            }),
        ),
        success(
            tasks,
            json!({"select": named, "filter": {"<=ID": 5}}),
            json!({"result": {"tasks": [task]}, "total": 0}),
        ),
        success(
            tasks,
            json!({"select": ["ID"]}),
            json!({"result": {"tasks": [{"id": ""}]}, "total": 0, "next": 0}),
        ),
        success(
            ("tasks.task.list", V3, "api-reference/tasks/tasks-task-list-rest-v3.md"),
            json!({"select": ["id", "title", "responsibleId", "deadline", "status"]}),
            json!({"result": {"items": [v3]}}),
        ),
        success(
            ("tasks.task.list", V3, "api-reference/tasks/tasks-task-list-rest-v3.md"),
            json!({}),
            json!({"result": {"items": [{"id": 0}]}}),
        ),
        success(
            ("call.followup.list", V3, "api-reference/telephony/follow-up/call-followup-list.md"),
            json!({
                "filter": {"startDate": {"from": "2020-01-01T00:00:00+00:00", "to": "2030-01-01T00:00:00+00:00"}},
                "pagination": {"limit": 2},
            }),
            json!({"result": {"items": [{"callId": 0}], "hasMore": true, "afterCursor": {"startDate": "", "id": 0}}}),
        ),
        success(
            ("main.eventlog.tail", V3, "api-reference/event-log/main-eventlog-tail.md"),
            json!({}),
            json!({"result": {"items": [{"id": 0}]}}),
        ),
        success(
            ("user.get", Webhook, "api-reference/user/user-get.md"),
            json!({"FILTER": {"ID": 1}}),
            json!({"result": [{"ID": "", "ACTIVE": true, "NAME": "", "LAST_NAME": "", "EMAIL": "", "UF_DEPARTMENT": [0]}], "total": 0}),
        ),
    ]
}

fn common() -> Vec<Described> {
    use Door::{Application, Webhook};
    let profile = json!({"ID": "", "ADMIN": true, "NAME": "", "LAST_NAME": "", "PERSONAL_GENDER": "", "TIME_ZONE": ""});
    let handler = json!({"event": "ONCRMLEADADD", "handler": "http://127.0.0.1:9/h"});
    vec![
        success(
            ("profile", Webhook, "api-reference/common/users/profile.md"),
            json!({}),
            json!({"result": profile}),
        ),
        success(
            ("server.time", Webhook, "api-reference/common/system/server-time.md"),
            json!({}),
            json!({"result": ""}),
        ),
        success(
            ("methods", Webhook, "api-reference/common/system/methods.md"),
            json!({}),
            json!({"result": [""]}),
        ),
        success(
            ("access.name", Webhook, "api-reference/common/users/access-name.md"),
            json!({"ACCESS": ["U1"]}),
            json!({"result": {"U1": {"provider": "", "name": "", "provider_id": ""}}}),
        ),
        success(
            ("im.notify", Webhook, "api-reference/chats/notifications/im-notify.md"),
            json!({"USER_ID": 1, "MESSAGE": "x"}),
            json!({"result": 0}),
        ),
        success(
            ("crm.deal.add", Webhook, "api-reference/crm/deals/crm-deal-add.md"),
            json!({"fields": {"TITLE": "x"}}),
            json!({"result": 0}),
        ),
        success(
            ("events", Application, "api-reference/events/events.md"),
            json!({}),
            json!({"result": [""]}),
        ),
        success(
            ("event.bind", Application, "api-reference/events/event-bind.md"),
            handler.clone(),
            json!({"result": true}),
        ),
        success(
            ("event.get", Application, "api-reference/events/event-get.md"),
            json!({}),
            json!({"result": [{"event": "", "handler": "", "auth_type": "", "offline": 0}]}),
        ),
        success(
            ("event.unbind", Application, "api-reference/events/event-unbind.md"),
            handler,
            json!({"result": {"count": 0}}),
        ),
        success(
            ("event.test", Application, "api-reference/events/test-handler.md"),
            json!({"any": "thing"}),
            json!({"result": 0}),
        ),
        success(
            ("event.offline.clear", Application, "api-reference/events/event-offline-clear.md"),
            json!({"process_id": "0123456789abcdefghijklmnopqrstuv"}),
            json!({"result": true}),
        ),
    ]
}

fn batches() -> Vec<Described> {
    use Door::{V3, Webhook};
    let classic = ("batch", Webhook, "settings/how-to-call-rest-api/batch.md");
    let mut inner = time();
    // Inner blocks have the same keys as outer ones.
    inner["operating"] = json!(0.0);
    let error = json!({"error": "", "error_description": ""});
    vec![
        success(
            classic,
            json!({"halt": 0, "cmd": {"me": "profile", "leads": "crm.lead.list", "bad": "crm.lead.get?id=0"}}),
            json!({"result": {
                "result": {"me": {"ID": ""}, "leads": [{"ID": ""}]},
                "result_error": {"bad": error},
                "result_total": {"leads": 0},
                "result_next": {"leads": 0},
                "result_time": {"me": inner, "leads": inner},
            }}),
        ),
        success(
            classic,
            json!({"halt": 1, "cmd": {"bad": "crm.lead.get?id=0", "me": "profile"}}),
            json!({"result": {
                "result": [], "result_error": {"bad": error}, "result_total": [], "result_next": [], "result_time": [],
            }}),
        ),
        success(
            classic,
            json!({"cmd": ["profile", "server.time"]}),
            json!({"result": {
                "result": [{"ID": ""}, ""], "result_error": [], "result_total": [], "result_next": [],
                "result_time": [inner, inner],
            }}),
        ),
        success(
            ("batch", V3, "api-reference/rest-v3.md"),
            json!([{"method": "tasks.task.get", "query": {"id": 3}}, {"method": "tasks.task.list"}]),
            json!({"result": [{"item": {"id": 0, "title": ""}}, {"items": [{"id": 0}]}]}),
        ),
        success(
            ("tasks.task.delete", V3, "api-reference/tasks/tasks-task-delete-rest-v3.md"),
            json!({"id": 9}),
            json!({"result": {"result": true}}),
        ),
    ]
}

fn errors() -> Vec<Described> {
    use Door::{Application, V3, Webhook};
    let system = "_includes/system-errors.md";
    let leads = ("crm.lead.list", Webhook, "api-reference/crm/leads/crm-lead-list.md");
    let task = "api-reference/tasks/tasks-task-get-rest-v3.md";
    vec![
        refusal(("no.such", Webhook, system), json!({}), (404, json!("ERROR_METHOD_NOT_FOUND"))),
        refusal(
            ("profile", Application, system),
            json!({"auth": ""}),
            (401, json!("NO_AUTH_FOUND")),
        ),
        refusal(
            ("app.info", Webhook, "api-reference/common/system/app-info.md"),
            json!({}),
            (403, json!("ACCESS_DENIED")),
        ),
        refusal(
            ("event.get", Webhook, "api-reference/events/event-get.md"),
            json!({}),
            (403, json!("WRONG_AUTH_TYPE")),
        ),
        refusal(leads, json!({"filter": "x"}), (400, json!(""))),
        refusal(leads, json!({"order": "x"}), (400, json!(""))),
        refusal(
            ("tasks.task.list", Webhook, "api-reference/tasks/tasks-task-list.md"),
            json!({"order": {"NO_SUCH": "asc"}}),
            (400, json!("0")),
        ),
        refusal(
            ("tasks.task.delete", V3, "api-reference/tasks/tasks-task-delete-rest-v3.md"),
            json!({"id": 999_999}),
            (
                400,
                json!({"code": "BITRIX_REST_V3_EXCEPTION_ENTITYNOTFOUNDEXCEPTION", "message": ""}),
            ),
        ),
        refusal(
            ("tasks.task.get", V3, task),
            json!({}),
            (
                400,
                json!({
                    "code": "BITRIX_REST_V3_EXCEPTION_VALIDATION_REQUESTVALIDATIONEXCEPTION", "message": "",
                    "validation": [{"message": "", "field": ""}],
                }),
            ),
        ),
        refusal(
            ("batch", V3, "api-reference/rest-v3.md"),
            json!({"cmd": {"a": "tasks.task.list"}}),
            (
                400,
                json!({"code": "BITRIX_REST_V3_EXCEPTION_INVALIDSELECTEXCEPTION", "message": ""}),
            ),
        ),
    ]
}

async fn ask(running: &Running, pair: &Pair, described: &Described) -> crate::support::Reply {
    let ready = running.ready();
    let base = match described.door {
        Door::Webhook => ready.webhook.clone(),
        Door::V3 => ready.webhook.replace("/rest/", "/rest/api/"),
        Door::Application => format!("{}/rest/", ready.portal),
    };
    let mut body = described.ask.clone();
    if let (Door::Application, Value::Object(map)) = (described.door, &mut body) {
        map.entry("auth").or_insert(pair.access.clone().into());
    }
    running.post_json(&format!("{base}{}", described.method), &body).await
}

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what was compared is part of the result")]
async fn answers_have_the_structure_that_is_described() {
    let running = start(small()).await;
    let pair = running.pair().await;
    let mut report = Report::default();
    let described: Vec<Described> =
        [lists(), common(), batches(), errors()].into_iter().flatten().collect();
    for one in &described {
        let Described { method, page, .. } = one;
        let reply = ask(&running, &pair, one).await;
        if reply.status != one.status {
            report.problems.push(format!("{method} ({page}): {} {}", reply.status, reply.text));
            continue;
        }
        let answer = reply.json();
        // Around the result nothing is missing, and nothing is more.
        if names(&answer) != names(&one.answer) {
            report.problems.push(format!("{method} ({page}): {:?}", names(&answer)));
        }
        let code = |body: &Value| match &body["error"] {
            Value::Object(error) => error["code"].clone(),
            other => other.clone(),
        };
        if code(&answer) != code(&one.answer) {
            report.problems.push(format!("{method} ({page}): {}", reply.text));
        }
        // A list without rows would show nothing.
        if let (Value::Array(wanted), Value::Array(got)) =
            (&one.answer["result"], &answer["result"])
            && got.is_empty() != wanted.is_empty()
        {
            report.problems.push(format!("{method} ({page}): no rows"));
        }
        report.compare(method, "", &one.answer, &answer);
    }
    println!("{} described answers compared", described.len());
    report.finish();
}
