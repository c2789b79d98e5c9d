//! Counting, and rows by their ids.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value};

use super::{
    query::Query,
    rows::{id_of, rows_of},
    source::{PAGE, Source},
};
use crate::{
    Error, Kind, Result, Retry,
    process::{self, Task},
    rest::{Answer, Client, batch::MOST_COMMANDS, params},
};

/// Requests under way at once.
const AHEAD: usize = 4;

pub(super) async fn count(source: &Source) -> Result<u64> {
    let answer = source.page("start=0", source.query.counted()).await?;
    answer.total.ok_or_else(|| {
        source
            .located(Error::new(Kind::UnexpectedAnswer, "the method does not count its rows"))
            .with_retry(Retry::Never)
            .advise("List the rows instead.")
    })
}

impl Client {
    /// How many rows of a list method match. Vendor documentation: "Features of list methods".
    ///
    /// # Errors
    /// As [`Client::call`]; and [`Kind::UnexpectedAnswer`] for a method that does not count.
    pub async fn count(&self, method: &str, params: impl Into<Value>) -> Result<u64> {
        let source = self.source(method, params.into())?;
        process::run(async move { count(&source).await }).await
    }

    /// The rows of a list method that have these ids, one for each id in their order; `None` where
    /// there is no such row. `params` may select fields and filter further, but not by id.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for a method whose filter by id is not known; an error that names the
    /// page where it cannot be had.
    pub async fn get_by_ids(
        &self,
        method: &str,
        ids: &[u64],
        params: impl Into<Value>,
    ) -> Result<Vec<Option<Value>>> {
        let source = self.source(method, params.into())?;
        if !source.query.known {
            return Err(Error::invalid_input(
                "method",
                "how this method filters by id is not known",
            )
            .with("method", method)
            .advise("Use batch with the method that gets one row."));
        }
        if source.query.obstacle == Some("filter") {
            return Err(Error::invalid_input("filter", "no ids can be put into this filter")
                .with("method", method)
                .advise("Filter by an object of fields, without the id."));
        }
        let mut seen = HashSet::new();
        let unique: Vec<u64> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut found =
            process::run(async move { rows_of_ids(source.into(), unique).await }).await?;
        let mut left: HashMap<u64, usize> = HashMap::new();
        for id in ids {
            *left.entry(*id).or_default() += 1;
        }
        Ok(ids
            .iter()
            .map(|id| match left.get_mut(id) {
                Some(times) if *times > 1 => {
                    *times -= 1;
                    found.get(id).cloned()
                }
                _ => found.remove(id),
            })
            .collect())
    }

    fn source(&self, method: &str, params: Value) -> Result<Source> {
        params::check_method(method)?;
        let params = params::named(params).map_err(|error| error.with("method", method))?;
        let query = Query::new(method, params, None)?;
        Ok(Source { client: self.clone(), method: method.to_owned(), query })
    }
}

async fn rows_of_ids(source: std::sync::Arc<Source>, ids: Vec<u64>) -> Result<HashMap<u64, Value>> {
    let mut found = HashMap::with_capacity(ids.len());
    let mut requests = ids.chunks(PAGE * MOST_COMMANDS);
    let mut under_way: VecDeque<Task<Vec<Answer>>> = VecDeque::new();
    loop {
        while under_way.len() < AHEAD
            && let Some(ids) = requests.next()
        {
            let (source, ids) = (std::sync::Arc::clone(&source), ids.to_vec());
            under_way.push_back(process::start(async move {
                let page = |ids: &[u64]| {
                    let name = ids.first().map_or_else(String::new, |id| format!("ids from {id}"));
                    (name, source.query.with_ids(ids))
                };
                source.pages(ids.chunks(PAGE).map(page).collect()).await
            })?);
        }
        let Some(mut task) = under_way.pop_front() else { return Ok(found) };
        for answer in task.join().await? {
            let (rows, _) = rows_of(answer).map_err(|error| source.located(error))?;
            for row in rows {
                let (id, row) = with_id(&source, row)?;
                found.insert(id, row);
            }
        }
    }
}

fn with_id(source: &Source, mut row: Value) -> Result<(u64, Value)> {
    let name = source.query.family.row_id;
    let id = id_of(&row, name)
        .ok_or_else(|| source.located(Error::new(Kind::UnexpectedAnswer, "a row has no id")))?;
    if let (true, Value::Object(row)) = (source.query.strip, &mut row) {
        let _: Option<Value> = Map::shift_remove(row, name);
    }
    Ok((id, row))
}
