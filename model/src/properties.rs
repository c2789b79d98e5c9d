//! What must hold in every state, and how a run can end.

use stateright::Property;

use crate::{
    Rotation,
    config::Config,
    state::{Attempt, Chain, State, Step},
};

/// A loss is avoidable if the living token was ever received by a process that stayed alive, or was
/// spooled, or was revoked by a send of ours while we held it.
pub const NO_AVOIDABLE_LOSS: &str = "no avoidable loss";
/// Readers count upwards.
pub const GENERATIONS: &str = "a generation never goes back for a reader";
/// The first rule of rotation, but for the gap between confirmation and write.
pub const ONE_WRITER: &str = "no write begins after a later attempt has been acquired";
/// A chain is given up only when nobody holds a token that lives.
pub const DEATH: &str = "a chain is dead only if its token is";

/// Not a property but a question: can an attempt between its confirmation and its write be overtaken?
pub const GAP: &str = "an attempt in the gap is overtaken";

/// All of them.
#[must_use]
pub fn all() -> Vec<Property<Rotation>> {
    vec![
        Property::always(NO_AVOIDABLE_LOSS, |model: &Rotation, state: &State| {
            model.first(0, !avoidable_loss(state))
        }),
        Property::always(GENERATIONS, |model: &Rotation, state: &State| {
            model.first(1, !state.broken.went_back)
        }),
        Property::always(ONE_WRITER, |model: &Rotation, state: &State| {
            model.first(2, !state.broken.overtaken_write)
        }),
        Property::always(DEATH, |model: &Rotation, state: &State| {
            model.first(3, rightly_dead(state))
        }),
        Property::sometimes(GAP, |model: &Rotation, state: &State| {
            overtaken_in_gap(state) && !model.first(4, false)
        }),
        // Never found: with it in the list every state is visited, whatever else is found.
        Property::sometimes("all states are visited", |_, _| false),
    ]
}

/// Whether one chain's living tokens are all beyond our reach.
fn lost(state: &State, chain: u8) -> bool {
    let live = state.server.live.of(chain);
    !live.is_empty() && !live.iter().any(|token| state.holds(token))
}

fn lost_though_owed(state: &State, chain: u8) -> bool {
    lost(state, chain) && state.server.live.of(chain).iter().any(|token| state.owed.has(token))
}

fn avoidable_loss(state: &State) -> bool {
    state.broken.revoked_ours || lost_though_owed(state, 0) || lost_though_owed(state, 1)
}

fn rightly_dead(state: &State) -> bool {
    let chain = state.store.pair.token.chain;
    state.store.chain != Chain::Dead
        || !state.server.live.of(chain).iter().any(|token| state.holds(token))
}

fn overtaken_in_gap(state: &State) -> bool {
    let confirmed = |attempt: &Attempt| matches!(attempt.step, Step::Confirmed { .. });
    state.attempts.iter().rev().skip(1).any(confirmed)
}

/// How the grant's first chain stands when nothing more can happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// All of them.
    pub all: usize,
    /// The store has the living token.
    pub kept: usize,
    /// A spool or the table of orphans has it: the bound on attempts came first.
    pub held: usize,
    /// Lost, and nobody could have kept it: the answer reached no process that stayed alive.
    pub unavoidable: usize,
    /// Lost by us, be it a spare.
    pub avoidable: usize,
    /// Revoked while we held the living token.
    pub revoked: usize,
    /// Given up although a token lives.
    pub falsely_dead: usize,
    /// Neither given up nor free, though more attempts were allowed.
    pub stuck: usize,
}

impl Ends {
    /// Counts one end.
    pub fn count(&mut self, config: &Config, state: &State) {
        let live = state.server.live.of(0);
        let room = state.attempts.len() < usize::from(config.attempts);
        self.all += 1;
        self.stuck += usize::from(room && state.store.chain != Chain::Dead);
        *(if state.broken.revoked_ours {
            &mut self.revoked
        } else if lost_though_owed(state, 0) || lost_though_owed(state, 1) {
            &mut self.avoidable
        } else if live.is_empty() || lost(state, 0) {
            &mut self.unavoidable
        } else if !rightly_dead(state) {
            &mut self.falsely_dead
        } else if live.iter().any(|token| state.store.pair.token == token) {
            &mut self.kept
        } else {
            &mut self.held
        }) += 1;
    }

    /// Those that we have to answer for.
    #[must_use]
    pub fn ours(&self) -> usize {
        self.avoidable + self.revoked + self.falsely_dead
    }
}
