//! Telling others that a grant has changed, once the change is durable.

use std::{
    collections::{BTreeMap, HashMap},
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
pub(super) struct Listeners {
    pending: Mutex<Vec<Weak<Pending>>>,
    /// The last status of each grant that was told of.
    told: Mutex<HashMap<GrantId, Status>>,
}

impl Listeners {
    pub(super) fn subscribe(&self) -> Changes {
        let pending = Arc::new(Pending::default());
        let mut listeners = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&pending));
        Changes(pending)
    }

    /// Whether listeners have not heard of this status. A grant of which nothing was told is active.
    pub(super) fn is_news(&self, grant: GrantId, status: Status) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told.get(&grant).unwrap_or(&Status::Active) != status
    }

    pub(super) fn tell(&self, change: Change) {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(change.grant, change.status);
        let listeners = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn a_status_is_news_once() {
        let listeners = Listeners::default();
        assert!(!listeners.is_news(1, Status::Active));
        assert!(listeners.is_news(1, Status::Suspended));
        listeners.tell(Change { status: Status::Suspended, ..change(1, 5) });
        assert!(!listeners.is_news(1, Status::Suspended));
        assert!(listeners.is_news(1, Status::Active));
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
