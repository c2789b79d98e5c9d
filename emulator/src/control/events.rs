//! Installations, events by hand, frames.

use serde_json::{Value, json};

use super::Outcome;
use super::body::{Fields, Refusal};
use super::route::Ask;
use crate::applications::Application;
use crate::events::{self, Binding, Frame, Install, Payment, Uninstall, Update};
use crate::users;
use std::sync::Arc;

/// Longest URL, name or version.
const TEXT: usize = 2000;

/// The fields of a request, read one by one.
struct Form<'a> {
    ask: &'a Ask<'a>,
    fields: Fields,
}

impl<'a> Form<'a> {
    fn of(ask: &'a Ask<'a>) -> Result<Self, Refusal> {
        Ok(Self { ask, fields: Fields::of(ask.request)? })
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.fields.text(name)? {
            Some(text) if text.len() > TEXT => {
                Err(Refusal::field(name, format!("must be at most {TEXT} bytes long")))
            }
            text => Ok(text),
        }
    }

    fn required(&mut self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::field(name, "must be given"))
    }

    fn or(&mut self, name: &str, usual: &str) -> Result<String, Refusal> {
        Ok(self.text(name)?.unwrap_or_else(|| usual.to_owned()))
    }

    fn user(&mut self) -> Result<u64, Refusal> {
        Ok(self.fields.integer("user_id", users::RANGE)?.unwrap_or(1))
    }

    /// An application that can be at this portal, installed or not.
    fn application(&mut self) -> Result<Arc<Application>, Refusal> {
        let client_id = self.text("client_id")?;
        events::application(self.ask.world, client_id.as_deref())
            .ok_or_else(|| Refusal::field("client_id", "no such application can be on this portal"))
    }

    /// An application that is at this portal.
    fn installed(&mut self) -> Result<Arc<Application>, Refusal> {
        let known = self.application()?;
        if self.ask.world.has(&known) {
            return Ok(known);
        }
        Err(Refusal::field("client_id", "the application is not installed"))
    }
}

fn deliveries(numbers: &[u64]) -> Outcome {
    Ok(json!({"deliveries": numbers}))
}

/// What is bound, how far each installation is, what waits.
pub(super) fn show(ask: &Ask<'_>) -> Outcome {
    let world = ask.world;
    let applications = world.applications.all();
    let installations = world.events.installations.get();
    let shown: Vec<Value> = applications
        .iter()
        .filter(|known| known.belongs_to(world.place))
        .map(|known| installations.to_json(&world.member_id, &known.client_id, world.has(known)))
        .collect();
    Ok(json!({
        "bindings": world.events.bindings.get().to_json(),
        "installations": shown,
        "offline": world.offline.to_json(world),
    }))
}

pub(super) fn install(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (application, user_id, handler) =
        (form.application()?, form.user()?, form.text("handler")?);
    let (version, language) = (form.or("version", "1.0.0")?, form.or("language", "en")?);
    let finished = form.fields.flag("finished")?.unwrap_or(true);
    form.fields.finish()?;
    let install = Install {
        user_id,
        handler: handler.as_deref(),
        version: &version,
        language: &language,
        finished,
    };
    deliveries(&install.run(ask.world, &application))
}

pub(super) fn finish(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let application = form.installed()?;
    form.fields.finish()?;
    ask.world.events.installations.get().finish(&application.client_id);
    deliveries(&[])
}

pub(super) fn update(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (application, user_id, handler) = (form.installed()?, form.user()?, form.text("handler")?);
    let (version, language) = (form.or("version", "2.0.0")?, form.or("language", "en")?);
    form.fields.finish()?;
    let update =
        Update { user_id, handler: handler.as_deref(), version: &version, language: &language };
    deliveries(&update.run(ask.world, &application))
}

pub(super) fn uninstall(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (application, handler) = (form.installed()?, form.text("handler")?);
    let language = form.or("language", "en")?;
    let clean = form.fields.flag("clean")?.unwrap_or(false);
    form.fields.finish()?;
    let uninstall = Uninstall { handler: handler.as_deref(), clean, language: &language };
    deliveries(&uninstall.run(ask.world, &application))
}

pub(super) fn payment(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (application, handler) = (form.installed()?, form.text("handler")?);
    let (status, language) = (form.or("status", "P")?, form.or("language", "en")?);
    let version = form.fields.integer("version", 0..=1_000_000)?.unwrap_or(1);
    let expired = form.fields.flag("payment_expired")?.unwrap_or(false);
    let days = form.fields.integer("days", 0..=100_000)?.unwrap_or(30);
    form.fields.finish()?;
    let payment = Payment {
        handler: handler.as_deref(),
        version,
        status: &status,
        expired,
        days: i64::try_from(days).unwrap_or(0),
        language: &language,
    };
    deliveries(&payment.run(ask.world, &application))
}

pub(super) fn fire(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let event = form.required("event")?.to_ascii_uppercase();
    let data = form.fields.take("data").unwrap_or_else(|| json!([]));
    let robot = form.fields.has("user_id");
    let user_id = form.fields.integer("user_id", users::RANGE)?.or((!robot).then_some(1));
    let client_id = form.text("client_id")?;
    form.fields.finish()?;
    deliveries(&events::fire(ask.world, &event, data, user_id, client_id.as_deref()))
}

pub(super) fn webhook(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (event, handler) =
        (form.required("event")?.to_ascii_uppercase(), form.required("handler")?);
    form.fields.finish()?;
    let secret = format!("{:032x}", rand::random::<u128>());
    ask.world.redactor.learn(&secret);
    let binding = Binding {
        id: 0,
        client_id: String::new(),
        event,
        handler,
        auth_type: 0,
        offline: false,
        connector: String::new(),
        min_timeout: 1,
        secret: secret.clone(),
    };
    let added = ask.world.events.with_bindings(|bindings| bindings.add(binding));
    added.map_err(|reason| Refusal::field("handler", reason))?;
    Ok(json!({"application_token": secret}))
}

pub(super) fn frame(ask: &Ask<'_>) -> Outcome {
    let mut form = Form::of(ask)?;
    let (handler, user_id, application) =
        (form.required("handler")?, form.user()?, form.installed()?);
    let (placement, language) = (form.or("placement", "DEFAULT")?, form.or("language", "en")?);
    let options = form.fields.take("options").unwrap_or(Value::Null);
    form.fields.finish()?;
    let frame = Frame {
        handler: &handler,
        user_id,
        placement: &placement,
        options,
        language: &language,
        https: false,
    };
    deliveries(&events::open_frame(ask.world, &application, &frame))
}
