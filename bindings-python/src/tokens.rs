//! Python's objects of tokens that this process has, so that reading one makes nothing new.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use evergrant::{GrantId, Token};
use pyo3::{prelude::*, sync::PyOnceLock};

use crate::values;

/// A token and its object.
type Known = (Arc<Token>, Py<PyAny>);

/// The latest object of each grant. No Python runs and the GIL stays here while it is locked, so a
/// fork meets it unlocked.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<GrantId, Known>>);

impl Tokens {
    /// Python's `Token` for `token`: the same object for the same token.
    pub(crate) fn object(&self, py: Python<'_>, token: &Arc<Token>) -> PyResult<Py<PyAny>> {
        let known =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&token.grant).and_then(
                |(known, object)| Arc::ptr_eq(known, token).then(|| object.clone_ref(py)),
            );
        if let Some(object) = known {
            return Ok(object);
        }
        let object = make(py, token)?;
        let entry = (Arc::clone(token), object.clone_ref(py));
        let former =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.grant, entry);
        drop(former);
        Ok(object)
    }
}

fn make(py: Python<'_>, token: &Token) -> PyResult<Py<PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(py, "evergrant.grants", "Token")?;
    let fields = values::Token::from(token).into_pyobject(py)?;
    class.call((), Some(&fields)).map(Bound::unbind)
}
