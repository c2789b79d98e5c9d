//! Lists under way.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex as Lock, PoisonError},
};

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
    /// Rows that were read and not taken. On this side of the border they weigh on nobody's collector.
    ready: Arc<Lock<VecDeque<String>>>,
    beginning: Option<String>,
}

enum Core {
    Rows(Box<evergrant::List>),
    Items(Box<evergrant::v3::List>),
}

/// What was read, and where the list stands behind it.
#[napi(object, object_from_js = false)]
pub struct Step {
    /// How many pages there are to take; absent at the end.
    pub pages: Option<u32>,
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
        Self::new(Core::Rows(Box::new(list)), beginning)
    }
}

impl From<evergrant::v3::List> for List {
    fn from(list: evergrant::v3::List) -> Self {
        Self::new(Core::Items(Box::new(list)), None)
    }
}

impl Core {
    async fn step(&mut self, ready: &Lock<VecDeque<String>>) -> Result<Step> {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (texts, count, cursor, total) = match self {
            Self::Rows(list) => {
                let before = list.rows();
                let texts = list.next_texts().await?;
                (texts, list.rows() - before, Some(list.cursor()), list.total().map(number))
            }
            Self::Items(list) => {
                let items = list.next_page().await?;
                let count = items.as_ref().map_or(0, Vec::len) as u64;
                (items.map(|items| vec![Value::Array(items).to_string()]), count, None, None)
            }
        };
        let pages = texts.as_ref().map(|texts| u32::try_from(texts.len()).unwrap_or(u32::MAX));
        ready.lock().unwrap_or_else(PoisonError::into_inner).extend(texts.unwrap_or_default());
        Ok(Step { pages, count: number(count), cursor, total })
    }
}

impl List {
    fn new(core: Core, beginning: Option<String>) -> Self {
        Self { core: Arc::new(Mutex::new(core)), ready: Arc::default(), beginning }
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

    /// Reads on: what a request brings.
    #[napi(catch_unwind, ts_return_type = "Promise<Step | Failure>")]
    pub fn read_on<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Step>>> {
        let (core, ready) = (Arc::clone(&self.core), Arc::clone(&self.ready));
        promise(env, cancel, async move { core.lock().await.step(&ready).await })
    }

    /// The rows of the next page that was read, a JSON array; null where none is left.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take(&self) -> Option<String> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}
