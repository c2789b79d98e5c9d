//! Calls of a portal.

use evergrant::file::File;
use pyo3::prelude::*;

use crate::{
    batch::{self, Entry, Outcome},
    error::guarded,
    file::{Download, Upload},
    json,
    list::List,
    options::{CallSettings, ListSettings, Pace},
    pending::Pending,
};

/// Calls one portal as one user.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Client(evergrant::Client);

impl From<evergrant::Client> for Client {
    fn from(client: evergrant::Client) -> Self {
        Self(client)
    }
}

#[pymethods]
impl Client {
    /// A client over an incoming webhook.
    #[staticmethod]
    fn from_webhook(
        py: Python<'_>,
        url: Option<&str>,
        rate_limit: Option<&str>,
        reserve: Option<f64>,
        moved_to: Option<&str>,
    ) -> PyResult<Self> {
        let made = guarded(py, || {
            // A variable that is not set comes as None: to the core that is an empty one.
            let client = evergrant::Client::from_webhook(url.unwrap_or_default())?;
            let client = Pace { rate_limit, reserve }.apply(client)?;
            match moved_to {
                Some(host) => client.moved_to(host),
                None => Ok(client),
            }
        });
        made.map(Self)
    }

    /// The same client at another pace.
    fn paced(
        &self,
        py: Python<'_>,
        rate_limit: Option<&str>,
        reserve: Option<f64>,
    ) -> PyResult<Self> {
        guarded(py, || Pace { rate_limit, reserve }.apply(self.0.clone())).map(Self)
    }

    /// Calls one method; the result as JSON.
    fn call(
        &self,
        py: Python<'_>,
        method: String,
        params: &[u8],
        settings: CallSettings,
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let (params, options) = guarded(py, || Ok((json::read(params)?, settings.read()?)))?;
        Ok(Pending::new(async move {
            json::write(&client.call_with(&method, params, options).await?.result)
        }))
    }

    /// Runs any number of commands; one outcome for each, in their order.
    fn batch(
        &self,
        py: Python<'_>,
        commands: Vec<Entry>,
        halt: bool,
        settings: CallSettings,
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let (batch, options) = guarded(py, || Ok((batch::read(commands)?, settings.read()?)))?;
        let batch = batch.halt(halt);
        Ok(Pending::new(async move {
            let answers = client.run_batch_with(batch, options).await?;
            Ok(answers.into_iter().map(Outcome::from).collect::<Vec<_>>())
        }))
    }

    /// The rows of a list method.
    fn list(
        &self,
        py: Python<'_>,
        method: &str,
        params: &[u8],
        settings: ListSettings,
    ) -> PyResult<List> {
        let list = guarded(py, || self.0.list_with(method, json::read(params)?, settings.read()?))?;
        Ok(list.into())
    }

    /// How many rows match.
    fn count(&self, py: Python<'_>, method: String, params: &[u8]) -> PyResult<Pending> {
        let client = self.0.clone();
        let params = guarded(py, || json::read(params))?;
        Ok(Pending::new(async move { client.count(&method, params).await }))
    }

    /// The rows with these ids as a JSON array, null where there is none.
    fn get_by_ids(
        &self,
        py: Python<'_>,
        method: String,
        ids: Vec<u64>,
        params: &[u8],
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let params = guarded(py, || json::read(params))?;
        Ok(Pending::new(
            async move { json::write(&client.get_by_ids(&method, &ids, params).await?) },
        ))
    }

    /// Begins to upload a file in two steps; the result is an `Upload`.
    fn upload(
        &self,
        py: Python<'_>,
        method: String,
        params: &[u8],
        name: String,
        content: Vec<u8>,
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let params = guarded(py, || json::read(params))?;
        let file = File::new(name, content);
        Ok(Pending::new(async move {
            client.begin_upload(&method, params, file).await.map(Upload::from)
        }))
    }

    /// Begins a download; the result is a `Download`.
    fn download(&self, url: String) -> Pending {
        let client = self.0.clone();
        Pending::new(async move { client.download(&url).await.map(Download::from) })
    }

    /// The same client for methods of REST 3.0.
    fn v3(&self) -> V3 {
        V3(self.0.v3())
    }
}

/// Calls methods of REST 3.0.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct V3(evergrant::v3::Client);

#[pymethods]
impl V3 {
    /// Calls one method; the result as JSON.
    fn call(
        &self,
        py: Python<'_>,
        method: String,
        params: &[u8],
        settings: CallSettings,
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let (params, options) = guarded(py, || Ok((json::read(params)?, settings.read()?)))?;
        Ok(Pending::new(async move {
            json::write(&client.call_with(&method, params, options).await?.result)
        }))
    }

    /// All items of a list method.
    #[pyo3(signature = (method, params, paging))]
    fn list(
        &self,
        py: Python<'_>,
        method: &str,
        params: &[u8],
        paging: Option<&str>,
    ) -> PyResult<List> {
        let list = guarded(py, || match paging {
            Some(word) => self.0.list_by(method, json::read(params)?, word.parse()?),
            None => self.0.list(method, json::read(params)?),
        })?;
        Ok(list.into())
    }

    /// Counts, sums and extremes; the result as JSON.
    fn aggregate(
        &self,
        py: Python<'_>,
        method: String,
        select: &[u8],
        filter: &[u8],
    ) -> PyResult<Pending> {
        let client = self.0.clone();
        let (select, filter) = guarded(py, || Ok((json::read(select)?, json::read(filter)?)))?;
        Ok(Pending::new(
            async move { json::write(&client.aggregate(&method, select, filter).await?) },
        ))
    }

    /// Makes the calls in one request; the results as a JSON array.
    fn batch(&self, py: Python<'_>, calls: Vec<Entry>) -> PyResult<Pending> {
        let client = self.0.clone();
        let batch = guarded(py, || batch::read_v3(calls))?;
        Ok(Pending::new(async move { json::write(&client.batch(batch).await?) }))
    }
}

/// What the calls of this process came to.
#[pyfunction]
pub(crate) fn counters() -> crate::values::CallCounters {
    evergrant::Client::counters().into()
}
