//! The graph of nodes that every tool's file is, and which of the shipped one it was made from.

use std::collections::BTreeSet;

use super::{Finding, Tool, known::Known, wires};

/// Fewer nodes in common than these may be chance: every workflow has its *Settings*.
const IN_COMMON: usize = 3;

/// What nodes stand in: a tab, an object, a workflow.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) nodes: Vec<Node>,
}

/// A node and where it leads.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// What wires name it by.
    pub(super) id: String,
    /// What it can be told by where an import gave it another id; empty if there is nothing.
    pub(super) alias: String,
    /// As a person sees it.
    pub(super) name: String,
    /// Its type, or the types of what it is made of.
    pub(super) kinds: Vec<String>,
    pub(super) outputs: Vec<Output>,
}

/// Where one way out of a node leads.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Which one it is, in the edited file and in the shipped one.
    pub(super) key: String,
    /// As a person would say it.
    pub(super) name: String,
    pub(super) to: Vec<String>,
}

impl Part {
    pub(super) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

impl Node {
    pub(super) fn leads_to(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().flat_map(|output| &output.to).map(String::as_str)
    }
}

/// A part, the shipped one it was made from, and which of its nodes is which of the shipped ones.
pub(super) struct Match<'a> {
    /// The places of the two among their like.
    pub(super) place: usize,
    pub(super) shipped_place: usize,
    pub(super) part: &'a Part,
    pub(super) shipped: &'a Part,
    pub(super) pairs: Vec<(&'a Node, &'a Node)>,
}

impl<'a> Match<'a> {
    pub(super) fn shipped_as(&self, id: &str) -> Option<&'a Node> {
        self.pairs.iter().find(|(node, _)| node.id == id).map(|(_, shipped)| *shipped)
    }

    pub(super) fn edited(&self, shipped: &str) -> Option<&'a Node> {
        self.pairs.iter().find(|(_, node)| node.id == shipped).map(|(node, _)| *node)
    }
}

/// The parts that are of a template.
pub(super) fn recognise<'a>(parts: &'a [Part], shipped: &'a [Part]) -> Vec<Match<'a>> {
    let best = |(place, part): (usize, &'a Part)| {
        let all = shipped.iter().enumerate().filter(|(_, shipped)| !shipped.id.is_empty());
        let all = all.map(|(shipped_place, shipped)| Match {
            place,
            shipped_place,
            part,
            shipped,
            pairs: pair(part, shipped),
        });
        let is_same = |found: &Match<'_>| found.part.id == found.shipped.id;
        all.filter(|found| found.pairs.len() >= IN_COMMON || is_same(found))
            .max_by_key(|found| (found.pairs.len(), is_same(found)))
    };
    parts.iter().enumerate().filter_map(best).collect()
}

/// By id; else by what else tells a node, twins with the same wires first.
fn pair<'a>(part: &'a Part, shipped: &'a Part) -> Vec<(&'a Node, &'a Node)> {
    type IsSame = fn(&Part, &Node, &Part, &Node) -> bool;
    let same: [IsSame; 3] = [
        |_, a, _, b| a.id == b.id,
        |part, a, shipped, b| a.alias == b.alias && ways(part, a) == ways(shipped, b),
        |_, a, _, b| a.alias == b.alias,
    ];
    let mut left: Vec<&Node> = part.nodes.iter().collect();
    let mut to_find: Vec<&Node> = shipped.nodes.iter().collect();
    let mut pairs = Vec::new();
    for (pass, is_same) in same.into_iter().enumerate() {
        to_find.retain(|wanted| {
            if pass > 0 && wanted.alias.is_empty() {
                return true;
            }
            let place = left.iter().position(|node| is_same(part, node, shipped, wanted));
            if let Some(place) = place {
                pairs.push((left.remove(place), *wanted));
            }
            place.is_none()
        });
    }
    pairs
}

/// The names that a node leads to.
fn ways<'a>(part: &'a Part, node: &'a Node) -> Vec<&'a str> {
    node.leads_to().filter_map(|id| Some(part.node(id)?.name.as_str())).collect()
}

/// Twins, unknown nodes, wires into nothing; in what is of the template lost nodes and other wires.
pub(super) fn check(
    tool: Tool,
    parts: &[Part],
    matches: &[Match<'_>],
    known: &Known<'_>,
) -> Vec<Finding> {
    let everywhere: BTreeSet<&str> = ids(parts.iter());
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for part in parts {
        let here = if tool == Tool::NodeRed { &everywhere } else { &ids([part].into_iter()) };
        if tool == Tool::N8n {
            seen.clear();
        }
        let made_from = matches.iter().find(|made| std::ptr::eq(made.part, part));
        for node in &part.nodes {
            if !node.id.is_empty() && !seen.insert(node.id.as_str()) {
                let what = if tool == Tool::N8n { "name" } else { "id" };
                let what =
                    format!("another node has the same {what}: wires cannot tell them apart");
                found.push(Finding::error(&node.name, what));
            }
            let as_shipped = made_from.and_then(|made| made.shipped_as(&node.id));
            let of_template = as_shipped.map_or(&[][..], |shipped| &shipped.kinds);
            for kind in node.kinds.iter().filter(|kind| !of_template.contains(kind)) {
                found.extend(known.check(kind).map(|finding| finding.at(&node.name)));
            }
            let mut lost = node.leads_to().filter(|to| !here.contains(to)).peekable();
            if lost.peek().is_some() {
                let elsewhere = tool == Tool::Corezoid && lost.any(|to| everywhere.contains(to));
                let what = if elsewhere {
                    "a wire leads into another process: choose a node of this one"
                } else {
                    "a wire leads to a node that is not there"
                };
                found.push(Finding::error(&node.name, what));
            }
        }
    }
    for made in matches {
        found.extend(wires::check(made));
        let gone = made.shipped.nodes.iter().filter(|node| made.edited(&node.id).is_none());
        found.extend(
            gone.map(|node| Finding::warning(&node.name, "this node of the template is gone")),
        );
    }
    found
}

fn ids<'a>(parts: impl Iterator<Item = &'a Part>) -> BTreeSet<&'a str> {
    parts.flat_map(|part| &part.nodes).map(|node| node.id.as_str()).collect()
}
