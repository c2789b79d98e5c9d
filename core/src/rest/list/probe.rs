//! The first look at a list: its head, the page behind it and its tail, uncounted, in one request.
//! It shows whether the method keeps to ids, and how densely rows lie.

use std::collections::VecDeque;

use super::{
    Place, Strategy,
    after_id::{AfterId, last_id},
    query::{After, Direction},
    ranges::{Ranges, density_of},
    rows::{has_more, rows_of},
    source::{Bounds, PAGE, Page, Shape, Source},
    text::Listed,
};
use crate::{
    Error, Kind, Result,
    rest::{Answer, Batch, batch::MOST_COMMANDS},
};

/// Ends that differ so much in density promise that the middle is uneven: ranges would be either
/// empty or full.
const UNEVEN: f64 = 4.0;

/// The first rows, and a reader for the rest where there is one.
pub(super) struct Begun {
    pub(super) pages: VecDeque<Page>,
    pub(super) reader: Option<super::Reader>,
}

/// Begins a list by id behind `after`. `None`: the method does not keep to ids.
pub(super) async fn begin(
    source: &Source,
    strategy: Strategy,
    after: Option<u64>,
    wanted: Option<u64>,
) -> Result<Option<Begun>> {
    let looked = look(source, after).await?;
    let looked = match looked {
        Ok(looked) => looked,
        Err(error) if strategy == Strategy::Auto => {
            tracing::debug!(method = source.method, %error, "the list goes by pages");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(Some(looked.into_begun(source, strategy, wanted)))
}

struct Look {
    shape: Shape,
    /// The first pages.
    pages: VecDeque<Page>,
    /// Last id of the list, as it is now.
    end: Option<u64>,
    tail: Option<Page>,
}

/// The outer error is the portal's, the inner one says that the method does not keep to ids.
async fn look(source: &Source, after: Option<u64>) -> Result<Result<Look>> {
    let family = source.query.family;
    let field = family.rows.map(str::to_owned);
    let shape = Shape { field, id: family.row_id.to_owned() };
    let asked = source.batch::<Listed>("first", || commands(source, &shape, after)).await?;
    let mut answers = asked.into_iter();
    let behind = after.map_or(After::Nothing, After::Id);
    let head = match answers.next() {
        Some(Ok(head)) => head,
        Some(Err(error)) => {
            Listed::from(source.alone("first", source.query.behind(&behind, None), &error).await?)
        }
        None => return Err(Error::new(Kind::Internal, "a batch has lost its first command")),
    };
    let tail = match answers.next() {
        Some(Ok(tail)) => tail,
        Some(Err(error)) => {
            Listed::from(source.alone("last", source.query.tail(&behind), &error).await?)
        }
        None => return Err(Error::new(Kind::Internal, "a batch has lost its second command")),
    };
    // The third is a help only: the reader asks again where it failed.
    let second = answers.next().and_then(Result::ok);
    Ok(read(source, after, (head, tail, second)))
}

fn commands(source: &Source, shape: &Shape, after: Option<u64>) -> Result<Batch> {
    let query = &source.query;
    let behind = after.map_or(After::Nothing, After::Id);
    let mut batch = Batch::new().halt(false);
    let head = batch.add("head", &source.method, query.behind(&behind, None))?;
    batch.add("tail", &source.method, query.tail(&behind))?;
    if query.known {
        let second = After::Reference(last_id(&head, shape).to_string());
        batch.add("second", &source.method, query.behind(&second, None))?;
    }
    Ok(batch)
}

fn read(
    source: &Source,
    after: Option<u64>,
    (head, tail, second): (Listed, Listed, Option<Listed>),
) -> Result<Look> {
    let answer = head.answer()?;
    let more = has_more(&answer.result);
    let (rows, field) = rows_of(answer)?;
    let shape = source.shape(&rows, field)?;
    let mut pages = VecDeque::new();
    let Some(head) = source.checked(head, &shape, &Bounds { after, below: None })? else {
        return Ok(Look { shape, pages, end: None, tail: None });
    };
    let head_end = id_at(head.place);
    let is_full = head.rows.len() >= PAGE;
    pages.push_back(head);
    let tail = backwards(source, &shape, &tail)?;
    let end = tail.as_ref().and_then(|page| id_at(page.place));
    // An end before the head's: the order was not kept. An end with the head, and more behind it:
    // the method pages in another way.
    if let (Some(end), Some(head_end)) = (end, head_end)
        && (source.query.direction.follows(head_end, end) && is_full || head_end == end && more)
    {
        return Err(source.disobedient(&Bounds { after, below: None }));
    }
    if let (true, Some(second)) = (is_full, second) {
        let bounds = Bounds { after: head_end, below: None };
        pages.extend(source.checked(second, &shape, &bounds)?);
    }
    Ok(Look { shape, pages, end, tail })
}

/// The tail comes the other way round; checked, and turned.
fn backwards(source: &Source, shape: &Shape, tail: &Listed) -> Result<Option<Page>> {
    let (mut rows, _) = rows_of(tail.answer()?)?;
    rows.reverse();
    source.checked(Answer::of(rows.into()), shape, &Bounds { after: None, below: None })
}

fn id_at(place: Place) -> Option<u64> {
    match place {
        Place::Id(id) => Some(id),
        _ => None,
    }
}

impl Look {
    fn into_begun(self, source: &Source, strategy: Strategy, wanted: Option<u64>) -> Begun {
        let Some(last) = self.pages.back().and_then(|page| id_at(page.place)) else {
            return Begun { pages: self.pages, reader: None };
        };
        let have: u64 = self.pages.iter().map(|page| page.rows.len() as u64).sum();
        let more = self.end.is_none_or(|end| source.query.direction.follows(end, last));
        if !more || wanted.is_some_and(|wanted| wanted <= have) {
            return Begun { pages: self.pages, reader: None };
        }
        let wanted = wanted.map(|wanted| wanted - have);
        let density = match (strategy, self.end) {
            (Strategy::Ranges, _) => Some(self.densities().0),
            (Strategy::Auto, Some(end)) => self.even_density(source, last, end, wanted),
            _ => None,
        };
        let reader = match (density, self.end) {
            (Some(density), Some(end)) => {
                super::Reader::Ranges(Ranges::new(self.shape, last, end, density, wanted))
            }
            (_, end) => {
                let denser = self.densities().0;
                super::Reader::AfterId(AfterId::new(self.shape, Some(last), end, denser, wanted))
            }
        };
        Begun { pages: self.pages, reader: Some(reader) }
    }

    /// The density that ranges would be cut by, where they are worth it: more rows than one request
    /// brings, lying about as densely at one end as at the other.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn even_density(
        &self,
        source: &Source,
        last: u64,
        end: u64,
        wanted: Option<u64>,
    ) -> Option<f64> {
        let (denser, thinner) = self.densities();
        let rows = end.abs_diff(last) as f64 * (denser + thinner) / 2.0;
        let worth = (MOST_COMMANDS * PAGE) as f64;
        let even = thinner > 0.0 && denser / thinner <= UNEVEN;
        let many = rows > worth && wanted.is_none_or(|wanted| wanted as f64 > worth);
        (source.query.direction == Direction::Up && even && many).then_some(denser)
    }

    fn densities(&self) -> (f64, f64) {
        let head = density_of(self.pages.front());
        let tail = density_of(self.tail.as_ref());
        (head.max(tail), head.min(tail))
    }
}
