//! What readers are given. A generation counts pairs; no reader may see it go back, or see one number
//! on two pairs, whatever the database forgets.

use crate::{
    config::Config,
    protocol::Action,
    state::{Node, Seen, State},
};

/// What readers can do in `state`.
pub(crate) fn possible(config: &Config, state: &State, actions: &mut Vec<Action>) {
    for (node, seen) in (0..).zip(&state.seen) {
        let news =
            seen.lineage != state.store.pair.lineage || seen.generation != state.store.generation;
        // A node hands in what it has before it believes the store.
        let told =
            !state.spool.iter().any(|record| record.node == node && state.wants_in(config, record));
        if news && told {
            actions.push(Action::Look(node));
        }
    }
    for (index, record) in state.spool.iter().enumerate() {
        if record.pending && state.seen[usize::from(record.node)].lineage == record.parent {
            actions.push(Action::LookInSpool(index));
        }
    }
}

impl State {
    pub(crate) fn look(&mut self, config: &Config, node: Node) {
        let before = self.seen[usize::from(node)];
        let same = before.lineage == self.store.pair.lineage;
        let behind = if same {
            self.store.generation < before.generation
        } else {
            self.store.generation <= before.generation
        };
        if behind && config.protocol.raises_generation {
            self.store.generation = before.generation + u8::from(!same);
        }
        let now = Seen { generation: self.store.generation, lineage: self.store.pair.lineage };
        self.broken.went_back |= now.generation < before.generation
            || (now.generation == before.generation && now.lineage != before.lineage);
        self.seen[usize::from(node)] = now;
    }

    pub(crate) fn look_in_spool(&mut self, index: usize) {
        let record = self.spool[index];
        let seen = &mut self.seen[usize::from(record.node)];
        seen.generation += 1;
        seen.lineage = record.pair.lineage;
    }
}
