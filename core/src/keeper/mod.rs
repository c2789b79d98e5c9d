//! The keeper: hands out access tokens that live, and rotates without losing a pair.
//!
//! A reader is served from memory, else from the store, else by a rotation. A rotation is: reserve
//! a spool slot, write the intent, send once, spool the raw answer, commit by lineage. It runs in a
//! task of its own, so that no caller's cancellation or time-out can drop an answer.

mod change;
mod consent;
#[cfg(feature = "faults")]
mod copies;
mod counters;
mod fault;
#[cfg(feature = "faults")]
mod fingerprint;
mod flight;
mod keep;
mod limits;
mod oracle;
mod recovery;
mod rotation;
mod schedule;
mod settings;
mod share;
mod spool;
mod token;
mod trust;
mod verdict;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use change::Listeners;
pub use change::{Change, Changes};
pub(crate) use consent::{Claims, Consent, Purpose};
#[cfg(feature = "faults")]
pub use copies::SealedCopy;
use counters::Counters;
pub use counters::Statistics;
use fault::fault;
#[cfg(feature = "faults")]
pub use fingerprint::Fingerprint;
use flight::Flights;
use limits::Limits;
use once_cell::sync::OnceCell;
use rotation::LEASE;
pub use settings::RetrySpent;
pub(crate) use settings::Settings;
use spool::Spool;
pub use token::Token;
pub(crate) use token::check_min_ttl;
use token::{Need, Tokens};
use tokio::sync::SemaphorePermit;

use crate::{
    Clock, Error, Kind, Result, Retry, Secret,
    oauth::AuthorizationServer,
    process::PerProcess,
    store::{Column, GrantId, GrantRow, Status, Store, Vault, hex},
};

/// Longest that a caller waits for a rotation. The rotation itself goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the application presents itself at the token endpoint.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) server: AuthorizationServer,
    pub(crate) by_get: bool,
}

/// Keeps the grants of one application in one store.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    vault: Vault,
    spool: Spool,
    clock: Clock,
    credentials: Credentials,
    settings: Settings,
    flights: PerProcess<Flights>,
    limits: PerProcess<OnceCell<Limits>>,
    listeners: PerProcess<Listeners>,
    tokens: Tokens,
    counters: Counters,
    /// The process that the background work runs in: a forked child starts its own.
    background: PerProcess<AtomicBool>,
    /// How far the store's change feed was read, in its milliseconds.
    seen_changes: AtomicI64,
    /// The mark of the last summons that were all attended to.
    attended: AtomicI64,
    /// The store's epoch that this process has brought in for what it knows.
    brought_in: Mutex<Vec<u8>>,
}

impl Keeper {
    /// Opens the spool and finishes what an earlier process left half done.
    pub(crate) async fn start(
        store: Arc<dyn Store>,
        vault: Vault,
        credentials: Credentials,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self> {
        let environment = store.meta("environment").await?.unwrap_or_default();
        let folder = spool_folder(&*store, &settings, &environment)?;
        let spool = Spool::open(folder, environment, clock.clone()).await?;
        let (_, now) = store.changes(i64::MAX).await?;
        let keeper = Self(Arc::new(Inner {
            store,
            vault,
            spool,
            clock,
            credentials,
            settings,
            flights: PerProcess::new(),
            limits: PerProcess::new(),
            listeners: PerProcess::new(),
            tokens: Tokens::default(),
            counters: Counters::default(),
            background: PerProcess::new(),
            seen_changes: AtomicI64::new(now),
            attended: AtomicI64::new(0),
            brought_in: Mutex::default(),
        }));
        keeper.recognise().await?;
        keeper.meet_epoch().await?;
        keeper.recover().await?;
        if keeper.0.store.is_shared() {
            // Others wait for the word of machines they know of, before they give a chain up.
            keeper.report().await?;
        }
        Ok(keeper)
    }

    /// Starts the background work of this process, once.
    fn wake(&self) {
        let started = self.0.background.get();
        if !self.0.settings.background || started.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.start_background() {
            tracing::warn!(%error, "the background work did not start");
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.0.counters.statistics()
    }

    pub(crate) fn subscribe(&self) -> Changes {
        self.wake();
        self.0.listeners.get().subscribe()
    }

    /// Lets no new exchange begin and waits for those under way. True if all of them ended in time.
    pub(crate) async fn shut_down(&self, deadline: Duration) -> bool {
        let limits = self.limits();
        limits.close();
        let all = u32::try_from(self.0.settings.in_flight).unwrap_or(u32::MAX);
        tokio::time::timeout(deadline, limits.in_flight.acquire_many(all)).await.is_ok()
    }

    /// Leave for one exchange, held while it is under way.
    async fn permit(&self) -> Result<SemaphorePermit<'_>> {
        let limits = self.limits();
        let permit = limits.in_flight.acquire().await.map_err(|_| rotation::shutting_down())?;
        if limits.is_closed() { Err(rotation::shutting_down()) } else { Ok(permit) }
    }

    /// Puts every grant's data key, and the store's own values, under the newest master key.
    pub(crate) async fn reseal(&self) -> Result<u64> {
        self.0.vault.reseal_meta(&*self.0.store).await?;
        let (mut after, mut resealed) = (0, 0);
        loop {
            let rows = self.0.store.grants(after, 500).await?;
            let Some(last) = rows.last() else { return Ok(resealed) };
            after = last.id;
            for row in rows {
                if let Some(new) = self.0.vault.rewrapped(&row.data_key)? {
                    resealed += u64::from(self.0.store.rewrap(row.id, &row.data_key, &new).await?);
                }
            }
        }
    }

    /// Takes the store's word for a grant that is in quarantine.
    pub(crate) async fn release(&self, grant: GrantId) -> Result<()> {
        let row = self.row(grant).await?;
        for chain in self.0.store.chains(grant).await? {
            if chain.quarantined {
                self.0.store.release(chain.id, chain.pair.lineage).await?;
            }
        }
        self.0.spool.accept(grant, row.generation).await
    }

    fn limits(&self) -> &Limits {
        let limits = self.0.limits.get();
        limits.get_or_init(|| Limits::new(self.0.clock.clone(), self.0.settings.in_flight))
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A token that lives `min_ttl` seconds more, without a lock and without waiting, if this
    /// process has one.
    pub(crate) fn peek(&self, grant: GrantId, min_ttl: i64) -> Option<Arc<Token>> {
        self.0.tokens.find(grant, Need::Life(min_ttl), self.0.clock.now())
    }

    /// A token that lives at least `min_ttl` seconds more; rotates if it must.
    pub(crate) async fn token(&self, grant: GrantId, min_ttl: i64) -> Result<Arc<Token>> {
        self.obtain(grant, Need::Life(min_ttl)).await
    }

    /// A token newer than `generation`, which the portal called expired. Rotates only if that
    /// generation is still the current one.
    pub(crate) async fn renew(&self, grant: GrantId, generation: i64) -> Result<Arc<Token>> {
        self.obtain(grant, Need::NewerThan(generation)).await
    }

    async fn obtain(&self, grant: GrantId, need: Need) -> Result<Arc<Token>> {
        self.wake();
        if let Some(token) = self.0.tokens.find(grant, need, self.0.clock.now()) {
            return Ok(token);
        }
        let waiting = async {
            loop {
                let start = || self.clone().fetch(grant, need);
                let (token, ours) = self.0.flights.get().join(grant, start).await?;
                if need.is_met_by(&token, self.0.clock.now()) {
                    return Ok(token);
                }
                // Somebody else's flight may have been for less. Our own was the best there is:
                // one more rotation would not make tokens live longer.
                if ours {
                    return Err(Error::invalid_input(
                        "min_ttl",
                        "no token of this portal lives that long",
                    )
                    .with("grant", grant.to_string())
                    .with("expires_at", token.expires_at.to_string()));
                }
            }
        };
        // Where nothing may run unobserved, the caller stays until the answer is kept.
        let patience = if self.0.settings.background { PATIENCE } else { LEASE };
        match tokio::time::timeout(patience, waiting).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(Kind::Timeout, "the token is still being renewed")
                .with("grant", grant.to_string())
                .with_retry(Retry::Safe)
                .advise("The renewal goes on; ask again.")),
        }
    }

    /// From the store, or by a rotation.
    async fn fetch(self, grant: GrantId, need: Need) -> Result<Arc<Token>> {
        loop {
            let row = self.row(grant).await?;
            let token = self.open(&row)?;
            if need.is_met_by(&token, self.0.clock.now()) {
                return Ok(self.0.remember(token));
            }
            check_status(&row)?;
            if self.is_ahead(&row, need)? {
                if self.replay(&row).await? {
                    continue;
                }
                return Err(not_taken(&row));
            }
            fault("read").await;
            if let Some(token) = self.rotate(&row).await? {
                return Ok(token);
            }
        }
    }

    /// Whether this process is ahead of the store: the generation is one of ours, which it has not
    /// taken yet or has forgotten. One that nobody has had is a mistake, and no reason to rotate.
    fn is_ahead(&self, row: &GrantRow, need: Need) -> Result<bool> {
        let Need::NewerThan(generation) = need else { return Ok(false) };
        if generation <= row.generation {
            return Ok(false);
        }
        if self.0.tokens.any(row.id).is_some_and(|token| token.generation >= generation) {
            return Ok(true);
        }
        let error = Error::invalid_input("generation", "the grant has not had that generation");
        Err(rotation::at(row, error))
    }

    /// All grants of this application.
    pub(crate) async fn grants(&self) -> Result<Vec<GrantRow>> {
        let mut grants: Vec<GrantRow> = Vec::new();
        let mut after = 0;
        loop {
            let rows = self.0.store.grants(after, 1000).await?;
            let Some(last) = rows.last() else { return Ok(grants) };
            after = last.id;
            let ours = |row: &GrantRow| row.identity.client_id == self.0.credentials.client_id;
            grants.extend(rows.into_iter().filter(ours));
        }
    }

    pub(crate) async fn row(&self, grant: GrantId) -> Result<GrantRow> {
        let row = self.0.store.grant(grant).await?;
        row.filter(|row| row.identity.client_id == self.0.credentials.client_id).ok_or_else(|| {
            Error::new(Kind::UnknownGrant, "the store has no such grant of this application")
                .with("grant", grant.to_string())
                .with("store", self.0.store.address())
                .advise(
                    "List the grants to see which there are, or authorize the application first.",
                )
        })
    }

    fn open(&self, row: &GrantRow) -> Result<Token> {
        let pair = &row.chain.pair;
        let access_token =
            self.0.vault.open_token(&row.data_key, row.id, row.chain.id, Column::Access, pair)?;
        Ok(Token {
            grant: row.id,
            access_token,
            expires_at: pair.access_expires_at,
            generation: row.generation,
            client_endpoint: row.endpoints.client_endpoint.clone(),
            member_id: row.identity.member_id.clone(),
            user_id: row.identity.user_id,
            scope: row.endpoints.scope.clone(),
        })
    }
}

impl Inner {
    fn remember(&self, token: Token) -> Arc<Token> {
        self.tokens.remember(token, self.clock.now())
    }
}

/// Beside the store's file; for a store elsewhere, where the settings or `EVERGRANT_SPOOL` say, else
/// in the user's state folder. `None` for a store in memory.
fn spool_folder(
    store: &dyn Store,
    settings: &Settings,
    environment: &[u8],
) -> Result<Option<PathBuf>> {
    if let Some(folder) = &settings.spool {
        return Ok(Some(folder.clone()));
    }
    if let Some(store) = store.path() {
        let mut name = store.into_os_string();
        name.push(".spool");
        return Ok(Some(name.into()));
    }
    if !store.is_shared() {
        return Ok(None);
    }
    if let Some(folder) = std::env::var_os("EVERGRANT_SPOOL") {
        return Ok(Some(folder.into()));
    }
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    match state {
        Some(state) => Ok(Some(state.join("evergrant").join(hex(environment)))),
        None => Err(Error::invalid_input("spool", "there is no folder for the spool").advise(
            "Name one on a local disk that outlives the process: EVERGRANT_SPOOL, or the setting.",
        )),
    }
}

/// Refuses early where a rotation cannot help.
fn check_status(row: &GrantRow) -> Result<()> {
    match row.status {
        Status::NeedsReauthorization => Err(needs_reauthorization(row)),
        Status::Uninstalled => {
            let error = Error::new(
                Kind::NeedsReauthorization,
                "the application was removed from the portal",
            );
            Err(rotation::at(row, error)
                .advise("Install the application again, then authorize it."))
        }
        _ => Ok(()),
    }
}

fn not_taken(row: &GrantRow) -> Error {
    let error = Error::new(Kind::Store, "the store has not taken the last rotation yet");
    rotation::at(row, error.with_retry(Retry::Safe))
}

fn needs_reauthorization(row: &GrantRow) -> Error {
    rotation::at(row, Error::new(Kind::NeedsReauthorization, "the grant cannot be renewed"))
        .advise("A person has to consent again: open a new authorize link for this portal.")
}
