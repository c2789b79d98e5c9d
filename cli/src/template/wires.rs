//! Wires beside the shipped ones.

use std::collections::BTreeSet;

use super::{
    Finding,
    graph::{Match, Node, Output},
};

/// Wires that were taken away, and wires that lead elsewhere now.
pub(super) fn check(made: &Match<'_>) -> Vec<Finding> {
    made.pairs.iter().flat_map(|(node, shipped)| of_node(made, node, shipped)).collect()
}

fn of_node(made: &Match<'_>, node: &Node, shipped: &Node) -> Vec<Finding> {
    let mut found = Vec::new();
    for output in &shipped.outputs {
        let now = same_output(node, shipped, output);
        let now = now.map_or(&[][..], |now| &now.to);
        let reached = through_new_nodes(made, now);
        let is_kept =
            |to: &&String| made.edited(to).is_some_and(|kept| reached.contains(kept.id.as_str()));
        let lost: Vec<&String> = output.to.iter().filter(|to| !is_kept(to)).collect();
        let was =
            |id: &&String| made.shipped_as(id).is_some_and(|node| output.to.contains(&node.id));
        let new: Vec<&String> = now.iter().filter(|id| !was(id)).collect();
        let Some(first) = lost.first() else { continue };
        let before = name(made.shipped.node(first), first);
        let finding = match new.first() {
            None => Finding::error(
                &node.name,
                format!("a wire of the template is missing: {} led to \"{before}\"", output.name),
            ),
            Some(to) => {
                let after = name(made.part.node(to), to);
                let what = format!("{} led to \"{before}\", now to \"{after}\"", output.name);
                Finding::warning(&node.name, what)
            }
        };
        found.push(finding);
    }
    found
}

fn name<'a>(node: Option<&'a Node>, id: &'a str) -> &'a str {
    node.map_or(id, |node| &node.name)
}

/// The output of the same key; else the one in the same place, if the template has none of its key.
fn same_output<'a>(node: &'a Node, shipped: &Node, output: &Output) -> Option<&'a Output> {
    let has = |all: &[Output], key: &str| all.iter().any(|output| output.key == key);
    let same = node.outputs.iter().find(|now| now.key == output.key);
    same.or_else(|| {
        let missing = shipped.outputs.iter().filter(|was| !has(&node.outputs, &was.key));
        let place = missing.take_while(|was| was.key != output.key).count();
        node.outputs.iter().filter(|now| !has(&shipped.outputs, &now.key)).nth(place)
    })
}

/// Where a wire comes to, with nodes of one's own in it or not.
fn through_new_nodes<'a>(made: &Match<'a>, from: &'a [String]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut left: Vec<&str> = from.iter().map(String::as_str).collect();
    while let Some(id) = left.pop() {
        if reached.insert(id)
            && made.shipped_as(id).is_none()
            && let Some(own) = made.part.node(id)
        {
            left.extend(own.leads_to());
        }
    }
    reached
}
