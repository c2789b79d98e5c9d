//! When each step may happen. Time is order: a lease, a pause or a horizon that is over is a condition on
//! what may still be under way. A process that does nothing for long is one whose steps come late.

use crate::{
    config::{Config, Horizon},
    protocol::Action,
    readers,
    server::{Answer, Token},
    state::{Attempt, AttemptId, Chain, Node, Reader, State, Step, Wire},
};

/// Tokens that a frame may post: the grant's first again, or another consent's.
const POSTED: [Token; 2] = [Token { chain: 0, index: 0 }, Token { chain: 1, index: 0 }];

/// Every action that is possible in `state`.
pub fn possible(config: &Config, state: &State, actions: &mut Vec<Action>) {
    // Nodes are alike: the first attempt may as well run on the first.
    let nodes: &[Node] = if state.attempts.is_empty() { &[0] } else { &[0, 1] };
    for &node in nodes {
        if may_begin(config, state) {
            actions.push(Action::Begin(node));
        }
        if may_take_over(config, state) {
            actions.push(Action::TakeOver(node));
        }
    }
    for (id, attempt) in state.attempts.iter().enumerate() {
        of_attempt(config, state, id, attempt, actions);
    }
    for (index, record) in state.spool.iter().enumerate() {
        if state.wants_in(config, record) {
            actions.push(Action::HandIn(index));
        }
    }
    if state.store.quarantined && everybody_heard(config, state, None) {
        actions.push(Action::Release);
    }
    if state.left.rollbacks > 0 && state.replica.is_none() {
        actions.push(Action::StopReplica);
    }
    if state.replica.as_ref().is_some_and(|replica| *replica != state.store) {
        actions.push(Action::FailOver);
    }
    if state.left.offers > 0 {
        actions.extend(
            POSTED.into_iter().filter(|&token| accepts(config, state, token)).map(Action::Offer),
        );
    }
    if config.readers {
        readers::possible(config, state, actions);
    }
}

fn of_attempt(
    config: &Config,
    state: &State,
    id: AttemptId,
    attempt: &Attempt,
    actions: &mut Vec<Action>,
) {
    let waits = attempt.wire == Wire::Request(Reader::Waits);
    match attempt.step {
        Step::Acquired if config.protocol.confirms => actions.push(Action::Confirm(id)),
        Step::Acquired | Step::Confirmed { .. } => actions.push(Action::Write(id)),
        Step::Waiting => {
            if matches!(attempt.wire, Wire::Answer(_)) {
                actions.push(Action::Read(id));
            }
            let early = !config.protocol.reads_on;
            let late = waits && config.horizon == Horizon::Beyond;
            if attempt.wire == Wire::Empty || early || late {
                actions.push(Action::GiveUp(id));
            }
        }
        Step::Answered(Answer::Pair(_)) => actions.push(Action::Spool(id)),
        Step::Answered(Answer::Refused) | Step::Unanswered => actions.push(Action::Settle(id)),
        Step::Closed => {}
    }
    if attempt.queued() {
        actions.push(Action::Serve(id));
    }
    if state.left.losses > 0 {
        if attempt.wire != Wire::Empty {
            actions.push(Action::Lose(id));
        }
        if waits {
            actions.push(Action::Break(id));
        }
    }
    if state.left.kills > 0 && attempt.step != Step::Closed {
        actions.push(Action::Kill(id));
    }
}

fn may_begin(config: &Config, state: &State) -> bool {
    let room = state.attempts.len() < usize::from(config.attempts) && !state.store.quarantined;
    room && match state.store.chain {
        Chain::Idle => true,
        Chain::Ambiguous(id) => {
            let punctual = config.horizon == Horizon::Within;
            !(punctual && config.protocol.pause_outlasts_server && state.attempts[id].queued())
        }
        _ => false,
    }
}

fn may_take_over(config: &Config, state: &State) -> bool {
    if state.attempts.len() == usize::from(config.attempts) || state.store.quarantined {
        return false;
    }
    let (Chain::Intent(id) | Chain::Sent(id)) = state.store.chain else { return false };
    let victim = &state.attempts[id];
    if victim.queued() && config.horizon == Horizon::Within {
        return false;
    }
    let sent = matches!(state.store.chain, Chain::Sent(_));
    if !config.protocol.hears_before_takeover && sent {
        // Who merely waits may be slower than its lease; between two instructions only the frozen are.
        return !matches!(victim.step, Step::Confirmed { .. });
    }
    let runs = victim.step != Step::Closed;
    let pending = state.pending(id);
    let open = pending || (runs && config.protocol.counts_open_slots);
    let heard = !sent || !open || config.outlasts_hold_back;
    // Only a freeze or an outage leaves something open when the lease is over.
    heard && (!runs || state.left.freezes > 0) && (!pending || state.left.outages > 0)
}

/// Whether every node has reported, since `but` was acquired, that it holds nothing the store does not know.
pub(crate) fn everybody_heard(config: &Config, state: &State, but: Option<AttemptId>) -> bool {
    let punctual = config.horizon == Horizon::Within;
    let nothing_open = state.attempts.iter().enumerate().all(|(id, attempt)| {
        let unsent = but.is_none() && attempt.step == Step::Acquired;
        Some(id) == but || attempt.step == Step::Closed || unsent
    });
    let waits = but.is_none() && punctual && config.protocol.quarantine_outlasts_server;
    let quiet = !waits || !state.attempts.iter().any(Attempt::queued);
    nothing_open && quiet && !state.spool.iter().any(|record| state.wants_in(config, record))
}

fn accepts(config: &Config, state: &State, token: Token) -> bool {
    let store = &state.store;
    let known = if config.protocol.refuses_ancestors {
        store.knows(token)
    } else {
        store.pair.token == token
    };
    !known && store.spare.is_none() && !store.quarantined
}
