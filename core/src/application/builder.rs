//! The settings of an application.

use std::{path::PathBuf, time::Duration};

use super::Application;
use crate::{
    Clock, Error, RateLimit, Result, Secret,
    keeper::{Credentials, Keeper, RetrySpent, Settings},
    oauth::AuthorizationServer,
    process,
    rest::Pace,
    store::{self, KeySource, Vault},
};

/// Settings of an [`Application`].
pub struct ApplicationBuilder {
    client_id: String,
    client_secret: Secret,
    store: String,
    key: KeySource,
    authorization_server: Option<String>,
    authorization_hosts: Vec<String>,
    refresh_by_get: bool,
    settings: Settings,
    pace: Pace,
    clock: Clock,
}

impl ApplicationBuilder {
    pub(super) fn new(client_id: String, client_secret: Secret) -> Self {
        Self {
            client_id,
            client_secret,
            store: "memory".to_owned(),
            key: KeySource::Default,
            authorization_server: None,
            authorization_hosts: Vec::new(),
            refresh_by_get: false,
            settings: Settings::default(),
            pace: Pace::default(),
            clock: Clock::system(),
        }
    }

    /// Where grants live: `memory` (the default), `sqlite:<path>`, `postgres://...` or `redis://...`.
    #[must_use]
    pub fn store(mut self, url: impl Into<String>) -> Self {
        self.store = url.into();
        self
    }

    /// Where the master key comes from.
    #[must_use]
    pub fn key(mut self, source: KeySource) -> Self {
        self.key = source;
        self
    }

    /// A file with the master key.
    #[must_use]
    pub fn key_file(self, path: impl Into<PathBuf>) -> Self {
        self.key(KeySource::File(path.into()))
    }

    /// The authorization server, where it is not the vendor's default: its other region, or an
    /// emulator on loopback.
    #[must_use]
    pub fn authorization_server(mut self, origin: impl Into<String>) -> Self {
        self.authorization_server = Some(origin.into());
        self
    }

    /// Allows a host that is not the vendor's to receive secrets: an isolated installation's own
    /// authorization server. Needed besides [`Self::authorization_server`].
    #[must_use]
    pub fn allow_authorization_host(mut self, host: impl Into<String>) -> Self {
        self.authorization_hosts.push(host.into());
        self
    }

    /// Sends token requests by GET, secrets in the address. Only for a proxy that refuses POST.
    #[must_use]
    pub fn refresh_by_get(mut self, yes: bool) -> Self {
        self.refresh_by_get = yes;
        self
    }

    /// Where answers are spooled before they reach the store: a folder on a local disk that outlives
    /// the process. By default beside the store's file; for a store on a server, what
    /// `EVERGRANT_SPOOL` names, else a folder in the user's state directory.
    #[must_use]
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.spool = Some(folder.into());
        self
    }

    /// How often one chain may be rotated, by all processes together: 3 an hour and 30 a day unless
    /// set, 0 for no limit. The vendor blocks applications that renew again and again.
    #[must_use]
    pub fn budget(mut self, per_hour: u32, per_day: u32) -> Self {
        self.settings.budget.hour = per_hour;
        self.settings.budget.day = per_day;
        self
    }

    /// How often all chains of the application together may be rotated in an hour: 20,000 unless
    /// set, 0 for no limit.
    #[must_use]
    pub fn application_budget(mut self, per_hour: u32) -> Self {
        self.settings.budget.application_hour = per_hour;
        self
    }

    /// How many exchanges this process may have under way at once; 32 unless set. Each of them is
    /// a chain of unknown fate if the process is killed.
    #[must_use]
    pub fn in_flight(mut self, exchanges: usize) -> Self {
        self.settings.in_flight = exchanges.clamp(1, 1024);
        self
    }

    /// Whether keep-alive, renewal ahead of need and recovery run by themselves; they do unless
    /// this says no. For runtimes that freeze between two requests: call
    /// [`Application::maintain`] there from time to time.
    #[must_use]
    pub fn background(mut self, yes: bool) -> Self {
        self.settings.background = yes;
        self
    }

    /// What to do with a refresh token that was probably spent by an exchange whose answer is lost.
    #[must_use]
    pub fn retry_spent_token(mut self, policy: RetrySpent) -> Self {
        self.settings.retry_spent = policy;
        self
    }

    /// Rotates every grant after this time, wanted or not. Off unless set, and better left off: the
    /// vendor's documentation asks applications not to renew on a schedule and says that those that do may be
    /// blocked. It is for readers that cannot ask for a fresh token. The budgets hold all the same.
    /// At least a minute.
    #[must_use]
    pub fn fixed_interval(mut self, interval: Duration) -> Self {
        self.settings.interval = Some(interval);
        self
    }

    /// How fast each portal may be called, by all clients of this process together; see
    /// [`crate::Client::rate_limit`].
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.pace.limit = Some(limit);
        self
    }

    /// Which part of a portal's bucket is left to other programs, from 0 to 0.9; see
    /// [`crate::Client::reserve`].
    #[must_use]
    pub fn reserve(mut self, part: f64) -> Self {
        self.pace.reserve = Some(part);
        self
    }

    /// Another clock; for tests of expiry.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the store and finishes what an earlier process left half done.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field, [`crate::Kind::Store`], [`crate::Kind::Key`].
    pub async fn open(self) -> Result<Application> {
        if self.client_id.trim().is_empty() || self.client_id.len() > 200 {
            return Err(Error::invalid_input(
                "client_id",
                "the application's client_id is empty or too long",
            ));
        }
        if self.client_secret.is_blank() {
            return Err(Error::invalid_input(
                "client_secret",
                "the application's client_secret is empty",
            ));
        }
        self.settings.check()?;
        self.pace.check()?;
        let server = AuthorizationServer::configure(
            self.authorization_server.as_deref(),
            &self.authorization_hosts,
        )?;
        let credentials = Credentials {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret,
            server,
            by_get: self.refresh_by_get,
        };
        let keeper = process::shield(async move {
            let store = store::open(&self.store, &self.clock).await?;
            let vault = Vault::unlock(&*store, &self.key).await?;
            Keeper::start(store, vault, credentials, self.settings, self.clock).await
        })
        .await?;
        Ok(Application { client_id: self.client_id, keeper, pace: self.pace })
    }
}
