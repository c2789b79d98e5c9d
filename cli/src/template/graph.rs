//! What every tool's graph of nodes must hold.

use std::collections::BTreeSet;

use super::Finding;

/// A node and where it leads.
pub(super) struct Node {
    /// What wires name it by.
    pub(super) id: String,
    /// As a person sees it.
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) leads_to: Vec<String>,
}

/// Unknown kinds, wires into nothing, and wires that the shipped template has and this one has not.
pub(super) fn check(
    nodes: &[Node],
    shipped: &[Node],
    is_known: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let mut found = Vec::new();
    for node in nodes {
        let as_shipped = shipped.iter().find(|shipped| shipped.id == node.id);
        if !is_known(&node.kind) && as_shipped.is_none_or(|shipped| shipped.kind != node.kind) {
            let what = format!("unknown node: the tool has no \"{}\" of its own", node.kind);
            found.push(Finding::error(&node.name, what));
        }
        if node.leads_to.iter().any(|to| !ids.contains(to.as_str())) {
            found.push(Finding::error(&node.name, "a wire leads to a node that is not there"));
        }
        let lost = as_shipped.is_some_and(|shipped| shipped.leads_to.len() > node.leads_to.len());
        if lost {
            found.push(Finding::error(&node.name, "a wire of the template is missing"));
        }
    }
    for gone in shipped.iter().filter(|shipped| !ids.contains(shipped.id.as_str())) {
        found.push(Finding::warning(&gone.name, "this node of the template is gone"));
    }
    found
}
