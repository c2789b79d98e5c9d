//! One portal, and what it shares with the others. Each part has its own small lock.

mod kept;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::applications::{Application, Applications};
use crate::clock::Clock;
use crate::config::Config;
use crate::counters::Counters;
use crate::events::Events;
use crate::faults::Faults;
use crate::log::Log;
use crate::offline::Offline;
use crate::portal::{Bucket, Forms, Operating, Verdicts};
use crate::redact::Redactor;
use crate::rest::State;
use crate::rows::{Tables, mix};
use crate::settings::{Region, Settings};
use crate::sync::{Lock, Shared};
use crate::tokens::{Holder, Ledger, Opened, Pair};
use crate::users::{People, User};

pub(crate) use kept::{Kept, KeptCommon};

/// What all portals and both authorization servers share.
pub(crate) struct Common {
    pub(crate) clock: Clock,
    pub(crate) tokens: Shared<Ledger>,
    pub(crate) applications: Applications,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) log: Log,
    pub(crate) redactor: Redactor,
    /// `host:port` of the authorization servers of both regions.
    pub(crate) servers: [String; 2],
}

impl Common {
    pub(crate) fn new(config: &Config, servers: [String; 2]) -> Self {
        let first = config.first_application();
        let applications: Vec<Application> =
            std::iter::once(first).chain(config.applications.iter().cloned()).collect();
        let redactor = Redactor::default();
        applications.iter().for_each(|application| redactor.learn(&application.client_secret));
        Self {
            clock: Clock::new(config.now),
            tokens: Shared::default(),
            applications: Applications::new(applications),
            faults: Faults::default(),
            counters: Counters::default(),
            log: Log::default(),
            redactor,
            servers,
        }
    }

    pub(crate) fn reset(&self) {
        *self.tokens.write() = Ledger::default();
        self.applications.reset();
        self.faults.clear();
        self.counters.reset();
        self.log.reset();
        self.clock.reset();
    }
}

/// One portal as it sees itself. What is shared is reached through it: a portal's world has one clock.
pub(crate) struct World {
    common: Arc<Common>,
    /// Place among all portals.
    pub(crate) place: usize,
    pub(crate) config: Config,
    pub(crate) member_id: String,
    /// `host:port` at the start, and now.
    first_host: String,
    host: Shared<Arc<str>>,
    pub(crate) settings: Shared<Settings>,
    pub(crate) buckets: Lock<HashMap<IpAddr, Bucket>>,
    pub(crate) operating: Lock<Operating>,
    pub(crate) verdicts: Lock<Verdicts>,
    pub(crate) forms: Lock<Forms>,
    pub(crate) people: People,
    /// What webhooks may do unless somebody says otherwise.
    pub(crate) scope: Arc<[String]>,
    /// Applications that were taken off this portal.
    uninstalled: Shared<BTreeSet<String>>,
    pub(crate) tables: Tables,
    /// What calls leave behind beside rows.
    pub(crate) rest: State,
    pub(crate) events: Events,
    pub(crate) offline: Offline,
}

impl Deref for World {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl World {
    /// The portal at `host` (`host:port`).
    pub(crate) fn new(
        common: Arc<Common>,
        place: usize,
        config: Config,
        tables: Tables,
        host: String,
    ) -> Self {
        let users = config.all_users();
        users.iter().filter_map(|user| user.webhook.as_deref()).for_each(|secret| {
            common.redactor.learn(secret);
        });
        Self {
            common,
            place,
            member_id: format!("{:016x}{:016x}", mix(config.seed, 1), mix(config.seed, 2)),
            host: Shared::new(Arc::from(host.as_str())),
            first_host: host,
            settings: Shared::new(Settings::new(&config)),
            buckets: Lock::default(),
            operating: Lock::default(),
            verdicts: Lock::default(),
            forms: Lock::default(),
            people: People::new(users),
            scope: Arc::from(config.scope.clone()),
            uninstalled: Shared::default(),
            tables,
            rest: State::default(),
            events: Events::default(),
            offline: Offline::default(),
            config,
        }
    }

    /// Like a fresh start; what the portals share is reset by itself.
    pub(crate) fn reset(&self) {
        *self.settings.write() = Settings::new(&self.config);
        self.move_to(&self.first_host);
        self.forget_limits();
        *self.verdicts.get() = Verdicts::default();
        *self.forms.get() = Forms::default();
        self.people.reset();
        self.uninstalled.write().clear();
        self.tables.reset();
        self.rest.reset();
        self.events.reset();
        self.offline.reset();
    }

    /// Empties the buckets (or fills them, if they start drained) and the operating-time baskets.
    pub(crate) fn forget_limits(&self) {
        self.buckets.get().clear();
        *self.operating.get() = Operating::default();
    }

    /// `host:port` of the portal's authorization server, unless the settings claim another.
    pub(crate) fn authorization_host(&self) -> String {
        let settings = self.settings.read();
        settings.server_domain.clone().unwrap_or_else(|| match settings.region {
            Region::First => self.servers[0].clone(),
            Region::Second => self.servers[1].clone(),
        })
    }

    /// `host:port` of the portal.
    pub(crate) fn portal_host(&self) -> Arc<str> {
        Arc::clone(&self.host.read())
    }

    /// Gives the portal another address.
    pub(crate) fn move_to(&self, host: &str) {
        *self.host.write() = Arc::from(host);
    }

    /// A user of this portal.
    pub(crate) fn user(&self, id: u64) -> User {
        self.people.get(id)
    }

    /// An application that is installed here.
    pub(crate) fn application(&self, client_id: &str) -> Option<Arc<Application>> {
        self.applications.get(client_id).filter(|known| self.has(known))
    }

    /// The application that is meant when nobody names another: the first one that is installed here.
    pub(crate) fn default_application(&self) -> Option<Arc<Application>> {
        self.applications.all().into_iter().find(|known| self.has(known))
    }

    /// Whether an application is installed here.
    pub(crate) fn has(&self, application: &Application) -> bool {
        application.belongs_to(self.place)
            && !self.uninstalled.read().contains(&application.client_id)
    }

    /// Takes an application off this portal (its tokens stop working), or puts it back.
    pub(crate) fn set_installed(&self, client_id: &str, installed: bool) {
        if installed {
            self.uninstalled.write().remove(client_id);
        } else {
            self.uninstalled.write().insert(client_id.to_owned());
        }
    }

    /// Who a chain of this portal belongs to.
    pub(crate) fn holder(&self, client_id: &str, user_id: u64) -> Holder {
        Holder {
            portal: self.place,
            member_id: self.member_id.clone(),
            client_id: client_id.to_owned(),
            user_id,
            hops: None,
        }
    }

    /// Begins a chain of tokens without a consent: a frame was opened, the application installed, an event sent.
    pub(crate) fn open_chain(&self, client_id: &str, user_id: u64, opened: Opened) -> Pair {
        let life = self.settings.read().rules().refresh_life;
        let hops = match opened {
            Opened::Event(hops) => Some(hops),
            Opened::Consent | Opened::Frame | Opened::Install => None,
        };
        let holder = Holder { hops, ..self.holder(client_id, user_id) };
        self.tokens.write().open(holder, opened, self.clock.now(), life)
    }
}
