//! Calling the portal.

use std::sync::Arc;

use evergrant::{Command, Error, Result};
use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::outcome::{Cancel, Outcome, outcome, promise};

/// Calls one portal as one user.
#[napi]
pub struct Client {
    core: evergrant::Client,
}

impl From<evergrant::Client> for Client {
    fn from(core: evergrant::Client) -> Self {
        Self { core }
    }
}

#[napi]
impl Client {
    /// A client over an incoming webhook.
    #[napi(catch_unwind, ts_return_type = "Client | Failure")]
    pub fn from_webhook(address: String) -> Outcome<Client> {
        outcome(evergrant::Client::from_webhook(&address).map(Client::from))
    }

    /// Calls one method; fulfilled with its result as JSON text.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        method: String,
        params: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let answer = client.call(&method, json::<Value>(&params)?).await?;
            Ok(answer.result.to_string())
        })
    }

    /// Runs up to fifty commands, `[[method, params], ...]` as JSON text, in one request.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<string | Failure> | Failure>")]
    pub fn batch<'env>(
        &self,
        env: &'env Env,
        commands: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Vec<Outcome<String>>>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let commands = json::<Vec<(String, Value)>>(&commands)?
                .into_iter()
                .enumerate()
                .map(|(index, (method, params))| {
                    Command::new(&method, params)
                        .map_err(|error| error.with("command", index.to_string()))
                })
                .collect::<Result<_>>()?;
            let answers = client.batch(commands).await?;
            Ok(answers
                .into_iter()
                .map(|answer| outcome(answer.map(|answer| answer.result.to_string())))
                .collect())
        })
    }

    /// The rows of a list method. Sends nothing yet.
    #[napi(catch_unwind, ts_return_type = "List | Failure")]
    pub fn list(&self, method: String, params: String) -> Outcome<List> {
        let list = json::<Value>(&params).and_then(|params| self.core.list(&method, params));
        outcome(list.map(|core| List { core: Arc::new(Mutex::new(core)) }))
    }
}

/// A list under way.
#[napi]
pub struct List {
    core: Arc<Mutex<evergrant::List>>,
}

#[napi]
impl List {
    /// The next rows as JSON text; null at the end.
    #[napi(catch_unwind, ts_return_type = "Promise<string | null | Failure>")]
    pub fn next_page<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Option<String>>>> {
        let list = Arc::clone(&self.core);
        promise(env, cancel, async move {
            let page = list.lock().await.next_page().await?;
            Ok(page.map(|rows| Value::Array(rows).to_string()))
        })
    }
}

/// Reads parameters. The public layer writes them, so only depth and broken text can be wrong.
fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| {
        Error::invalid_input(
            "params",
            "parameters are nested too deeply, or hold text that is not Unicode",
        )
    })
}
