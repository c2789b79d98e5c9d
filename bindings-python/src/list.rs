//! Lists under way.

use std::sync::Arc;

use evergrant::Result;
use pyo3::prelude::*;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::pending::Pending;

/// The rows of a list method, a page at a time.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct List {
    core: Arc<Mutex<Core>>,
    beginning: Option<String>,
}

enum Core {
    Rows(Box<evergrant::List>),
    Items(Box<evergrant::v3::List>),
}

/// The next rows as JSON arrays, none at the end; where the list stands behind them; and how many
/// rows match, once it is known.
type Step = (Option<Vec<String>>, Option<String>, Option<u64>);

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
    async fn step(&mut self) -> Result<Step> {
        Ok(match self {
            Self::Rows(list) => (list.next_texts().await?, Some(list.cursor()), list.total()),
            Self::Items(list) => {
                let page = list.next_page().await?;
                (page.map(|items| vec![Value::Array(items).to_string()]), None, None)
            }
        })
    }
}

#[pymethods]
impl List {
    /// Where the list stands before its first row; `None` for lists without cursors.
    #[getter]
    fn beginning(&self) -> Option<&str> {
        self.beginning.as_deref()
    }

    /// The next rows, the cursor behind them, and the total.
    fn next_page(&self) -> Pending {
        let core = Arc::clone(&self.core);
        Pending::new(async move { core.lock().await.step().await })
    }
}
