//! Where pages come from: one method of one portal.

use serde_json::Value;

use super::{
    Place,
    query::Query,
    rows::{id_name, id_of},
    text::{Listed, Rows},
};
use crate::{
    Error, Kind, Result, Retry,
    rest::{Answer, Batch, CallOptions, Client, Command, Priority, batch::Outcome},
};

/// Rows of a page, unless a method shows that it has others.
pub(super) const PAGE: usize = 50;

/// The method, and what its caller wants of it.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) method: String,
    pub(super) query: Query,
}

/// Where an answer holds its rows, and a row its id.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) field: Option<String>,
    pub(super) id: String,
}

/// Rows in order.
pub(super) struct Page {
    pub(super) rows: Rows,
    /// The first row's id, where the list goes by ids.
    pub(super) first: Option<u64>,
    /// Where the list goes on behind them.
    pub(super) place: Place,
}

/// The ids of a page by id.
pub(super) struct Bounds {
    pub(super) after: Option<u64>,
    pub(super) below: Option<u64>,
}

impl Source {
    /// Pages that do not depend on each other, in one request. A page that failed is asked for alone,
    /// and so is each page where the parameters fit into no batch.
    pub(super) async fn pages<T: Outcome>(&self, wanted: Vec<(String, Value)>) -> Result<Vec<T>> {
        if self.query.empty.is_some() {
            let mut pages = Vec::with_capacity(wanted.len());
            for (name, params) in wanted {
                pages.push(T::from(self.page(&name, params).await?));
            }
            return Ok(pages);
        }
        let commands = || {
            let command = |(_, params): &(_, Value)| Command::new(&self.method, params.clone());
            wanted.iter().map(command).collect::<Result<Vec<_>>>().map(Batch::from)
        };
        let first = wanted.first().map_or("first", |(name, _)| name);
        let answers = self.batch(first, commands).await?;
        let mut pages = Vec::with_capacity(answers.len());
        for ((name, params), answer) in wanted.into_iter().zip(answers) {
            pages.push(match answer {
                Ok(answer) => answer,
                Err(error) => T::from(self.alone(&name, params, &error).await?),
            });
        }
        Ok(pages)
    }

    /// One request for several pages, of which the first is `page`. Reading twice is harmless, so that
    /// one whose answer was lost is repeated once; one that was never let in has waited long enough.
    pub(super) async fn batch<T: Outcome>(
        &self,
        page: &str,
        commands: impl Fn() -> Result<Batch>,
    ) -> Result<Vec<Result<T>>> {
        let answers = match self.client.run_batch_as(commands()?, CallOptions::new()).await {
            Err(error) if error.retry() == Retry::IfIdempotent => {
                self.client.run_batch_as(commands()?, CallOptions::new()).await
            }
            other => other,
        };
        answers.map_err(|error| self.located(error).with("page", page))
    }

    /// A page that failed beside others.
    pub(super) async fn alone(&self, name: &str, params: Value, why: &Error) -> Result<Answer> {
        tracing::debug!(method = self.method, page = name, %why, "a page is asked for alone");
        self.page(name, params).await
    }

    /// A page by itself. It may wait as long as its list may, and reading twice is harmless.
    pub(super) async fn page(&self, name: &str, params: Value) -> Result<Answer> {
        let options = CallOptions::new().priority(Priority::Bulk).idempotent(true);
        self.client
            .call_with(&self.method, params, options)
            .await
            .map_err(|error| self.located(error).with("page", name))
    }

    /// Rows of a page by id, checked: in order, behind `after`, below `below`.
    pub(super) fn checked(
        &self,
        answer: impl Into<Listed>,
        shape: &Shape,
        bounds: &Bounds,
    ) -> Result<Option<Page>> {
        let unreadable = |error| self.located(error).with("page", bounds.name());
        let (rows, ids) = answer.into().rows(&shape.id).map_err(unreadable)?;
        let mut last = bounds.after;
        for id in &ids {
            let id = id.ok_or_else(|| self.without_id(bounds))?;
            let in_order = last.is_none_or(|last| self.query.direction.follows(id, last));
            if !in_order || bounds.below.is_some_and(|below| id >= below) {
                return Err(self.disobedient(bounds));
            }
            last = Some(id);
        }
        Ok(match last {
            Some(last) if !rows.is_empty() => {
                let first = ids.first().copied().flatten();
                Some(Page { rows, first, place: Place::Id(last) })
            }
            _ => None,
        })
    }

    /// Where rows and ids are, as an answer shows it.
    pub(super) fn shape(&self, rows: &[Value], field: Option<String>) -> Result<Shape> {
        let known = self.query.family.row_id;
        let id = match rows.first() {
            Some(row) if id_of(row, known).is_none() => id_name(rows)
                .ok_or_else(|| self.without_id(&Bounds { after: None, below: None }))?,
            _ => known,
        };
        Ok(Shape { field, id: id.to_owned() })
    }

    fn without_id(&self, bounds: &Bounds) -> Error {
        self.located(Error::new(Kind::UnexpectedAnswer, "the rows have no id to go by"))
            .with("page", bounds.name())
            .with_retry(Retry::Never)
            .advise("Select the id, or use the strategy pages.")
    }

    pub(super) fn disobedient(&self, bounds: &Bounds) -> Error {
        self.located(Error::new(
            Kind::UnexpectedAnswer,
            "the method does not keep to the filter or the order by id, so rows would be wrong",
        ))
        .with("page", bounds.name())
        .with_retry(Retry::Never)
        .advise("Use the strategy pages for this method.")
    }

    pub(super) fn located(&self, error: Error) -> Error {
        let error = error.with("method", self.method.clone());
        match self.client.portal() {
            Some(portal) => error.with("portal", portal),
            None => error,
        }
    }
}

impl Bounds {
    /// What the page is called in errors.
    pub(super) fn name(&self) -> String {
        match (self.after, self.below) {
            (None, None) => "first".to_owned(),
            (Some(after), None) => format!("id behind {after}"),
            (None, Some(below)) => format!("id below {below}"),
            (Some(after), Some(below)) => format!("id behind {after}, below {below}"),
        }
    }
}
