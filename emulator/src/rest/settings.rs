//! What the control port can change about answers.

/// Which `time` block answers carry: portals differ by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeShape {
    /// All keys, `start` and `processing` with fractions.
    Full,
    /// As full, without `operating_reset_at`.
    WithoutReset,
    /// As full, with neither `operating_reset_at` nor `operating`: no limiter.
    WithoutOperating,
    /// All keys, `start` and `processing` whole: what portals send now.
    #[default]
    IntegerStart,
    /// No block at all.
    Absent,
}

impl TimeShape {
    /// The words of the control port.
    pub(crate) const WORDS: [(&'static str, Self); 5] = [
        ("full", Self::Full),
        ("without_reset", Self::WithoutReset),
        ("without_operating", Self::WithoutOperating),
        ("integer_start", Self::IntegerStart),
        ("absent", Self::Absent),
    ];
}

/// What becomes of a batch with more than fifty commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Each command too many has an error of its own.
    Command,
    /// The whole request is refused with 400.
    Request,
}

impl Overflow {
    /// The words of the control port.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("command", Self::Command), ("request", Self::Request)];
}
