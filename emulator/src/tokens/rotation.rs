//! What happens when a refresh token is spent, and when it comes a second time.

use std::sync::Arc;

use super::{Ledger, Pair, Token};

/// What a server does with a refresh token that was spent before (RFC 9700, 4.14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Refuses it.
    Strict,
    /// Takes it for a while.
    Grace(Successor),
    /// Refuses it and revokes the whole chain.
    Family,
}

/// What a repetition within the grace period gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Successor {
    /// The pair of the first time.
    Same,
    /// Another pair; the earlier ones go on.
    New,
    /// Another pair; the earlier ones end.
    Newest,
}

/// The rules of one portal at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) reuse: Reuse,
    /// Seconds of grace.
    pub(crate) window: i64,
    /// Whether an access token ends with its refresh token.
    pub(crate) old_dies: bool,
    /// Seconds a new refresh token lives.
    pub(crate) refresh_life: i64,
}

impl Ledger {
    /// Spends a refresh token of `client_id`; `None` is `invalid_grant`.
    pub(crate) fn rotate(
        &mut self,
        token: &Token,
        client_id: &str,
        now: i64,
        rules: Rules,
    ) -> Option<Pair> {
        let found = self.refresh.get(token)?;
        let chain = self.chains.get_mut(found.chain)?;
        if chain.holder.client_id != client_id {
            return None;
        }
        if found.spent_at.is_some() {
            chain.reuses += 1;
        }
        if found.dead || chain.revoked || found.expires_at <= now {
            return None;
        }
        match found.spent_at {
            None => Some(self.spend(token, now, rules)),
            Some(spent_at) => self.repeat(token, spent_at, now, rules),
        }
    }

    fn spend(&mut self, token: &Token, now: i64, rules: Rules) -> Pair {
        let chain = self.refresh[token].chain;
        let access = self.refresh[token].access;
        if rules.old_dies
            && let Some(old) = self.access.get_mut(&access)
        {
            old.dead = true;
        }
        if let Some(spent) = self.refresh.get_mut(token) {
            spent.spent_at = Some(now);
        }
        self.chains[chain].refreshes += 1;
        self.succeed(token, now, rules)
    }

    /// A spent token came again.
    fn repeat(&mut self, token: &Token, spent_at: i64, now: i64, rules: Rules) -> Option<Pair> {
        let Reuse::Grace(successor) = rules.reuse else {
            if rules.reuse == Reuse::Family {
                let chain = self.refresh[token].chain;
                self.chains[chain].revoked = true;
            }
            return None;
        };
        if now - spent_at > rules.window {
            return None;
        }
        match successor {
            Successor::Same => self.first_successor(token),
            Successor::New => Some(self.succeed(token, now, rules)),
            Successor::Newest => {
                self.end_successors(token);
                Some(self.succeed(token, now, rules))
            }
        }
    }

    /// Issues a pair and notes whose successor it is.
    fn succeed(&mut self, token: &Token, now: i64, rules: Rules) -> Pair {
        let chain = self.refresh[token].chain;
        self.chains[chain].remember(now);
        let pair = self.issue(chain, now, rules.refresh_life);
        if let Some(spent) = self.refresh.get_mut(token) {
            spent.successors.push(pair.refresh);
        }
        pair
    }

    fn first_successor(&self, token: &Token) -> Option<Pair> {
        let refresh = *self.refresh.get(token)?.successors.first()?;
        let entry = self.refresh.get(&refresh)?;
        let access = self.access.get(&entry.access)?;
        Some(Pair {
            access: entry.access,
            refresh,
            expires_at: access.expires_at,
            holder: Arc::clone(&self.chains[entry.chain].holder),
        })
    }

    /// Ends all that came of a token, however far it went on.
    fn end_successors(&mut self, token: &Token) {
        let mut parents = vec![*token];
        while let Some(parent) = parents.pop() {
            let Some(spent) = self.refresh.get_mut(&parent) else { continue };
            for refresh in std::mem::take(&mut spent.successors) {
                let Some(ended) = self.refresh.get_mut(&refresh) else { continue };
                ended.dead = true;
                let access = ended.access;
                if let Some(access) = self.access.get_mut(&access) {
                    access.dead = true;
                }
                parents.push(refresh);
            }
        }
    }
}
