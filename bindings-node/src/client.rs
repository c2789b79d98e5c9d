//! Calling the portal.

use evergrant::Result;
use napi::{
    Env,
    bindgen_prelude::{Buffer, PromiseRaw},
};
use napi_derive::napi;
use serde_json::Value;

use crate::{
    batch,
    file::{Download, Upload},
    json::json,
    list::List,
    options::{CallSettings, ListSettings, Pace},
    outcome::{Cancel, Outcome, outcome, promise},
    v3::V3,
    values::CallCounters,
};

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
    pub fn from_webhook(address: String, pace: Pace, moved_to: Option<String>) -> Outcome<Client> {
        let client = || -> Result<Self> {
            let client = pace.apply(evergrant::Client::from_webhook(&address)?)?;
            Ok(match moved_to {
                Some(host) => client.moved_to(&host)?,
                None => client,
            }
            .into())
        };
        outcome(client())
    }

    /// The same client at another pace.
    #[napi(catch_unwind, ts_return_type = "Client | Failure")]
    pub fn paced(&self, pace: Pace) -> Outcome<Client> {
        outcome(pace.apply(self.core.clone()).map(Client::from))
    }

    /// What the calls of this process came to.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn counters() -> CallCounters {
        evergrant::Client::counters().into()
    }

    /// Calls one method; fulfilled with its result as JSON text.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        method: String,
        params: String,
        settings: CallSettings,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let params = json::<Value>(&params)?;
            let answer = client.call_with(&method, params, settings.try_into()?).await?;
            Ok(answer.result.to_string())
        })
    }

    /// Runs any number of commands, `[[method, params, name], ...]` as JSON text.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<string | Failure> | Failure>")]
    pub fn batch<'env>(
        &self,
        env: &'env Env,
        commands: String,
        halt: bool,
        settings: CallSettings,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Vec<Outcome<String>>>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let batch = batch::read(json(&commands)?)?.halt(halt);
            let answers = client.run_batch_with(batch, settings.try_into()?).await?;
            Ok(answers
                .into_iter()
                .map(|answer| outcome(answer.map(|answer| answer.result.to_string())))
                .collect())
        })
    }

    /// The rows of a list method. Sends nothing yet.
    #[napi(catch_unwind, ts_return_type = "List | Failure")]
    pub fn list(&self, method: String, params: String, settings: ListSettings) -> Outcome<List> {
        let list = || self.core.list_with(&method, json::<Value>(&params)?, settings.try_into()?);
        outcome(list().map(List::from))
    }

    /// How many rows match.
    #[napi(catch_unwind, ts_return_type = "Promise<number | Failure>")]
    pub fn count<'env>(
        &self,
        env: &'env Env,
        method: String,
        params: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<i64>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let count = client.count(&method, json::<Value>(&params)?).await?;
            Ok(i64::try_from(count).unwrap_or(i64::MAX))
        })
    }

    /// The rows with these ids, `[1, 2, ...]` as JSON text; fulfilled with JSON text, null where there
    /// is no row.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn get_by_ids<'env>(
        &self,
        env: &'env Env,
        method: String,
        ids: String,
        params: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let (ids, params) = (json::<Vec<u64>>(&ids)?, json::<Value>(&params)?);
            let rows = client.get_by_ids(&method, &ids, params).await?;
            Ok(Value::from_iter(rows).to_string())
        })
    }

    /// Begins to upload a file in two steps.
    #[napi(catch_unwind, ts_return_type = "Promise<Upload | Failure>")]
    pub fn upload<'env>(
        &self,
        env: &'env Env,
        method: String,
        params: String,
        name: String,
        #[napi(ts_arg_type = "Uint8Array")] content: Buffer,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Upload>>> {
        let client = self.core.clone();
        // Copied: the caller may write to its buffer meanwhile.
        let file = evergrant::file::File::new(name, content.to_vec());
        promise(env, cancel, async move {
            let params = json::<Value>(&params)?;
            client.begin_upload(&method, params, file).await.map(Upload::from)
        })
    }

    /// Begins a download.
    #[napi(catch_unwind, ts_return_type = "Promise<Download | Failure>")]
    pub fn download<'env>(
        &self,
        env: &'env Env,
        url: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Download>>> {
        let client = self.core.clone();
        promise(env, cancel, async move { client.download(&url).await.map(Download::from) })
    }

    /// The same client for methods of REST 3.0.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn v3(&self) -> V3 {
        self.core.v3().into()
    }
}
