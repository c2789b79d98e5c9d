//! What each step does. When it may happen is in [`crate::guards`].

use crate::{
    config::Config,
    guards::everybody_heard,
    server::{Answer, Token},
    state::{
        Attempt, AttemptId, CONSENT, Chain, Node, Pair, Reader, Record, SPARE, State, Step, Wire,
        lineage,
    },
};

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The statement `begin`.
    Begin(Node),
    /// The statement `take_over`.
    TakeOver(Node),
    /// The statement that turns the intent into *sent*, or finds that it is no longer ours.
    Confirm(AttemptId),
    /// The one write.
    Write(AttemptId),
    /// The answer is read.
    Read(AttemptId),
    /// The answer is in the spool.
    Spool(AttemptId),
    /// Reading ends without an answer.
    GiveUp(AttemptId),
    /// The attempt tells the store how it ended.
    Settle(AttemptId),
    /// A node tells the store of a record, numbered in its spool.
    HandIn(usize),
    /// The quarantine after a rollback ends.
    Release,
    /// The server acts on a request.
    Serve(AttemptId),
    /// The process is killed.
    Kill(AttemptId),
    /// The request or the answer is lost.
    Lose(AttemptId),
    /// The connection breaks; the request goes on.
    Break(AttemptId),
    /// The replica stops following.
    StopReplica,
    /// The replica becomes the database.
    FailOver,
    /// A frame posts a pair.
    Offer(Token),
    /// A node's readers look at the store.
    Look(Node),
    /// A node's readers are given a spooled pair while the store cannot be told.
    LookInSpool(usize),
}

/// The state after `action`.
#[must_use]
pub fn after(config: &Config, state: &State, action: Action) -> State {
    let mut state = state.clone();
    state.apply(config, action);
    if !config.readers {
        state.store.generation = 0;
    }
    state
}

impl State {
    fn apply(&mut self, config: &Config, action: Action) {
        match action {
            Action::Begin(node) => self.acquire(node),
            Action::TakeOver(node) => self.take_over(config, node),
            Action::Confirm(id) => self.confirm(id),
            Action::Write(id) => self.write(id),
            Action::Serve(id) => self.serve(config, id),
            Action::Spool(id) => self.spool(id),
            Action::GiveUp(id) => self.give_up(id),
            Action::Settle(id) => self.settle(config, id),
            Action::HandIn(index) => self.hand_in(config, index),
            Action::Offer(token) => self.offer(config, token),
            Action::Look(node) => self.look(config, node),
            Action::LookInSpool(index) => self.look_in_spool(index),
            Action::Read(id) => {
                let attempt = &mut self.attempts[id];
                if let Wire::Answer(answer) = attempt.wire {
                    attempt.step = Step::Answered(answer);
                    attempt.wire = Wire::Empty;
                }
            }
            Action::Release => {
                self.store.quarantined = false;
                for attempt in &mut self.attempts {
                    attempt.lease_over = attempt.step != Step::Closed;
                }
            }
            Action::Kill(id) => {
                self.left.kills -= 1;
                self.attempts[id].disconnect();
                self.attempts[id].close();
            }
            Action::Lose(id) => {
                self.left.losses -= 1;
                self.attempts[id].wire = Wire::Empty;
                self.attempts[id].tidy();
            }
            Action::Break(id) => {
                self.left.losses -= 1;
                self.attempts[id].disconnect();
                self.attempts[id].step = Step::Unanswered;
            }
            Action::StopReplica => {
                self.left.rollbacks -= 1;
                self.replica = Some(self.store.clone());
            }
            Action::FailOver => {
                if let Some(image) = self.replica.take() {
                    self.store = image;
                    self.store.quarantined = config.protocol.notices_rollback;
                }
            }
        }
    }

    fn acquire(&mut self, node: Node) {
        self.store.chain = Chain::Intent(self.attempts.len());
        self.attempts.push(Attempt {
            node,
            parent: self.store.pair,
            step: Step::Acquired,
            wire: Wire::Empty,
            lease_over: false,
        });
    }

    fn take_over(&mut self, config: &Config, node: Node) {
        if let Chain::Intent(id) | Chain::Sent(id) = self.store.chain {
            let runs = self.attempts[id].step != Step::Closed;
            if config.protocol.hears_before_takeover {
                self.left.freezes -= u8::from(runs);
                self.left.outages -= u8::from(self.pending(id));
            }
            self.attempts[id].lease_over = runs;
        }
        self.acquire(node);
    }

    fn confirm(&mut self, id: AttemptId) {
        let ours = self.store.chain == Chain::Intent(id) && !self.store.quarantined;
        let overtaken = id + 1 < self.attempts.len();
        let attempt = &mut self.attempts[id];
        if ours && !attempt.lease_over {
            self.store.chain = Chain::Sent(id);
            attempt.step = Step::Confirmed { overtaken };
        } else {
            attempt.close();
        }
    }

    fn write(&mut self, id: AttemptId) {
        let overtaken = match self.attempts[id].step {
            Step::Confirmed { overtaken } => overtaken,
            _ => id + 1 < self.attempts.len(),
        };
        self.broken.overtaken_write |= overtaken;
        if self.store.chain == Chain::Intent(id) {
            self.store.chain = Chain::Sent(id);
        }
        self.attempts[id].step = Step::Waiting;
        self.attempts[id].wire = Wire::Request(Reader::Waits);
    }

    /// The server meets a token, and we note what that cost us.
    fn meet(&mut self, config: &Config, token: Token) -> Answer {
        let before = self.server.live.of(token.chain);
        let answer = self.server.serve(config.manner, token);
        let died = before.without(self.server.live);
        let took_ours = died.iter().any(|dead| dead != token && self.holds(dead));
        match answer {
            // The newest successor stands in for the one it has displaced.
            Answer::Pair(newest) if took_ours => self.owed.insert(newest),
            Answer::Refused if took_ours => self.broken.revoked_ours = true,
            _ => {}
        }
        answer
    }

    fn serve(&mut self, config: &Config, id: AttemptId) {
        let Wire::Request(reader) = self.attempts[id].wire else { return };
        let answer = self.meet(config, self.attempts[id].parent.token);
        self.attempts[id].wire = match reader {
            Reader::Waits => Wire::Answer(answer),
            Reader::GaveUp | Reader::Gone => Wire::Empty,
        };
        self.attempts[id].tidy();
        if let (Reader::GaveUp, Answer::Pair(token)) = (reader, answer) {
            self.owed.insert(token);
        }
    }

    fn give_up(&mut self, id: AttemptId) {
        let attempt = &mut self.attempts[id];
        attempt.step = Step::Unanswered;
        match attempt.wire {
            Wire::Request(Reader::Waits) => attempt.wire = Wire::Request(Reader::GaveUp),
            Wire::Answer(answer) => {
                attempt.wire = Wire::Empty;
                if let Answer::Pair(token) = answer {
                    self.owed.insert(token);
                }
            }
            _ => {}
        }
    }

    fn spool(&mut self, id: AttemptId) {
        let Attempt { node, parent, step: Step::Answered(Answer::Pair(token)), .. } =
            self.attempts[id]
        else {
            return;
        };
        let pair = Pair { lineage: lineage(id), token };
        self.spool.push(Record { node, parent: parent.lineage, pair, pending: true });
        self.owed.insert(token);
        self.attempts[id].close();
    }

    /// Verdicts are bound to the attempt: where another one holds the chain, they are void.
    fn settle(&mut self, config: &Config, id: AttemptId) {
        let Attempt { parent, step, .. } = self.attempts[id];
        let current = self.store.chain == Chain::Sent(id) && self.store.pair == parent;
        if current && step == Step::Unanswered {
            self.store.chain = Chain::Ambiguous(id);
        } else if current {
            self.refused(config, id);
        }
        self.attempts[id].close();
    }

    /// `invalid_grant` for the current bytes: an orphan, then death, else wait.
    fn refused(&mut self, config: &Config, id: AttemptId) {
        let hasty = !config.protocol.careful_verdict;
        if !hasty && !self.store.orphans.is_empty() {
            let orphan = self.store.orphans.remove(0);
            self.replace(orphan);
        } else if hasty || (everybody_heard(config, self, Some(id)) && !self.store.quarantined) {
            match self.store.spare.take() {
                Some(spare) => {
                    self.store.fallen = Some(self.store.pair.lineage);
                    self.replace(spare);
                }
                None => self.store.chain = Chain::Dead,
            }
        } else {
            self.store.chain = Chain::Ambiguous(id);
        }
    }

    fn replace(&mut self, pair: Pair) {
        self.store.spent.insert(self.store.pair.token);
        self.store.pair = pair;
        self.store.chain = Chain::Idle;
        self.store.generation += 1;
    }

    /// Commit by lineage; else an orphan, a spare, or the revival of a dead chain.
    fn hand_in(&mut self, config: &Config, index: usize) {
        let record = self.spool[index];
        let Record { parent, pair, .. } = record;
        let holder = matches!(self.store.chain, Chain::Sent(id) if lineage(id) == pair.lineage);
        if config.protocol.commits_by_lineage || holder {
            if parent == self.store.pair.lineage {
                self.replace(pair);
            } else if !self.store.knows(pair.token) && config.protocol.keeps_orphans {
                let aside = parent == CONSENT || self.store.fallen == Some(parent);
                match self.store.chain {
                    Chain::Dead => self.replace(pair),
                    _ if aside && self.store.spare.is_none() => self.store.spare = Some(pair),
                    _ => self.store.orphans.push(pair),
                }
            }
        }
        // Without rollbacks nobody asks for it again: one state less.
        if config.protocol.keeps_answers && config.faults.rollbacks > 0 {
            self.spool[index].pending = false;
        } else {
            self.spool.remove(index);
        }
    }

    /// A spare is proven by rotating it, here in one step, and the answer goes the way of every answer.
    fn offer(&mut self, config: &Config, token: Token) {
        self.left.offers -= 1;
        if let Answer::Pair(token) = self.meet(config, token) {
            let pair = Pair { lineage: SPARE, token };
            if config.protocol.spools_spares {
                self.spool.push(Record { node: 0, parent: CONSENT, pair, pending: true });
            } else {
                self.store.spare = Some(pair);
            }
            self.owed.insert(token);
        }
        self.store.spent.insert(token);
    }
}

impl Attempt {
    /// Nobody reads any more; what was sent goes on.
    fn disconnect(&mut self) {
        self.wire = match self.wire {
            Wire::Request(Reader::Waits) => Wire::Request(Reader::Gone),
            Wire::Answer(_) => Wire::Empty,
            other => other,
        };
    }
}
