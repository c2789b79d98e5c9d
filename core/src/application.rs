//! An application: its credentials, its grants, and the way from a person's consent to a client.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    AuditEntry, AuthorizeLink, Client, Clock, Error, KeepAlive, Portal, Redirect, Result, Secret,
    Token, audit, keep_alive,
    keeper::{
        Changes, Claims, Consent, Credentials, Keeper, Purpose, RetrySpent, Settings, Statistics,
        check_min_ttl,
    },
    oauth::AuthorizationServer,
    process,
    store::{self, GrantId, GrantRow, KeySource, Status, Vault},
};

/// Least life of a token that [`Application::token`] hands out unless asked otherwise.
pub const DEFAULT_MIN_TTL: i64 = 60;

/// One Bitrix24 application, local or mass-market, with the store that its grants live in.
/// Cheap to clone; clones share tokens and rotations.
#[derive(Clone)]
pub struct Application {
    client_id: String,
    keeper: Keeper,
}

/// A grant, without its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its number in the store.
    pub id: GrantId,
    /// The portal's host.
    pub portal: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose right it is; 0 if the vendor did not say.
    pub user_id: i64,
    /// Whether it can be renewed.
    pub status: Status,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Counts the pairs that readers have been given.
    pub generation: i64,
    /// When the current access token dies, in Unix seconds.
    pub access_expires_at: i64,
    /// When the refresh token probably dies, in Unix seconds.
    pub refresh_expires_at: i64,
}

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
    clock: Clock,
}

impl ApplicationBuilder {
    /// Where grants live: `memory` (the default), or `sqlite:<path>`.
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
        Ok(Application { client_id: self.client_id, keeper })
    }
}

impl Application {
    /// Starts from the application's credentials, as its card on the portal (or the vendor's area)
    /// shows them.
    pub fn builder(
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> ApplicationBuilder {
        ApplicationBuilder {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            store: "memory".to_owned(),
            key: KeySource::Default,
            authorization_server: None,
            authorization_hosts: Vec::new(),
            refresh_by_get: false,
            settings: Settings::default(),
            clock: Clock::system(),
        }
    }

    /// The link that a person opens to consent, and the state to keep until the redirect comes.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `portal`.
    pub fn authorize_url(&self, portal: &str) -> Result<AuthorizeLink> {
        Ok(AuthorizeLink::new(&Portal::parse(portal)?, &self.client_id))
    }

    /// Turns the redirect into a grant, after checking its state.
    ///
    /// # Errors
    /// [`crate::Kind::StateMismatch`] before anything is sent; [`crate::Kind::InvalidGrant`] for a
    /// code that is older than thirty seconds or was used.
    pub async fn exchange(&self, redirect_url: &str, expected_state: &str) -> Result<Grant> {
        let redirect = Redirect::parse(redirect_url)?;
        redirect.check_state(expected_state)?;
        self.keep(Consent {
            value: redirect.code,
            claims: Claims {
                portal: None,
                member_id: redirect.member_id,
                purpose: Purpose::Primary,
            },
            server_domain: redirect.server_domain,
        })
        .await
    }

    /// Turns a code that a person copied into a grant on `portal`. There is no state to check, so
    /// the code must be for that portal.
    ///
    /// # Errors
    /// As [`Application::exchange`]; [`crate::Kind::InvalidInput`] for a code of another portal.
    pub async fn exchange_code(&self, portal: &str, code: impl Into<Secret>) -> Result<Grant> {
        let portal = Some(Portal::parse(portal)?.origin().to_owned());
        let claims = Claims { portal, member_id: None, purpose: Purpose::Primary };
        self.keep(Consent { value: code.into(), claims, server_domain: None }).await
    }

    async fn keep(&self, consent: Consent) -> Result<Grant> {
        self.keeper.exchange(consent).await.map(Grant::from)
    }

    /// All grants of this application in the store.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn grants(&self) -> Result<Vec<Grant>> {
        self.keeper.grants().await.map(|rows| rows.into_iter().map(Grant::from).collect())
    }

    /// One grant.
    ///
    /// # Errors
    /// [`crate::Kind::UnknownGrant`], [`crate::Kind::Store`].
    pub async fn grant(&self, id: GrantId) -> Result<Grant> {
        self.keeper.row(id).await.map(Grant::from)
    }

    /// A client that calls the grant's portal. Whether the grant exists shows at the first call.
    #[must_use]
    pub fn client(&self, id: GrantId) -> Client {
        Client::of_grant(self.keeper.clone(), id)
    }

    /// An access token that lives at least `min_ttl` seconds more; renewed first if it must be.
    ///
    /// # Errors
    /// [`crate::Kind::NeedsReauthorization`] once a person has to consent again.
    pub async fn token(&self, id: GrantId, min_ttl: i64) -> Result<Token> {
        check_min_ttl(min_ttl)?;
        self.keeper.token(id, min_ttl).await.map(|token| (*token).clone())
    }

    /// A token that this process has already, if it lives at least `min_ttl` seconds more (at least
    /// one). Never waits. None as well for a `min_ttl` that [`Application::token`] refuses.
    #[must_use]
    pub fn peek_token(&self, id: GrantId, min_ttl: i64) -> Option<Arc<Token>> {
        check_min_ttl(min_ttl).ok()?;
        self.keeper.peek(id, min_ttl.max(1))
    }

    /// A token newer than `generation`, for a reader whose token the portal called expired. Renews
    /// only if that generation is still the current one.
    ///
    /// # Errors
    /// As [`Application::token`].
    pub async fn renew_token(&self, id: GrantId, generation: i64) -> Result<Token> {
        self.keeper.renew(id, generation).await.map(|token| (*token).clone())
    }

    /// Keeps a refresh token that the portal delivered (a frame opening, an installation) as a spare
    /// chain of the grant: it takes over if the grant's own chain is ever lost. The token is proven
    /// first, by rotating it.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] for a token that was delivered before, or of another user.
    pub async fn add_spare(&self, id: GrantId, refresh_token: impl Into<Secret>) -> Result<Grant> {
        self.keeper.add_spare(id, refresh_token.into()).await.map(Grant::from)
    }

    /// Gives the grant to another user of the same portal, who consented with this code. Its number
    /// stays; its rights are the other user's from then on.
    ///
    /// # Errors
    /// As [`Application::exchange_code`]; [`crate::Kind::InvalidInput`] if that user has a grant of
    /// their own or the code is another portal's.
    pub async fn transfer(&self, id: GrantId, code: impl Into<Secret>) -> Result<Grant> {
        let row = self.keeper.row(id).await?;
        let claims = Claims {
            portal: None,
            member_id: Some(row.identity.member_id),
            purpose: Purpose::Transfer(id),
        };
        let server_domain = Some(row.endpoints.authorization_server);
        self.keep(Consent { value: code.into(), claims, server_domain }).await
    }

    /// Changes of this application's grants from now on, each told after it is durable.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.keeper.subscribe()
    }

    /// One round of background work: keep-alive, renewal ahead of need, recovery of what dead
    /// processes left. Only needed where [`ApplicationBuilder::background`] is off.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn maintain(&self) -> Result<()> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.maintain(true).await }).await
    }

    /// When keep-alive is due next; `None` where there is nothing to keep alive.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn next_keep_alive(&self) -> Result<Option<KeepAlive>> {
        keep_alive::next(&self.keeper).await
    }

    /// Lets no new exchange begin, and waits up to `deadline` for those under way. True if all of
    /// them ended. For programs that were asked to stop.
    pub async fn shut_down(&self, deadline: Duration) -> bool {
        let keeper = self.keeper.clone();
        process::shield(async move { Ok(keeper.shut_down(deadline).await) }).await.unwrap_or(false)
    }

    /// Releases a grant that is held because the store was restored or copied: this store is the only one in use.
    ///
    /// # Errors
    /// [`crate::Kind::UnknownGrant`], [`crate::Kind::Store`].
    pub async fn release(&self, id: GrantId) -> Result<()> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.release(id).await }).await
    }

    /// Seals everything with the newest version of the master key; answers how many grants it was.
    ///
    /// # Errors
    /// [`crate::Kind::Store`], [`crate::Kind::Key`].
    pub async fn reseal(&self) -> Result<u64> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.reseal().await }).await
    }

    /// A grant's history, oldest first, proven to be whole: each entry's hash covers the one before.
    ///
    /// # Errors
    /// [`crate::Kind::Store`] naming the first entry that does not fit.
    pub async fn audit(&self, id: GrantId) -> Result<Vec<AuditEntry>> {
        let keeper = self.keeper.clone();
        process::shield(async move { audit::read(keeper.store(), id).await }).await
    }

    /// What this application's keeper has done in this process.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.keeper.statistics()
    }

    /// The application's `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The clock that expiry is judged by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.keeper.clock()
    }
}

impl From<GrantRow> for Grant {
    fn from(row: GrantRow) -> Self {
        let portal = url::Url::parse(&row.endpoints.client_endpoint).map_or_else(
            |_| row.endpoints.client_endpoint.clone(),
            |url| crate::portal::authority(&url),
        );
        Self {
            id: row.id,
            portal,
            member_id: row.identity.member_id,
            user_id: row.identity.user_id,
            status: row.status,
            scope: row.endpoints.scope,
            generation: row.generation,
            access_expires_at: row.chain.pair.access_expires_at,
            refresh_expires_at: row.chain.pair.refresh_expires_at,
        }
    }
}
