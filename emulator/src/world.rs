//! Everything the three services share, split by concern: each part has its own small lock.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::clock::Clock;
use crate::config::Config;
use crate::counters::Counters;
use crate::faults::Faults;
use crate::log::Log;
use crate::portal::{Bucket, Forms};
use crate::ready::Ready;
use crate::redact::Redactor;
use crate::rows::{Tables, mix};
use crate::settings::Settings;
use crate::sync::{Lock, Shared};
use crate::tokens::Ledger;

/// What the application's card grants.
pub(crate) const SCOPE: &[&str] = &["crm", "user"];

/// The emulated world.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) ready: Ready,
    pub(crate) clock: Clock,
    pub(crate) settings: Shared<Settings>,
    pub(crate) tokens: Shared<Ledger>,
    pub(crate) buckets: Lock<HashMap<IpAddr, Bucket>>,
    pub(crate) forms: Lock<Forms>,
    pub(crate) tables: Tables,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) log: Log,
    pub(crate) redactor: Redactor,
}

impl World {
    pub(crate) fn new(config: Config, tables: Tables, urls: [String; 3]) -> Self {
        let [authorization, portal, control] = urls;
        let ready = Ready {
            webhook: format!("{portal}/rest/1/{}/", config.webhook_secret),
            authorization,
            portal,
            control,
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            redirect_uri: config.redirect_uri.clone(),
            member_id: format!("{:016x}{:016x}", mix(config.seed, 1), mix(config.seed, 2)),
            pid: std::process::id(),
        };
        Self {
            clock: Clock::new(config.now),
            settings: Shared::new(Settings::new(&config)),
            tokens: Shared::new(Ledger::new(&ready.member_id)),
            buckets: Lock::default(),
            forms: Lock::default(),
            tables,
            faults: Faults::default(),
            counters: Counters::default(),
            log: Log::default(),
            redactor: Redactor::new([config.client_secret.clone(), config.webhook_secret.clone()]),
            ready,
            config,
        }
    }

    /// Like a fresh start, on the same ports.
    pub(crate) fn reset(&self) {
        *self.settings.write() = Settings::new(&self.config);
        *self.tokens.write() = Ledger::new(&self.ready.member_id);
        self.buckets.get().clear();
        *self.forms.get() = Forms::default();
        self.tables.reset();
        self.faults.clear();
        self.counters.reset();
        self.log.reset();
        self.clock.reset();
    }

    /// `host:port` of the authorization server, unless the settings claim another.
    pub(crate) fn authorization_host(&self) -> String {
        let claimed = self.settings.read().server_domain.clone();
        claimed.unwrap_or_else(|| host(&self.ready.authorization).to_owned())
    }

    /// `host:port` of the portal.
    pub(crate) fn portal_host(&self) -> &str {
        host(&self.ready.portal)
    }
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
