//! Calling methods of REST 3.0.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde_json::Value;

use crate::{
    batch,
    json::json,
    list::List,
    options::CallSettings,
    outcome::{Cancel, Outcome, outcome, promise},
};

/// Calls methods of REST 3.0.
#[napi]
pub struct V3 {
    core: evergrant::v3::Client,
}

impl From<evergrant::v3::Client> for V3 {
    fn from(core: evergrant::v3::Client) -> Self {
        Self { core }
    }
}

#[napi]
impl V3 {
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

    /// All items of a list method. Sends nothing yet.
    #[napi(catch_unwind, ts_return_type = "List | Failure")]
    pub fn list(&self, method: String, params: String, paging: Option<String>) -> Outcome<List> {
        let list = json::<Value>(&params).and_then(|params| match paging {
            Some(word) => self.core.list_by(&method, params, word.parse()?),
            None => self.core.list(&method, params),
        });
        outcome(list.map(List::from))
    }

    /// Counts, sums and extremes; fulfilled with JSON text.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn aggregate<'env>(
        &self,
        env: &'env Env,
        method: String,
        select: String,
        filter: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let (select, filter) = (json::<Value>(&select)?, json::<Value>(&filter)?);
            Ok(client.aggregate(&method, select, filter).await?.to_string())
        })
    }

    /// Makes calls, `[[method, query, name], ...]` as JSON text; fulfilled with their results as one.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Failure>")]
    pub fn batch<'env>(
        &self,
        env: &'env Env,
        calls: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<String>>> {
        let client = self.core.clone();
        promise(env, cancel, async move {
            let results = client.batch(batch::read_v3(json(&calls)?)?).await?;
            Ok(Value::Array(results).to_string())
        })
    }
}
