//! What has happened, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::rest::METHODS;
use crate::sync::Lock;

/// One number.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }
}

/// Error answers by code.
#[derive(Default)]
pub(crate) struct Errors(Lock<BTreeMap<String, u64>>);

impl Errors {
    pub(crate) fn add(&self, code: &str) {
        *self.0.get().entry(code.to_owned()).or_default() += 1;
    }

    fn to_json(&self) -> Value {
        json!(*self.0.get())
    }
}

/// All counters.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) codes_issued: Counter,
    /// Codes exchanged for a pair.
    pub(crate) exchanges: Counter,
    /// Refresh tokens exchanged for a pair.
    pub(crate) refreshes: Counter,
    pub(crate) authorization_errors: Errors,
    /// REST requests over HTTP, whatever their answer.
    pub(crate) requests: Counter,
    /// Those that the leaky bucket refused.
    pub(crate) limited: Counter,
    /// Commands run inside batches.
    pub(crate) commands: Counter,
    pub(crate) portal_errors: Errors,
    methods: PerMethod,
}

/// All numbers at one moment.
pub(crate) struct CountersCopy {
    numbers: Vec<u64>,
    authorization_errors: BTreeMap<String, u64>,
    portal_errors: BTreeMap<String, u64>,
}

/// One counter for each entry of the method table.
struct PerMethod(Vec<Counter>);

impl Default for PerMethod {
    fn default() -> Self {
        Self(METHODS.iter().map(|_| Counter::default()).collect())
    }
}

impl Counters {
    /// A method ran, alone or inside a batch.
    pub(crate) fn method(&self, index: usize) {
        if let Some(counter) = self.methods.0.get(index) {
            counter.add();
        }
    }

    pub(crate) fn reset(&self) {
        self.numbers().for_each(|counter| counter.set(0));
        self.authorization_errors.0.get().clear();
        self.portal_errors.0.get().clear();
    }

    /// All numbers at this moment, for a snapshot.
    pub(crate) fn copy(&self) -> CountersCopy {
        CountersCopy {
            numbers: self.numbers().map(Counter::get).collect(),
            authorization_errors: self.authorization_errors.0.get().clone(),
            portal_errors: self.portal_errors.0.get().clone(),
        }
    }

    pub(crate) fn restore(&self, copy: &CountersCopy) {
        self.numbers().zip(&copy.numbers).for_each(|(counter, number)| counter.set(*number));
        self.authorization_errors.0.get().clone_from(&copy.authorization_errors);
        self.portal_errors.0.get().clone_from(&copy.portal_errors);
    }

    fn numbers(&self) -> impl Iterator<Item = &Counter> {
        [
            &self.codes_issued,
            &self.exchanges,
            &self.refreshes,
            &self.requests,
            &self.limited,
            &self.commands,
        ]
        .into_iter()
        .chain(&self.methods.0)
    }

    pub(crate) fn to_json(&self) -> Value {
        let methods: Map<String, Value> = METHODS
            .iter()
            .zip(&self.methods.0)
            .filter(|(_, counter)| counter.get() > 0)
            .map(|(method, counter)| (method.name.to_owned(), counter.get().into()))
            .collect();
        json!({
            "authorization": {
                "codes_issued": self.codes_issued.get(),
                "exchanges": self.exchanges.get(),
                "refreshes": self.refreshes.get(),
                "errors": self.authorization_errors.to_json(),
            },
            "portal": {
                "requests": self.requests.get(),
                "limited": self.limited.get(),
                "commands": self.commands.get(),
                "methods": methods,
                "errors": self.portal_errors.to_json(),
            },
        })
    }
}
