//! The last requests, kept as they came; secrets are cut when somebody reads them.

use std::collections::VecDeque;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::http::{Answer, Delivery, Request};
use crate::redact::Redactor;
use crate::sync::Lock;

/// Bounds of what is kept: requests, bytes of all bodies, bytes of one body.
const ENTRIES: usize = 10_000;
const BYTES: usize = 32 << 20;
const BODY: usize = 64 << 10;

struct Entry {
    n: u64,
    at: i64,
    server: &'static str,
    method: hyper::Method,
    path: String,
    query: String,
    body: Bytes,
    status: Option<u16>,
}

impl Entry {
    fn size(&self) -> usize {
        self.path.len() + self.query.len() + self.body.len()
    }
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
}

/// A bounded log.
#[derive(Default)]
pub(crate) struct Log(Lock<Kept>);

impl Log {
    pub(crate) fn add(&self, at: i64, server: &'static str, request: &Request, answer: &Answer) {
        let body = if request.body.len() <= BODY {
            request.body.clone()
        } else {
            // Half a body could end in half a secret, which nothing would recognise.
            Bytes::from(format!("({} bytes, too long to keep)", request.body.len()))
        };
        let mut kept = self.0.get();
        kept.last += 1;
        let entry = Entry {
            n: kept.last,
            at,
            server,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            body,
            status: (!matches!(answer.delivery, Delivery::Dropped | Delivery::Reset))
                .then_some(answer.status),
        };
        kept.bytes += entry.size();
        kept.entries.push_back(entry);
        while kept.entries.len() > ENTRIES || kept.bytes > BYTES {
            let Some(oldest) = kept.entries.pop_front() else { break };
            kept.bytes -= oldest.size();
        }
    }

    /// Forgets the entries; numbers go on, so that `after` stays meaningful.
    pub(crate) fn clear(&self) {
        let mut kept = self.0.get();
        kept.entries.clear();
        kept.bytes = 0;
    }

    pub(crate) fn reset(&self) {
        *self.0.get() = Kept::default();
    }

    /// Entries with a number above `after`.
    pub(crate) fn to_json(&self, after: u64, redactor: &Redactor) -> Value {
        let kept = self.0.get();
        kept.entries
            .iter()
            .filter(|entry| entry.n > after)
            .map(|entry| {
                json!({
                    "n": entry.n,
                    "at": entry.at,
                    "server": entry.server,
                    "method": entry.method.as_str(),
                    "path": redactor.path(&entry.path),
                    "query": redactor.text(&entry.query),
                    "body": redactor.body(&entry.body),
                    "status": entry.status,
                })
            })
            .collect()
    }
}
