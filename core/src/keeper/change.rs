//! Telling others that a grant has changed, once the change is durable.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::store::{GrantId, Status};

/// A grant has another pair or another status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The grant.
    pub grant: GrantId,
    /// Its generation now.
    pub generation: i64,
    /// Its status now.
    pub status: Status,
}

/// Changes, for one listener. Those that it has not taken yet are held, the latest of each grant, so
/// that a slow or failing listener misses no state.
pub struct Changes(Arc<Pending>);

#[derive(Default)]
struct Pending {
    changes: Mutex<BTreeMap<GrantId, Change>>,
    news: Notify,
}

impl Changes {
    /// The next change; waits for it.
    pub async fn next(&self) -> Change {
        loop {
            if let Some(change) = self.try_next() {
                return change;
            }
            self.0.news.notified().await;
        }
    }

    /// The next change, if there is one.
    #[must_use]
    pub fn try_next(&self) -> Option<Change> {
        let mut changes = self.0.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.pop_first().map(|(_, change)| change)
    }

    /// Puts a change back that its handler failed on, unless there is a newer one.
    pub fn give_back(&self, change: Change) {
        let mut changes = self.0.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.entry(change.grant).or_insert(change);
    }
}

/// The listeners of one process.
#[derive(Default)]
pub(super) struct Listeners(Mutex<Vec<Weak<Pending>>>);

impl Listeners {
    pub(super) fn subscribe(&self) -> Changes {
        let pending = Arc::new(Pending::default());
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&pending));
        Changes(pending)
    }

    pub(super) fn tell(&self, change: Change) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            let mut changes = listener.changes.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = changes.entry(change.grant).or_insert(change);
            if change.generation >= newest.generation {
                *newest = change;
            }
            listener.news.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(grant: GrantId, generation: i64) -> Change {
        Change { grant, generation, status: Status::Active }
    }

    #[tokio::test]
    async fn a_slow_listener_sees_the_latest_of_each_grant() {
        let listeners = Listeners::default();
        let changes = listeners.subscribe();
        for generation in 1..=1000 {
            listeners.tell(change(1, generation));
        }
        listeners.tell(change(2, 5));
        assert_eq!(changes.next().await, change(1, 1000));
        changes.give_back(change(1, 1000));
        assert_eq!(changes.next().await, change(1, 1000), "its handler failed");
        changes.give_back(change(1, 1000));
        listeners.tell(change(1, 1001));
        assert_eq!(changes.next().await, change(1, 1001), "the newer one holds");
        assert_eq!(changes.next().await, change(2, 5));
        assert_eq!(changes.try_next(), None);
        drop(changes);
        listeners.tell(change(3, 1));
    }
}
