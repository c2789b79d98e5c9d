//! The strategy `after_id`: each page begins behind the last id of the page before, fifty pages to a
//! request. The portal counts nothing, and rows that come or go move no page.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Place,
    query::After,
    source::{Bounds, PAGE, Page, Shape, Source},
    text::Listed,
};
use crate::{
    Result,
    process::{self, Task},
    rest::{
        Batch,
        batch::{MOST_COMMANDS, Reference},
    },
};

/// One request's worth of pages, each behind the one before.
pub(super) async fn chain(
    source: &Source,
    shape: &Shape,
    from: Bounds,
    pages: usize,
) -> Result<Vec<Page>> {
    let answers = source.batch(&from.name(), || commands(source, shape, &from, pages)).await?;
    let mut bounds = from;
    let mut chain = Vec::new();
    for answer in answers {
        let failed = answer.is_err();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let after = bounds.after.map_or(After::Nothing, After::Id);
                let params = source.query.behind(&after, bounds.below);
                Listed::from(source.alone(&bounds.name(), params, &error).await?)
            }
        };
        let Some(page) = source.checked(answer, shape, &bounds)? else { break };
        let short = page.rows.len() < PAGE;
        if let Place::Id(last) = page.place {
            bounds.after = Some(last);
        }
        chain.push(page);
        // Commands behind a short or a failed page referred to a row that is not there.
        if short || failed {
            break;
        }
    }
    Ok(chain)
}

fn commands(source: &Source, shape: &Shape, from: &Bounds, pages: usize) -> Result<Batch> {
    let mut batch = Batch::new();
    let mut after = from.after.map_or(After::Nothing, After::Id);
    for index in 0..pages.clamp(1, MOST_COMMANDS) {
        let params = source.query.behind(&after, from.below);
        let page = batch.add(&format!("page{index}"), &source.method, params)?;
        after = After::Reference(last_id(&page, shape).to_string());
    }
    Ok(batch)
}

/// The id of the last row of a full page.
pub(super) fn last_id(page: &Reference, shape: &Shape) -> Reference {
    let rows = match &shape.field {
        Some(field) => page.at(field),
        None => page.clone(),
    };
    rows.at(PAGE - 1).at(&shape.id)
}

/// A list that goes through the ids one after the other.
pub(super) struct AfterId {
    shape: Shape,
    after: Option<u64>,
    /// The last id of the list, as it was when the list began.
    end: Option<u64>,
    /// Rows per id, as seen last.
    density: f64,
    /// Rows that are wanted yet.
    wanted: Option<u64>,
    under_way: Option<Task<Vec<Page>>>,
    done: bool,
}

impl AfterId {
    pub(super) fn new(
        shape: Shape,
        after: Option<u64>,
        end: Option<u64>,
        density: f64,
        wanted: Option<u64>,
    ) -> Self {
        Self { shape, after, end, density, wanted, under_way: None, done: false }
    }

    /// Asks for the next request's worth ahead of time.
    fn begin(&mut self, source: &Arc<Source>) -> Result<()> {
        let (source, shape, after) = (Arc::clone(source), self.shape.clone(), self.after);
        let pages = self.pages_ahead();
        self.under_way = Some(process::start(async move {
            chain(&source, &shape, Bounds { after, below: None }, pages).await
        })?);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn learn(&mut self, rows: u64, last: u64) {
        if let Some(ids) = self.after.map(|after| after.abs_diff(last)).filter(|ids| *ids > 0) {
            self.density = rows as f64 / ids as f64;
        }
    }

    /// How many pages are worth asking for at once: behind the last row, a chain has nothing to refer
    /// to, and the portal would work for nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a positive number, and an estimate"
    )]
    fn pages_ahead(&self) -> usize {
        let ids = match (self.after, self.end) {
            (Some(after), Some(end)) => end.abs_diff(after),
            _ => 1,
        };
        let rows = (ids as f64 * self.density * 1.1).ceil() as u64;
        let rows = rows.min(ids).min(self.wanted.unwrap_or(u64::MAX));
        usize::try_from(rows.div_ceil(PAGE as u64)).unwrap_or(MOST_COMMANDS)
    }

    pub(super) async fn next(
        &mut self,
        source: &Arc<Source>,
        ready: &mut VecDeque<Page>,
    ) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        if self.under_way.is_none() {
            self.begin(source)?;
        }
        let Some(task) = &mut self.under_way else { return Ok(false) };
        let pages = task.join().await;
        self.under_way = None;
        let pages = pages?;
        let rows: u64 = pages.iter().map(|page| page.rows.len() as u64).sum();
        self.wanted = self.wanted.map(|wanted| wanted.saturating_sub(rows));
        let Some(last) = pages.last().map(|page| page.place) else {
            // Nothing lies behind an id that was named: the end, whatever the end was before.
            self.done = true;
            return Ok(true);
        };
        ready.extend(pages);
        if let Place::Id(last) = last {
            self.learn(rows, last);
            self.after = Some(last);
            // Only at the last id is a short page known to be the last one.
            let direction = source.query.direction;
            let more = self.end.is_none_or(|end| direction.follows(end, last));
            self.done = !more || self.wanted == Some(0);
        }
        if !self.done {
            self.begin(source)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_pages_are_asked_for_than_there_may_be() {
        let pages = |end, density, wanted| {
            let shape = Shape { field: None, id: "ID".into() };
            AfterId::new(shape, Some(100), Some(end), density, wanted).pages_ahead()
        };
        assert_eq!(pages(200, 1.0, None), 2);
        assert_eq!(pages(10_100, 1.0, None), 200);
        assert_eq!(pages(10_100, 0.01, None), 3);
        assert_eq!(pages(10_100, 1.0, Some(70)), 2);
        assert_eq!(pages(101, 1.0, None), 1);
    }
}
