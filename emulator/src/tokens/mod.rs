//! Who may do what, for how long: codes, chains of rotating pairs, and the truth about them.

mod format;

use std::collections::HashMap;

use serde_json::{Value, json};

pub(crate) use format::Token;

use crate::rows::{hash_text, mix};

/// Seconds an authorization code lives.
const CODE_LIFE: i64 = 30;
/// Seconds an access token lives.
pub(crate) const ACCESS_LIFE: i64 = 3600;
/// Seconds a refresh token lives: 30 days, as the tokens themselves say.
const REFRESH_LIFE: i64 = 30 * 86_400;

/// Index into the chains.
type ChainId = usize;

struct Chain {
    client_id: String,
    user_id: u64,
    revoked: bool,
}

struct Code {
    client_id: String,
    user_id: u64,
    expires_at: i64,
    used: bool,
}

struct Access {
    n: u64,
    chain: ChainId,
    issued_at: i64,
    expires_at: i64,
    dead: bool,
}

struct Refresh {
    n: u64,
    chain: ChainId,
    issued_at: i64,
    expires_at: i64,
    spent: bool,
    /// The access token issued with it.
    access: Token,
}

/// A pair just issued.
pub(crate) struct Pair {
    pub(crate) access: Token,
    pub(crate) refresh: Token,
    pub(crate) user_id: u64,
    /// Unix seconds at which the access token ends.
    pub(crate) expires_at: i64,
}

/// What an access token is worth.
pub(crate) enum Verdict {
    Alive { user_id: u64 },
    Expired,
    Unknown,
}

/// Which chains a revocation means; `None` matches all.
pub(crate) struct Selection<'a> {
    pub(crate) user_id: Option<u64>,
    pub(crate) member_id: Option<&'a str>,
    pub(crate) client_id: Option<&'a str>,
}

/// All tokens ever issued since the start.
pub(crate) struct Ledger {
    member_id: String,
    issued: u64,
    chains: Vec<Chain>,
    codes: HashMap<Token, Code>,
    access: HashMap<Token, Access>,
    refresh: HashMap<Token, Refresh>,
}

impl Ledger {
    pub(crate) fn new(member_id: &str) -> Self {
        Self {
            member_id: member_id.to_owned(),
            issued: 0,
            chains: Vec::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    /// A user allowed the application: a single-use code.
    pub(crate) fn consent(&mut self, client_id: &str, user_id: u64, now: i64) -> Token {
        let expires_at = now + CODE_LIFE;
        let code = Token::mint(expires_at, self.owner(client_id), user_id);
        self.codes.insert(
            code,
            Code { client_id: client_id.to_owned(), user_id, expires_at, used: false },
        );
        code
    }

    /// Turns a code into the first pair of a new chain; `None` is `invalid_grant`.
    pub(crate) fn exchange(&mut self, code: &Token, client_id: &str, now: i64) -> Option<Pair> {
        let found = self.codes.get_mut(code)?;
        if found.used || found.expires_at <= now || found.client_id != client_id {
            return None;
        }
        found.used = true;
        self.chains.push(Chain {
            client_id: client_id.to_owned(),
            user_id: found.user_id,
            revoked: false,
        });
        Some(self.issue(self.chains.len() - 1, now))
    }

    /// Spends a refresh token; `None` is `invalid_grant`.
    pub(crate) fn rotate(
        &mut self,
        refresh: &Token,
        client_id: &str,
        now: i64,
        old_dies: bool,
    ) -> Option<Pair> {
        let found = self.refresh.get_mut(refresh)?;
        let chain = &self.chains[found.chain];
        if found.spent || found.expires_at <= now || chain.revoked || chain.client_id != client_id {
            return None;
        }
        found.spent = true;
        let (chain, access) = (found.chain, found.access);
        if old_dies && let Some(old) = self.access.get_mut(&access) {
            old.dead = true;
        }
        Some(self.issue(chain, now))
    }

    /// What the portal and the authorization server think of an access token.
    pub(crate) fn check(&self, access: &Token, now: i64) -> Verdict {
        let Some(found) = self.access.get(access) else { return Verdict::Unknown };
        let chain = &self.chains[found.chain];
        if found.dead || chain.revoked {
            Verdict::Unknown
        } else if found.expires_at <= now {
            Verdict::Expired
        } else {
            Verdict::Alive { user_id: chain.user_id }
        }
    }

    /// Kills the chains that match; says how many were alive.
    pub(crate) fn revoke(&mut self, selection: &Selection<'_>) -> usize {
        if selection.member_id.is_some_and(|wanted| wanted != self.member_id) {
            return 0;
        }
        let matching = self.chains.iter_mut().filter(|chain| {
            !chain.revoked
                && selection.user_id.is_none_or(|wanted| wanted == chain.user_id)
                && selection.client_id.is_none_or(|wanted| wanted == chain.client_id)
        });
        matching.map(|chain| chain.revoked = true).count()
    }

    /// Ground truth, in the order of issue.
    pub(crate) fn to_json(&self, now: i64) -> Value {
        let mut rows: Vec<(u64, Value)> =
            Vec::with_capacity(self.access.len() + self.refresh.len());
        for (token, entry) in &self.access {
            let alive = !entry.dead && entry.expires_at > now && !self.chains[entry.chain].revoked;
            let times = (entry.issued_at, entry.expires_at);
            rows.push((entry.n, self.row("access", token, entry.chain, times, alive, false)));
        }
        for (token, entry) in &self.refresh {
            let alive = !entry.spent && entry.expires_at > now && !self.chains[entry.chain].revoked;
            let times = (entry.issued_at, entry.expires_at);
            rows.push((
                entry.n,
                self.row("refresh", token, entry.chain, times, alive, entry.spent),
            ));
        }
        rows.sort_unstable_by_key(|(n, _)| *n);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn row(
        &self,
        kind: &str,
        token: &Token,
        id: ChainId,
        times: (i64, i64),
        alive: bool,
        spent: bool,
    ) -> Value {
        let chain = &self.chains[id];
        json!({
            "kind": kind,
            "token": token.text(),
            "client_id": chain.client_id,
            "member_id": self.member_id,
            "user_id": chain.user_id,
            "chain": id + 1,
            "issued_at": times.0,
            "expires_at": times.1,
            "alive": alive,
            "spent": spent,
        })
    }

    fn issue(&mut self, chain: ChainId, now: i64) -> Pair {
        let Chain { client_id, user_id, .. } = &self.chains[chain];
        let (owner, user_id) = (self.owner(client_id), *user_id);
        let expires_at = now + ACCESS_LIFE;
        let access = Token::mint(expires_at, owner, user_id);
        let refresh = Token::mint(now + REFRESH_LIFE, owner, user_id);
        let n = self.issued;
        self.issued += 2;
        self.access.insert(access, Access { n, chain, issued_at: now, expires_at, dead: false });
        let entry = Refresh {
            n: n + 1,
            chain,
            issued_at: now,
            expires_at: now + REFRESH_LIFE,
            spent: false,
            access,
        };
        self.refresh.insert(refresh, entry);
        Pair { access, refresh, user_id, expires_at }
    }

    /// The part of a token that stays the same for one portal and application.
    fn owner(&self, client_id: &str) -> [u8; 8] {
        mix(hash_text(&self.member_id), hash_text(client_id)).to_be_bytes()
    }
}
