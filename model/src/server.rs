//! The authorization server: who lives, who is refused, who dies of a token spent twice.

use std::fmt;

/// A refresh token: the `index`-th of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// 0 is the chain that the grant began with, 1 a consent of its own.
    pub chain: u8,
    /// 0 is the token that the consent brought.
    pub index: u8,
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", if self.chain == 0 { 'R' } else { 'S' }, self.index)
    }
}

/// A set of tokens, up to eight of each chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tokens(u16);

impl Tokens {
    fn bit(token: Token) -> u16 {
        debug_assert!(token.index < 8, "eight tokens a chain");
        1 << (token.chain * 8 + token.index)
    }

    /// Whether `token` is in it.
    #[must_use]
    pub fn has(self, token: Token) -> bool {
        self.0 & Self::bit(token) != 0
    }

    /// Puts `token` in.
    pub fn insert(&mut self, token: Token) {
        self.0 |= Self::bit(token);
    }

    /// Takes `token` out.
    pub fn remove(&mut self, token: Token) {
        self.0 &= !Self::bit(token);
    }

    /// The tokens of `chain`.
    #[must_use]
    pub fn of(self, chain: u8) -> Self {
        Self(self.0 & (0xff << (chain * 8)))
    }

    /// Without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Token> {
        (0..16_u8)
            .filter(move |bit| self.0 & (1 << bit) != 0)
            .map(|bit| Token { chain: bit / 8, index: bit % 8 })
    }
}

/// What a server does with a token that was spent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Refuses it.
    Strict,
    /// Answers the predecessor of the newest token with that newest token again.
    SameSuccessor,
    /// Answers the predecessor of the newest token with one more successor; both live.
    AnySuccessor,
    /// The same, but only the newest successor lives.
    NewestSuccessor,
    /// Takes it for theft: refuses it and revokes the whole chain.
    Family,
}

impl Manner {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Strict,
        Self::SameSuccessor,
        Self::AnySuccessor,
        Self::NewestSuccessor,
        Self::Family,
    ];

    /// As the table names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::SameSuccessor => "grace, same successor",
            Self::AnySuccessor => "grace, any successor",
            Self::NewestSuccessor => "grace, newest lives",
            Self::Family => "family",
        }
    }
}

/// What it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A new pair.
    Pair(Token),
    /// `invalid_grant`.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Chain {
    issued: u8,
    newest: u8,
    predecessor: Option<u8>,
}

/// The ground truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Every token that it would accept.
    pub live: Tokens,
    chains: [Chain; 2],
}

impl Server {
    /// Two chains, each with the token of its consent.
    #[must_use]
    pub fn new() -> Self {
        let mut live = Tokens::default();
        live.insert(Token { chain: 0, index: 0 });
        live.insert(Token { chain: 1, index: 0 });
        Self { live, chains: [Chain { issued: 1, newest: 0, predecessor: None }; 2] }
    }

    /// Meets `token`.
    pub fn serve(&mut self, manner: Manner, token: Token) -> Answer {
        let Token { chain, index } = token;
        if self.live.has(token) {
            self.live.remove(token);
            return self.issue(chain, index);
        }
        let newest = Token { chain, index: self.chains[usize::from(chain)].newest };
        let repeated =
            self.chains[usize::from(chain)].predecessor == Some(index) && self.live.has(newest);
        match manner {
            Manner::SameSuccessor if repeated => Answer::Pair(newest),
            Manner::AnySuccessor if repeated => self.issue(chain, index),
            Manner::NewestSuccessor if repeated => {
                self.live.remove(newest);
                self.issue(chain, index)
            }
            Manner::Family => {
                self.live = self.live.without(self.live.of(chain));
                Answer::Refused
            }
            _ => Answer::Refused,
        }
    }

    fn issue(&mut self, chain: u8, predecessor: u8) -> Answer {
        let line = &mut self.chains[usize::from(chain)];
        let token = Token { chain, index: line.issued };
        line.issued += 1;
        line.newest = token.index;
        line.predecessor = Some(predecessor);
        self.live.insert(token);
        Answer::Pair(token)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: [Token; 4] = [
        Token { chain: 0, index: 0 },
        Token { chain: 0, index: 1 },
        Token { chain: 0, index: 2 },
        Token { chain: 0, index: 3 },
    ];

    /// Spends the first token, then the first again: what is answered, and what lives.
    fn spent_twice(manner: Manner) -> (Answer, Vec<Token>) {
        let mut server = Server::new();
        assert_eq!(server.serve(manner, R[0]), Answer::Pair(R[1]));
        let answer = server.serve(manner, R[0]);
        (answer, server.live.of(0).iter().collect())
    }

    #[test]
    fn each_manner_treats_a_spent_token_its_own_way() {
        assert_eq!(spent_twice(Manner::Strict), (Answer::Refused, vec![R[1]]));
        assert_eq!(spent_twice(Manner::SameSuccessor), (Answer::Pair(R[1]), vec![R[1]]));
        assert_eq!(spent_twice(Manner::AnySuccessor), (Answer::Pair(R[2]), vec![R[1], R[2]]));
        assert_eq!(spent_twice(Manner::NewestSuccessor), (Answer::Pair(R[2]), vec![R[2]]));
        assert_eq!(spent_twice(Manner::Family), (Answer::Refused, vec![]));
    }

    #[test]
    fn grace_covers_the_last_step_alone() {
        for manner in Manner::ALL {
            let mut server = Server::new();
            server.serve(manner, R[0]);
            server.serve(manner, R[1]);
            assert_eq!(server.serve(manner, R[0]), Answer::Refused, "{manner:?}");
        }
    }

    #[test]
    fn another_consent_is_another_chain() {
        let mut server = Server::new();
        server.serve(Manner::Family, R[0]);
        server.serve(Manner::Family, R[0]);
        let other = Token { chain: 1, index: 0 };
        assert!(server.live.has(other) && server.live.of(0).is_empty());
    }
}
