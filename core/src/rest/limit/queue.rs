//! Who goes next: the more urgent first, callers in turn, each caller's calls in their order.

use std::collections::{HashMap, VecDeque};

use super::Priority;

/// After so many urgent ones in a row, one that is not urgent goes.
const PATIENCE: u32 = 9;

#[derive(Debug)]
pub(crate) struct Queue<T> {
    interactive: Lane<T>,
    bulk: Lane<T>,
    /// Urgent ones that went while others waited.
    overtaken: u32,
}

/// Callers in turn.
#[derive(Debug)]
struct Lane<T> {
    turns: VecDeque<u64>,
    waiting: HashMap<u64, VecDeque<T>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { interactive: Lane::default(), bulk: Lane::default(), overtaken: 0 }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new() }
    }
}

impl<T> Queue<T> {
    pub(crate) fn push(&mut self, priority: Priority, caller: u64, item: T) {
        match priority {
            Priority::Interactive => self.interactive.push(caller, item),
            Priority::Bulk => self.bulk.push(caller, item),
        }
    }

    /// Before the others of its caller: it had its turn, and came back.
    pub(crate) fn push_again(&mut self, priority: Priority, caller: u64, item: T) {
        match priority {
            Priority::Interactive => self.interactive.push_again(caller, item),
            Priority::Bulk => self.bulk.push_again(caller, item),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let starves = !self.bulk.is_empty() && self.overtaken >= PATIENCE;
        if !starves && let Some(item) = self.interactive.pop() {
            self.overtaken = if self.bulk.is_empty() { 0 } else { self.overtaken + 1 };
            return Some(item);
        }
        self.overtaken = 0;
        self.bulk.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.bulk.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        let count = |lane: &Lane<T>| lane.waiting.values().map(VecDeque::len).sum::<usize>();
        count(&self.interactive) + count(&self.bulk)
    }

    /// Lets go of those that wait no longer.
    pub(crate) fn retain(&mut self, mut waits: impl FnMut(&T) -> bool) {
        self.interactive.retain(&mut waits);
        self.bulk.retain(&mut waits);
    }
}

impl<T> Lane<T> {
    fn push(&mut self, caller: u64, item: T) {
        self.of(caller).push_back(item);
    }

    fn push_again(&mut self, caller: u64, item: T) {
        self.of(caller).push_front(item);
    }

    /// What waits of a caller, who gets a turn.
    fn of(&mut self, caller: u64) -> &mut VecDeque<T> {
        let waiting = self.waiting.entry(caller).or_default();
        if waiting.is_empty() {
            self.turns.push_back(caller);
        }
        waiting
    }

    fn pop(&mut self) -> Option<T> {
        let caller = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&caller)?;
        let item = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&caller);
        } else {
            self.turns.push_back(caller);
        }
        item
    }

    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn retain(&mut self, waits: &mut impl FnMut(&T) -> bool) {
        self.waiting.retain(|_, items| {
            items.retain(&mut *waits);
            !items.is_empty()
        });
        self.turns.retain(|caller| self.waiting.contains_key(caller));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Bulk, Interactive};

    fn drain(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn callers_take_turns_and_keep_their_order() {
        let mut queue = Queue::default();
        for (caller, item) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (3, "c1"), (2, "b2")] {
            queue.push(Bulk, caller, item);
        }
        queue.push(Interactive, 4, "first");
        assert_eq!(queue.len(), 7);
        assert_eq!(drain(&mut queue), ["first", "a1", "b1", "c1", "a2", "b2", "a3"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn who_comes_back_goes_before_the_others_of_its_caller() {
        let mut queue = Queue::default();
        for (caller, item) in [(1, "a2"), (1, "a3"), (2, "b1")] {
            queue.push(Bulk, caller, item);
        }
        queue.push_again(Bulk, 1, "a1");
        queue.push_again(Bulk, 3, "c1");
        assert_eq!(drain(&mut queue), ["a1", "b1", "c1", "a2", "a3"]);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut queue = Queue::default();
        queue.push(Bulk, 1, "bulk");
        for _ in 0..30 {
            queue.push(Interactive, 2, "urgent");
        }
        let order = drain(&mut queue);
        assert_eq!(order.iter().position(|item| *item == "bulk"), Some(9));
    }

    #[test]
    fn who_left_is_forgotten() {
        let mut queue = Queue::default();
        for (caller, item) in [(1, "stays"), (1, "left"), (2, "left")] {
            queue.push(Bulk, caller, item);
        }
        queue.retain(|item| *item == "stays");
        queue.push(Bulk, 2, "back");
        assert_eq!(drain(&mut queue), ["stays", "back"]);
    }
}
