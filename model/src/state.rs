//! Everything that the protocol knows, and everything that is true.

use crate::{
    config::{Config, Faults},
    server::{Answer, Server, Token, Tokens},
};

/// The name of a pair: 0 is the grant's first, `n + 1` the one that attempt `n` brought.
pub type Lineage = u8;
/// An attempt, in order of acquisition. Its number is never used again, whatever the database forgets.
pub type AttemptId = usize;
/// One of two machines, each with a spool.
pub type Node = u8;

/// The parent of a pair that a consent brought.
pub const CONSENT: Lineage = 99;
/// The lineage of a spare that has been proven.
pub const SPARE: Lineage = 100;

/// A refresh token under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// Random in truth; equal tokens may arrive under two names.
    pub lineage: Lineage,
    /// The bytes.
    pub token: Token,
}

/// The chain's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chain {
    /// Free.
    Idle,
    /// Acquired; nothing can have been sent.
    Intent(AttemptId),
    /// Confirmed; the token may be on its way.
    Sent(AttemptId),
    /// The attempt ended without knowing. Free after a pause.
    Ambiguous(AttemptId),
    /// Given up.
    Dead,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// The current pair.
    pub pair: Pair,
    /// Who works on it.
    pub chain: Chain,
    /// Every token that was ever a parent.
    pub spent: Tokens,
    /// Answers whose commit found another pair.
    pub orphans: Vec<Pair>,
    /// Another consent's pair.
    pub spare: Option<Pair>,
    /// The pair that a spare has replaced: an answer to it may still come.
    pub fallen: Option<Lineage>,
    /// What readers count by; moves only where readers are modelled.
    pub generation: u8,
    /// Came back from an earlier image and spends nothing yet.
    pub quarantined: bool,
}

impl Store {
    /// Whether `token` stands anywhere in it.
    #[must_use]
    pub fn knows(&self, token: Token) -> bool {
        self.spent.has(token) || self.has(token)
    }

    /// Whether `token` could still be used from it.
    #[must_use]
    pub fn has(&self, token: Token) -> bool {
        self.pair.token == token
            || self.spare.is_some_and(|spare| spare.token == token)
            || self.orphans.iter().any(|orphan| orphan.token == token)
    }
}

/// Who would read an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// The attempt.
    Waits,
    /// Nobody: the attempt closed the connection by its own decision.
    GaveUp,
    /// Nobody: the process was killed, or the connection broke.
    Gone,
}

/// What is between an attempt and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Nothing.
    Empty,
    /// The request, in some buffer.
    Request(Reader),
    /// The answer.
    Answer(Answer),
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Holds the intent and a slot of the spool; connects.
    Acquired,
    /// Has the confirmation, and is about to write. The gap.
    Confirmed {
        /// A later attempt had been acquired before the confirmation.
        overtaken: bool,
    },
    /// Has written, and reads.
    Waiting,
    /// Has the answer in memory.
    Answered(Answer),
    /// Has none, and knows that it will get none.
    Unanswered,
    /// Over: its slot is free, or holds a record.
    Closed,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Where it runs.
    pub node: Node,
    /// What it spends.
    pub parent: Pair,
    /// How far it is.
    pub step: Step,
    /// What it waits for.
    pub wire: Wire,
    /// Known to be over, because somebody took the chain over.
    pub lease_over: bool,
}

impl Attempt {
    /// Ends it, and forgets what nothing depends on any more.
    pub fn close(&mut self) {
        self.step = Step::Closed;
        self.lease_over = false;
        self.tidy();
    }

    /// States that differ only in the past of a closed attempt are one state.
    pub fn tidy(&mut self) {
        if self.step == Step::Closed && self.wire == Wire::Empty {
            self.node = 0;
            self.parent = FIRST;
        }
    }

    /// Whether its request may still be acted on.
    #[must_use]
    pub fn queued(&self) -> bool {
        matches!(self.wire, Wire::Request(_))
    }
}

/// An answer in a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Whose disk.
    pub node: Node,
    /// What was spent for it.
    pub parent: Lineage,
    /// What came.
    pub pair: Pair,
    /// The store has not heard of it yet.
    pub pending: bool,
}

/// What a node's readers were given last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Its number.
    pub generation: u8,
    /// Its pair.
    pub lineage: Lineage,
}

/// What must never happen, once it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken {
    /// A server revoked, because of us, a chain whose living token we held.
    pub revoked_ours: bool,
    /// A write after a later acquisition, though not in the gap.
    pub overtaken_write: bool,
    /// A reader was given an older generation, or one number for two pairs.
    pub went_back: bool,
}

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The database.
    pub store: Store,
    /// The image it would fall back to.
    pub replica: Option<Store>,
    /// The authorization server.
    pub server: Server,
    /// Every attempt so far.
    pub attempts: Vec<Attempt>,
    /// Both spools.
    pub spool: Vec<Record>,
    /// What readers were given, by node.
    pub seen: [Seen; 2],
    /// The faults that may still strike.
    pub left: Faults,
    /// Tokens that nobody may lose: stored, spooled, or thrown away by a process that lived on.
    pub owed: Tokens,
    /// What has gone wrong for good.
    pub broken: Broken,
}

const FIRST: Pair = Pair { lineage: 0, token: Token { chain: 0, index: 0 } };

impl State {
    /// A grant with its first pair, and nothing under way.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut owed = Tokens::default();
        owed.insert(FIRST.token);
        Self {
            store: Store {
                pair: FIRST,
                chain: Chain::Idle,
                spent: Tokens::default(),
                orphans: Vec::new(),
                spare: None,
                fallen: None,
                generation: 0,
                quarantined: false,
            },
            replica: None,
            server: Server::new(),
            attempts: Vec::new(),
            spool: Vec::new(),
            seen: [Seen { generation: 0, lineage: 0 }; 2],
            left: config.faults,
            owed,
            broken: Broken::default(),
        }
    }

    /// Whether `token` is in the store, in a spool, in the memory of a process, or on its way to one that reads.
    #[must_use]
    pub fn holds(&self, token: Token) -> bool {
        let pair = Answer::Pair(token);
        self.store.has(token)
            || self.spool.iter().any(|record| record.pair.token == token)
            || self.attempts.iter().any(|attempt| {
                attempt.step == Step::Answered(pair) || attempt.wire == Wire::Answer(pair)
            })
    }

    /// Whether `id` left an answer that the store has not heard of.
    #[must_use]
    pub fn pending(&self, id: AttemptId) -> bool {
        self.spool.iter().any(|record| record.pending && record.pair.lineage == lineage(id))
    }

    /// Whether the store should be told of `record` (again).
    #[must_use]
    pub fn wants_in(&self, config: &Config, record: &Record) -> bool {
        let unknown = config.protocol.keeps_orphans && !self.store.knows(record.pair.token);
        record.pending || record.parent == self.store.pair.lineage || unknown
    }
}

/// The name of the pair that `id` brings.
#[must_use]
pub fn lineage(id: AttemptId) -> Lineage {
    Lineage::try_from(id + 1).unwrap_or(Lineage::MAX)
}
