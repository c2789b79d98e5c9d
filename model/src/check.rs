//! Runs a configuration to the end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use stateright::{Checker, HasDiscoveries, Model};

use crate::{
    Notes, Rotation,
    config::Config,
    properties::{Ends, GAP},
    protocol::Action,
    scenarios::Scenario,
    state::State,
};

/// What a run has shown.
#[derive(Debug)]
pub struct Outcome {
    /// Different states.
    pub states: usize,
    /// How they end.
    pub ends: Ends,
    /// Properties that do not hold.
    pub broken: Vec<&'static str>,
    /// Whether an attempt in the gap between confirmation and write can be overtaken.
    pub gap: bool,
}

/// A way to a state.
#[derive(Debug)]
pub struct Trace {
    /// Where it begins.
    pub start: State,
    /// What happens, and what it leads to.
    pub steps: Vec<(Action, State)>,
}

/// Visits every state of `config`.
#[must_use]
pub fn check(config: Config) -> Outcome {
    let notes = Arc::new(Notes::default());
    let run = Rotation { config, notes: Arc::clone(&notes) }.checker().spawn_dfs().join();
    let mut broken: Vec<_> = run.discoveries().into_keys().collect();
    let found = broken.len();
    broken.retain(|property| *property != GAP);
    broken.sort_unstable();
    let ends = notes.ends.lock().unwrap_or_else(PoisonError::into_inner).1;
    Outcome { states: run.unique_state_count(), ends, gap: broken.len() < found, broken }
}

/// Runs all of `scenarios`, two at a time.
#[must_use]
pub fn check_all(scenarios: &[Scenario]) -> Vec<(Scenario, Outcome)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(index) else { break };
            let outcome = check(scenario.config);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, (*scenario, outcome));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// The shortest way to a state where `property` does not hold, or nothing.
#[must_use]
pub fn counterexample(config: Config, property: &'static str) -> Option<Trace> {
    let model = Rotation { config, notes: Arc::default() };
    let found = HasDiscoveries::AnyOf([property].into());
    let run = model.checker().finish_when(found).spawn_bfs().join();
    let mut path = run.discovery(property)?.into_vec().into_iter();
    let (start, mut action) = path.next()?;
    let mut steps = Vec::new();
    for (state, next) in path {
        steps.extend(action.map(|action| (action, state)));
        action = next;
    }
    Some(Trace { start, steps })
}
