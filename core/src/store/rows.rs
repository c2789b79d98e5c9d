//! What a store keeps, as the keeper sees it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A grant's number: positive, given once, kept when the portal's address or the user changes.
pub type GrantId = i64;

/// A chain's number: positive and random, so that it is known before the first pair is sealed.
pub(crate) type ChainId = i64;

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

/// Gives an enum its stable words, in snake_case, for columns and for people.
macro_rules! words {
    ($visible:vis $type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// The stable word, in snake_case.
            #[must_use]
            $visible fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),+ }
            }

            pub(crate) fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some($type::$variant),)+ _ => None }
            }
        }
    };
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

words!(pub Status {
    Active => "active",
    Suspended => "suspended",
    NeedsReauthorization => "needs_reauthorization",
    Uninstalled => "uninstalled",
});

/// A random id per attempt to rotate or to exchange a code. Verdicts of failure are bound to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId(pub(crate) [u8; 16]);

impl AttemptId {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    /// The pair that this attempt brings.
    pub(crate) fn lineage(self) -> Lineage {
        Lineage(self.0)
    }
}

/// A pair is named by the attempt that brought it. Knowing the name is the right to replace it,
/// whatever the tokens are sealed with. A replay of the same answer has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lineage(pub(crate) [u8; 16]);

/// A machine, or rather a spool folder: what one of its processes leaves, another one finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(crate) [u8; 16]);

/// A keyed hash of a refresh token: tells duplicates apart without opening anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash(pub(crate) [u8; 32]);

/// What a token answer says about the portal, besides the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealedPair {
    /// This pair's own name.
    pub(crate) lineage: Lineage,
    /// The access token, sealed.
    pub(crate) access: Vec<u8>,
    /// The refresh token, sealed.
    pub(crate) refresh: Vec<u8>,
    /// Of the refresh token.
    pub(crate) refresh_hash: TokenHash,
    /// Unix seconds.
    pub(crate) access_expires_at: i64,
    /// Unix seconds; a hint.
    pub(crate) refresh_expires_at: i64,
    /// Unix seconds: when the keep-alive is due if nobody rotates before.
    pub(crate) due_at: i64,
}

/// What a chain is to its grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Readers get its pairs.
    Primary,
    /// Waits until the primary dies.
    Spare,
    /// Given up or replaced; kept for a while, because a late answer may revive it.
    Retired,
}

words!(pub(crate) Role { Primary => "primary", Spare => "spare", Retired => "retired" });

/// How far the last attempt to rotate a chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainState {
    /// Nobody is rotating.
    Idle,
    /// An attempt has the lease and has sent nothing yet.
    Intent,
    /// An attempt has confirmed that it sends.
    Sent,
    /// An attempt was sent and no usable answer came back; its holder said so.
    Ambiguous,
    /// The refresh token was refused; whoever may hold a successor has not been heard yet.
    Doubted,
    /// The refresh token is known to be spent or expired.
    Dead,
}

words!(pub(crate) ChainState {
    Idle => "idle",
    Intent => "intent",
    Sent => "sent",
    Ambiguous => "ambiguous",
    Doubted => "doubted",
    Dead => "dead",
});

/// One line of rotating pairs.
#[derive(Clone)]
pub(crate) struct Chain {
    /// Its number.
    pub(crate) id: ChainId,
    /// What it is to the grant.
    pub(crate) role: Role,
    /// What the last attempt left.
    pub(crate) state: ChainState,
    /// The current pair.
    pub(crate) pair: SealedPair,
    /// Who holds the chain, in [`ChainState::Intent`] and [`ChainState::Sent`].
    pub(crate) holder: Option<(AttemptId, NodeId)>,
    /// What is left of the lease (intent, sent) or of the pause (any other state), by the store's
    /// clock; zero when it is over.
    pub(crate) held_for: Duration,
    /// How often an ambiguous refresh token has been tried again.
    pub(crate) tries: u32,
    /// Whether the store was recognised as restored or cloned and this chain not yet released.
    pub(crate) quarantined: bool,
}

impl Chain {
    /// Whether an attempt holds the chain, dead or alive.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.state, ChainState::Intent | ChainState::Sent)
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
    /// The primary chain.
    pub(crate) chain: Chain,
}

/// A pair that a person's consent or a proven delivery brought.
#[derive(Clone)]
pub(crate) struct Install {
    pub(crate) grant: GrantId,
    /// The new chain's number.
    pub(crate) chain: ChainId,
    /// [`Role::Primary`] or [`Role::Spare`].
    pub(crate) role: Role,
    /// What the primary so far becomes, where the new chain is the primary.
    pub(crate) former: Role,
    pub(crate) endpoints: Endpoints,
    pub(crate) pair: SealedPair,
}

/// What `install` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Installed {
    /// The pair is the current one, with this generation.
    Current(i64),
    /// The pair is a spare.
    Spare,
    /// The same attempt was installed before; nothing was changed: by now its refresh token may be spent.
    Before,
    /// The refresh token is another chain's, or was spent before: it must not be used.
    Known,
}

/// A successor for the pair `parent`.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) grant: GrantId,
    pub(crate) chain: ChainId,
    /// The pair that was spent.
    pub(crate) parent: Lineage,
    /// Its hash, never to be taken again. `None` if the answer left the refresh token in force.
    pub(crate) spent: Option<TokenHash>,
    pub(crate) endpoints: Endpoints,
    pub(crate) pair: SealedPair,
}

/// What `commit` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The pair is its chain's current one (now, or since an earlier call with the same pair), and
    /// this is the grant's generation.
    Current(i64),
    /// The pair it succeeds is not there; the answer is kept as an orphan.
    Orphan,
}

/// A wish to rotate a chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) chain: ChainId,
    /// The pair to spend.
    pub(crate) parent: Lineage,
    pub(crate) attempt: AttemptId,
    pub(crate) node: NodeId,
    pub(crate) lease: Duration,
    pub(crate) budget: Budget,
}

/// How many refresh tokens may be sent. Counted at `confirm`, in the store, for all processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Per chain.
    pub(crate) hour: u32,
    /// Per chain.
    pub(crate) day: u32,
    /// Per application.
    pub(crate) application_hour: u32,
}

/// How a failed attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was spent: the chain is free again after this pause.
    Released(Duration),
    /// Something may have been spent: not again before this pause.
    Ambiguous(Duration),
    /// Refused for a reason outside the chain: the grant's status changes, and the chain is free
    /// again after this pause.
    Status(Status, Duration),
    /// The refresh token was refused: see [`ChainState::Doubted`].
    Refused,
}

/// A chain that a node should look after: one of its own attempts has fallen silent, or every node
/// is asked for a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summons {
    pub(crate) grant: GrantId,
    pub(crate) chain: ChainId,
}

/// A grant that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) grant: GrantId,
    pub(crate) generation: i64,
    pub(crate) status: Status,
    /// The store's clock, in milliseconds.
    pub(crate) at: i64,
}

/// One entry of the audit: what happened to a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    pub(crate) grant: GrantId,
    /// Counts a grant's entries from 1.
    pub(crate) number: i64,
    /// The store's clock, in milliseconds.
    pub(crate) at: i64,
    /// A word: `installed`, `intent`, `sent`, `committed`, ...
    pub(crate) event: String,
    pub(crate) chain: ChainId,
    /// The attempt, in hexadecimal digits; empty if none.
    pub(crate) attempt: String,
    /// The node, in hexadecimal digits; empty if none.
    pub(crate) node: String,
    /// The grant's generation afterwards.
    pub(crate) generation: i64,
    /// Hash over the entry and the hash before it, in hexadecimal digits.
    pub(crate) hash: String,
}

impl AuditRow {
    /// The text that its hash is over, after the hash of the entry `before` it.
    pub(crate) fn hashed(&self, before: &str) -> String {
        let Self { grant, number, at, event, chain, attempt, node, generation, .. } = self;
        format!("{before}|{grant}|{number}|{at}|{event}|{chain}|{attempt}|{node}|{generation}")
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sixteen bytes that 32 hexadecimal digits stand for.
pub(crate) fn unhex(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}
