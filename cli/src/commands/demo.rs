//! `evergrant demo`: the whole way, on this machine alone.

use std::time::{Duration, Instant};

use clap::Args;
use evergrant::{Application, Client, Error, Kind, Result};
use evergrant_emulator::{Config, Emulator, Ready};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::{emulator::start_error, list::progress};
use crate::output::{self, grouped};

/// Starts the emulator, consents, exchanges the code, calls, lets the token expire, calls again and
/// lists every lead.
#[derive(Args)]
pub(crate) struct Demo {
    /// How many leads the portal has.
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    leads: usize,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<()> {
        let started = Instant::now();
        let emulator = Emulator::start(Config {
            leads: self.leads,
            auto_consent: Some(1),
            ..Config::default()
        })
        .await
        .map_err(|error| start_error(&error))?;
        let stage = Stage {
            ready: emulator.ready().clone(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(control_failed)?,
        };
        output::line(
            "evergrant demo: a portal and its authorization server on loopback; nothing leaves this machine\n",
        )?;
        let result = stage.play().await;
        emulator.stop().await;
        result?;
        say("took", &format!("{:.1} s in all", started.elapsed().as_secs_f64()))
    }
}

/// The emulator, seen from outside.
struct Stage {
    ready: Ready,
    http: reqwest::Client,
}

impl Stage {
    async fn play(&self) -> Result<()> {
        let application = Application::builder(&*self.ready.client_id, &*self.ready.client_secret)
            .store("memory")
            .authorization_server(&*self.ready.authorization)
            .open()
            .await?;

        let client = self.consent(&application).await?;
        self.rotate(&client).await?;
        self.list(&client).await
    }

    async fn consent(&self, application: &Application) -> Result<Client> {
        let link = application.authorize_url(&self.ready.portal)?;
        let redirect = self.follow(&link.url).await?;
        say("consent", &format!("a user of {} allowed the application", self.ready.portal))?;
        let grant = application.exchange(&redirect, &link.state).await?;
        let minutes = (grant.access_expires_at - application.clock().now() + 30) / 60;
        say(
            "exchange",
            &format!("grant {}, kept sealed; its access token lives {minutes} minutes", grant.id),
        )?;
        Ok(application.client(grant.id))
    }

    async fn rotate(&self, client: &Client) -> Result<()> {
        say("call", &format!("profile: {}", self.name(client).await?))?;
        let before = self.count("/authorization/refreshes").await?;
        self.control("/clock", json!({"advance": 3600})).await?;
        say("clock", "an hour passes on the portal's clock")?;
        let started = Instant::now();
        let name = self.name(client).await?;
        let took = started.elapsed();
        let rotations = self.count("/authorization/refreshes").await? - before;
        let noun = if rotations == 1 { "rotation" } else { "rotations" };
        say("call", &format!("profile: {name}"))?;
        say(
            "",
            &format!("{rotations} {noun}, and the caller saw none of it ({} ms)", took.as_millis()),
        )
    }

    async fn list(&self, client: &Client) -> Result<()> {
        let requests = self.count("/portal/requests").await?;
        let started = Instant::now();
        let mut list = client.list("crm.lead.list", json!({"order": {"ID": "ASC"}, "select": ["ID", "TITLE", "OPPORTUNITY", "CURRENCY_ID"]}))?;
        let bar: ProgressBar = progress("leads");
        let (mut leads, mut last) = (0_u64, Value::Null);
        while let Some(rows) = list.next_page().await? {
            leads += rows.len() as u64;
            bar.set_length(list.total().unwrap_or(leads).max(leads));
            bar.set_position(leads);
            last = rows.last().cloned().unwrap_or_default();
        }
        bar.finish_and_clear();
        let took = started.elapsed();
        let requests = self.count("/portal/requests").await? - requests;
        say(
            "list",
            &format!("{} leads in {requests} requests, {}", grouped(leads), seconds(took)),
        )?;
        let field =
            |name: &str| last.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        say(
            "",
            &format!(
                "the last one: {} ({} {})",
                field("TITLE"),
                field("OPPORTUNITY"),
                field("CURRENCY_ID")
            ),
        )
    }

    async fn name(&self, client: &Client) -> Result<String> {
        let profile = client.call("profile", Value::Null).await?.result;
        let part =
            |key: &str| profile.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(format!("{} {}", part("NAME"), part("LAST_NAME")))
    }

    /// What a browser does with the authorize link of a person who has consented before.
    async fn follow(&self, url: &str) -> Result<String> {
        let answer = self.http.get(url).send().await.map_err(control_failed)?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        location
            .map(str::to_owned)
            .ok_or_else(|| Error::new(Kind::UnexpectedAnswer, "the portal did not redirect"))
    }

    async fn control(&self, path: &str, body: Value) -> Result<()> {
        let request = self.http.post(format!("{}{path}", self.ready.control));
        let answer =
            request.header("content-type", "application/json").body(body.to_string()).send().await;
        answer.and_then(reqwest::Response::error_for_status).map(drop).map_err(control_failed)
    }

    async fn count(&self, pointer: &str) -> Result<u64> {
        let answer = self
            .http
            .get(format!("{}/counters", self.ready.control))
            .send()
            .await
            .map_err(control_failed)?;
        let text = answer.text().await.map_err(control_failed)?;
        let counters: Value = serde_json::from_str(&text).unwrap_or_default();
        counters.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| {
            Error::new(Kind::UnexpectedAnswer, "the emulator does not count as expected")
                .with("counter", pointer)
        })
    }
}

fn control_failed(error: reqwest::Error) -> Error {
    Error::new(Kind::Internal, "the emulator did not do as asked").with_source(error.without_url())
}

fn say(what: &str, text: &str) -> Result<()> {
    output::line(format!("{what:>10}  {text}"))
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
