//! What a run has shown, for people: a table, and counterexamples in words.

use std::io::{self, Write};

use crate::{
    check::{Outcome, Trace},
    properties::NO_AVOIDABLE_LOSS,
    protocol::Action,
    scenarios::{Bar, Scenario},
    server::{Answer, Manner},
    state::{AttemptId, Chain, Node, Reader, State, Step, Wire},
};

/// Whether `outcome` is what `scenario` asks for.
#[must_use]
pub fn passes(scenario: &Scenario, outcome: &Outcome) -> bool {
    match scenario.bar {
        Bar::Holds => outcome.broken.is_empty() && outcome.ends.stuck == 0,
        // Losses alone are excused.
        Bar::Reported => outcome.broken.iter().all(|property| *property == NO_AVOIDABLE_LOSS),
        Bar::Breaks(property) => outcome.broken.contains(&property),
    }
}

/// Every run in full.
///
/// # Errors
/// When `out` cannot be written to.
pub fn details(out: &mut impl Write, results: &[(Scenario, Outcome)]) -> io::Result<()> {
    writeln!(
        out,
        "| server | run | states | ends | kept | held | lost | thrown away | revoked | falsely dead | gap | verdict |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|---|")?;
    for (scenario, outcome) in results {
        let ends = outcome.ends;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            scenario.config.manner.name(),
            scenario.name,
            outcome.states,
            ends.all,
            ends.kept,
            ends.held,
            ends.unavoidable,
            ends.avoidable,
            ends.revoked,
            ends.falsely_dead,
            if outcome.gap { "open" } else { "" },
            verdict(scenario, outcome),
        )?;
    }
    Ok(())
}

/// The same runs under each server: how many of the ends we have to answer for.
///
/// # Errors
/// When `out` cannot be written to.
pub fn by_server(out: &mut impl Write, results: &[(Scenario, Outcome)]) -> io::Result<()> {
    let names = Manner::ALL.map(Manner::name).join(" | ");
    writeln!(out, "| run | {names} | states |\n|---|--:|--:|--:|--:|--:|--:|")?;
    let runs = results.iter().filter(|(scenario, _)| scenario.config.manner == Manner::ALL[0]);
    for (first, _) in runs {
        write!(out, "| {} |", first.name)?;
        let mut states = 0;
        for (scenario, outcome) in results {
            if scenario.name == first.name {
                states += outcome.states;
                write!(out, " {} of {} |", outcome.ends.ours(), outcome.ends.all)?;
            }
        }
        writeln!(out, " {states} |")?;
    }
    Ok(())
}

/// What each missing rule costs, beside what was counted for it before.
///
/// # Errors
/// When `out` cannot be written to.
pub fn missing_rules(out: &mut impl Write, results: &[(Scenario, Outcome)]) -> io::Result<()> {
    writeln!(out, "| what | server | lost by us | earlier | states | verdict |")?;
    writeln!(out, "|---|---|--:|--:|--:|---|")?;
    for (scenario, outcome) in results {
        writeln!(
            out,
            "| {} | {} | {} of {} | {} | {} | {} |",
            scenario.name,
            scenario.config.manner.name(),
            outcome.ends.ours(),
            outcome.ends.all,
            scenario.earlier,
            outcome.states,
            verdict(scenario, outcome),
        )?;
    }
    Ok(())
}

fn verdict(scenario: &Scenario, outcome: &Outcome) -> String {
    match (scenario.bar, passes(scenario, outcome)) {
        (Bar::Holds, true) => "holds".to_owned(),
        (Bar::Reported, true) if outcome.broken.is_empty() => "reported: holds".to_owned(),
        (Bar::Reported, true) => "reported".to_owned(),
        (Bar::Breaks(property), true) => format!("breaks *{property}*"),
        (_, false) => {
            format!("WRONG: breaks {:?}, {} stuck", outcome.broken, outcome.ends.stuck)
        }
    }
}

/// The shortest way to a broken property, in words.
///
/// # Errors
/// When `out` cannot be written to.
pub fn trace(out: &mut impl Write, scenario: &Scenario, trace: &Trace) -> io::Result<()> {
    writeln!(out, "\n{}, {}:", scenario.config.manner.name(), scenario.name)?;
    let mut before = &trace.start;
    for (number, (action, after)) in (1..).zip(&trace.steps) {
        writeln!(out, "{number:4}. {}", say(*action, before, after))?;
        before = after;
    }
    let live: Vec<_> = before.server.live.of(0).iter().map(|token| token.to_string()).collect();
    let live =
        if live.is_empty() { "nothing lives".to_owned() } else { live.join(" and ") + " lives" };
    writeln!(out, "      so {live}, and the store has {}", before.store.pair.token)
}

fn say(action: Action, before: &State, after: &State) -> String {
    let token = |id: AttemptId| before.attempts[id].parent.token;
    match action {
        Action::Begin(on) => {
            let id = after.attempts.len() - 1;
            format!("{} begins, on {}, with {}", name(id), node(on), after.store.pair.token)
        }
        Action::TakeOver(on) => {
            let id = after.attempts.len() - 1;
            let from = match before.store.chain {
                Chain::Intent(from) | Chain::Sent(from) => name(from),
                _ => "nobody".to_owned(),
            };
            format!("{}, on {}, takes over from {from}", name(id), node(on))
        }
        Action::Confirm(id) if after.attempts[id].step == Step::Closed => {
            format!("{} is refused the confirmation and sends nothing", name(id))
        }
        Action::Confirm(id) => format!("{} is confirmed", name(id)),
        Action::Write(id) => format!("{} writes {}", name(id), token(id)),
        Action::Serve(id) => format!(
            "the server meets {}'s {} and {}",
            name(id),
            token(id),
            answered(id, before, after)
        ),
        Action::Read(id) => format!("{} reads the answer", name(id)),
        Action::Spool(id) => format!("{} has the answer in the spool", name(id)),
        Action::GiveUp(id) => format!("{} ends reading without an answer", name(id)),
        Action::Settle(id) => format!("{} reports; {}", name(id), chain(after)),
        Action::HandIn(index) => {
            let record = before.spool[index];
            format!(
                "{} hands in {}; the store has {}",
                node(record.node),
                record.pair.token,
                after.store.pair.token
            )
        }
        Action::Release => "the quarantine ends".to_owned(),
        Action::Kill(id) => format!("the process of {} is killed", name(id)),
        Action::Lose(id) => format!("{} is lost", carried(&before.attempts[id].wire)),
        Action::Break(id) => format!("the connection of {} breaks; its request goes on", name(id)),
        Action::StopReplica => "the replica stops following".to_owned(),
        Action::FailOver => format!("the database fails over and has {}", after.store.pair.token),
        Action::Offer(token) => format!("a frame posts {token}; it is proven as a spare"),
        Action::Look(on) => {
            let seen = after.seen[usize::from(on)];
            format!("a reader on {} is given generation {}", node(on), seen.generation)
        }
        Action::LookInSpool(index) => {
            let on = before.spool[index].node;
            let seen = after.seen[usize::from(on)];
            format!(
                "a reader on {} is given generation {} from the spool",
                node(on),
                seen.generation
            )
        }
    }
}

fn answered(id: AttemptId, before: &State, after: &State) -> String {
    let reader = match before.attempts[id].wire {
        Wire::Request(Reader::Waits) => "",
        _ => ", to nobody",
    };
    let new = after.server.live.without(before.server.live).iter().next();
    match (after.attempts[id].wire, new) {
        (Wire::Answer(Answer::Pair(token)), _) | (_, Some(token)) => {
            format!("answers {token}{reader}")
        }
        _ if before.server.live != after.server.live => format!("revokes the chain{reader}"),
        _ => format!("refuses it{reader}"),
    }
}

fn chain(state: &State) -> String {
    match state.store.chain {
        Chain::Idle => format!("the chain goes on with {}", state.store.pair.token),
        Chain::Ambiguous(_) => "the chain is ambiguous".to_owned(),
        Chain::Dead => "the chain is dead".to_owned(),
        Chain::Intent(id) | Chain::Sent(id) => format!("the chain is held by {}", name(id)),
    }
}

fn carried(wire: &Wire) -> &'static str {
    if matches!(wire, Wire::Request(_)) { "the request" } else { "the answer" }
}

fn name(id: AttemptId) -> String {
    format!("attempt {}", id + 1)
}

fn node(node: Node) -> &'static str {
    if node == 0 { "node A" } else { "node B" }
}
