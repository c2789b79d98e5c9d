//! Values by index from the seed: the same seed and index always make the same row.

use super::ids::Density;

/// End of the history that generated rows tell: 2026-06-30T00:00:00+03:00.
const END: i64 = 1_782_766_800;
/// Its length: two years.
const SPAN: i64 = 730 * 86_400;
/// The portal's zone, so that people create rows in their working hours.
const ZONE: i64 = 3 * 3600;

/// A well-spread number from two (splitmix64).
pub(crate) fn mix(seed: u64, salt: u64) -> u64 {
    let mut x = seed
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number from a text.
pub(crate) fn hash_text(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash, u64::from(byte)))
}

/// Every table draws from a seed of its own.
pub(crate) fn table_seed(seed: u64, table: &str) -> u64 {
    mix(seed, hash_text(table))
}

/// What a value is drawn for; each gives an independent draw.
#[derive(Clone, Copy)]
pub(crate) enum Draw {
    Culture,
    Gender,
    First,
    Last,
    Second,
    Company,
    CompanyForm,
    City,
    Street,
    Source,
    Stage,
    Amount,
    Money,
    Currency,
    Responsible,
    Moment,
    Modified,
    Phone,
    PhoneKind,
    Mail,
    Topic,
    Post,
    Comment,
    Campaign,
    Relation,
    Birth,
    Kind,
    Employer,
    Size,
}

/// A generated row, before any of its values is computed.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    base: u64,
    pub(crate) id: u64,
    count: u64,
    related: Related,
}

/// How many rows of other entities there are to refer to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Related {
    pub(crate) contacts: u64,
    pub(crate) companies: u64,
    /// Of the ids of all entities.
    pub(crate) density: Density,
}

impl Source {
    /// `seed` is the table's own: see [`table_seed`].
    pub(crate) fn new(seed: u64, id: u64, count: u64, related: Related) -> Self {
        Self { base: mix(seed, id), id, count, related }
    }

    pub(crate) fn draw(&self, what: Draw) -> u64 {
        mix(self.base, what as u64)
    }

    /// A draw below `limit`.
    pub(crate) fn below(&self, what: Draw, limit: u64) -> u64 {
        self.draw(what) % limit.max(1)
    }

    pub(crate) fn chance(&self, what: Draw, percent: u64) -> bool {
        self.below(what, 100) < percent
    }

    pub(crate) fn pick<T: Copy>(&self, what: Draw, items: &[T]) -> T {
        items[usize::try_from(self.below(what, items.len() as u64)).unwrap_or(0)]
    }

    /// One of `items` by weight; the weights add up to 100.
    pub(crate) fn weighted(&self, what: Draw, items: &[(&'static str, u64)]) -> &'static str {
        let mut left = self.below(what, 100);
        for (item, weight) in items {
            if left < *weight {
                return item;
            }
            left -= weight;
        }
        items[0].0
    }

    /// Whether the row belongs to the newest 15 of 100.
    pub(crate) fn is_recent(&self) -> bool {
        (self.count - self.id.min(self.count)) * 100 < self.count * 15
    }

    /// When the row was made: later for higher ids, on weekdays or not, between 9 and 19 o'clock.
    pub(crate) fn created(&self) -> i64 {
        let count = signed(self.count.max(1));
        let step = (SPAN / count).max(1);
        let jitter = signed(self.below(Draw::Moment, step.unsigned_abs()));
        let moment = END - SPAN
            + SPAN / count * signed(self.id - 1)
            + (SPAN % count) * signed(self.id - 1) / count;
        let local = moment + jitter.min(END - moment) + ZONE;
        let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        day * 86_400 + 9 * 3600 + second * 10 / 24 - ZONE
    }

    /// When it was last changed.
    pub(crate) fn modified(&self) -> i64 {
        self.created() + signed(self.below(Draw::Modified, 20 * 86_400))
    }

    /// A contact to refer to, for some of the rows.
    pub(crate) fn contact(&self, percent: u64) -> Option<i64> {
        let contacts = self.related.contacts;
        let related = contacts > 0 && self.chance(Draw::Relation, percent);
        related
            .then(|| signed(self.related.density.id_at(self.draw(Draw::Relation) / 128 % contacts)))
    }

    /// A company to refer to, for some of the rows.
    pub(crate) fn company(&self, percent: u64) -> Option<i64> {
        let companies = self.related.companies;
        let related = companies > 0 && self.chance(Draw::Employer, percent);
        related.then(|| {
            signed(self.related.density.id_at(self.draw(Draw::Employer) / 128 % companies))
        })
    }
}

/// Counts and ids stay far below the sign bit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{END, Related, SPAN, Source};

    #[test]
    fn creation_follows_the_ids_whatever_their_number() {
        for count in [1, 7, 10_000, 1_000_000, 100_000_000] {
            let at = |id| Source::new(24, id, count, Related::default()).created();
            let ids = [1, count / 3 + 1, count / 2 + 1, count];
            assert!(ids.windows(2).all(|pair| at(pair[0]) <= at(pair[1])), "{count} rows");
            assert!(at(1) >= END - SPAN - 86_400 && at(count) <= END + 86_400, "{count} rows");
        }
    }
}
