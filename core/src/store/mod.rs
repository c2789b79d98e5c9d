//! Where grants live. A store is dumb: it keeps sealed bytes and answers with every condition
//! inside one statement; what the bytes mean is the keeper's business.

mod key;
mod schema;
mod seal;
mod sqlite;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use key::KeySource;
pub(crate) use seal::{Column, Vault};
pub(crate) use sqlite::SqliteStore;

use crate::{Clock, Error, Result};

/// A grant's number: positive, given once, kept when the portal's address changes.
pub type GrantId = i64;

/// Whose right a grant is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The application.
    pub(crate) client_id: String,
    /// The portal.
    pub(crate) member_id: String,
    /// The user; 0 where the vendor did not say.
    pub(crate) user_id: i64,
}

/// Whether a grant can be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It can.
    Active,
    /// The vendor waits for payment.
    Suspended,
    /// A person has to consent again.
    NeedsReauthorization,
    /// The application was removed from the portal.
    Uninstalled,
}

impl Status {
    /// The stable word, in snake_case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::NeedsReauthorization => "needs_reauthorization",
            Status::Uninstalled => "uninstalled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Status::Active, Status::Suspended, Status::NeedsReauthorization, Status::Uninstalled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A random id per pair: the right to replace it is knowing it, whatever the token is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lineage(pub(crate) [u8; 16]);

/// A random id per attempt to rotate: verdicts of failure are bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId(pub(crate) [u8; 16]);

impl Lineage {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl AttemptId {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

/// What a token answer says about the portal, besides the tokens.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    /// REST base of the portal, ends in a slash.
    pub(crate) client_endpoint: String,
    /// Origin of the authorization server to renew at.
    pub(crate) authorization_server: String,
    /// Granted scopes.
    pub(crate) scope: Vec<String>,
    /// Status letter of the application; an open set.
    pub(crate) application_status: Option<String>,
}

/// A pair as the store keeps it.
#[derive(Clone)]
pub(crate) struct SealedPair {
    /// This pair's own id.
    pub(crate) lineage: Lineage,
    /// The access token, sealed.
    pub(crate) access: Vec<u8>,
    /// The refresh token, sealed.
    pub(crate) refresh: Vec<u8>,
    /// Unix seconds.
    pub(crate) access_expires_at: i64,
    /// Unix seconds; a hint.
    pub(crate) refresh_expires_at: i64,
}

/// How far the last attempt to rotate a chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainState {
    /// Nobody is rotating.
    Idle,
    /// An attempt is under way, or its process died.
    Intent,
    /// An attempt was sent and no usable answer came back.
    Ambiguous,
    /// The refresh token is known to be spent or expired.
    Dead,
}

impl ChainState {
    fn as_str(self) -> &'static str {
        match self {
            ChainState::Idle => "idle",
            ChainState::Intent => "intent",
            ChainState::Ambiguous => "ambiguous",
            ChainState::Dead => "dead",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [ChainState::Idle, ChainState::Intent, ChainState::Ambiguous, ChainState::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One grant with its primary chain.
#[derive(Clone)]
pub(crate) struct GrantRow {
    /// Its number.
    pub(crate) id: GrantId,
    /// Whose right it is.
    pub(crate) identity: Identity,
    /// Whether it can be renewed.
    pub(crate) status: Status,
    /// Counts the pairs that readers have been given.
    pub(crate) generation: i64,
    /// The key that seals this grant's columns, itself sealed by the master key.
    pub(crate) data_key: Vec<u8>,
    /// The portal's side of the last answer.
    pub(crate) endpoints: Endpoints,
    /// The current pair.
    pub(crate) pair: SealedPair,
    /// What the last attempt left.
    pub(crate) chain: ChainState,
    /// How often an ambiguous refresh token has been tried again.
    pub(crate) tries: u32,
}

/// What `begin` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The intent is durable: the token may be sent.
    Acquired,
    /// Another attempt holds the chain, or its pause is not over; ask again after this long.
    Busy(Duration),
    /// The pair is not the current one any more: read the grant again.
    Moved,
}

/// What `install` or `commit` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The pair is the current one, with this generation.
    Current(i64),
    /// The pair it succeeds is not there any more, or it was installed before; nothing was changed.
    Orphan,
}

/// How a failed attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was spent: the chain is free again.
    Released,
    /// Something may have been spent: not again before this pause.
    Ambiguous(Duration),
    /// Refused for a reason outside the chain: the grant's status changes, and the chain is free
    /// again after this pause.
    Status(Status, Duration),
    /// The refresh token is dead, and with it the grant.
    Dead,
}

/// What the store knows about itself.
pub(crate) struct Meta {
    /// Random id of this store: a copy elsewhere cannot be opened by accident.
    pub(crate) environment: Vec<u8>,
    /// A known text sealed with the master key, once there is one.
    pub(crate) key_check: Option<Vec<u8>>,
}

/// A place for grants. Durations are counted on the store's own clock.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    /// How a person would name it, such as `sqlite:grants.db`.
    fn address(&self) -> String;

    /// Where answers are spooled and the key file lies beside; `None` for a store without a place.
    fn path(&self) -> Option<PathBuf>;

    /// What the store knows about itself.
    async fn meta(&self) -> Result<Meta>;

    /// Keeps the key check unless there is one; answers the one that is kept.
    async fn keep_key_check(&self, check: Vec<u8>) -> Result<Vec<u8>>;

    /// The number and data key of a grant; a new row without a pair where there is none.
    async fn ensure_grant(
        &self,
        identity: &Identity,
        data_key: Vec<u8>,
    ) -> Result<(GrantId, Vec<u8>)>;

    /// Makes the pair of a new consent the current one, whatever was there. The same attempt a
    /// second time changes nothing: by then its refresh token may be spent.
    async fn install(
        &self,
        grant: GrantId,
        attempt: AttemptId,
        endpoints: &Endpoints,
        pair: &SealedPair,
    ) -> Result<Committed>;

    /// One grant. `None` where it does not exist or never had a pair.
    async fn grant(&self, grant: GrantId) -> Result<Option<GrantRow>>;

    /// All grants, by number.
    async fn grants(&self) -> Result<Vec<GrantRow>>;

    /// Takes the chain for one attempt. When it answers [`Begun::Acquired`], the intent is on disk.
    async fn begin(
        &self,
        grant: GrantId,
        parent: Lineage,
        attempt: AttemptId,
        lease: Duration,
    ) -> Result<Begun>;

    /// Replaces the pair `parent` by `pair`. Bound to lineage alone: a slow holder may carry the
    /// only living token, so being late does not matter.
    async fn commit(
        &self,
        grant: GrantId,
        parent: Lineage,
        endpoints: &Endpoints,
        pair: &SealedPair,
    ) -> Result<Committed>;

    /// Ends an attempt without a pair. Does nothing if a later attempt holds the chain.
    async fn settle(&self, grant: GrantId, attempt: AttemptId, verdict: Verdict) -> Result<()>;
}

/// Opens the store that `url` names: `memory`, or `sqlite:<path>`.
///
/// # Errors
/// [`crate::Kind::InvalidInput`] naming the field `store`, or [`crate::Kind::Store`] if it cannot be opened.
pub(crate) async fn open(url: &str, clock: &Clock) -> Result<Arc<dyn Store>> {
    let store = match url.split_once(':') {
        None if url == "memory" => SqliteStore::memory(clock.clone()),
        Some(("sqlite", path)) if !path.trim_matches('/').is_empty() => {
            SqliteStore::file(path.strip_prefix("//").unwrap_or(path), clock.clone())?
        }
        _ => {
            return Err(Error::invalid_input(
                "store",
                "the store address is not one that is known",
            )
            .with("store", url)
            .advise("Use memory, or sqlite:<path to a file>."));
        }
    };
    store.prepare().await?;
    Ok(Arc::new(store))
}
