//! The rotation protocol as a model, and a check of every order in which its steps and faults can fall.
//!
//! Read [`guards`] and [`protocol`] first: they are the protocol. [`server`] is what it deals with, [`config`]
//! names the faults and the rules, [`properties`] says what must hold. [`scenarios`] are the runs, [`check`]
//! runs them, [`report`] prints them.

pub mod check;
pub mod config;
pub mod guards;
pub mod properties;
pub mod protocol;
mod readers;
pub mod report;
pub mod scenarios;
pub mod server;
pub mod state;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use stateright::{Model, Property};

use crate::{config::Config, properties::Ends, protocol::Action, state::State};

/// A configuration, and what its check notes on the way.
pub struct Rotation {
    config: Config,
    notes: Arc<Notes>,
}

/// What the checker does not count by itself.
#[derive(Default)]
struct Notes {
    found: [AtomicBool; 5],
    ends: Mutex<(HashSet<u64>, Ends)>,
}

impl Rotation {
    /// Reports a property's failure once: the first is the shortest, breadth first.
    fn first(&self, property: usize, holds: bool) -> bool {
        holds || self.notes.found[property].swap(true, Ordering::Relaxed)
    }

    /// Counts a state from which nothing is possible, once.
    fn ends(&self, state: &State) {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let mut ends = self.notes.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.0.insert(hasher.finish()) {
            ends.1.count(&self.config, state);
        }
    }
}

impl Model for Rotation {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.config)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        guards::possible(&self.config, state, actions);
        if actions.is_empty() {
            self.ends(state);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(protocol::after(&self.config, state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
