//! Values of the core as the fields of Python's dataclasses in `evergrant/grants.py`.

use evergrant::GrantId;
use pyo3::{prelude::*, types::PyTuple};

/// Becomes the fields of Python's `Grant`.
#[derive(IntoPyObject)]
pub(crate) struct Grant {
    id: GrantId,
    portal: String,
    member_id: String,
    user_id: i64,
    status: &'static str,
    scope: Scope,
    generation: i64,
    access_expires_at: i64,
    refresh_expires_at: i64,
}

impl From<evergrant::Grant> for Grant {
    fn from(grant: evergrant::Grant) -> Self {
        Self {
            id: grant.id,
            portal: grant.portal,
            member_id: grant.member_id,
            user_id: grant.user_id,
            status: grant.status.as_str(),
            scope: Scope(grant.scope),
            generation: grant.generation,
            access_expires_at: grant.access_expires_at,
            refresh_expires_at: grant.refresh_expires_at,
        }
    }
}

/// Becomes the fields of Python's `Token`.
#[derive(IntoPyObject)]
pub(crate) struct Token {
    grant: GrantId,
    access_token: String,
    expires_at: i64,
    generation: i64,
    client_endpoint: String,
    member_id: String,
    user_id: i64,
    scope: Scope,
}

impl From<&evergrant::Token> for Token {
    fn from(token: &evergrant::Token) -> Self {
        Self {
            grant: token.grant,
            access_token: token.access_token.expose().to_owned(),
            expires_at: token.expires_at,
            generation: token.generation,
            client_endpoint: token.client_endpoint.clone(),
            member_id: token.member_id.clone(),
            user_id: token.user_id,
            scope: Scope(token.scope.clone()),
        }
    }
}

/// Becomes the fields of Python's `AuditEntry`.
#[derive(IntoPyObject)]
pub(crate) struct AuditEntry {
    number: i64,
    at: i64,
    event: String,
    chain: i64,
    attempt: String,
    node: String,
    generation: i64,
    hash: String,
}

impl From<evergrant::AuditEntry> for AuditEntry {
    fn from(entry: evergrant::AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at,
            event: entry.event,
            chain: entry.chain,
            attempt: entry.attempt,
            node: entry.node,
            generation: entry.generation,
            hash: entry.hash,
        }
    }
}

/// Becomes the fields of Python's `Statistics`.
#[derive(IntoPyObject)]
pub(crate) struct Statistics {
    rotations: u64,
    ambiguous: u64,
    salvaged: u64,
    promoted: u64,
    taken_over: u64,
    orphaned: u64,
    longest_confirm_to_write: f64,
}

impl From<evergrant::Statistics> for Statistics {
    fn from(statistics: evergrant::Statistics) -> Self {
        Self {
            rotations: statistics.rotations,
            ambiguous: statistics.ambiguous,
            salvaged: statistics.salvaged,
            promoted: statistics.promoted,
            taken_over: statistics.taken_over,
            orphaned: statistics.orphaned,
            longest_confirm_to_write: statistics.longest_confirm_to_write.as_secs_f64(),
        }
    }
}

/// Becomes the fields of Python's `CallCounters`.
#[derive(IntoPyObject)]
pub(crate) struct CallCounters {
    calls: u64,
    requests: u64,
    refused: u64,
    refused_operating: u64,
    retried: u64,
    waited: u64,
    waited_for: f64,
    failed: u64,
    moved: u64,
}

impl From<evergrant::CallCounters> for CallCounters {
    fn from(counters: evergrant::CallCounters) -> Self {
        Self {
            calls: counters.calls,
            requests: counters.requests,
            refused: counters.refused,
            refused_operating: counters.refused_operating,
            retried: counters.retried,
            waited: counters.waited,
            waited_for: counters.waited_for.as_secs_f64(),
            failed: counters.failed,
            moved: counters.moved,
        }
    }
}

/// Becomes a tuple: grants and tokens do not change.
struct Scope(Vec<String>);

impl<'py> IntoPyObject<'py> for Scope {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        PyTuple::new(py, self.0)
    }
}
