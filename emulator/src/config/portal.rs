//! Further portals beside the first.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Config;
use crate::users::UserConfig;

/// A portal beside the first: its own port, identity, people, rows, bucket and settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalConfig {
    /// Its port; 0 picks a free one.
    pub port: u16,
    /// Its `member_id` and rows follow from it; without it the first portal's seed plus its own place.
    pub seed: Option<u64>,
    /// Generated leads.
    pub leads: usize,
    /// Generated deals.
    pub deals: usize,
    /// Generated contacts.
    pub contacts: usize,
    /// Generated companies.
    pub companies: usize,
    /// Generated tasks.
    pub tasks: usize,
    /// What is special about its users.
    pub users: Vec<UserConfig>,
    /// Its settings, by the names of `POST /settings`.
    pub settings: Map<String, Value>,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self {
            port: 0,
            seed: None,
            leads: 100,
            deals: 20,
            contacts: 30,
            companies: 10,
            tasks: 10,
            users: Vec::new(),
            settings: Map::new(),
        }
    }
}

impl Config {
    /// The configuration of the portal at `place`: what is not its own is the first portal's.
    pub(crate) fn of_portal(&self, place: usize, portal: PortalConfig) -> Self {
        Self {
            portal_port: portal.port,
            seed: portal.seed.unwrap_or_else(|| self.seed.wrapping_add(place as u64)),
            leads: portal.leads,
            deals: portal.deals,
            contacts: portal.contacts,
            companies: portal.companies,
            tasks: portal.tasks,
            data: Vec::new(),
            users: portal.users,
            settings: portal.settings,
            portals: Vec::new(),
            applications: Vec::new(),
            ..self.clone()
        }
    }
}
