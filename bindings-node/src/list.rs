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
    /// A JSON array; absent at the end.
    pub rows: Option<String>,
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
        Ok(match self {
            Self::Rows(list) => Page {
                rows: list.next_text().await?,
                cursor: Some(list.cursor()),
                total: list.total().map(|total| i64::try_from(total).unwrap_or(i64::MAX)),
            },
            Self::Items(list) => {
                let rows = list.next_page().await?.map(|rows| Value::Array(rows).to_string());
                Page { rows, cursor: None, total: None }
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
