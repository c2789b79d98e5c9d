//! `/oauth/authorize/`: choose a user, allow or deny. Failures stay on the page: the application is never told.

use std::collections::VecDeque;
use std::fmt::Write as _;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::applications::Application;
use crate::http::{Answer, Request};
use crate::params::{Params, parse_query};
use crate::users::{self, UserKind};
use crate::world::World;

/// Everything but what RFC 3986 calls unreserved.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Forms that are open at once; the oldest are forgotten.
const OPEN_FORMS: usize = 256;

const LAYOUT: &str = include_str!("consent.html");

/// The forms that were shown and not yet sent. Each works once, for the request it was made for.
#[derive(Clone, Default)]
pub(crate) struct Forms(VecDeque<Form>);

#[derive(Clone)]
struct Form {
    token: String,
    client_id: String,
    state: String,
}

impl Forms {
    fn open(&mut self, client_id: &str, state: &str) -> String {
        let token = format!("{:032x}", rand::random::<u128>());
        if self.0.len() >= OPEN_FORMS {
            self.0.pop_front();
        }
        let form =
            Form { token: token.clone(), client_id: client_id.to_owned(), state: state.to_owned() };
        self.0.push_back(form);
        token
    }

    fn take(&mut self, token: &str) -> Option<Form> {
        let at = self.0.iter().position(|form| form.token == token)?;
        self.0.remove(at)
    }
}

/// Answers the consent page and its form.
pub(crate) fn page(world: &World, request: &Request) -> Answer {
    let answer = match request.method {
        Method::GET => show(world, &Params::from_map(parse_query(request.query.as_bytes()))),
        Method::POST => decide(world, &Params::from_map(parse_query(&request.body))),
        _ => return Answer::plain_page(405, "Method Not Allowed").with("allow", "GET, POST"),
    };
    answer
        .with("cache-control", "no-store")
        .with("referrer-policy", "no-referrer")
        .with("x-frame-options", "DENY")
        .with(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
        )
}

/// Issues a code as if `user_id` had pressed Allow; returns the code and the address of the application.
pub(crate) fn grant_code(
    world: &World,
    application: &Application,
    user_id: u64,
    state: Option<&str>,
) -> (String, String) {
    let holder = world.holder(&application.client_id, user_id);
    let code = world.tokens.write().consent(holder, world.clock.now()).text();
    world.counters.codes_issued.add();
    let scope = application.scope.join(",");
    let (portal, server) = (world.portal_host(), world.authorization_host());
    let pairs = [
        ("code", Some(code.as_str())),
        ("state", state),
        ("domain", Some(&*portal)),
        ("member_id", Some(&world.member_id)),
        ("scope", Some(&scope)),
        ("server_domain", Some(&server)),
    ];
    let mut url = application.redirect_uri.clone();
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        let separator = if url.contains('?') { '&' } else { '?' };
        // Writing into a String cannot fail.
        let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(value, QUERY));
    }
    (code, url)
}

fn show(world: &World, params: &Params) -> Answer {
    let client_id = params.text("client_id").unwrap_or_default();
    let Some(application) = world.application(&client_id) else {
        let text = "No application with this client_id is installed on this portal. Check the client_id, \
                    or install the application first.";
        return message(world, 400, "Application not found", text);
    };
    let state = params.text("state");
    let auto_consent = world.settings.read().auto_consent;
    if let Some(user_id) = auto_consent {
        return Answer::redirect(grant_code(world, &application, user_id, state.as_deref()).1);
    }
    let csrf = world.forms.get().open(&client_id, state.as_deref().unwrap_or_default());
    Answer::html(200, layout(world, "Allow access", &form(world, &application, &csrf)))
}

fn decide(world: &World, params: &Params) -> Answer {
    let form = params.text("csrf").and_then(|token| world.forms.get().take(&token));
    let form = form.and_then(|form| Some((world.application(&form.client_id)?, form)));
    let Some((application, form)) = form else {
        let text = "This form was already sent, or it was not opened on this portal. Go back to the application \
                    and start again.";
        return message(world, 403, "The form has expired", text);
    };
    if params.text("decision").as_deref() != Some("allow") {
        let text = "The application got no access and was not told about your decision. You can close this page.";
        return message(world, 200, "Access denied", text);
    }
    let user_id =
        params.text("user_id").and_then(|id| id.parse().ok()).filter(|&id| users::is_valid(id));
    let Some(user_id) = user_id else {
        return message(world, 400, "Choose a user", &format!("user_id {}.", users::RULE));
    };
    let state = (!form.state.is_empty()).then_some(form.state.as_str());
    if !world.user(user_id).active {
        return message(world, 403, "No such user", "This user does not work here any more.");
    }
    Answer::redirect(grant_code(world, &application, user_id, state).1)
}

fn form(world: &World, application: &Application, csrf: &str) -> String {
    let mut people = String::new();
    for user in world.people.listed() {
        let checked = if user.id == 1 { " checked" } else { "" };
        let role = match user.kind {
            UserKind::Admin => "<em>administrator</em>",
            UserKind::Extranet => "<em>extranet</em>",
            UserKind::Employee => "",
        };
        let _ = writeln!(
            people,
            "<label class=\"person\"><input type=\"radio\" name=\"user_id\" value=\"{id}\"{checked}>\
             <span class=\"face\">{initials}</span>\
             <span><b>{name} {last_name}</b>{role}<small>{position}</small></span></label>",
            id = user.id,
            initials = [&user.name, &user.last_name]
                .into_iter()
                .filter_map(|word| word.chars().next())
                .map(|letter| escape(letter.encode_utf8(&mut [0; 4])))
                .collect::<String>(),
            name = escape(&user.name),
            last_name = escape(&user.last_name),
            position = escape(&user.position),
        );
    }
    let scopes: String =
        application.scope.iter().map(|scope| format!("<span>{}</span>", escape(scope))).collect();
    format!(
        "<h1>Allow access?</h1>\n\
         <p>The application <code>{client}</code> wants to work in this portal on behalf of:</p>\n\
         <form method=\"post\" action=\"/oauth/authorize/\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
         <div class=\"people\">{people}</div>\n\
         <p class=\"scopes\">It may use {scopes}</p>\n\
         <div class=\"buttons\"><button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\" class=\"quiet\">Deny</button></div>\n</form>",
        client = escape(&application.client_id),
    )
}

fn message(world: &World, status: u16, title: &str, text: &str) -> Answer {
    let content = format!("<h1>{}</h1>\n<p>{}</p>", escape(title), escape(text));
    Answer::html(status, layout(world, title, &content))
}

fn layout(world: &World, title: &str, content: &str) -> String {
    LAYOUT
        .replace("{{title}}", &escape(title))
        .replace("{{portal}}", &escape(&world.portal_host()))
        .replace("{{content}}", content)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
