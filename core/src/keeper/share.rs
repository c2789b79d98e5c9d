//! What callers of the portal need of a keeper beside tokens.

use std::sync::Weak;

use super::Keeper;
use crate::{rest::sharing, store::Store};

impl Keeper {
    /// The store, if other processes may use it too: they count a portal's requests together.
    pub(crate) fn sharing(&self) -> Option<Weak<dyn Store>> {
        sharing(&self.0.store)
    }

    /// Whose grants it keeps.
    pub(crate) fn client_id(&self) -> &str {
        &self.0.credentials.client_id
    }
}
