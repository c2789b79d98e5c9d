//! The scripts, and how they are called. Each is one transaction.

use once_cell::sync::Lazy;
use redis::{Script, Value};

use crate::store::{
    AttemptId, Endpoints, Lineage, NodeId, SealedPair, Start, TokenHash, hex, keep,
};

const PRELUDE: &str = include_str!("lua/prelude.lua");
const PAIRS: &str = include_str!("lua/pairs.lua");
const BUDGET: &str = include_str!("lua/budget.lua");

/// How long the scripts remember what, in milliseconds, and how many spares there may be.
fn limits() -> String {
    let [spent, retired, answers, hold_back] =
        [keep::SPENT, keep::RETIRED, keep::ANSWERS, keep::HOLD_BACK].map(|span| span.as_millis());
    let spares = keep::SPARES;
    format!(
        "local SPENT, RETIRED, ANSWERS, HOLD_BACK, SPARES = {spent}, {retired}, {answers}, {hold_back}, {spares}\n"
    )
}

macro_rules! scripts {
    ($($name:ident = $file:literal $(with $part:ident)?;)*) => {
        $(pub(super) static $name: Lazy<Script> = Lazy::new(|| {
            Script::new(&[&limits(), PRELUDE, $($part,)? include_str!(concat!("lua/", $file, ".lua"))].concat())
        });)*
    };
}

scripts! {
    META = "meta";
    SET_META = "set_meta";
    ENSURE_GRANT = "ensure_grant";
    GRANTS = "grants";
    CHAINS = "chains";
    INSTALL = "install" with PAIRS;
    BEGIN = "begin" with BUDGET;
    TAKE_OVER = "take_over" with BUDGET;
    BUDGET_WAIT = "budget_wait" with BUDGET;
    CONFIRM = "confirm";
    EXTEND = "extend";
    TESTIFY = "testify";
    COMMIT = "commit" with PAIRS;
    ORPHAN = "orphan";
    SETTLE = "settle";
    BURY = "bury";
    PROMOTE = "promote" with PAIRS;
    IS_KNOWN = "is_known" with PAIRS;
    CLAIM = "claim" with PAIRS;
    TRANSFER = "transfer" with PAIRS;
    RELEASE = "release";
    HEARTBEAT = "heartbeat";
    DUE = "due";
    CHANGES = "changes";
    REWRAP = "rewrap";
    AUDIT = "audit";
    PRUNE = "prune" with PAIRS;
    TAKE_PERMITS = "take_permits";
}

/// A script with its arguments.
pub(super) struct Call {
    pub(super) script: &'static Lazy<Script>,
    pub(super) arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new(script: &'static Lazy<Script>) -> Self {
        Self { script, arguments: Vec::new() }
    }

    pub(super) fn bytes(mut self, value: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(value.into());
        self
    }

    pub(super) fn number(self, value: impl Into<i64>) -> Self {
        self.bytes(value.into().to_string())
    }

    pub(super) fn millis(self, span: std::time::Duration) -> Self {
        // A century is long enough, and exact in the scripts' arithmetic.
        self.bytes(span.as_millis().min(3_200_000_000_000).to_string())
    }

    pub(super) fn lineage(self, lineage: Lineage) -> Self {
        self.bytes(hex(&lineage.0))
    }

    pub(super) fn attempt(self, attempt: AttemptId) -> Self {
        self.bytes(hex(&attempt.0))
    }

    pub(super) fn node(self, node: NodeId) -> Self {
        self.bytes(hex(&node.0))
    }

    pub(super) fn hash(self, hash: Option<&TokenHash>) -> Self {
        self.bytes(hash.map(|hash| hex(&hash.0)).unwrap_or_default())
    }

    pub(super) fn endpoints(self, endpoints: &Endpoints) -> crate::Result<Self> {
        let text = serde_json::to_vec(endpoints).map_err(|error| {
            crate::Error::new(crate::Kind::Internal, "endpoints cannot be written")
                .with_source(error)
        })?;
        Ok(self.bytes(text))
    }

    /// In the order of `PAIR` in pairs.lua.
    pub(super) fn pair(self, pair: &SealedPair) -> Self {
        self.lineage(pair.lineage)
            .bytes(pair.access.clone())
            .bytes(pair.refresh.clone())
            .hash(Some(&pair.refresh_hash))
            .number(pair.access_expires_at)
            .number(pair.refresh_expires_at)
            .number(pair.due_at)
    }

    /// What `begin` and `take_over` have in common.
    pub(super) fn start(self, start: &Start) -> Self {
        self.number(start.chain)
            .lineage(start.parent)
            .attempt(start.attempt)
            .node(start.node)
            .millis(start.lease)
            .number(start.budget.hour)
            .number(start.budget.day)
            .number(start.budget.application_hour)
    }
}

/// What a script answered: whether it changed something (or rests on a change), and its values.
pub(super) struct Answer {
    pub(super) is_change: bool,
    pub(super) values: Vec<Value>,
}

impl Answer {
    pub(super) fn split(mut values: Vec<Value>) -> Self {
        let is_change = !values.is_empty() && matches!(values.remove(0), Value::Int(1));
        Self { is_change, values }
    }
}
