//! An application's life at a portal: installed, updated, paid for, taken off.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::binding::Wanted;
use super::payload::{self, Auth, form};
use super::{HOPS, Occasion, happen, post};
use crate::applications::Application;
use crate::tokens::{Opened, Selection};
use crate::world::World;

/// The application that is meant; one that was taken off counts too, if it could be here.
pub(crate) fn application(world: &World, client_id: Option<&str>) -> Option<Arc<Application>> {
    let found = match client_id {
        Some(client_id) => world.applications.get(client_id),
        None => world.applications.all().into_iter().find(|known| known.belongs_to(world.place)),
    };
    found.filter(|known| known.belongs_to(world.place))
}

/// What is told about an installation.
pub(crate) struct Install<'a> {
    pub(crate) user_id: u64,
    /// Called beside those that are bound.
    pub(crate) handler: Option<&'a str>,
    pub(crate) version: &'a str,
    pub(crate) language: &'a str,
    /// `false`: an application with an installer of its own, which has not called `installFinish` yet.
    pub(crate) finished: bool,
}

impl Install<'_> {
    /// Installs and tells; returns the numbers of the deliveries.
    pub(crate) fn run(&self, world: &World, application: &Application) -> Vec<u64> {
        world.set_installed(&application.client_id, true);
        world.events.installations.get().install(
            &application.client_id,
            self.version,
            self.finished,
        );
        let data = json!({
            "VERSION": self.version,
            "ACTIVE": "Y",
            "INSTALLED": if self.finished { "Y" } else { "N" },
            "LANGUAGE_ID": self.language,
        });
        let told = Told { event: "ONAPPINSTALL", data, handler: self.handler };
        told.run(world, application, Some(self.user_id), |_| {
            with_tokens(world, application, self.user_id)
        })
    }
}

/// What is told about an update.
pub(crate) struct Update<'a> {
    pub(crate) user_id: u64,
    pub(crate) handler: Option<&'a str>,
    pub(crate) version: &'a str,
    pub(crate) language: &'a str,
}

impl Update<'_> {
    /// Updates and tells. The bindings are gone then, and the `application_token` is another.
    pub(crate) fn run(&self, world: &World, application: &Application) -> Vec<u64> {
        let client_id = &application.client_id;
        let previous = world.events.installations.get().version(client_id);
        world.events.installations.get().update(client_id, self.version);
        let data = json!({
            "VERSION": self.version,
            "PREVIOUS_VERSION": previous,
            "LANGUAGE_ID": self.language,
        });
        let told = Told { event: "ONAPPUPDATE", data, handler: self.handler };
        let sent = told.run(world, application, Some(self.user_id), |_| {
            with_tokens(world, application, self.user_id)
        });
        forget(world, client_id);
        sent
    }
}

/// What is told about the end.
pub(crate) struct Uninstall<'a> {
    pub(crate) handler: Option<&'a str>,
    /// Whether the user wants the application's data gone.
    pub(crate) clean: bool,
    pub(crate) language: &'a str,
}

impl Uninstall<'_> {
    /// Tells, without tokens, and takes the application off: its tokens, bindings and queue end.
    pub(crate) fn run(&self, world: &World, application: &Application) -> Vec<u64> {
        let client_id = &application.client_id;
        let data = json!({"LANGUAGE_ID": self.language, "CLEAN": u8::from(self.clean)});
        let told = Told { event: "ONAPPUNINSTALL", data, handler: self.handler };
        let sent = told.run(world, application, None, |_| {
            payload::webhook_auth(world, &payload::token(world, client_id))
        });
        forget(world, client_id);
        world.offline.forget(client_id);
        let selection = Selection {
            user_id: None,
            member_id: Some(&world.member_id),
            client_id: Some(client_id),
        };
        world.tokens.write().revoke(&selection);
        world.set_installed(client_id, false);
        sent
    }
}

/// What is told about a payment.
pub(crate) struct Payment<'a> {
    pub(crate) handler: Option<&'a str>,
    pub(crate) version: u64,
    pub(crate) status: &'a str,
    pub(crate) expired: bool,
    pub(crate) days: i64,
    pub(crate) language: &'a str,
}

impl Payment<'_> {
    /// Tells; the only event without an `application_token`.
    pub(crate) fn run(&self, world: &World, application: &Application) -> Vec<u64> {
        let data = json!({
            "CODE": application.client_id,
            "VERSION": self.version,
            "STATUS": self.status,
            "PAYMENT_EXPIRED": if self.expired { "Y" } else { "N" },
            "DAYS": self.days,
            "LANGUAGE_ID": self.language,
        });
        let told = Told { event: "ONAPPPAYMENT", data, handler: self.handler };
        told.run(world, application, None, |_| Value::Object(payload::portal(world)))
    }
}

fn with_tokens(world: &World, application: &Application, user_id: u64) -> Value {
    let user_id = Some(user_id);
    Auth { world, application, user_id, refresh: true, opened: Opened::Install }.to_json()
}

fn forget(world: &World, client_id: &str) {
    let wanted = Wanted { client_id, ..Wanted::default() };
    world.events.with_bindings(|bindings| bindings.remove(&wanted));
}

/// An event of an application's life: it goes to the application alone, finished or not.
struct Told<'a> {
    event: &'static str,
    data: Value,
    handler: Option<&'a str>,
}

impl Told<'_> {
    /// `auth` is asked once for each handler: each gets tokens of its own.
    fn run(
        self,
        world: &World,
        application: &Application,
        user_id: Option<u64>,
        auth: impl Fn(&str) -> Value,
    ) -> Vec<u64> {
        let bound = world.events.named(self.event);
        let bound = bound.iter().filter(|known| known.client_id == application.client_id);
        let handlers: Vec<(&str, Option<u64>)> = self
            .handler
            .map(|handler| (handler, None))
            .into_iter()
            .chain(bound.map(|known| (known.handler.as_str(), Some(known.id))))
            .collect();
        let mut sent = Vec::new();
        for (handler, id) in handlers {
            let mut fields = Map::new();
            fields.insert("event".to_owned(), self.event.into());
            if let Some(id) = id {
                fields.insert("event_handler_id".to_owned(), id.to_string().into());
            }
            fields.insert("data".to_owned(), self.data.clone());
            fields.insert("ts".to_owned(), world.clock.now().to_string().into());
            fields.insert("auth".to_owned(), auth(handler));
            let body = form(&Value::Object(fields));
            sent.extend(post(world, self.event, Some(application), user_id, handler, body));
        }
        sent
    }
}

/// An event that a test makes up.
pub(crate) fn fire(
    world: &World,
    event: &str,
    data: Value,
    user_id: Option<u64>,
    client_id: Option<&str>,
) -> Vec<u64> {
    happen(world, &Occasion { event, data, user_id, source: None, only: client_id, hops: HOPS })
}
