//! The keeper: hands out access tokens that live, and rotates without losing a pair.
//!
//! A reader is served from memory, else from the store, else by a rotation. A rotation is: reserve
//! a spool slot, write the intent, send once, spool the raw answer, commit by lineage. It runs in a
//! task of its own, so that no caller's cancellation or time-out can drop an answer.

mod flight;
mod keep;
mod recovery;
mod rotation;
mod spool;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use flight::Flights;
pub(crate) use keep::{Claims, Consent};
use spool::Spool;

use crate::{
    Clock, Error, Kind, Result, Retry, Secret,
    oauth::AuthorizationServer,
    process::PerProcess,
    store::{Column, GrantId, GrantRow, Status, Store, Vault},
};

/// Longest that a caller waits for a rotation. The rotation itself goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// An access token and what a reader needs beside it.
#[derive(Clone)]
pub struct Token {
    /// The grant it belongs to.
    pub grant: GrantId,
    /// The token itself.
    pub access_token: Secret,
    /// When it dies, in Unix seconds.
    pub expires_at: i64,
    /// Counts the pairs of this grant; never goes back.
    pub generation: i64,
    /// REST base of the portal, ends in a slash.
    pub client_endpoint: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose rights it carries; 0 if the vendor did not say.
    pub user_id: i64,
    /// Granted scopes.
    pub scope: Vec<String>,
}

/// What a reader wants.
#[derive(Debug, Clone, Copy)]
enum Need {
    /// A token that lives at least this many seconds more.
    Life(i64),
    /// A token newer than this generation.
    NewerThan(i64),
}

impl Need {
    fn is_met_by(self, token: &Token, now: i64) -> bool {
        match self {
            Need::Life(seconds) => token.expires_at.saturating_sub(now) >= seconds,
            Need::NewerThan(generation) => token.generation > generation,
        }
    }
}

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
    flights: PerProcess<Flights>,
    tokens: PerProcess<Mutex<HashMap<GrantId, Arc<Token>>>>,
}

impl Keeper {
    /// Opens the spool and finishes what an earlier process left half done.
    pub(crate) async fn start(
        store: Arc<dyn Store>,
        vault: Vault,
        credentials: Credentials,
        clock: Clock,
    ) -> Result<Self> {
        let spool = Spool::open(store.path().map(spool_folder)).await?;
        let keeper = Self(Arc::new(Inner {
            store,
            vault,
            spool,
            clock,
            credentials,
            flights: PerProcess::new(),
            tokens: PerProcess::new(),
        }));
        keeper.recover().await?;
        Ok(keeper)
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
        self.0
            .remembered(grant)
            .filter(|token| Need::Life(min_ttl).is_met_by(token, self.0.clock.now()))
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
        if let Some(token) =
            self.0.remembered(grant).filter(|token| need.is_met_by(token, self.0.clock.now()))
        {
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
        match tokio::time::timeout(PATIENCE, waiting).await {
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
            self.check_generation(&row, need)?;
            if let Some(token) = self.rotate(row).await? {
                return Ok(token);
            }
        }
    }

    /// A generation that the store has not seen is either a mistake, or one of ours that it would
    /// not take yet. Neither is a reason to rotate.
    fn check_generation(&self, row: &GrantRow, need: Need) -> Result<()> {
        let Need::NewerThan(generation) = need else { return Ok(()) };
        if generation <= row.generation {
            return Ok(());
        }
        let ours = self.0.remembered(row.id).is_some_and(|token| token.generation >= generation);
        let error = if ours {
            Error::new(Kind::Store, "the store has not taken the last rotation yet")
                .with_retry(Retry::Safe)
        } else {
            Error::invalid_input("generation", "the grant has not had that generation")
        };
        Err(rotation::at(row, error))
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
        let access_token = self.0.vault.open_token(
            &row.data_key,
            row.id,
            row.pair.lineage,
            Column::Access,
            &row.pair.access,
        )?;
        Ok(Token {
            grant: row.id,
            access_token,
            expires_at: row.pair.access_expires_at,
            generation: row.generation,
            client_endpoint: row.endpoints.client_endpoint.clone(),
            member_id: row.identity.member_id.clone(),
            user_id: row.identity.user_id,
            scope: row.endpoints.scope.clone(),
        })
    }
}

impl Inner {
    fn remembered(&self, grant: GrantId) -> Option<Arc<Token>> {
        self.tokens.get().lock().unwrap_or_else(PoisonError::into_inner).get(&grant).cloned()
    }

    /// Keeps the newest token: what readers were given never goes back.
    fn remember(&self, token: Token) -> Arc<Token> {
        let mut tokens = self.tokens.get().lock().unwrap_or_else(PoisonError::into_inner);
        let entry = tokens.entry(token.grant).or_insert_with(|| Arc::new(token.clone()));
        if token.generation > entry.generation {
            *entry = Arc::new(token);
        }
        Arc::clone(entry)
    }
}

fn spool_folder(store: PathBuf) -> PathBuf {
    let mut name = store.into_os_string();
    name.push(".spool");
    name.into()
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

fn needs_reauthorization(row: &GrantRow) -> Error {
    rotation::at(row, Error::new(Kind::NeedsReauthorization, "the grant cannot be renewed"))
        .advise("A person has to consent again: open a new authorize link for this portal.")
}
