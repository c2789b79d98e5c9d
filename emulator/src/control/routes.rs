//! All routes of the control port.

use serde_json::json;

use super::route::{Field, Input, Route, field, page, required, route};
use super::{calls, events, faults, openapi, page as pages, portals, settings, snapshot, truth};

use Input::{Body, None, Query};

const CLIENT: Field =
    field("client_id", "string", "an application; the first one of the portal unless given");
const USER: Field = field("user_id", "integer", "a user; 1 unless given");
const HANDLER: Field =
    field("handler", "string", "a URL on loopback, called beside the bound handlers");
const LANGUAGE: Field = field("language", "string", "`en` unless given");
const AFTER: &[Field] = &[field("after", "integer", "only entries with a higher number")];

const CLOCK: &[Field] = &[
    field("advance", "number", "seconds to turn the clock by"),
    field("set", "number", "unix seconds to show"),
];
const CONSENT: &[Field] = &[USER, field("state", "string", "returned unchanged"), CLIENT];
const REVOKE: &[Field] = &[
    field("user_id", "integer", "only chains of this user"),
    field("member_id", "string", "only chains of this portal"),
    field("client_id", "string", "only chains of this application"),
];
const FAULT: &[Field] = &[
    required("at", "string", "`token`, `rest`, `event` or `frame`"),
    required(
        "kind",
        "string",
        "`html`, `json`, `drop`, `truncate`, `status`, `reset`, `delay`, `late`, `slow`, `skew`, `overload`, `internal`, `unexpected`, `unavailable`, `error_200`; for events and frames `drop`, `delay`, `duplicate` alone",
    ),
    field(
        "method",
        "string",
        "a REST method, a grant type, an event, a placement; all of them unless given",
    ),
    field("command", "", "the key of a command: strikes that command of a batch alone"),
    field("when", "string", "`before` (usual) or `after` the server does its work"),
    field("status", "integer", "instead of the kind's usual status"),
    field("body", "", "instead of the kind's usual body"),
    field("times", "integer", "strikes before it is gone: 1, with a probability no end"),
    field("skip", "integer", "matching requests it lets pass first"),
    field("probability", "number", "0 to 1: strikes by chance"),
    field("seed", "integer", "of the chance; the same seed strikes the same requests"),
    field(
        "delay_ms",
        "integer",
        "how much later the client gets it, or (`late`) the work begins; 200 for `delay`, `late` and `slow`",
    ),
    field(
        "clock",
        "string",
        "`real` (usual): the delay is waited for; `virtual`: the clock is turned by it",
    ),
    field("skew", "number", "seconds by which the `Date` header is wrong; -3600 for `skew`"),
];
const PORTAL: &[Field] = &[
    field("port", "integer", "0 picks a free one"),
    field("seed", "integer", "its member_id and rows follow from it"),
    field("leads", "integer", "generated leads"),
    field("deals", "integer", "generated deals"),
    field("contacts", "integer", "generated contacts"),
    field("companies", "integer", "generated companies"),
    field("tasks", "integer", "generated tasks"),
    field("users", "array", "what is special about its users"),
    field("settings", "object", "its settings by their names"),
];
const DOMAIN: &[Field] = &[field("port", "integer", "the new port; 0 picks a free one")];
const APPLICATION: &[Field] = &[
    required("client_id", "string", "a known application is changed, another is added"),
    field("client_secret", "string", "its secret"),
    field("redirect_uri", "string", "where its codes are sent"),
    field("scope", "array", "what its card grants"),
    field("portal", "integer", "a local application's only portal, by place; null is everywhere"),
    field("status", "string", "its letter"),
];
const INSTALLED: &[Field] =
    &[CLIENT, field("installed", "boolean", "false takes it off, silently")];
const PERSON: &[Field] = &[
    required("id", "integer", "the user"),
    field("name", "string", "first name"),
    field("last_name", "string", "last name"),
    field("position", "string", "position"),
    field("kind", "string", "`admin`, `employee` or `extranet`"),
    field("active", "boolean", "false: dismissed"),
    field("access", "boolean", "false: may not use the applications"),
    field("webhook", "string", "secret of the user's webhook; empty removes it"),
    field("scope", "array", "scopes of that webhook"),
];
const INSTALL: &[Field] = &[
    CLIENT,
    USER,
    HANDLER,
    LANGUAGE,
    field("version", "string", "`1.0.0` unless given"),
    field(
        "finished",
        "boolean",
        "false: an installer still has to finish; until then no events are sent",
    ),
];
const FINISH: &[Field] = &[CLIENT];
const UPDATE: &[Field] =
    &[CLIENT, USER, HANDLER, LANGUAGE, field("version", "string", "`2.0.0` unless given")];
const UNINSTALL: &[Field] = &[
    CLIENT,
    HANDLER,
    LANGUAGE,
    field("clean", "boolean", "whether the application's data is to go too"),
];
const PAYMENT: &[Field] = &[
    CLIENT,
    HANDLER,
    LANGUAGE,
    field("version", "integer", "1 unless given"),
    field("status", "string", "`P` unless given"),
    field("payment_expired", "boolean", "whether it was not paid"),
    field("days", "integer", "days that are paid for"),
];
const FIRE: &[Field] = &[
    required("event", "string", "its name"),
    field("data", "", "its data"),
    field(
        "user_id",
        "integer",
        "who did it: 1 unless given; null is a robot, then no tokens are sent",
    ),
    field("client_id", "string", "only this application hears of it"),
];
const WEBHOOK: &[Field] =
    &[required("event", "string", "its name"), required("handler", "string", "where it is sent")];
const FRAME: &[Field] = &[
    required("handler", "string", "the application's page on loopback"),
    USER,
    CLIENT,
    LANGUAGE,
    field("placement", "string", "`DEFAULT` unless given"),
    field("options", "", "PLACEMENT_OPTIONS, sent as JSON text"),
];
const SEED: &[Field] = &[required(
    "seed",
    "integer",
    "generated rows follow from it; what calls changed is forgotten",
)];
const RESTORE: &[Field] = &[required("id", "integer", "what POST /snapshot answered")];

/// The table, grouped by path.
pub(super) static ROUTES: &[Route] = &[
    route("GET", "/", "Addresses and credentials", None, |ask| Ok(json!(ask.network.ready()))),
    route("GET", "/openapi.json", "This document", None, openapi::document),
    page("/page", "The request log, live, for people", pages::html),
    page("/page.css", "How the page looks", pages::style),
    page("/page.js", "What the page does", pages::script),
    route("POST", "/reset", "Like a fresh start, on the same ports", None, calls::reset),
    route("GET", "/clock", "The virtual clock", None, calls::clock),
    route("POST", "/clock", "Turns the virtual clock", Body(CLOCK), calls::turn_clock),
    route("POST", "/consent", "A code without a browser", Body(CONSENT), calls::consent),
    route("GET", "/settings", "The settings of a portal", None, |ask| {
        Ok(ask.world.settings.read().to_json())
    }),
    route(
        "POST",
        "/settings",
        "Changes settings; null is what it was at the start",
        Input::Settings,
        |ask| settings::change(ask.world, ask.request),
    ),
    route("POST", "/revoke", "Ends the chains that match", Body(REVOKE), calls::revoke),
    route("GET", "/faults", "The armed faults", None, |ask| Ok(ask.world.faults.to_json())),
    route("POST", "/faults", "Arms a fault: the next matching requests fail", Body(FAULT), |ask| {
        faults::arm(ask.world, ask.request)
    }),
    route("DELETE", "/faults", "Disarms all faults", None, truth::clear_faults),
    route("GET", "/counters", "What happened, in numbers", None, truth::counters),
    route("GET", "/tokens", "Every token ever issued and its true state", None, truth::tokens),
    route(
        "GET",
        "/chains",
        "Every chain, what was done with it, and how many of its refresh tokens live",
        None,
        |ask| Ok(ask.world.tokens.read().chains_json(ask.world.clock.now())),
    ),
    route("GET", "/log", "The last requests, secrets cut", Query(AFTER), truth::log),
    route("DELETE", "/log", "Forgets the log", None, truth::clear_log),
    route("GET", "/messages", "Messages and notifications that were sent", None, |ask| {
        Ok(ask.world.rest.messages_json())
    }),
    route(
        "GET",
        "/limits",
        "What each client address did, and the least time for it",
        None,
        |ask| Ok(portals::limits(ask.network)),
    ),
    route(
        "DELETE",
        "/limits",
        "Empties the buckets and the operating-time baskets",
        None,
        truth::clear_limits,
    ),
    route("GET", "/portals", "All portals", None, |ask| Ok(json!(ask.network.ready().portals))),
    route("POST", "/portals", "Adds a portal", Body(PORTAL), |ask| {
        portals::add(ask.network, ask.request)
    }),
    route(
        "POST",
        "/domain",
        "Gives a portal a new address; the old one redirects",
        Body(DOMAIN),
        |ask| portals::rename(ask.network, ask.world, ask.request),
    ),
    route("GET", "/applications", "All applications", None, |ask| {
        Ok(json!(ask.network.ready().applications))
    }),
    route("POST", "/applications", "Adds or changes an application", Body(APPLICATION), |ask| {
        portals::register(ask.network, ask.request)
    }),
    route(
        "POST",
        "/installed",
        "Takes an application off a portal or puts it back, silently",
        Body(INSTALLED),
        |ask| portals::install(ask.world, ask.request),
    ),
    route("GET", "/users", "The users that something is known of", None, |ask| {
        Ok(portals::users(ask.world))
    }),
    route("POST", "/users", "Says something about a user", Body(PERSON), |ask| {
        portals::user(ask.world, ask.request)
    }),
    route(
        "GET",
        "/events",
        "Bindings, installations (with their application_token) and the offline queue",
        None,
        events::show,
    ),
    route(
        "POST",
        "/events/install",
        "Installs an application: ONAPPINSTALL",
        Body(INSTALL),
        events::install,
    ),
    route(
        "POST",
        "/events/finish",
        "What an installer calls at its end",
        Body(FINISH),
        events::finish,
    ),
    route(
        "POST",
        "/events/update",
        "Updates an application: ONAPPUPDATE; its bindings go",
        Body(UPDATE),
        events::update,
    ),
    route(
        "POST",
        "/events/uninstall",
        "Takes an application off: ONAPPUNINSTALL",
        Body(UNINSTALL),
        events::uninstall,
    ),
    route(
        "POST",
        "/events/payment",
        "Tells of a payment: ONAPPPAYMENT",
        Body(PAYMENT),
        events::payment,
    ),
    route("POST", "/events/fire", "Fires an event by hand", Body(FIRE), events::fire),
    route("POST", "/events/webhook", "Adds an outgoing webhook", Body(WEBHOOK), events::webhook),
    route(
        "POST",
        "/frame",
        "Opens an application's page as a user does",
        Body(FRAME),
        events::frame,
    ),
    route(
        "GET",
        "/deliveries",
        "Calls to handlers and what became of them, secrets cut",
        Query(AFTER),
        truth::deliveries,
    ),
    route("DELETE", "/deliveries", "Forgets the deliveries", None, truth::clear_deliveries),
    route("POST", "/seed", "Other generated rows", Body(SEED), calls::seed),
    route("POST", "/snapshot", "Keeps the whole state", None, snapshot::take),
    route("POST", "/restore", "Brings a kept state back", Body(RESTORE), snapshot::restore),
];
