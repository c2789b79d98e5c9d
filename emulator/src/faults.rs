//! Faults that a test arms: they strike the next matching requests, all of them or by chance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::clock::{self, Clock};
use crate::http::{Answer, Delivery};
use crate::rows::mix;
use crate::sync::Lock;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The token endpoint, at the authorization server and at the portal.
    Token,
    /// The portal's REST interface.
    Rest,
    /// Calls that a portal makes to handlers of events.
    Event,
    /// Openings of frames, which a browser posts.
    Frame,
}

/// Words for the places.
pub(crate) const PLACES: [(&str, Place); 4] = [
    ("token", Place::Token),
    ("rest", Place::Rest),
    ("event", Place::Event),
    ("frame", Place::Frame),
];

/// Before or after the server does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

/// Words for the moments.
pub(crate) const MOMENTS: [(&str, When); 2] = [("before", When::Before), ("after", When::After)];

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page.
    Html,
    /// An error object.
    Json,
    /// The connection is closed without an answer.
    Drop,
    /// Half of the answer.
    Truncate,
    /// A bare status.
    Status,
    /// The connection is reset (RST) without an answer.
    Reset,
    /// The answer, later.
    Delay,
    /// The work itself is done later, even if nobody waits for the answer any more.
    Late,
    /// The answer, its body bit by bit.
    Slow,
    /// The answer under a wrong `Date`.
    Skew,
    /// `OVERLOAD_LIMIT`.
    Overload,
    /// `INTERNAL_SERVER_ERROR`.
    Internal,
    /// `ERROR_UNEXPECTED_ANSWER`.
    Unexpected,
    /// 503 with the web server's page.
    Unavailable,
    /// An error object under status 200.
    Error200,
    /// An event is delivered twice.
    Duplicate,
}

/// Words for the kinds.
pub(crate) const KINDS: [(&str, Kind); 16] = [
    ("html", Kind::Html),
    ("json", Kind::Json),
    ("drop", Kind::Drop),
    ("truncate", Kind::Truncate),
    ("status", Kind::Status),
    ("reset", Kind::Reset),
    ("delay", Kind::Delay),
    ("late", Kind::Late),
    ("slow", Kind::Slow),
    ("skew", Kind::Skew),
    ("overload", Kind::Overload),
    ("internal", Kind::Internal),
    ("unexpected", Kind::Unexpected),
    ("unavailable", Kind::Unavailable),
    ("error_200", Kind::Error200),
    ("duplicate", Kind::Duplicate),
];

impl Kind {
    /// Whether it can happen there.
    pub(crate) fn fits(self, place: Place) -> bool {
        match place {
            Place::Event | Place::Frame => {
                matches!(self, Self::Drop | Self::Delay | Self::Duplicate)
            }
            Place::Token | Place::Rest => self != Self::Duplicate,
        }
    }

    /// Whether it takes the real answer and changes how it arrives: the work is always done then.
    fn keeps_answer(self) -> bool {
        matches!(self, Self::Delay | Self::Slow | Self::Skew)
    }

    /// Status and error of the kinds that are error objects.
    fn error(self) -> Option<(u16, &'static str, &'static str)> {
        Some(match self {
            Self::Json => (400, "ERROR_CORE", "Fault armed at the control port"),
            Self::Error200 => (200, "ERROR_CORE", "Fault armed at the control port"),
            Self::Overload => (503, "OVERLOAD_LIMIT", "REST API is blocked due to overload."),
            Self::Internal => (500, "INTERNAL_SERVER_ERROR", "Internal server error"),
            Self::Unexpected => {
                (500, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response")
            }
            _ => return None,
        })
    }
}

/// Chance instead of certainty; the same seed strikes the same requests.
#[derive(Clone)]
pub(crate) struct Chance {
    /// From 0 to 1.
    pub(crate) probability: f64,
    pub(crate) seed: u64,
    /// Requests that it was asked about.
    pub(crate) draws: u64,
}

impl Chance {
    fn falls(&mut self) -> bool {
        self.draws += 1;
        let Ok(draw) = u32::try_from(mix(self.seed, self.draws) >> 32) else { return false };
        f64::from(draw) < self.probability * 4_294_967_296.0
    }
}

/// One armed fault.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) at: Place,
    /// A REST method, a grant type at the token endpoint, an event; `None` matches everything.
    pub(crate) method: Option<String>,
    /// Strikes this command of a batch alone.
    pub(crate) command: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) when: When,
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<Value>,
    /// How often it still strikes.
    pub(crate) times: u64,
    /// How many matching requests it still lets pass.
    pub(crate) skip: u64,
    pub(crate) chance: Option<Chance>,
    /// How much later the client gets it.
    pub(crate) delay: Duration,
    /// Whether the virtual clock is turned by the delay instead of waiting for it.
    pub(crate) virtual_delay: bool,
    /// Seconds by which `Date` is wrong.
    pub(crate) skew: i64,
}

impl Fault {
    /// The answer in place of `real` (which is absent when the server did nothing).
    pub(crate) fn answer(&self, real: Option<Answer>, clock: &Clock) -> Answer {
        let answer = self.made(real);
        let answer = match self.skew {
            0 => answer,
            skew => answer.with("date", clock::http_date(clock.now().saturating_add(skew))),
        };
        let wait = self.wait(clock);
        match self.kind {
            Kind::Slow if !wait.is_zero() => Answer { delivery: Delivery::Slow(wait), ..answer },
            _ => answer.after(wait),
        }
    }

    /// What has to be waited for; a virtual delay is over at once.
    pub(crate) fn wait(&self, clock: &Clock) -> Duration {
        if !self.virtual_delay {
            return self.delay;
        }
        clock.advance(i64::try_from(self.delay.as_micros()).unwrap_or(0));
        Duration::ZERO
    }

    fn made(&self, real: Option<Answer>) -> Answer {
        if self.kind.error().is_some() {
            return Answer::json(self.error_status(), body_bytes(&self.error()));
        }
        let body = || self.body.as_ref().map(body_bytes);
        let page = |status, title| match body() {
            Some(body) => Answer::html(self.status.unwrap_or(status), body),
            None => Answer::plain_page(self.status.unwrap_or(status), title),
        };
        match self.kind {
            Kind::Html => page(502, "Bad Gateway"),
            Kind::Unavailable => page(503, "Service Temporarily Unavailable"),
            Kind::Drop => Answer { delivery: Delivery::Dropped, ..Answer::empty(0) },
            Kind::Reset => Answer { delivery: Delivery::Reset, ..Answer::empty(0) },
            Kind::Truncate => {
                let whole = match (body(), real) {
                    (Some(body), _) => Answer::json(self.status.unwrap_or(200), body),
                    (None, Some(real)) => real,
                    (None, None) => {
                        Answer::json(200, r#"{"result":{"emulated":"this answer breaks off"}}"#)
                    }
                };
                Answer { delivery: Delivery::Truncated, ..whole }
            }
            Kind::Delay | Kind::Slow | Kind::Skew if real.is_some() => {
                real.unwrap_or_else(|| Answer::empty(200))
            }
            _ => Answer::html(self.status.unwrap_or(500), body().unwrap_or_default()),
        }
    }

    /// The error object of a fault that is one.
    pub(crate) fn error(&self) -> Value {
        self.body.clone().unwrap_or_else(|| {
            let (_, code, text) = self.kind.error().unwrap_or((400, "ERROR_CORE", ""));
            json!({"error": code, "error_description": text})
        })
    }

    /// The status of a fault that is an error object.
    pub(crate) fn error_status(&self) -> u16 {
        let usual = self.kind.error().map_or(400, |(status, ..)| status);
        self.status.unwrap_or(usual)
    }

    /// The same fault under REST 3.0, whose own errors have a shape of their own. `overload` and `unexpected` come from
    /// what stands before it, which says the same everywhere.
    pub(crate) fn in_v3(self) -> Self {
        let code = match self.kind {
            Kind::Json | Kind::Error200 | Kind::Internal => {
                "BITRIX_REST_V3_EXCEPTION_INTERNAL_INTERNALEXCEPTION"
            }
            _ => return self,
        };
        let own = || json!({"error": {"code": code, "message": self.error()["error_description"]}});
        Self { body: Some(self.body.clone().unwrap_or_else(own)), ..self }
    }

    /// When it strikes: what keeps the answer needs one first.
    fn phase(&self) -> When {
        if self.kind.keeps_answer() { When::After } else { self.when }
    }

    fn is_about(&self, method: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
    }

    fn to_json(&self) -> Value {
        json!({
            "at": word(&PLACES, self.at),
            "method": self.method,
            "command": self.command,
            "kind": word(&KINDS, self.kind),
            "when": word(&MOMENTS, self.when),
            "status": self.status,
            "body": self.body,
            "times": self.times,
            "skip": self.skip,
            "probability": self.chance.as_ref().map(|chance| chance.probability),
            "seed": self.chance.as_ref().map(|chance| chance.seed),
            "delay_ms": u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            "clock": if self.virtual_delay { "virtual" } else { "real" },
            "skew": self.skew,
        })
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, known)| *known == meaning).map_or("", |(word, _)| word)
}

/// A string is sent as it is, anything else as JSON.
fn body_bytes(body: &Value) -> Bytes {
    match body {
        Value::String(text) => Bytes::from(text.clone()),
        other => Bytes::from(other.to_string()),
    }
}

/// The armed faults, in the order in which they were armed.
#[derive(Default)]
pub(crate) struct Faults {
    list: Lock<Vec<Fault>>,
    // Read on every request, so that an emulator without faults pays for one load.
    armed: AtomicUsize,
}

impl Faults {
    pub(crate) fn arm(&self, fault: Fault) {
        let mut list = self.list.get();
        list.push(fault);
        self.armed.store(list.len(), Ordering::SeqCst);
    }

    pub(crate) fn clear(&self) {
        self.restore(Vec::new());
    }

    /// The armed faults as they stand, for a snapshot.
    pub(crate) fn copy(&self) -> Vec<Fault> {
        self.list.get().clone()
    }

    /// Takes the place of what is armed.
    pub(crate) fn restore(&self, faults: Vec<Fault>) {
        let mut list = self.list.get();
        self.armed.store(faults.len(), Ordering::SeqCst);
        *list = faults;
    }

    pub(crate) fn to_json(&self) -> Value {
        self.list.get().iter().map(Fault::to_json).collect()
    }

    /// How many are armed.
    pub(crate) fn len(&self) -> usize {
        self.armed.load(Ordering::SeqCst)
    }

    /// The fault that strikes this request.
    pub(crate) fn strike(&self, at: Place, when: When, method: &str) -> Option<Fault> {
        self.take(|fault| {
            fault.at == at
                && fault.phase() == when
                && fault.kind != Kind::Late
                && fault.command.is_none()
                && fault.is_about(method)
        })
    }

    /// How long this request lies about before anybody works on it.
    pub(crate) fn hold(&self, at: Place, method: &str, clock: &Clock) -> Duration {
        let late =
            self.take(|fault| fault.at == at && fault.kind == Kind::Late && fault.is_about(method));
        late.map_or(Duration::ZERO, |fault| fault.wait(clock))
    }

    /// The fault that strikes one command inside a batch.
    pub(crate) fn strike_command(&self, when: When, key: &str, method: &str) -> Option<Fault> {
        self.take(|fault| {
            fault.at == Place::Rest
                && fault.when == when
                && fault.kind.error().is_some()
                && match &fault.command {
                    Some(command) => command == key && fault.is_about(method),
                    // Without a method it is about the batch as a whole.
                    None => fault.method.is_some() && fault.is_about(method),
                }
        })
    }

    /// The fault that strikes a delivery: of an event, or of a frame by its placement.
    pub(crate) fn strike_delivery(&self, at: Place, name: &str) -> Option<Fault> {
        self.take(|fault| fault.at == at && fault.is_about(name))
    }

    fn take(&self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        if self.len() == 0 {
            return None;
        }
        let mut list = self.list.get();
        let mut struck = None;
        for fault in list.iter_mut().filter(|fault| matches(fault)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.chance.as_mut().is_none_or(Chance::falls) {
                fault.times -= 1;
                struck = Some(fault.clone());
                break;
            }
        }
        list.retain(|fault| fault.times > 0);
        self.armed.store(list.len(), Ordering::SeqCst);
        struck
    }
}
