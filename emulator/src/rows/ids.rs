//! Which ids generated rows have: all from 1 on, or some of them with gaps between.

/// How many of a hundred ids have a row, spread evenly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Density(u64);

impl Default for Density {
    fn default() -> Self {
        Self(100)
    }
}

impl Density {
    pub(crate) fn new(percent: u8) -> Self {
        Self(u64::from(percent.clamp(1, 100)))
    }

    /// The id of the row at a position, counted from 0.
    pub(crate) fn id_at(self, position: u64) -> u64 {
        position * 100 / self.0 + 1
    }

    /// How many rows would have an id below `id`, if there were no end.
    pub(crate) fn rank(self, id: u64) -> u64 {
        let below = u128::from(id.saturating_sub(1)) * u128::from(self.0);
        u64::try_from(below.div_ceil(100)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Density;

    #[test]
    fn rank_is_the_inverse_of_id() {
        for percent in [1, 7, 50, 99, 100] {
            let density = Density::new(percent);
            for position in [0, 1, 2, 9, 1_000, 99_999_999] {
                let id = density.id_at(position);
                assert_eq!(density.rank(id), position, "{percent} {id}");
                assert_eq!(density.rank(id + 1), position + 1, "{percent} {id}");
            }
        }
    }
}
