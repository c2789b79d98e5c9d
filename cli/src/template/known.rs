//! Which nodes the tools have of their own.

use super::{Finding, Tool};

/// The logics that Corezoid documents.
const COREZOID: &str = include_str!("known/corezoid.txt");
/// What Node-RED 4.1 and 5.0 bring themselves.
const NODE_RED: &str = include_str!("known/node-red.txt");
/// What n8n 2.41 brings itself.
const N8N: &str = include_str!("known/n8n.txt");

/// The nodes that a person's tool has.
pub(super) struct Known<'a> {
    tool: Tool,
    /// Beside the tool's own: what a person said that theirs has.
    more: &'a [String],
}

impl<'a> Known<'a> {
    pub(super) fn new(tool: Tool, more: &'a [String]) -> Self {
        Self { tool, more }
    }

    pub(super) fn check(&self, kind: &str) -> Option<Finding> {
        let list = match self.tool {
            Tool::Corezoid => COREZOID,
            Tool::NodeRed => NODE_RED,
            Tool::N8n => N8N,
        };
        if list.lines().any(|known| known == kind) || self.more.iter().any(|known| known == kind) {
            return None;
        }
        let tool = self.tool.title();
        let what = format!(
            "unknown node: {tool} has no \"{kind}\" of its own; if yours has it, say --node \"{kind}\""
        );
        Some(Finding::error("", what))
    }
}
