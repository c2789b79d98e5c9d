//! Calls to handlers: sent once, in order for each handler, never repeated, and all kept to be looked at.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::courier::{self, Address};
use crate::faults::Place;
use crate::redact::Redactor;
use crate::sync::Lock;

/// Deliveries that are kept.
const KEPT: usize = 10_000;
/// Parcels that wait for one handler.
const WAITING: usize = 10_000;

/// Something to be posted.
#[derive(Clone)]
pub(crate) struct Parcel {
    /// An event or a frame.
    pub(crate) place: Place,
    /// The event, or the placement of a frame.
    pub(crate) event: String,
    pub(crate) url: String,
    /// A form.
    pub(crate) body: String,
    pub(crate) client_id: String,
    pub(crate) user_id: Option<u64>,
    /// How long it lies about first.
    pub(crate) wait: Duration,
    /// Lost on the way by a fault.
    pub(crate) lost: bool,
}

/// A parcel and what became of it.
struct Delivery {
    n: u64,
    at: i64,
    parcel: Parcel,
    outcome: String,
    status: Option<u16>,
    answer: String,
}

#[derive(Default)]
struct Kept {
    list: VecDeque<Delivery>,
    last: u64,
}

impl Kept {
    fn close(&mut self, n: u64, outcome: String, status: Option<u16>, answer: String) {
        // They are in the order of their numbers.
        let Ok(place) = self.list.binary_search_by_key(&n, |delivery| delivery.n) else { return };
        let delivery = &mut self.list[place];
        (delivery.outcome, delivery.status, delivery.answer) = (outcome, status, answer);
    }
}

/// What waits for one handler.
type Line = VecDeque<(u64, Address, Parcel)>;

/// All deliveries of one portal.
#[derive(Default)]
pub(crate) struct Outbox {
    kept: Lock<Kept>,
    lines: Lock<HashMap<String, Line>>,
}

impl Outbox {
    /// Forgets what was delivered; numbers go on.
    pub(crate) fn clear(&self) {
        self.kept.get().list.clear();
    }

    /// Posts a parcel behind those that wait for the same handler; returns the number of the delivery.
    pub(crate) fn send(self: &Arc<Self>, parcel: Parcel, at: i64) -> u64 {
        let address = Address::of(&parcel.url);
        let lost = parcel.lost;
        let n = self.note(parcel.clone(), at);
        match address {
            _ if lost => self.fail(n, "lost by a fault"),
            Ok(address) => self.queue(n, address, parcel),
            Err(reason) => self.fail(n, reason),
        }
        n
    }

    fn note(&self, parcel: Parcel, at: i64) -> u64 {
        let mut kept = self.kept.get();
        kept.last += 1;
        let n = kept.last;
        let outcome = "waiting".to_owned();
        kept.list.push_back(Delivery {
            n,
            at,
            parcel,
            outcome,
            status: None,
            answer: String::new(),
        });
        if kept.list.len() > KEPT {
            kept.list.pop_front();
        }
        n
    }

    fn fail(&self, n: u64, reason: &str) {
        self.kept.get().close(n, format!("not delivered: {reason}"), None, String::new());
    }

    fn queue(self: &Arc<Self>, n: u64, address: Address, parcel: Parcel) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.fail(n, "nothing runs that could do it");
        };
        let mut lines = self.lines.get();
        let key = address.key();
        if let Some(line) = lines.get_mut(&key) {
            if line.len() >= WAITING {
                return self.fail(n, "too many wait for this handler");
            }
            line.push_back((n, address, parcel));
            return;
        }
        lines.insert(key.clone(), Line::from([(n, address, parcel)]));
        runtime.spawn(Arc::clone(self).drain(key));
    }

    /// Posts what waits for a handler, one after the other.
    async fn drain(self: Arc<Self>, key: String) {
        while let Some((n, address, parcel)) = self.next(&key) {
            tokio::time::sleep(parcel.wait).await;
            match courier::post(&address, parcel.body).await {
                Ok((status, answer)) => {
                    self.kept.get().close(n, "delivered".to_owned(), Some(status), answer);
                }
                Err(reason) => self.fail(n, &reason),
            }
        }
    }

    fn next(&self, key: &str) -> Option<(u64, Address, Parcel)> {
        let mut lines = self.lines.get();
        let next = lines.get_mut(key)?.pop_front();
        if next.is_none() {
            lines.remove(key);
        }
        next
    }

    /// Deliveries with a number above `after`, secrets cut.
    pub(crate) fn to_json(&self, after: u64, redactor: &Redactor) -> Value {
        let kept = self.kept.get();
        kept.list
            .iter()
            .filter(|delivery| delivery.n > after)
            .map(|delivery| {
                let Delivery { n, at, parcel, outcome, status, answer } = delivery;
                json!({
                    "n": n,
                    "at": at,
                    "kind": if parcel.place == Place::Frame { "frame" } else { "event" },
                    "event": parcel.event,
                    "url": redactor.text(&parcel.url),
                    "client_id": parcel.client_id,
                    "user_id": parcel.user_id,
                    "body": redactor.text(&parcel.body),
                    "outcome": outcome,
                    "status": status,
                    "answer": redactor.body(answer.as_bytes()),
                })
            })
            .collect()
    }
}
