//! What the worker can be told to do.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use evergrant::{Application, Clock, Error, GrantId, KeySource, Kind, Result, RetrySpent};
use serde_json::{Value, json};

use crate::{
    reader::{self, Reader},
    report,
};

#[derive(Clone, Default)]
pub(crate) struct Worker {
    application: Arc<OnceLock<Application>>,
    clock: Clock,
}

impl Worker {
    pub(crate) async fn obey(&self, command: &Value) -> Result<Value> {
        let grant = || command["grant"].as_i64().unwrap_or_default();
        match text(command, "do").as_str() {
            "open" => self.open(command).await,
            "exchange" => {
                let (portal, code) = (text(command, "portal"), text(command, "code"));
                self.app()?.exchange_code(&portal, code).await.map(|grant| shown(&grant))
            }
            "token" => self.together(command, Wish::Life(number(command, "min_ttl", 60))).await,
            "renew" => self.together(command, Wish::Newer(number(command, "generation", 0))).await,
            "read" => reader::read(self.app()?.clone(), Reader::of(command)).await,
            "grants" => {
                Ok(self.app()?.grants().await?.iter().map(shown).collect::<Vec<_>>().into())
            }
            "grant" => Ok(shown(&self.app()?.grant(grant()).await?)),
            "call" => {
                let client = self.app()?.client(grant());
                Ok(client.call(&text(command, "method"), Value::Null).await?.result)
            }
            "maintain" => self.app()?.maintain().await.map(Value::from),
            "audit" => self.audit(grant()).await,
            "holds" => self.holds().await,
            "statistics" => Ok(statistics(self.app()?)),
            "jump" => {
                self.clock.jump(number(command, "seconds", 0));
                Ok(Value::Null)
            }
            "shut_down" => {
                let seconds = command["seconds"].as_u64().unwrap_or(0);
                Ok(self.shut_down(Duration::from_secs(seconds)).await.into())
            }
            other => Err(Error::invalid_input("do", format!("no such command: {other}"))),
        }
    }

    pub(crate) async fn shut_down(&self, deadline: Duration) -> bool {
        match self.application.get() {
            Some(application) => application.shut_down(deadline).await,
            None => true,
        }
    }

    fn app(&self) -> Result<&Application> {
        self.application.get().ok_or_else(|| Error::new(Kind::InvalidInput, "open it first"))
    }

    async fn open(&self, command: &Value) -> Result<Value> {
        let builder =
            Application::builder(text(command, "client_id"), text(command, "client_secret"))
                .store(text(command, "store"))
                .key(KeySource::Key(text(command, "key").into()))
                .authorization_server(text(command, "authorization"))
                .background(command["background"].as_bool().unwrap_or(true))
                .clock(self.clock.clone())
                .budget(0, 0)
                .application_budget(0);
        let builder = match command["spool"].as_str() {
            Some(folder) => builder.spool(folder),
            None => builder,
        };
        let builder = match text(command, "retry_spent").as_str() {
            "never" => builder.retry_spent_token(RetrySpent::Never),
            _ => builder,
        };
        let opened = builder.open().await?;
        let _ = self.application.set(opened);
        Ok(Value::Null)
    }

    /// The same wish from so many tasks at once; an outcome for each.
    async fn together(&self, command: &Value, wish: Wish) -> Result<Value> {
        let grant = command["grant"].as_i64().unwrap_or_default();
        let application = self.app()?;
        let tasks: Vec<_> = (0..number(command, "tasks", 1))
            .map(|_| {
                let application = application.clone();
                tokio::spawn(async move { ask(&application, grant, wish).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap_or_else(|_| json!({"error": {"kind": "panic"}})));
        }
        Ok(outcomes.into())
    }

    async fn audit(&self, grant: GrantId) -> Result<Value> {
        let entries = self.app()?.audit(grant).await?;
        let shown = entries.iter().map(|entry| {
            json!({
                "number": entry.number, "at": entry.at, "event": entry.event, "chain": entry.chain,
                "attempt": entry.attempt, "node": entry.node, "generation": entry.generation,
            })
        });
        Ok(shown.collect::<Vec<_>>().into())
    }

    /// The refresh tokens that the store and the spool have, by grant.
    async fn holds(&self) -> Result<Value> {
        let application = self.app()?;
        let mut grants = Vec::new();
        for grant in application.grants().await? {
            let chains = application.fingerprints(grant.id).await?;
            let chains: Vec<Value> = chains
                .into_iter()
                .map(|chain| {
                    json!({
                        "chain": chain.chain, "role": chain.role, "state": chain.state,
                        "current": chain.current, "successors": chain.successors,
                    })
                })
                .collect();
            let mut grant = shown(&grant);
            grant["chains"] = chains.into();
            grants.push(grant);
        }
        Ok(grants.into())
    }
}

/// What the application's keeper has done in this process.
pub(crate) fn statistics(application: &Application) -> Value {
    let statistics = application.statistics();
    let gap = u64::try_from(statistics.longest_confirm_to_write.as_nanos()).unwrap_or(u64::MAX);
    json!({
        "rotations": statistics.rotations,
        "ambiguous": statistics.ambiguous,
        "salvaged": statistics.salvaged,
        "promoted": statistics.promoted,
        "taken_over": statistics.taken_over,
        "orphaned": statistics.orphaned,
        "longest_confirm_to_write_ns": gap,
    })
}

/// What a task wants of a token.
#[derive(Clone, Copy)]
pub(crate) enum Wish {
    /// So many seconds more.
    Life(i64),
    /// Newer than this generation.
    Newer(i64),
}

pub(crate) async fn ask(application: &Application, grant: GrantId, wish: Wish) -> Value {
    let asked = report::now();
    let outcome = match wish {
        Wish::Life(min_ttl) => application.token(grant, min_ttl).await,
        Wish::Newer(generation) => application.renew_token(grant, generation).await,
    };
    match outcome {
        Ok(token) => report::token(&token, asked),
        Err(error) => json!({"grant": grant, "error": report::failure(&error)}),
    }
}

fn shown(grant: &evergrant::Grant) -> Value {
    json!({
        "id": grant.id, "user_id": grant.user_id, "member_id": grant.member_id,
        "status": grant.status.as_str(), "generation": grant.generation,
        "access_expires_at": grant.access_expires_at,
    })
}

fn text(command: &Value, field: &str) -> String {
    command[field].as_str().unwrap_or_default().to_owned()
}

fn number(command: &Value, field: &str, absent: i64) -> i64 {
    command[field].as_i64().unwrap_or(absent)
}
