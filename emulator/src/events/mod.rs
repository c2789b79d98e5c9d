//! What the portal tells applications by itself: events to their handlers, frames that open, installations.
//!
//! Handlers are called only on loopback; every call is kept and can be read at the control port. Nothing is retried.

mod binding;
mod courier;
mod frame;
mod installation;
mod lifecycle;
pub(crate) mod methods;
mod names;
mod outbox;
mod payload;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use binding::{Binding, Bindings};
pub(crate) use frame::{Frame, open as open_frame};
pub(crate) use installation::Installations;
pub(crate) use lifecycle::{Install, Payment, Uninstall, Update, application, fire};
pub(crate) use names::OFFLINE;
pub(crate) use outbox::{Outbox, Parcel};

use crate::applications::Application;
use crate::config::Entity;
use crate::faults::{Kind, Place};
use crate::rest::{Call, Operation};
use crate::sync::Lock;
use crate::world::World;
use payload::{Auth, form};

/// The events of one portal.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) bindings: Lock<Bindings>,
    /// How many there are: a change at a portal without handlers costs one look at this.
    bound: AtomicUsize,
    pub(crate) installations: Lock<Installations>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Events {
    /// Bindings and installations as they stand, for a snapshot.
    pub(crate) fn copy(&self) -> (Bindings, Installations) {
        (self.bindings.get().clone(), self.installations.get().clone())
    }

    /// Takes the place of what there is; deliveries go on.
    pub(crate) fn restore(&self, (bindings, installations): (Bindings, Installations)) {
        self.with_bindings(|known| *known = bindings);
        *self.installations.get() = installations;
    }

    pub(crate) fn reset(&self) {
        self.restore((Bindings::default(), Installations::default()));
        self.outbox.clear();
    }

    /// Changes the bindings.
    pub(crate) fn with_bindings<T>(&self, change: impl FnOnce(&mut Bindings) -> T) -> T {
        let mut bindings = self.bindings.get();
        let outcome = change(&mut bindings);
        self.bound.store(bindings.all().len(), Ordering::SeqCst);
        outcome
    }

    fn is_quiet(&self) -> bool {
        self.bound.load(Ordering::SeqCst) == 0
    }

    fn named(&self, event: &str) -> Vec<Binding> {
        self.bindings.get().all().iter().filter(|known| known.event == event).cloned().collect()
    }
}

/// How many events may follow one out of the other: a handler that answers each with the change that causes the next is
/// called so often, and then no more.
pub(crate) const HOPS: u8 = 7;

/// Something that happened at a portal.
pub(crate) struct Occasion<'a> {
    pub(crate) event: &'a str,
    pub(crate) data: Value,
    /// Who did it; `None` is a robot or an agent, whose events carry no tokens.
    pub(crate) user_id: Option<u64>,
    /// The application that did it, and its `auth_connector`.
    pub(crate) source: Option<(&'a str, &'a str)>,
    /// Only this application hears of it.
    pub(crate) only: Option<&'a str>,
    /// How many events more may follow, this one included.
    pub(crate) hops: u8,
}

/// A call changed a row.
pub(crate) fn changed(call: &Call<'_>, entity: Entity, operation: Operation, id: u64) {
    if call.world.events.is_quiet() {
        return;
    }
    let Some(event) = names::of_change(entity, operation) else { return };
    let connector = call.params.text("auth_connector").unwrap_or_default();
    let client = call.caller.client.as_deref().map_or("", |client| &client.client_id);
    happen(
        call.world,
        &Occasion {
            event,
            data: change_data(entity, operation, id),
            user_id: Some(call.caller.user_id),
            source: Some((client, &connector)),
            only: None,
            hops: call.caller.hops(),
        },
    );
}

fn change_data(entity: Entity, operation: Operation, id: u64) -> Value {
    if entity != Entity::Task {
        return json!({"FIELDS": {"ID": id.to_string()}});
    }
    // The word "undefined" is what the portal sends.
    let (before, after) = (json!({"ID": id}), json!("undefined"));
    let (before, after) = match operation {
        Operation::Add => (after, before),
        Operation::Delete => (before, after),
        _ => (before.clone(), before),
    };
    let accessible = |there: bool| if there { "undefined" } else { "N" };
    json!({
        "FIELDS_BEFORE": before,
        "FIELDS_AFTER": after,
        "IS_ACCESSIBLE_BEFORE": accessible(!matches!(operation, Operation::Add)),
        "IS_ACCESSIBLE_AFTER": accessible(!matches!(operation, Operation::Delete)),
    })
}

/// Tells everybody who listens; returns the numbers of the deliveries.
pub(crate) fn happen(world: &World, occasion: &Occasion<'_>) -> Vec<u64> {
    let mut sent = Vec::new();
    if occasion.hops == 0 {
        return sent;
    }
    let mut woken: Vec<String> = Vec::new();
    for binding in world.events.named(occasion.event) {
        if occasion.only.is_some_and(|only| only != binding.client_id) || !hears(world, &binding) {
            continue;
        }
        if !binding.offline {
            sent.extend(deliver(world, &binding, occasion));
        } else if occasion.source != Some((&binding.client_id, &binding.connector))
            || binding.connector.is_empty()
        {
            world.offline.put(world, &binding, occasion);
            woken.push(binding.client_id);
        }
    }
    woken.dedup();
    for client_id in woken {
        sent.extend(wake(world, &client_id, occasion));
    }
    sent
}

/// Whether a binding's owner is there to listen: an outgoing webhook, or an application that is installed and paid.
fn hears(world: &World, binding: &Binding) -> bool {
    binding.client_id.is_empty()
        || (world.application(&binding.client_id).is_some()
            && world.settings.read().paid
            && world.events.installations.get().is_finished(&binding.client_id))
}

/// `ONOFFLINEEVENT`: there is something in an application's queue. Too soon after the last one it is not sent at all.
fn wake(world: &World, client_id: &str, cause: &Occasion<'_>) -> Vec<u64> {
    let mut sent = Vec::new();
    for binding in world.events.named(OFFLINE) {
        let ours = binding.client_id == client_id && hears(world, &binding);
        if ours && world.offline.is_time(&binding, world.clock.micros()) {
            let occasion = Occasion {
                event: OFFLINE,
                data: json!([]),
                user_id: cause.user_id,
                source: None,
                only: None,
                hops: cause.hops,
            };
            sent.extend(deliver(world, &binding, &occasion));
        }
    }
    sent
}

/// Posts an event to a bound handler.
fn deliver(world: &World, binding: &Binding, occasion: &Occasion<'_>) -> Vec<u64> {
    let application = world.application(&binding.client_id);
    let user_id = if binding.auth_type > 0 { Some(binding.auth_type) } else { occasion.user_id };
    let auth = match &application {
        None => payload::webhook_auth(world, &binding.secret),
        // Whose token it is about is in its data.
        Some(_) if occasion.event == names::CONFIRM => {
            payload::webhook_auth(world, &payload::token(world, &binding.client_id))
        }
        Some(application) => {
            let plain = world.settings.read().event_refresh_token;
            let refresh = plain || names::carries_refresh_token(occasion.event);
            Auth { refresh, ..Auth::event(world, application, user_id, occasion.hops) }.to_json()
        }
    };
    let body = form(&json!({
        "event": occasion.event,
        "event_handler_id": binding.id.to_string(),
        "data": occasion.data,
        "ts": world.clock.now().to_string(),
        "auth": auth,
    }));
    post(world, occasion.event, application.as_deref(), user_id, &binding.handler, body)
}

/// Puts an event on its way, unless a fault has other plans.
fn post(
    world: &World,
    event: &str,
    application: Option<&Application>,
    user_id: Option<u64>,
    handler: &str,
    body: String,
) -> Vec<u64> {
    let parcel = Parcel {
        place: Place::Event,
        event: event.to_owned(),
        url: handler.to_owned(),
        body,
        client_id: application.map(|known| known.client_id.clone()).unwrap_or_default(),
        user_id,
        wait: Duration::ZERO,
        lost: false,
    };
    send(world, parcel)
}

/// Hands a parcel over, as the armed faults will have it; returns the numbers of the deliveries.
fn send(world: &World, parcel: Parcel) -> Vec<u64> {
    let fault = world.faults.strike_delivery(parcel.place, &parcel.event);
    let parcel = Parcel {
        wait: fault.as_ref().map(|fault| fault.wait(&world.clock)).unwrap_or_default(),
        lost: fault.as_ref().is_some_and(|fault| fault.kind == Kind::Drop),
        ..parcel
    };
    let twice = fault.is_some_and(|fault| fault.kind == Kind::Duplicate);
    let again = twice.then(|| parcel.clone());
    let now = world.clock.now();
    std::iter::once(parcel)
        .chain(again)
        .map(|parcel| world.events.outbox.send(parcel, now))
        .collect()
}
