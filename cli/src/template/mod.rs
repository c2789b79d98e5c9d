//! Process templates: which there are, how settings are filled in, and what is wrong with an edited one.
//!
//! The files themselves are made in `process-templates/`, one folder per tool.

mod corezoid;
mod files;
mod graph;
mod known;
mod n8n;
mod node_red;
mod plain_sight;
mod rhythm;
mod settings;
mod walk;
mod wires;
mod zip;

use evergrant::{Error, Kind, Result};
use serde_json::Value;

pub(crate) use self::{files::write, settings::Settings};
use self::{graph::Part, known::Known};

/// A workflow tool that a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tool {
    /// A folder for Corezoid.
    Corezoid,
    /// A flow for Node-RED.
    NodeRed,
    /// Workflows for n8n.
    N8n,
}

impl Tool {
    pub(crate) const ALL: [Self; 3] = [Self::Corezoid, Self::NodeRed, Self::N8n];

    /// As it is named on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Corezoid => "corezoid",
            Self::NodeRed => "node-red",
            Self::N8n => "n8n",
        }
    }

    /// As it calls itself.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Corezoid => "Corezoid",
            Self::NodeRed => "Node-RED",
            Self::N8n => "n8n",
        }
    }

    /// What a person finds in it.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Corezoid => {
                "renews every 25 minutes, or on request; the token in a state diagram"
            }
            Self::NodeRed => "renews on request; the token in a context store on disk",
            Self::N8n => "renews on request; the token in a data table",
        }
    }

    /// What has to be filled in inside the tool, where its secrets are kept.
    pub(crate) fn secrets(self) -> &'static str {
        match self {
            Self::Corezoid => {
                "client_secret and code: in the task that you add to \"Bitrix OAuth\" (Corezoid shows them to whoever may view it)"
            }
            Self::NodeRed => {
                "client_secret and code: in the tab's Environment Variables, as credentials (Node-RED encrypts them)"
            }
            Self::N8n => {
                "client_secret: in a credential (n8n encrypts it); the code: in the node Settings"
            }
        }
    }

    /// Where a secret goes that stands in a file.
    fn safe_place(self) -> &'static str {
        match self {
            Self::Corezoid => "give it in the task instead",
            Self::NodeRed => "fill it in inside Node-RED, as a credential",
            Self::N8n => "keep it in a credential of n8n",
        }
    }

    /// Names and texts; the one with the settings first.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Corezoid => corezoid::FILES,
            Self::NodeRed => node_red::FILES,
            Self::N8n => n8n::FILES,
        }
    }

    /// What a file is made of.
    fn parts(self, file: &Value) -> Vec<Part> {
        match self {
            Self::Corezoid => corezoid::parts(file),
            Self::NodeRed => node_red::parts(file),
            Self::N8n => n8n::parts(file),
        }
    }

    /// Which tool a file is for.
    fn of(file: &Value) -> Option<Self> {
        let objects = items(file);
        let has = |name: &str| objects.iter().any(|object| object.get(name).is_some());
        if has("obj_type") {
            Some(Self::Corezoid)
        } else if has("nodes") && has("connections") {
            Some(Self::N8n)
        } else if has("type") && has("id") {
            Some(Self::NodeRed)
        } else {
            None
        }
    }
}

/// The files of a template, by name, with settings filled in.
///
/// # Errors
/// [`Kind::InvalidInput`] naming the setting.
pub(crate) fn fill(tool: Tool, settings: &mut Settings) -> Result<Vec<(&'static str, Vec<u8>)>> {
    settings.check(tool)?;
    let mut filled = Vec::new();
    for (place, (name, text)) in tool.files().iter().enumerate() {
        let mut file = built_in(text)?;
        let done = match tool {
            Tool::Corezoid => corezoid::fill(&mut file, settings),
            Tool::NodeRed => node_red::fill(&mut file, settings),
            Tool::N8n => n8n::fill(&mut file, settings, place == 0),
        };
        done.map_err(|setting| {
            Error::invalid_input(setting, "the template has no place for this setting")
        })?;
        filled.push((*name, format!("{file:#}\n").into_bytes()));
        if tool == Tool::Corezoid {
            filled.push((corezoid::ZIP, corezoid::zipped(&file)));
        }
    }
    Ok(filled)
}

fn built_in(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(Kind::Internal, "a template that is built in is not JSON").with_source(error)
    })
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Warning,
    Error,
}

/// Something that is wrong with an edited template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// The node's name as a person sees it.
    pub(crate) node: String,
    pub(crate) what: String,
}

impl Finding {
    fn error(node: impl Into<String>, what: impl Into<String>) -> Self {
        Self { level: Level::Error, node: node.into(), what: what.into() }
    }

    fn warning(node: impl Into<String>, what: impl Into<String>) -> Self {
        Self { level: Level::Warning, node: node.into(), what: what.into() }
    }

    fn at(mut self, node: &str) -> Self {
        node.clone_into(&mut self.node);
        self
    }
}

/// What is wrong with a file that is going to be imported; nothing if it is sound. `nodes` are types that the
/// person's tool has beside its own.
///
/// # Errors
/// [`Kind::InvalidInput`] naming the field `file` if it is no template at all.
pub(crate) fn check(content: &[u8], nodes: &[String]) -> Result<(Tool, Vec<Finding>)> {
    let file = read(content)?;
    let tool = Tool::of(&file).ok_or_else(|| {
        Error::invalid_input("file", "this is no export of Corezoid, Node-RED or n8n")
            .advise("Check the file that you are going to import, such as bitrix24-oauth.json.")
    })?;
    let originals: Vec<Value> =
        tool.files().iter().map(|(_, text)| built_in(text)).collect::<Result<_>>()?;
    let shipped: Vec<Part> = originals.iter().flat_map(|file| tool.parts(file)).collect();
    let parts = tool.parts(&file);
    let matches = graph::recognise(&parts, &shipped);
    if matches.is_empty() {
        let what = format!(
            "this is an export of {}, but nothing in it is of a template: nothing can be said of it",
            tool.title()
        );
        return Err(Error::invalid_input("file", what)
            .advise("Check what \"evergrant template export\" wrote, or what you made of it."));
    }
    let mut findings = graph::check(tool, &parts, &matches, &Known::new(tool, nodes));
    findings.extend(match tool {
        Tool::Corezoid => corezoid::check(&file, &matches, &shipped),
        Tool::NodeRed => node_red::check(&file, &originals, &matches),
        Tool::N8n => n8n::check(&file, &originals, &matches),
    });
    findings.extend(walk::secrets(tool, &file));
    findings.sort_by_key(|finding| finding.level == Level::Warning);
    Ok((tool, findings))
}

/// JSON, or a zip of it.
fn read(content: &[u8]) -> Result<Value> {
    if zip::is_one(content) {
        let files = zip::read(content).map_err(|why| Error::invalid_input("file", why))?;
        return Ok(corezoid::unzipped(&files));
    }
    let text = std::str::from_utf8(content)
        .map_err(|_| Error::invalid_input("file", "the file is not text"))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let at = format!("the file is not JSON (line {}, column {})", error.line(), error.column());
        Error::invalid_input("file", at)
    })
}

/// The objects of a file: one, or an array of them.
fn items(file: &Value) -> &[Value] {
    file.as_array().map_or(std::slice::from_ref(file), Vec::as_slice)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What a field holds, as a person would write it.
fn written(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
