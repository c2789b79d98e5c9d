//! Values of the core as plain objects.

use napi_derive::napi;

/// Where to consent.
#[napi(object, object_from_js = false)]
pub struct AuthorizeLink {
    /// The page.
    pub url: String,
    /// What the redirect must carry.
    pub state: String,
}

impl From<evergrant::AuthorizeLink> for AuthorizeLink {
    fn from(link: evergrant::AuthorizeLink) -> Self {
        Self { url: link.url, state: link.state }
    }
}

/// A grant, without its tokens.
#[napi(object, object_from_js = false)]
pub struct Grant {
    /// Its number in the store.
    pub id: i64,
    /// The portal's host.
    pub portal: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose right it is.
    pub user_id: i64,
    /// Whether it can be renewed.
    pub status: String,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Counts the pairs.
    pub generation: i64,
    /// Unix seconds.
    pub access_expires_at: i64,
    /// Unix seconds.
    pub refresh_expires_at: i64,
}

impl From<evergrant::Grant> for Grant {
    fn from(grant: evergrant::Grant) -> Self {
        Self {
            id: grant.id,
            portal: grant.portal,
            member_id: grant.member_id,
            user_id: grant.user_id,
            status: grant.status.as_str().to_owned(),
            scope: grant.scope,
            generation: grant.generation,
            access_expires_at: grant.access_expires_at,
            refresh_expires_at: grant.refresh_expires_at,
        }
    }
}

/// An access token, bare: the public layer hides it from printing.
#[napi(object, object_from_js = false)]
pub struct Token {
    /// The grant it belongs to.
    pub grant: i64,
    /// The token itself.
    pub access_token: String,
    /// Unix seconds.
    pub expires_at: i64,
    /// Counts the pairs.
    pub generation: i64,
    /// REST base of the portal.
    pub client_endpoint: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose rights it carries.
    pub user_id: i64,
    /// Granted scopes.
    pub scope: Vec<String>,
}

impl From<evergrant::Token> for Token {
    fn from(token: evergrant::Token) -> Self {
        Self {
            grant: token.grant,
            access_token: token.access_token.expose().to_owned(),
            expires_at: token.expires_at,
            generation: token.generation,
            client_endpoint: token.client_endpoint,
            member_id: token.member_id,
            user_id: token.user_id,
            scope: token.scope,
        }
    }
}

/// One thing that happened to a grant.
#[napi(object, object_from_js = false)]
pub struct AuditEntry {
    /// Counts the grant's entries from 1.
    pub number: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// The chain's number, as text: too large for a number of JavaScript.
    pub chain: String,
    /// The attempt's id; empty if none.
    pub attempt: String,
    /// The machine's id; empty if none.
    pub node: String,
    /// The grant's generation afterwards.
    pub generation: i64,
    /// Over this entry and the one before it.
    pub hash: String,
}

impl From<evergrant::AuditEntry> for AuditEntry {
    fn from(entry: evergrant::AuditEntry) -> Self {
        Self {
            number: entry.number,
            at: entry.at,
            event: entry.event,
            chain: entry.chain.to_string(),
            attempt: entry.attempt,
            node: entry.node,
            generation: entry.generation,
            hash: entry.hash,
        }
    }
}

/// What the keeper has done in this process.
#[napi(object, object_from_js = false)]
pub struct Statistics {
    /// Pairs received and committed.
    pub rotations: i64,
    /// Exchanges whose answer was lost.
    pub ambiguous: i64,
    /// Pairs brought in from the spool.
    pub salvaged: i64,
    /// Spare chains that took over.
    pub promoted: i64,
    /// Chains taken over from silent holders.
    pub taken_over: i64,
    /// Answers that found no pair to succeed.
    pub orphaned: i64,
    /// Seconds.
    pub longest_confirm_to_write: f64,
}

impl From<evergrant::Statistics> for Statistics {
    fn from(statistics: evergrant::Statistics) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            rotations: number(statistics.rotations),
            ambiguous: number(statistics.ambiguous),
            salvaged: number(statistics.salvaged),
            promoted: number(statistics.promoted),
            taken_over: number(statistics.taken_over),
            orphaned: number(statistics.orphaned),
            longest_confirm_to_write: statistics.longest_confirm_to_write.as_secs_f64(),
        }
    }
}

/// When the refresh tokens of an application need attention.
#[napi(object, object_from_js = false)]
pub struct KeepAlive {
    /// Unix seconds.
    pub due_at: i64,
    /// Unix seconds.
    pub expires_at: i64,
}

impl From<evergrant::KeepAlive> for KeepAlive {
    fn from(next: evergrant::KeepAlive) -> Self {
        Self { due_at: next.due_at, expires_at: next.expires_at }
    }
}

/// What the calls of this process came to.
#[napi(object, object_from_js = false)]
pub struct CallCounters {
    /// Calls that were asked for.
    pub calls: i64,
    /// Requests that were sent for them.
    pub requests: i64,
    /// Refused for their rate.
    pub refused: i64,
    /// Refused for a method's operating time.
    pub refused_operating: i64,
    /// Requests that repeated an earlier one.
    pub retried: i64,
    /// Calls that had to wait.
    pub waited: i64,
    /// Milliseconds.
    pub waited_ms: f64,
    /// Calls that ended in an error.
    pub failed: i64,
    /// Portals that were followed to another address.
    pub moved: i64,
}

impl From<evergrant::CallCounters> for CallCounters {
    fn from(counters: evergrant::CallCounters) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            calls: number(counters.calls),
            requests: number(counters.requests),
            refused: number(counters.refused),
            refused_operating: number(counters.refused_operating),
            retried: number(counters.retried),
            waited: number(counters.waited),
            waited_ms: counters.waited_for.as_secs_f64() * 1000.0,
            failed: number(counters.failed),
            moved: number(counters.moved),
        }
    }
}
