//! A whole list, never silently short: pages of fifty, packed fifty to a batch.
//!
//! Vendor documentation: "Features of list methods". Ten thousand rows are five requests.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{Answer, Client, Command, batch::MOST_COMMANDS};
use crate::{Error, Kind, Result};

/// The rows of a list method, a page at a time. Made by [`Client::list`].
pub struct List {
    client: Client,
    method: String,
    params: Map<String, Value>,
    ready: VecDeque<Vec<Value>>,
    progress: Progress,
    total: Option<u64>,
}

enum Progress {
    Start,
    Pages(Pages),
    /// A page failed, or its caller stopped waiting for it: its rows are not here.
    Interrupted,
    Done,
}

/// What the first page told.
struct Pages {
    /// Rows of a page.
    size: u64,
    /// Rows that match.
    total: u64,
    /// Offset of the first page that was not asked for yet.
    offset: u64,
}

impl List {
    pub(crate) fn new(client: Client, method: &str, params: Map<String, Value>) -> Result<Self> {
        if params.keys().any(|name| name.eq_ignore_ascii_case("start")) {
            return Err(Error::invalid_input("start", "a list pages by itself")
                .with("method", method)
                .advise("Leave start out, or use call for a single page."));
        }
        Ok(Self {
            client,
            method: method.to_owned(),
            params,
            ready: VecDeque::new(),
            progress: Progress::Start,
            total: None,
        })
    }

    /// How many rows match, once the first page is there.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next rows, in order; `None` at the end.
    ///
    /// # Errors
    /// A page that cannot be had is an error that names it. The list is over then: asked again, also
    /// after a wait that was cancelled, it answers with an error, never with an early end.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Value>>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Ok(Some(rows));
            }
            match std::mem::replace(&mut self.progress, Progress::Interrupted) {
                Progress::Done => {
                    self.progress = Progress::Done;
                    return Ok(None);
                }
                Progress::Interrupted => return Err(self.interrupted()),
                Progress::Start => self.first().await?,
                Progress::Pages(pages) => self.more(pages).await?,
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

    async fn first(&mut self) -> Result<()> {
        let answer = self.client.call(&self.method, self.page_params(0)).await?;
        let (next, total) = (answer.next, answer.total);
        let rows = answer.into_rows()?;
        self.total = total;
        self.progress = match (next, total) {
            (None, _) => Progress::Done,
            (Some(size), Some(total)) if size > 0 && size == rows.len() as u64 => {
                Progress::Pages(Pages { size, total, offset: size })
            }
            _ => return Err(self.broken(0, "the first page does not say how to go on")),
        };
        self.push(rows);
        Ok(())
    }

    async fn more(&mut self, mut pages: Pages) -> Result<()> {
        let offsets: Vec<u64> = (pages.offset..pages.total)
            .step_by(usize::try_from(pages.size).unwrap_or(MOST_COMMANDS))
            .take(MOST_COMMANDS)
            .collect();
        if offsets.is_empty() {
            self.progress = Progress::Done;
            return Ok(());
        }
        let commands = offsets
            .iter()
            .map(|offset| Command::new(&self.method, self.page_params(*offset)))
            .collect::<Result<_>>()?;
        let answers = self.client.batch(commands).await?;
        for (offset, answer) in offsets.into_iter().zip(answers) {
            let answer = match answer {
                // Reading twice is harmless; a page that was refused for a moment is asked for alone.
                Err(error) if error.is_retryable() => {
                    self.client.call(&self.method, self.page_params(offset)).await
                }
                other => other,
            };
            let answer = answer.map_err(|error| error.with("page", page_name(offset)))?;
            let rows = self.check(&mut pages, offset, answer)?;
            self.push(rows);
            pages.offset = offset + pages.size;
        }
        self.total = Some(pages.total);
        self.progress = Progress::Pages(pages);
        Ok(())
    }

    /// A page must be as long as its own total makes it. Rows that were added meanwhile lengthen the
    /// list; rows that were removed have moved others across a page's edge, unseen.
    fn check(&self, pages: &mut Pages, offset: u64, answer: Answer) -> Result<Vec<Value>> {
        let total = answer.total.unwrap_or(pages.total);
        let rows = answer.into_rows()?;
        if total < pages.total {
            return Err(self.broken(
                offset,
                "rows were removed while they were listed, so that others may be missing",
            ));
        }
        if rows.len() as u64 != pages.size.min(total.saturating_sub(offset)) {
            return Err(self.broken(offset, "the page has fewer or more rows than it should"));
        }
        pages.total = total;
        Ok(rows)
    }

    fn push(&mut self, rows: Vec<Value>) {
        if !rows.is_empty() {
            self.ready.push_back(rows);
        }
    }

    fn page_params(&self, start: u64) -> Value {
        let mut params = self.params.clone();
        params.insert("start".to_owned(), start.into());
        Value::Object(params)
    }

    fn broken(&self, offset: u64, why: &'static str) -> Error {
        self.located(Error::new(Kind::UnexpectedAnswer, why))
            .with("page", page_name(offset))
            .advise("List again; ordering by ID makes the list steady.")
    }

    fn interrupted(&self) -> Error {
        self.located(Error::new(
            Kind::Cancelled,
            "the list was interrupted, so rows would be missing",
        ))
        .advise("List again.")
    }

    fn located(&self, error: Error) -> Error {
        let error = error.with("method", self.method.clone());
        match self.client.portal() {
            Some(portal) => error.with("portal", portal),
            None => error,
        }
    }
}

fn page_name(offset: u64) -> String {
    format!("start={offset}")
}
