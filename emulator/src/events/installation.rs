//! How far an application's installation is. Applications of the start are installed and finished.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rows::{hash_text, mix};

/// One application at one portal.
#[derive(Clone)]
struct Installation {
    finished: bool,
    version: String,
    /// Counts updates: each gives another `application_token`.
    generation: u64,
}

impl Default for Installation {
    fn default() -> Self {
        Self { finished: true, version: "1".to_owned(), generation: 0 }
    }
}

/// By application; one that is not here is as at the start.
#[derive(Clone, Default)]
pub(crate) struct Installations(BTreeMap<String, Installation>);

impl Installations {
    /// Whether the application's installer has done its work. Until then no events are sent.
    pub(crate) fn is_finished(&self, client_id: &str) -> bool {
        self.0.get(client_id).is_none_or(|known| known.finished)
    }

    pub(super) fn version(&self, client_id: &str) -> String {
        self.0.get(client_id).cloned().unwrap_or_default().version
    }

    pub(super) fn install(&mut self, client_id: &str, version: &str, finished: bool) {
        let known = self.0.entry(client_id.to_owned()).or_default();
        known.finished = finished;
        version.clone_into(&mut known.version);
    }

    pub(crate) fn finish(&mut self, client_id: &str) {
        self.0.entry(client_id.to_owned()).or_default().finished = true;
    }

    pub(super) fn update(&mut self, client_id: &str, version: &str) {
        let known = self.0.entry(client_id.to_owned()).or_default();
        known.generation += 1;
        version.clone_into(&mut known.version);
    }

    pub(super) fn token(&self, member_id: &str, client_id: &str) -> String {
        let generation = self.0.get(client_id).map_or(0, |known| known.generation);
        let seed = mix(hash_text(member_id), hash_text(client_id));
        format!("{:016x}{:016x}", mix(seed, 2 * generation), mix(seed, 2 * generation + 1))
    }

    /// One application as the control port shows it; the one place where its `application_token` is shown.
    pub(crate) fn to_json(&self, member_id: &str, client_id: &str, installed: bool) -> Value {
        let known = self.0.get(client_id).cloned().unwrap_or_default();
        json!({
            "client_id": client_id,
            "installed": installed,
            "finished": known.finished,
            "version": known.version,
            "application_token": self.token(member_id, client_id),
        })
    }
}
