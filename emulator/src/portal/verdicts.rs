//! What a self-hosted portal remembers of the authorization server's word on a token, good or bad.

use std::collections::HashMap;

use crate::tokens::{Token, Verdict};
use crate::world::World;

/// Verdicts that are kept; when they are more, all are forgotten.
const KEPT: usize = 100_000;

/// Verdicts and the unix second until which each is believed.
#[derive(Clone, Default)]
pub(crate) struct Verdicts(HashMap<Token, (Verdict, i64)>);

/// The authorization server's word on a token, fresh or remembered.
pub(super) fn ask(world: &World, token: &Token, now: i64) -> Verdict {
    let keep = world.settings.read().verdict_cache();
    if keep == 0 {
        return world.tokens.read().check(token, now);
    }
    let mut verdicts = world.verdicts.get();
    if let Some((verdict, until)) = verdicts.0.get(token)
        && *until > now
    {
        return verdict.clone();
    }
    let verdict = world.tokens.read().check(token, now);
    if verdicts.0.len() >= KEPT {
        verdicts.0.clear();
    }
    verdicts.0.insert(*token, (verdict.clone(), now + keep));
    verdict
}
