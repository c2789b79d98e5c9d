//! Tokens that this process has, for readers who must not wait.

use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use papaya::HashMap;

use crate::{Error, Result, Secret, store::GrantId};

/// An access token and what a reader needs beside it.
#[derive(Clone)]
pub struct Token {
    /// The grant it belongs to.
    pub grant: GrantId,
    /// The token itself.
    pub access_token: Secret,
    /// When it dies, in Unix seconds.
    pub expires_at: i64,
    /// Counts the pairs of this grant; never goes back.
    pub generation: i64,
    /// REST base of the portal, ends in a slash.
    pub client_endpoint: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose rights it carries; 0 if the vendor did not say.
    pub user_id: i64,
    /// Granted scopes.
    pub scope: Vec<String>,
}

/// What a reader wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    /// A token that lives at least this many seconds more.
    Life(i64),
    /// A token newer than this generation.
    NewerThan(i64),
}

impl Need {
    pub(super) fn is_met_by(self, token: &Token, now: i64) -> bool {
        match self {
            Need::Life(seconds) => token.expires_at.saturating_sub(now) >= seconds,
            Need::NewerThan(generation) => token.generation > generation,
        }
    }
}

/// A reader that always asked for nearly an hour would rotate at every read.
pub(crate) fn check_min_ttl(min_ttl: i64) -> Result<()> {
    if (0..=3000).contains(&min_ttl) {
        return Ok(());
    }
    Err(Error::invalid_input("min_ttl", "min_ttl must lie between 0 and 3000 seconds")
        .with("min_ttl", min_ttl.to_string()))
}

/// A token with the time when it was last asked for.
struct Entry {
    token: Arc<Token>,
    read_at: AtomicI64,
}

/// The newest token of each grant. Reading takes no lock and allocates nothing; a forked child may
/// go on reading, too.
#[derive(Default)]
pub(super) struct Tokens(HashMap<GrantId, Entry, BuildHasherDefault<Spread>>);

/// Spreads the numbers that stores give, one after the other; nobody chooses them.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64(i64::from(*byte));
        }
    }

    fn write_i64(&mut self, number: i64) {
        // The product's upper half mixes all digits into all; the golden ratio's leave no pattern.
        let product = u128::from(self.0 ^ number.cast_unsigned()) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Tokens {
    /// The grant's token if it meets `need`.
    pub(super) fn find(&self, grant: GrantId, need: Need, now: i64) -> Option<Arc<Token>> {
        let tokens = self.0.pin();
        let entry = tokens.get(&grant).filter(|entry| need.is_met_by(&entry.token, now))?;
        // Written once a second, so that readers on other cores keep the line.
        if entry.read_at.load(Ordering::Relaxed) != now {
            entry.read_at.store(now, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.token))
    }

    pub(super) fn any(&self, grant: GrantId) -> Option<Arc<Token>> {
        self.0.pin().get(&grant).map(|entry| Arc::clone(&entry.token))
    }

    /// Keeps the newest token: what readers were given never goes back.
    pub(super) fn remember(&self, token: Token, now: i64) -> Arc<Token> {
        let token = Arc::new(token);
        let entry = |token: &Arc<Token>, read_at| Entry {
            token: Arc::clone(token),
            read_at: AtomicI64::new(read_at),
        };
        let tokens = self.0.pin();
        let kept = tokens.update_or_insert_with(
            token.grant,
            |known| {
                // One that is dead serves nobody: after a rollback the store's number counts.
                let is_newer = token.generation > known.token.generation
                    || known.token.expires_at <= now && token.expires_at > now;
                let newest = if is_newer { &token } else { &known.token };
                entry(newest, known.read_at.load(Ordering::Relaxed))
            },
            || entry(&token, now),
        );
        Arc::clone(&kept.token)
    }

    /// The grants whose token was read at or after `since` and dies within its `margin`.
    pub(super) fn wanted(
        &self,
        since: i64,
        dies_soon: impl Fn(&Token) -> bool,
    ) -> Vec<(GrantId, i64)> {
        let tokens = self.0.pin();
        tokens
            .iter()
            .filter(|(_, entry)| entry.read_at.load(Ordering::Relaxed) >= since)
            .filter(|(_, entry)| dies_soon(&entry.token))
            .map(|(grant, entry)| (*grant, entry.token.generation))
            .collect()
    }

    /// The generations that this process has of the grants it knows.
    pub(super) fn generation(&self, grant: GrantId) -> Option<i64> {
        self.0.pin().get(&grant).map(|entry| entry.token.generation)
    }
}
