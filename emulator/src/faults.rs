//! Faults that a test arms: they strike the next matching requests and are then gone.

use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::http::{Answer, Delivery};
use crate::sync::Lock;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The token endpoint, at the authorization server and at the portal.
    Token,
    /// The portal's REST interface.
    Rest,
}

/// Before or after the server does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    Json,
    Drop,
    Truncate,
    Status,
}

/// One armed fault.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) at: Place,
    /// A REST method, or a grant type at the token endpoint; `None` matches every request.
    pub(crate) method: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) when: When,
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<Value>,
    /// How often it still strikes.
    pub(crate) times: u64,
    /// How many matching requests it still lets pass.
    pub(crate) skip: u64,
}

impl Fault {
    /// The answer in place of `real` (which is absent when the server did nothing).
    pub(crate) fn answer(&self, real: Option<Answer>) -> Answer {
        let body = || self.body.as_ref().map(body_bytes);
        match self.kind {
            Kind::Html => {
                let status = self.status.unwrap_or(502);
                match body() {
                    Some(body) => Answer::html(status, body),
                    None => Answer::plain_page(status, "Bad Gateway"),
                }
            }
            Kind::Json => Answer::json(self.status.unwrap_or(400), body_bytes(&self.error())),
            Kind::Status => Answer::html(self.status.unwrap_or(500), body().unwrap_or_default()),
            Kind::Drop => Answer { delivery: Delivery::Dropped, ..Answer::empty(0) },
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
        }
    }

    /// The error object of a `json` fault.
    pub(crate) fn error(&self) -> Value {
        self.body
            .clone()
            .unwrap_or_else(|| json!({"error": "ERROR_CORE", "error_description": "Fault armed at the control port"}))
    }

    fn to_json(&self) -> Value {
        json!({
            "at": match self.at { Place::Token => "token", Place::Rest => "rest" },
            "method": self.method,
            "kind": match self.kind {
                Kind::Html => "html",
                Kind::Json => "json",
                Kind::Drop => "drop",
                Kind::Truncate => "truncate",
                Kind::Status => "status",
            },
            "when": match self.when { When::Before => "before", When::After => "after" },
            "status": self.status,
            "body": self.body,
            "times": self.times,
            "skip": self.skip,
        })
    }
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
        let mut list = self.list.get();
        list.clear();
        self.armed.store(0, Ordering::SeqCst);
    }

    pub(crate) fn to_json(&self) -> Value {
        self.list.get().iter().map(Fault::to_json).collect()
    }

    /// The fault that strikes this request.
    pub(crate) fn strike(&self, at: Place, when: When, method: &str) -> Option<Fault> {
        self.take(|fault| {
            fault.at == at
                && fault.when == when
                && fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })
    }

    /// The fault that strikes one command inside a batch.
    pub(crate) fn strike_command(&self, when: When, method: &str) -> Option<Fault> {
        self.take(|fault| {
            fault.at == Place::Rest
                && fault.when == when
                && fault.kind == Kind::Json
                && fault.method.as_deref().is_some_and(|wanted| wanted.eq_ignore_ascii_case(method))
        })
    }

    fn take(&self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        if self.armed.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut list = self.list.get();
        let mut struck = None;
        for fault in list.iter_mut().filter(|fault| matches(fault)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else {
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
