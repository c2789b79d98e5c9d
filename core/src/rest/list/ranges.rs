//! The strategy `ranges`: the ids are cut into ranges that need not know of each other, so that
//! requests run side by side. A range of fifty ids can hold no more than a page; wider ones, for
//! sparse ids, are widened and narrowed by what they bring, and read on where a page came full.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Place,
    after_id::chain,
    source::{Bounds, PAGE, Page, Shape, Source},
    text::Listed,
};
use crate::{
    Result,
    process::{self, Task},
    rest::batch::MOST_COMMANDS,
};

/// Requests under way at once: what a list holds in memory.
const AHEAD: usize = 4;
/// Rows that a range is made for: fewer than a page has, because ids are not spread evenly.
const AIM: f64 = 35.0;
/// How much wider a range gets at once where nothing is.
const STRIDE: u64 = 16;

/// Ids between which some rows lie: from the first up to, not with, the second.
type Range = (u64, Option<u64>);

/// What one request's worth of ranges brought.
struct Part {
    pages: Vec<Page>,
    /// How many ids it looked through; `None` for the open end.
    ids: Option<u64>,
    /// Where there were too many rows for it: the last id that it has.
    cut: Option<u64>,
}

/// A list by ranges of ids, upwards.
pub(super) struct Ranges {
    shape: Shape,
    /// The first id that was not asked for yet; `None` once the open end was.
    next: Option<u64>,
    /// The last id of the list, as it was when the list began.
    end: u64,
    /// Ids of a range.
    width: u64,
    /// Rows per id, as seen last.
    density: f64,
    /// Rows that are wanted yet.
    wanted: Option<u64>,
    /// Each with the rows that it should bring.
    under_way: VecDeque<(Task<Part>, u64)>,
}

impl Ranges {
    /// Behind `after`, up to `end` and what was added since; `density` is rows per id.
    pub(super) fn new(
        shape: Shape,
        after: u64,
        end: u64,
        density: f64,
        wanted: Option<u64>,
    ) -> Self {
        let next = Some(after.saturating_add(1));
        let (width, under_way) = (width_for(density), VecDeque::new());
        Self { shape, next, end, width, density, wanted, under_way }
    }

    pub(super) async fn next(
        &mut self,
        source: &Arc<Source>,
        ready: &mut VecDeque<Page>,
    ) -> Result<bool> {
        while self.under_way.len() < AHEAD {
            let ranges = self.cut_ranges();
            if ranges.is_empty() {
                break;
            }
            let rows = self.rows_in(ranges.len());
            let (source, shape) = (Arc::clone(source), self.shape.clone());
            let task = process::start(async move { part(&source, &shape, ranges).await })?;
            self.under_way.push_back((task, rows));
        }
        let Some((task, _)) = self.under_way.front_mut() else { return Ok(false) };
        let part = task.join().await;
        self.under_way.pop_front();
        let part = part?;
        let rows: usize = part.pages.iter().map(|page| page.rows.len()).sum();
        self.wanted = self.wanted.map(|wanted| wanted.saturating_sub(rows as u64));
        match part.cut {
            Some(last) => {
                // Here are more rows than the ranges were made for: what was begun behind is too wide.
                self.under_way.clear();
                self.next = Some(last.saturating_add(1));
                self.density = density_of(part.pages.last());
                self.width = width_for(self.density);
            }
            None => self.adapt(rows, part.ids),
        }
        ready.extend(part.pages);
        Ok(true)
    }

    /// The ranges of the next request, no more than should bring what is wanted. The last one is open,
    /// for rows that were added meanwhile.
    fn cut_ranges(&mut self) -> Vec<Range> {
        let awaited: u64 = self.under_way.iter().map(|(_, rows)| rows).sum();
        let missing = self.wanted.map_or(u64::MAX, |wanted| wanted.saturating_sub(awaited));
        let mut ranges = Vec::new();
        while ranges.len() < MOST_COMMANDS
            && self.rows_in(ranges.len()) < missing
            && let Some(from) = self.next
        {
            let is_open = from > self.end || from == u64::MAX;
            let to = from.saturating_add(self.width).min(self.end.saturating_add(1));
            ranges.push((from, (!is_open).then_some(to)));
            self.next = (!is_open).then_some(to);
        }
        ranges
    }

    /// Rows that so many ranges should bring. Where the density is that of another place, a range is
    /// still not wider than a page should be.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a positive number, and an estimate"
    )]
    fn rows_in(&self, ranges: usize) -> u64 {
        let rows = (self.width as f64 * self.density).clamp(1.0, PAGE as f64);
        (rows * ranges as f64) as u64
    }

    /// Learns from what so many ids brought.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn adapt(&mut self, rows: usize, ids: Option<u64>) {
        let widest = self.width.saturating_mul(STRIDE);
        match ids {
            None => {}
            Some(_) if rows == 0 => self.width = widest,
            Some(ids) => {
                self.density = rows as f64 / ids as f64;
                self.width = width_for(self.density).min(widest);
            }
        }
    }
}

/// How many ids hold about as many rows as a range is made for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number, and an estimate"
)]
fn width_for(density: f64) -> u64 {
    if density > 0.0 { ((AIM / density) as u64).max(PAGE as u64) } else { PAGE as u64 }
}

/// Rows per id on a page.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn density_of(page: Option<&Page>) -> f64 {
    let Some(page) = page else { return 0.0 };
    match (page.first, page.place) {
        (Some(first), Place::Id(last)) => {
            page.rows.len() as f64 / (first.abs_diff(last) + 1) as f64
        }
        _ => 0.0,
    }
}

async fn part(source: &Source, shape: &Shape, ranges: Vec<Range>) -> Result<Part> {
    let bounds = |(from, below): Range| Bounds { after: Some(from - 1), below };
    let wanted = ranges
        .iter()
        .map(|range| {
            let bounds = bounds(*range);
            (bounds.name(), params(source, &bounds))
        })
        .collect();
    let answers: Vec<Listed> = source.pages(wanted).await?;
    let ids = match (ranges.first(), ranges.last()) {
        (Some((from, _)), Some((_, Some(to)))) => Some(to - from),
        _ => None,
    };
    let mut part = Part { pages: Vec::new(), ids, cut: None };
    let (mut full, mut rests) = (Vec::new(), Vec::new());
    for (range, answer) in ranges.into_iter().zip(answers) {
        let Some(page) = source.checked(answer, shape, &bounds(range))? else { continue };
        if let Place::Id(last) = page.place
            && page.rows.len() >= PAGE
            && range.1.is_none_or(|to| last + 1 < to)
        {
            full.push(part.pages.len());
            rests.push(Bounds { after: Some(last), below: range.1 });
        }
        part.pages.push(page);
    }
    if !full.is_empty() {
        read_on(source, shape, &mut part, &full, rests).await?;
    }
    Ok(part)
}

/// What lies behind pages that came full: one page more for each of them, which is nearly always the
/// rest. Where it is not, the part ends there.
async fn read_on(
    source: &Source,
    shape: &Shape,
    part: &mut Part,
    full: &[usize],
    rests: Vec<Bounds>,
) -> Result<()> {
    let open_end = rests.last().filter(|rest| rest.below.is_none()).is_some();
    let wanted = rests.iter().map(|rest| (rest.name(), params(source, rest))).collect();
    let answers: Vec<Listed> = source.pages(wanted).await?;
    let mut inserted = 0;
    let last_place = full.len() - 1;
    for (number, ((index, rest), answer)) in full.iter().zip(rests).zip(answers).enumerate() {
        let Some(page) = source.checked(answer, shape, &rest)? else { continue };
        let at = index + 1 + inserted;
        let (is_full, place) = (page.rows.len() >= PAGE, page.place);
        part.pages.insert(at, page);
        inserted += 1;
        if let (true, Place::Id(last)) = (is_full, place) {
            if number == last_place && open_end {
                return follow(source, shape, part, last).await;
            }
            part.pages.truncate(at + 1);
            part.cut = Some(last);
            return Ok(());
        }
    }
    Ok(())
}

/// Rows that were added while the list was read.
async fn follow(source: &Source, shape: &Shape, part: &mut Part, mut last: u64) -> Result<()> {
    loop {
        let from = Bounds { after: Some(last), below: None };
        let pages = chain(source, shape, from, 1).await?;
        let Some(Place::Id(end)) = pages.last().map(|page| page.place) else { return Ok(()) };
        let more = pages.last().is_some_and(|page| page.rows.len() >= PAGE);
        last = end;
        part.pages.extend(pages);
        if !more {
            return Ok(());
        }
    }
}

fn params(source: &Source, bounds: &Bounds) -> serde_json::Value {
    let after = bounds.after.map_or(super::query::After::Nothing, super::query::After::Id);
    source.query.behind(&after, bounds.below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(after: u64, end: u64, density: f64) -> Ranges {
        limited(after, end, density, None)
    }

    fn limited(after: u64, end: u64, density: f64, wanted: Option<u64>) -> Ranges {
        Ranges::new(Shape { field: None, id: "ID".into() }, after, end, density, wanted)
    }

    #[test]
    fn ranges_cover_every_id_once_and_end_open() {
        for (after, end, density) in [(0, 0, 1.0), (100, 10_000, 1.0), (7, 999_999, 0.03)] {
            let mut ranges = ranges(after, end, density);
            let mut all = Vec::new();
            loop {
                let request = ranges.cut_ranges();
                assert!(request.len() <= MOST_COMMANDS);
                if request.is_empty() {
                    break;
                }
                all.extend(request);
            }
            assert_eq!(all[0].0, after + 1);
            assert!(all.windows(2).all(|pair| pair[0].1 == Some(pair[1].0)), "{all:?}");
            assert_eq!(all.last().unwrap().1, None);
        }
        assert!(ranges(u64::MAX, u64::MAX, 1.0).cut_ranges().len() == 1);
    }

    #[test]
    fn widths_follow_what_is_found() {
        assert_eq!(width_for(1.0), 50);
        assert_eq!(width_for(0.1), 350);
        let adapted = |rows, ids| {
            let mut dense = ranges(0, 1_000_000, 1.0);
            dense.adapt(rows, Some(ids));
            dense.width
        };
        assert_eq!(adapted(0, 2500), 800);
        assert_eq!(adapted(2500, 2500), 50);
        assert_eq!(adapted(1, 2_500_000), 800, "no leap over more than it has seen");
    }

    #[test]
    fn no_more_ranges_are_cut_than_hold_what_is_wanted() {
        for (density, wanted, count) in [(1.0, 120, 3), (0.1, 120, 4), (1.0, 0, 0), (1.0, 1, 1)] {
            let mut ranges = limited(0, 1_000_000, density, Some(wanted));
            assert_eq!(ranges.cut_ranges().len(), count, "{wanted} at {density}");
        }
        assert_eq!(limited(0, 1_000_000, 1.0, Some(9_999)).cut_ranges().len(), MOST_COMMANDS);
    }
}
