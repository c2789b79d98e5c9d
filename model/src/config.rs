//! What is asked of the model: which server, which faults, and which rules of the protocol hold.

use crate::server::Manner;

/// How often each fault may strike in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process is killed. Its spool stays; a sibling replays it some time or never.
    pub kills: u8,
    /// A request or an answer is lost, or the connection breaks while the request is under way.
    pub losses: u8,
    /// A living process is so late that its lease is over: frozen after acquiring, confirming or
    /// sending, or before it looks at the answer.
    pub freezes: u8,
    /// The database is away from a node for longer than the lease while an answer waits there.
    pub outages: u8,
    /// The database goes back to an earlier image of itself.
    pub rollbacks: u8,
    /// A frame posts a pair: a fresh one, or the very one that the grant began with.
    pub offers: u8,
}

/// How late a server may still act on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Before reading ends, and so before lease and margin are over.
    Within,
    /// Whenever it likes.
    Beyond,
}

/// The rules, each of which can be taken away to see what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// A success commits where its parent is still stored. Else: where its attempt still holds the chain.
    pub commits_by_lineage: bool,
    /// Reading goes on after the callers' deadline. Else the deadline closes the connection.
    pub reads_on: bool,
    /// A sent attempt is taken over only after its node reported an empty spool, or after the hold-back.
    /// Else: when its lease is over.
    pub hears_before_takeover: bool,
    /// A slot that a living process still holds counts as spool depth, though nothing is in it yet.
    pub counts_open_slots: bool,
    /// The store confirms, just before the write, that the attempt still holds the chain.
    pub confirms: bool,
    /// The pause after a lost answer is longer than the server's horizon.
    pub pause_outlasts_server: bool,
    /// An answer whose parent is no longer stored is kept, and tried before any verdict of death.
    pub keeps_orphans: bool,
    /// Answers are kept after their commit, and handed in again after a rollback.
    pub keeps_answers: bool,
    /// A pair that was ever spent is no spare.
    pub refuses_ancestors: bool,
    /// `invalid_grant` waits for every node and every orphan before it is a verdict.
    pub careful_verdict: bool,
    /// A rolled back database is recognised before anything is spent from it.
    pub notices_rollback: bool,
    /// After a rollback nothing is spent until every lease of before is over, whatever the store remembers.
    pub quarantine_outlasts_server: bool,
    /// The answer that proves a spare goes into the spool too.
    pub spools_spares: bool,
    /// A reader that knows a later generation than the store tells the store.
    pub raises_generation: bool,
}

impl Protocol {
    /// The protocol as it is built.
    pub const OURS: Self = Self {
        commits_by_lineage: true,
        reads_on: true,
        hears_before_takeover: true,
        counts_open_slots: true,
        confirms: true,
        pause_outlasts_server: true,
        keeps_orphans: true,
        keeps_answers: true,
        refuses_ancestors: true,
        careful_verdict: true,
        notices_rollback: true,
        quarantine_outlasts_server: true,
        spools_spares: true,
        raises_generation: true,
    };
}

/// One run of the model.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The server's way with spent tokens.
    pub manner: Manner,
    /// The server's patience with requests.
    pub horizon: Horizon,
    /// The rules.
    pub protocol: Protocol,
    /// How many attempts are begun, together.
    pub attempts: u8,
    /// The budget of faults.
    pub faults: Faults,
    /// Whether a freeze or an outage may last longer than the hold-back of ten minutes.
    pub outlasts_hold_back: bool,
    /// Whether readers are modelled (they multiply the states, and touch nothing else).
    pub readers: bool,
}

impl Config {
    /// No faults, a punctual server, our rules.
    #[must_use]
    pub fn new(manner: Manner, attempts: u8) -> Self {
        Self {
            manner,
            horizon: Horizon::Within,
            protocol: Protocol::OURS,
            attempts,
            faults: Faults::default(),
            outlasts_hold_back: false,
            readers: false,
        }
    }
}
