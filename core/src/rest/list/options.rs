//! What a list is asked for.

use serde_json::{Map, Value};

use crate::{Error, Result};

/// How the pages of a list are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// By id where the method is known for it and nothing else is wished, in ranges where the ids lie
    /// evenly, one page behind the other where they do not; else by pages.
    #[default]
    Auto,
    /// By offset. Every method has it; the portal counts all rows for every page.
    Pages,
    /// Each page behind the last id of the page before.
    AfterId,
    /// Ranges of ids, side by side; upwards only.
    Ranges,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Pages, Self::AfterId, Self::Ranges];

    /// The stable word, in snake_case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Pages => "pages",
            Self::AfterId => "after_id",
            Self::Ranges => "ranges",
        }
    }
}

impl std::str::FromStr for Strategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(|| {
            Error::invalid_input("strategy", "there is no such strategy")
                .with("strategy", text.chars().take(60).collect::<String>())
                .advise("Use auto, pages, after_id or ranges.")
        })
    }
}

/// What a list is asked for beside its parameters.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    pub(super) limit: Option<u64>,
    pub(super) order: Option<Map<String, Value>>,
    pub(super) strategy: Strategy,
    pub(super) total: bool,
    pub(super) after: Option<String>,
}

impl ListOptions {
    /// All rows, in the best way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No more rows than these.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Fields with `ASC` or `DESC`, as the method's own parameter for it.
    #[must_use]
    pub fn order(mut self, order: Map<String, Value>) -> Self {
        self.order = Some(order);
        self
    }

    /// How the pages are cut.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Counts the rows first, for a progress that knows its end. The portal takes long over it where
    /// there are millions.
    #[must_use]
    pub fn total(mut self, count: bool) -> Self {
        self.total = count;
        self
    }

    /// Goes on behind a [`List::cursor`] of the same method and parameters.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }
}
