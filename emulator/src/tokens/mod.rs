//! Who may do what, for how long: codes, chains of rotating pairs, and the truth about them.

mod chain;
mod format;
mod rotation;
mod truth;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chain::Chain;
pub(crate) use chain::{Holder, Opened};
pub(crate) use format::Token;
pub(crate) use rotation::{Reuse, Rules, Successor};

use crate::rows::{hash_text, mix};

/// Seconds an authorization code lives.
const CODE_LIFE: i64 = 30;
/// Seconds an access token lives.
pub(crate) const ACCESS_LIFE: i64 = 3600;
/// The window in which refreshes are counted for the block, in seconds.
const HOUR: i64 = 3600;

/// Index into the chains.
type ChainId = usize;

#[derive(Clone)]
struct Code {
    holder: Arc<Holder>,
    expires_at: i64,
    /// The chain that it began.
    used: Option<ChainId>,
}

#[derive(Clone)]
struct Access {
    n: u64,
    chain: ChainId,
    issued_at: i64,
    expires_at: i64,
    dead: bool,
}

#[derive(Clone)]
struct Refresh {
    n: u64,
    chain: ChainId,
    issued_at: i64,
    expires_at: i64,
    spent_at: Option<i64>,
    /// Ended without being spent: a newer successor took its place.
    dead: bool,
    /// The access token issued with it.
    access: Token,
    /// The refresh tokens that were given for it.
    successors: Vec<Token>,
}

/// A pair just issued.
pub(crate) struct Pair {
    pub(crate) access: Token,
    pub(crate) refresh: Token,
    /// Unix seconds at which the access token ends.
    pub(crate) expires_at: i64,
    pub(crate) holder: Arc<Holder>,
}

/// What an access token is worth.
#[derive(Clone)]
pub(crate) enum Verdict {
    Alive { holder: Arc<Holder>, expires_at: i64 },
    Expired,
    Unknown,
}

/// What a code is worth, before it is used.
pub(crate) enum CodeState {
    Fresh(Arc<Holder>),
    Used(Arc<Holder>),
    Stale(Arc<Holder>),
}

/// Which chains a revocation means; `None` matches all.
pub(crate) struct Selection<'a> {
    pub(crate) user_id: Option<u64>,
    pub(crate) member_id: Option<&'a str>,
    pub(crate) client_id: Option<&'a str>,
}

/// All tokens ever issued since the start.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    issued: u64,
    chains: Vec<Chain>,
    codes: HashMap<Token, Code>,
    access: HashMap<Token, Access>,
    refresh: HashMap<Token, Refresh>,
    /// Moments of the last hour's refreshes, by portal and application.
    hour: HashMap<(usize, String), VecDeque<i64>>,
}

impl Ledger {
    /// A user allowed the application: a single-use code.
    pub(crate) fn consent(&mut self, holder: Holder, now: i64) -> Token {
        let expires_at = now + CODE_LIFE;
        let code = Token::mint(expires_at, owner(&holder), holder.user_id);
        self.codes.insert(code, Code { holder: Arc::new(holder), expires_at, used: None });
        code
    }

    /// What a code is worth now.
    pub(crate) fn code(&self, code: &Token, now: i64) -> Option<CodeState> {
        let found = self.codes.get(code)?;
        let holder = Arc::clone(&found.holder);
        Some(match found.used {
            Some(_) => CodeState::Used(holder),
            None if found.expires_at <= now => CodeState::Stale(holder),
            None => CodeState::Fresh(holder),
        })
    }

    /// Turns a code into the first pair of a new chain; `None` is `invalid_grant`. With [`Reuse::Family`] a code
    /// that comes again ends the chain that it began.
    pub(crate) fn exchange(&mut self, code: &Token, now: i64, rules: Rules) -> Option<Pair> {
        let found = self.codes.get_mut(code)?;
        if let Some(chain) = found.used {
            if rules.reuse == Reuse::Family {
                self.chains[chain].revoked = true;
            }
            return None;
        }
        if found.expires_at <= now {
            return None;
        }
        let chain = self.chains.len();
        found.used = Some(chain);
        self.chains.push(Chain::new(Arc::clone(&found.holder), Opened::Consent, now));
        Some(self.issue(chain, now, rules.refresh_life))
    }

    /// Begins a chain without a code.
    pub(crate) fn open(&mut self, holder: Holder, opened: Opened, now: i64, life: i64) -> Pair {
        self.chains.push(Chain::new(Arc::new(holder), opened, now));
        self.issue(self.chains.len() - 1, now, life)
    }

    /// Who a refresh token was issued to, dead or alive.
    pub(crate) fn holder(&self, refresh: &Token) -> Option<Arc<Holder>> {
        let entry = self.refresh.get(refresh)?;
        self.chains.get(entry.chain).map(|chain| Arc::clone(&chain.holder))
    }

    /// What an access token is worth at the authorization server.
    pub(crate) fn check(&self, access: &Token, now: i64) -> Verdict {
        let Some(found) = self.access.get(access) else { return Verdict::Unknown };
        let chain = &self.chains[found.chain];
        if found.dead || chain.revoked {
            Verdict::Unknown
        } else if found.expires_at <= now {
            Verdict::Expired
        } else {
            Verdict::Alive { holder: Arc::clone(&chain.holder), expires_at: found.expires_at }
        }
    }

    /// Counts a refresh attempt of an application on a portal; `false` when the hour has had more than `limit`.
    pub(crate) fn count_refresh(&mut self, holder: &Holder, now: i64, limit: u32) -> bool {
        let moments = self.hour.entry((holder.portal, holder.client_id.clone())).or_default();
        moments.retain(|&at| now - at < HOUR);
        let fits = moments.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        // Refused ones do not count: the block must end once the hour is over.
        if fits {
            moments.push_back(now);
        }
        fits
    }

    /// Whether an application has used up a portal's hour.
    pub(crate) fn is_blocked(&self, holder: &Holder, now: i64, limit: u32) -> bool {
        let key = (holder.portal, holder.client_id.clone());
        self.hour.get(&key).is_some_and(|moments| {
            moments.iter().filter(|&&at| now - at < HOUR).count()
                >= usize::try_from(limit).unwrap_or(usize::MAX)
        })
    }

    /// Kills the chains that match; says how many were alive.
    pub(crate) fn revoke(&mut self, selection: &Selection<'_>) -> usize {
        let matching = self.chains.iter_mut().filter(|chain| {
            !chain.revoked
                && selection.user_id.is_none_or(|wanted| wanted == chain.holder.user_id)
                && selection.member_id.is_none_or(|wanted| wanted == chain.holder.member_id)
                && selection.client_id.is_none_or(|wanted| wanted == chain.holder.client_id)
        });
        matching.map(|chain| chain.revoked = true).count()
    }

    fn issue(&mut self, chain: ChainId, now: i64, refresh_life: i64) -> Pair {
        let holder = Arc::clone(&self.chains[chain].holder);
        let owner = owner(&holder);
        let expires_at = now + ACCESS_LIFE;
        let access = Token::mint(expires_at, owner, holder.user_id);
        let refresh = Token::mint(now + refresh_life, owner, holder.user_id);
        let n = self.issued;
        self.issued += 2;
        self.access.insert(access, Access { n, chain, issued_at: now, expires_at, dead: false });
        let entry = Refresh {
            n: n + 1,
            chain,
            issued_at: now,
            expires_at: now + refresh_life,
            spent_at: None,
            dead: false,
            access,
            successors: Vec::new(),
        };
        self.refresh.insert(refresh, entry);
        Pair { access, refresh, expires_at, holder }
    }
}

/// The part of a token that stays the same for one portal and application.
fn owner(holder: &Holder) -> [u8; 8] {
    mix(hash_text(&holder.member_id), hash_text(&holder.client_id)).to_be_bytes()
}
