//! A whole list, in order, never silently short, in a memory that does not grow with it.
//!
//! Vendor documentation: "Features of list methods", "Large volumes of data".

mod after_id;
mod cursor;
mod family;
mod ids;
mod options;
mod pages;
mod probe;
mod query;
mod ranges;
mod rows;
mod source;
mod text;

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Map, Value};

pub use self::options::{ListOptions, Strategy};
pub(super) use self::rows::has_more;
use self::{
    cursor::Place,
    query::{Direction, Query},
    source::{Page, Source},
    text::Rows,
};
use super::{Client, params};
use crate::{
    Error, Result,
    process::{self, Task},
};

/// The rows of a list method, a page at a time. Made by [`Client::list`] and [`Client::list_with`].
pub struct List {
    source: Arc<Source>,
    strategy: Strategy,
    /// Rows yet to be handed out, where there is a limit.
    left: Option<u64>,
    /// Whether the total is asked for.
    count: bool,
    ready: VecDeque<Page>,
    stage: Stage,
    total: Option<u64>,
    rows: u64,
    place: Place,
    name: String,
}

enum Stage {
    Beginning {
        known_total: Option<u64>,
    },
    Begun(Task<Start>),
    Reading(Box<Reader>),
    /// The error stays: a list that failed does not end early when it is asked again.
    Failed(Error),
    Done,
}

enum Reader {
    Pages(pages::Pages),
    AfterId(after_id::AfterId),
    Ranges(ranges::Ranges),
}

/// What the beginning brought.
struct Start {
    pages: VecDeque<Page>,
    total: Option<u64>,
    reader: Option<Reader>,
}

impl Reader {
    /// Reads on; false at the end.
    async fn next(&mut self, source: &Arc<Source>, ready: &mut VecDeque<Page>) -> Result<bool> {
        match self {
            Self::Pages(reader) => reader.next(source, ready).await,
            Self::AfterId(reader) => reader.next(source, ready).await,
            Self::Ranges(reader) => reader.next(source, ready).await,
        }
    }
}

impl List {
    pub(crate) fn new(
        client: Client,
        method: &str,
        params: Map<String, Value>,
        options: ListOptions,
    ) -> Result<Self> {
        let ListOptions { limit, order, strategy, total, after } = options;
        let order = order.map(|order| params::named(Value::Object(order))).transpose()?;
        let mut named = params.clone();
        if let Some(order) = &order {
            named.insert("\u{0}order".to_owned(), Value::Object(order.clone()));
        }
        let name = cursor::name_of(method, &named);
        let query = Query::new(method, params, order)?;
        let (place, known_total) = match &after {
            Some(text) => cursor::read(text, &name)?,
            None => (Place::Beginning, None),
        };
        let by_id = matches!(strategy, Strategy::AfterId | Strategy::Ranges);
        let conflict = match (query.obstacle, place) {
            (Some(field), _) if by_id => {
                Some((field, "this strategy goes by id, and the list does not"))
            }
            (_, Place::Start(_)) if by_id => {
                Some(("after", "the cursor counts rows, and this strategy goes by id"))
            }
            (_, Place::Id(_)) if strategy == Strategy::Pages => {
                Some(("after", "the cursor goes by id, and this strategy counts rows"))
            }
            _ if strategy == Strategy::Ranges && query.direction == Direction::Down => {
                Some(("order", "ranges go upwards"))
            }
            _ => None,
        };
        if let Some((field, why)) = conflict {
            let error = Error::invalid_input(field, why)
                .with("method", method)
                .with("strategy", strategy.as_str())
                .advise("Leave the strategy out.");
            return Err(match query.empty {
                Some(place) if field == "params" => error.with("at", place),
                _ => error,
            });
        }
        Ok(Self {
            source: Arc::new(Source { client, method: method.to_owned(), query }),
            strategy,
            left: limit,
            count: total,
            ready: VecDeque::new(),
            stage: Stage::Beginning { known_total },
            total: None,
            rows: 0,
            place,
            name,
        })
    }

    /// How many rows match, once it is known: by pages from the first page on, else where
    /// [`ListOptions::total`] was set.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many rows were handed out.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where the list stands behind the rows that were handed out: text for
    /// [`ListOptions::after`], to be kept together with what was made of the rows.
    #[must_use]
    pub fn cursor(&self) -> String {
        let total = matches!(self.place, Place::Start(_)).then_some(self.total).flatten();
        cursor::write(&self.name, self.place, total)
    }

    /// The next rows, in order: all that a request brought, up to fifty of the portal's own pages;
    /// `None` at the end. A wait that was cancelled can be taken up again.
    ///
    /// # Errors
    /// A page that cannot be had is an error that names it, and stays one: never an early end. A new
    /// list goes on from [`List::cursor`].
    pub async fn next_page(&mut self) -> Result<Option<Vec<Value>>> {
        let before = self.stand();
        let Some(pages) = self.next_rows().await? else { return Ok(None) };
        let mut all = Vec::with_capacity(pages.iter().map(Rows::len).sum());
        for rows in pages {
            all.append(&mut rows.values().map_err(|error| self.failed_at(before, error))?);
        }
        Ok(Some(all))
    }

    /// As [`List::next_page`], as texts: a JSON array for each of the portal's pages, as the portal wrote
    /// it where nothing had to be changed.
    ///
    /// # Errors
    /// As [`List::next_page`].
    pub async fn next_texts(&mut self) -> Result<Option<Vec<String>>> {
        let pages = self.next_rows().await?;
        Ok(pages.map(|pages| pages.into_iter().map(Rows::text).collect()))
    }

    async fn next_rows(&mut self) -> Result<Option<Vec<Rows>>> {
        loop {
            if self.left == Some(0) {
                self.stage = Stage::Done;
                self.ready.clear();
            }
            let before = self.stand();
            let rows = self.at_hand().map_err(|error| self.failed_at(before, error))?;
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
            if let Stage::Failed(error) = &self.stage {
                return Err(error.clone());
            }
            match self.read_on().await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.stage = Stage::Failed(error.clone());
                    // What was read before the failure is whole.
                    if self.ready.is_empty() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// All rows at once.
    ///
    /// # Errors
    /// As [`List::next_page`].
    pub async fn all(mut self) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        while let Some(page) = self.next_page().await? {
            rows.extend(page);
        }
        Ok(rows)
    }

    fn stand(&self) -> (Place, u64, Option<u64>) {
        (self.place, self.rows, self.left)
    }

    /// Rows that cannot be handed out were not handed out: the list stands before them.
    fn failed_at(&mut self, before: (Place, u64, Option<u64>), error: Error) -> Error {
        (self.place, self.rows, self.left) = before;
        self.ready.clear();
        let error = self.source.located(error);
        self.stage = Stage::Failed(error.clone());
        error
    }

    /// One step; false at the end.
    async fn read_on(&mut self) -> Result<bool> {
        match &mut self.stage {
            Stage::Done | Stage::Failed(_) => return Ok(false),
            Stage::Beginning { known_total } => {
                let source = Arc::clone(&self.source);
                let begin = Begin {
                    strategy: self.strategy,
                    place: self.place,
                    known_total: *known_total,
                    wanted: self.left,
                    count: self.count,
                };
                self.stage = Stage::Begun(process::start(async move { begin.run(&source).await })?);
            }
            Stage::Begun(task) => {
                let start = task.join().await?;
                self.total = start.total;
                self.ready = start.pages;
                self.stage = match start.reader {
                    Some(reader) => Stage::Reading(Box::new(reader)),
                    None => Stage::Done,
                };
            }
            Stage::Reading(reader) => {
                let more = reader.next(&self.source, &mut self.ready).await?;
                if let Reader::Pages(pages) = &**reader {
                    self.total = pages.total();
                }
                if !more {
                    self.stage = Stage::Done;
                }
            }
        }
        Ok(true)
    }

    /// The rows that were read already.
    fn at_hand(&mut self) -> Result<Vec<Rows>> {
        let mut rows = Vec::new();
        while self.left != Some(0)
            && let Some(page) = self.ready.pop_front()
        {
            // An empty one says nothing of where the list stands.
            if !page.rows.is_empty() {
                rows.push(self.hand_out(page)?);
            }
        }
        Ok(rows)
    }

    fn hand_out(&mut self, page: Page) -> Result<Rows> {
        let Page { mut rows, place, .. } = page;
        let count = rows.len() as u64;
        let kept = self.left.map_or(count, |left| left.min(count));
        self.place = place;
        if kept < count {
            let mut values = rows.values()?;
            values.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            self.place = match place {
                Place::Start(end) => Place::Start(end - (count - kept)),
                _ => self.id_of(values.last()).map_or(place, Place::Id),
            };
            rows = values.into();
        }
        self.rows += kept;
        self.left = self.left.map(|left| left - kept);
        if self.source.query.strip {
            let mut values = rows.values()?;
            for row in &mut values {
                if let Value::Object(row) = row {
                    row.shift_remove(self.source.query.family.row_id);
                }
            }
            rows = values.into();
        }
        Ok(rows)
    }

    fn id_of(&self, row: Option<&Value>) -> Option<u64> {
        let name = self.source.query.family.row_id;
        row.and_then(|row| {
            rows::id_of(row, name)
                .or_else(|| rows::id_of(row, rows::id_name(std::slice::from_ref(row))?))
        })
    }
}

/// How a list begins.
struct Begin {
    strategy: Strategy,
    place: Place,
    known_total: Option<u64>,
    wanted: Option<u64>,
    count: bool,
}

impl Begin {
    async fn run(self, source: &Source) -> Result<Start> {
        let by_id = match (self.strategy, self.place) {
            (Strategy::Pages, _) | (_, Place::Start(_)) => false,
            (Strategy::AfterId | Strategy::Ranges, _) | (_, Place::Id(_)) => true,
            _ => source.query.family.by_id && source.query.obstacle.is_none(),
        };
        let after = match self.place {
            Place::Id(id) => Some(id),
            _ => None,
        };
        let total = if by_id && self.count { Some(ids::count(source).await?) } else { None };
        if by_id {
            match probe::begin(source, self.strategy, after, self.wanted).await? {
                Some(begun) => {
                    return Ok(Start { pages: begun.pages, total, reader: begun.reader });
                }
                None if after.is_some() => {
                    return Err(source.located(Error::invalid_input(
                        "after",
                        "the cursor goes by id, and the method does not",
                    )));
                }
                None => {}
            }
        }
        let start = match self.place {
            Place::Start(start) => start,
            _ => 0,
        };
        let (page, total, reader) =
            pages::first(source, start, self.known_total, self.wanted).await?;
        Ok(Start { pages: [page].into(), total, reader: reader.map(Reader::Pages) })
    }
}

#[cfg(test)]
mod tests;
