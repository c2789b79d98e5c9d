//! The strategy `pages`: pages by offset, fifty to a request, as every list method has them.
//! Ten thousand rows are five requests. The portal counts all rows for every page.

use std::{
    collections::{VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Place,
    rows::{has_more, rows_of},
    source::{Page, Source},
};
use crate::{
    Error, Kind, Result, Retry,
    process::{self, Task},
    rest::{Answer, batch::MOST_COMMANDS},
};

/// Requests under way at once: what a list holds in memory.
const AHEAD: usize = 4;

/// A list by offsets.
pub(super) struct Pages {
    /// Rows of a page; 0 where the method does not count, so that pages come one by one.
    size: u64,
    /// Rows that match.
    total: u64,
    /// Offset of the first page that was not asked for yet.
    offset: u64,
    /// Rows behind this offset are not wanted.
    until: u64,
    under_way: VecDeque<Task<Vec<(u64, Answer)>>>,
    /// What the page before held: a method that always answers the same does not page.
    before: u64,
}

/// The first page of a list by offsets, and how to go on, if it does.
pub(super) async fn first(
    source: &Source,
    start: u64,
    known_total: Option<u64>,
    wanted: Option<u64>,
) -> Result<(Page, Option<u64>, Option<Pages>)> {
    // Portals round an offset down to a page.
    let (asked, skip) = (start - start % MOST_COMMANDS as u64, start % MOST_COMMANDS as u64);
    let answer = source.page(&name(asked), source.query.at(asked)).await?;
    let (next, total, more) = (answer.next, answer.total, has_more(&answer.result));
    let (mut rows, _) = rows_of(answer).map_err(|error| source.located(error))?;
    if total < known_total {
        return Err(shrunk(source, asked));
    }
    let count = rows.len() as u64;
    let pages = match (next, total) {
        (None, total) if more || total.is_some_and(|total| total > asked + count) => {
            return Err(strange(source, asked));
        }
        (None, _) => None,
        (Some(next), Some(total)) if count > 0 && next == asked + count => {
            Some(Pages::new(count, total, next, start, wanted, &rows))
        }
        (Some(next), None) if next > asked => Some(Pages::new(0, 0, next, start, wanted, &rows)),
        _ => return Err(broken(source, asked, "the first page does not say how to go on")),
    };
    rows.drain(..usize::try_from(skip).map_or(rows.len(), |skip| skip.min(rows.len())));
    Ok((page(rows, asked + count), total, pages))
}

impl Pages {
    fn new(
        size: u64,
        total: u64,
        offset: u64,
        start: u64,
        wanted: Option<u64>,
        rows: &[Value],
    ) -> Self {
        let until = wanted.map_or(u64::MAX, |wanted| start.saturating_add(wanted));
        Self { size, total, offset, until, under_way: VecDeque::new(), before: fingerprint(rows) }
    }

    /// How many rows match, as far as is known.
    pub(super) fn total(&self) -> Option<u64> {
        (self.size > 0).then_some(self.total)
    }

    pub(super) async fn next(
        &mut self,
        source: &Arc<Source>,
        ready: &mut VecDeque<Page>,
    ) -> Result<bool> {
        if self.size == 0 {
            return self.one(source, ready).await;
        }
        while self.under_way.len() < AHEAD {
            let offsets = self.offsets();
            if offsets.is_empty() {
                break;
            }
            let source = Arc::clone(source);
            self.under_way
                .push_back(process::start(async move { request(&source, offsets).await })?);
        }
        let Some(task) = self.under_way.front_mut() else { return Ok(false) };
        let pages = task.join().await;
        self.under_way.pop_front();
        for (offset, answer) in pages? {
            let rows = self.check(source, offset, answer)?;
            let end = offset + rows.len() as u64;
            ready.push_back(page(rows, end));
        }
        Ok(true)
    }

    /// The offsets of the next request.
    fn offsets(&mut self) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.len() < MOST_COMMANDS && self.offset < self.total.min(self.until) {
            offsets.push(self.offset);
            self.offset += self.size;
        }
        offsets
    }

    /// A page must be as long as its own total makes it. Rows that were added meanwhile lengthen the
    /// list; rows that were removed have moved others across a page's edge, unseen.
    fn check(&mut self, source: &Source, offset: u64, answer: Answer) -> Result<Vec<Value>> {
        let total = answer.total.unwrap_or(self.total);
        let more = has_more(&answer.result);
        let (rows, _) = rows_of(answer).map_err(|error| source.located(error))?;
        if total < self.total {
            return Err(shrunk(source, offset));
        }
        if rows.len() as u64 != self.size.min(total.saturating_sub(offset)) {
            return Err(broken(source, offset, "the page has fewer or more rows than it should"));
        }
        self.is_new(source, offset, &rows)?;
        if more && offset + rows.len() as u64 >= total {
            return Err(strange(source, offset));
        }
        self.total = total;
        Ok(rows)
    }

    fn is_new(&mut self, source: &Source, offset: u64, rows: &[Value]) -> Result<()> {
        let print = fingerprint(rows);
        if !rows.is_empty() && std::mem::replace(&mut self.before, print) == print {
            return Err(broken(source, offset, "the page is the one before it once more"));
        }
        Ok(())
    }

    /// The next page of a method that tells `next` and no total.
    async fn one(&mut self, source: &Source, ready: &mut VecDeque<Page>) -> Result<bool> {
        if self.offset >= self.until {
            return Ok(false);
        }
        let (offset, params) = (self.offset, source.query.at(self.offset));
        let answer = source.page(&name(offset), params).await?;
        let (next, total, more) = (answer.next, answer.total, has_more(&answer.result));
        let (rows, _) = rows_of(answer).map_err(|error| source.located(error))?;
        self.is_new(source, offset, &rows)?;
        if next.is_some_and(|next| next <= offset) {
            return Err(broken(source, offset, "the page leads back to itself"));
        }
        let end = offset + rows.len() as u64;
        if next.is_none() && (more || total.is_some_and(|total| total > end)) {
            return Err(strange(source, offset));
        }
        self.offset = next.unwrap_or(u64::MAX);
        ready.push_back(page(rows, end));
        Ok(true)
    }
}

async fn request(source: &Source, offsets: Vec<u64>) -> Result<Vec<(u64, Answer)>> {
    let wanted = offsets.iter().map(|offset| (name(*offset), source.query.at(*offset))).collect();
    Ok(offsets.into_iter().zip(source.pages(wanted).await?).collect())
}

fn page(rows: Vec<Value>, end: u64) -> Page {
    Page { rows: rows.into(), first: None, place: Place::Start(end) }
}

fn fingerprint(rows: &[Value]) -> u64 {
    let mut hash = DefaultHasher::new();
    serde_json::to_string(rows).unwrap_or_default().hash(&mut hash);
    hash.finish()
}

fn name(offset: u64) -> String {
    format!("start={offset}")
}

fn shrunk(source: &Source, offset: u64) -> Error {
    broken(
        source,
        offset,
        "rows were removed while they were listed, so that others may be missing",
    )
}

/// There is more, and no `next` to find it by.
fn strange(source: &Source, offset: u64) -> Error {
    broken(source, offset, "there are more rows, but this method pages in another way")
        .with_retry(Retry::Never)
        .advise("Use call for this method, page by page, as its documentation says.")
}

fn broken(source: &Source, offset: u64, why: &'static str) -> Error {
    source
        .located(Error::new(Kind::UnexpectedAnswer, why))
        .with("page", name(offset))
        .advise("List again; ordering by ID makes the list steady.")
}
