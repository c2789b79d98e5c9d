//! The state of a portal, and of what all portals share, kept for later.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::{Common, World};
use crate::applications::Application;
use crate::counters::CountersCopy;
use crate::events::{Bindings, Installations};
use crate::faults::Fault;
use crate::offline::Rows;
use crate::portal::{Bucket, Forms, Operating, Verdicts};
use crate::rest::StateCopy;
use crate::rows::TablesCopy;
use crate::settings::Settings;
use crate::tokens::Ledger;
use crate::users::UserConfig;

/// What portals share, kept.
pub(crate) struct KeptCommon {
    micros: i64,
    tokens: Ledger,
    applications: Vec<Arc<Application>>,
    faults: Vec<Fault>,
    counters: CountersCopy,
}

impl Common {
    pub(crate) fn keep(&self) -> KeptCommon {
        KeptCommon {
            micros: self.clock.micros(),
            tokens: self.tokens.read().clone(),
            applications: self.applications.all(),
            faults: self.faults.copy(),
            counters: self.counters.copy(),
        }
    }
}

impl KeptCommon {
    pub(crate) fn restore(&self, common: &Common) {
        // It was shown before, so it can be shown again.
        common.clock.set_micros(self.micros);
        *common.tokens.write() = self.tokens.clone();
        common.applications.restore(self.applications.clone());
        common.faults.restore(self.faults.clone());
        common.counters.restore(&self.counters);
    }
}

/// One portal, kept.
pub(crate) struct Kept {
    host: Arc<str>,
    settings: Settings,
    buckets: HashMap<IpAddr, Bucket>,
    operating: Operating,
    verdicts: Verdicts,
    forms: Forms,
    people: BTreeMap<u64, UserConfig>,
    uninstalled: BTreeSet<String>,
    tables: TablesCopy,
    rest: StateCopy,
    events: (Bindings, Installations),
    offline: Rows,
}

impl World {
    pub(crate) fn keep(&self) -> Kept {
        Kept {
            host: self.portal_host(),
            settings: self.settings.read().clone(),
            buckets: self.buckets.get().clone(),
            operating: self.operating.get().clone(),
            verdicts: self.verdicts.get().clone(),
            forms: self.forms.get().clone(),
            people: self.people.copy(),
            uninstalled: self.uninstalled.read().clone(),
            tables: self.tables.copy(),
            rest: self.rest.copy(),
            events: self.events.copy(),
            offline: self.offline.copy(),
        }
    }

    pub(crate) fn restore(&self, kept: &Kept) {
        // Every address that the portal ever had is still listened at.
        self.move_to(&kept.host);
        *self.settings.write() = kept.settings.clone();
        self.buckets.get().clone_from(&kept.buckets);
        *self.operating.get() = kept.operating.clone();
        *self.verdicts.get() = kept.verdicts.clone();
        *self.forms.get() = kept.forms.clone();
        self.people.restore(kept.people.clone());
        self.uninstalled.write().clone_from(&kept.uninstalled);
        self.tables.restore(&kept.tables);
        self.rest.restore(&kept.rest);
        self.events.restore(kept.events.clone());
        self.offline.restore(kept.offline.clone());
    }
}
