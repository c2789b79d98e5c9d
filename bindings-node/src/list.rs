//! Lists under way.

use std::sync::Arc;

use evergrant::Result;
use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::outcome::{Cancel, Outcome, promise};

/// A list under way.
#[napi]
pub struct List {
    core: Arc<Mutex<Core>>,
    beginning: Option<String>,
}

enum Core {
    Rows(Box<evergrant::List>),
    Items(Box<evergrant::v3::List>),
}

/// The next rows, and where the list stands behind them.
#[napi(object, object_from_js = false)]
pub struct Page {
    /// JSON arrays; absent at the end.
    pub rows: Option<Vec<String>>,
    /// How many rows those have.
    pub count: i64,
    /// What to go on from; absent for lists without cursors.
    pub cursor: Option<String>,
    /// How many rows match, once it is known.
    pub total: Option<i64>,
}

impl From<evergrant::List> for List {
    fn from(list: evergrant::List) -> Self {
        let beginning = Some(list.cursor());
        Self { core: Arc::new(Mutex::new(Core::Rows(Box::new(list)))), beginning }
    }
}

impl From<evergrant::v3::List> for List {
    fn from(list: evergrant::v3::List) -> Self {
        Self { core: Arc::new(Mutex::new(Core::Items(Box::new(list)))), beginning: None }
    }
}

impl Core {
    async fn page(&mut self) -> Result<Page> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(match self {
            Self::Rows(list) => {
                let before = list.rows();
                let rows = list.next_texts().await?;
                let count = number(list.rows() - before);
                let total = list.total().map(number);
                Page { rows, count, cursor: Some(list.cursor()), total }
            }
            Self::Items(list) => {
                let items = list.next_page().await?;
                let count = items.as_ref().map_or(0, |items| number(items.len() as u64));
                let rows = items.map(|items| vec![Value::Array(items).to_string()]);
                Page { rows, count, cursor: None, total: None }
            }
        })
    }
}

#[napi]
impl List {
    /// Where the list stands before its first row; null for lists without cursors.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn beginning(&self) -> Option<String> {
        self.beginning.clone()
    }

    /// The next rows.
    #[napi(catch_unwind, ts_return_type = "Promise<Page | Failure>")]
    pub fn next_page<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Page>>> {
        let core = Arc::clone(&self.core);
        promise(env, cancel, async move { core.lock().await.page().await })
    }
}
