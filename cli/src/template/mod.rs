//! Process templates: which there are, how settings are filled in, and what is wrong with an edited one.
//!
//! The files themselves are made in `process-templates/`, one folder per tool.

mod corezoid;
mod graph;
mod n8n;
mod node_red;
mod plain_sight;

use evergrant::{Error, Kind, Portal, Result};
use serde_json::Value;

/// More renewals an hour than these are what the vendor blocks applications for.
const RENEWALS_PER_HOUR: f64 = 3.0;

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

    /// Names and texts; the one with the settings first.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Corezoid => corezoid::FILES,
            Self::NodeRed => node_red::FILES,
            Self::N8n => n8n::FILES,
        }
    }

    /// The file that `edited` was made from.
    fn shipped(self, edited: &Value) -> Result<Value> {
        let files: Vec<Value> =
            self.files().iter().map(|(_, text)| built_in(text)).collect::<Result<_>>()?;
        let id = |file: &Value| file.get("id").cloned();
        let same = files.iter().find(|file| id(file) == id(edited)).or(files.first());
        Ok(same.cloned().unwrap_or_default())
    }

    /// Which tool a file is for.
    fn of(file: &Value) -> Option<Self> {
        let objects = file.as_array().map_or(std::slice::from_ref(file), Vec::as_slice);
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

/// What a template is filled with. No secret is among it: a file is not a place for one.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) portal: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) authorization_server: Option<String>,
    /// Minutes between renewals by the clock; zero for none.
    pub(crate) interval: Option<u32>,
}

impl Settings {
    /// What was given, by the names that Node-RED's and n8n's template have for it.
    fn named(&self, interval: &'static str) -> Vec<(&'static str, String)> {
        let given = [
            ("portal", self.portal.clone()),
            ("client_id", self.client_id.clone()),
            ("scope", self.scope.clone()),
            ("authorization_server", self.authorization_server.clone()),
            (interval, self.interval.map(|minutes| minutes.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// # Errors
    /// Names the field.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(portal) = &mut self.portal {
            *portal = Portal::parse(portal)?.host().to_owned();
        }
        let words = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if self.client_id.as_deref().is_some_and(|id| !words(id, "._-")) {
            return Err(Error::invalid_input("client_id", "this is not a client_id").advise(
                "Copy it from the application's card, such as local.5c8bb1b0891cf2.87252039.",
            ));
        }
        if self.scope.as_deref().is_some_and(|scope| !words(scope, "_,. ")) {
            return Err(Error::invalid_input("scope", "these are not names of rights")
                .advise("Write them with commas, such as crm,user,tasks."));
        }
        if let Some(server) = &self.authorization_server
            && ![
                "https://oauth.bitrix.info",
                "https://oauth.bitrix24.tech",
                "https://oauth.bitrix24.info",
            ]
            .contains(&server.trim_end_matches('/'))
        {
            return Err(Error::invalid_input(
                "authorization_server",
                "this is not one of the vendor's authorization servers",
            )
            .advise("https://oauth.bitrix.info, https://oauth.bitrix24.tech or https://oauth.bitrix24.info."));
        }
        match self.interval.map(f64::from).and_then(timer) {
            Some(Finding { level: Level::Error, what, .. }) => {
                Err(Error::invalid_input("interval", what)
                    .advise("20 minutes or more, or 0 for no timer."))
            }
            _ if self.interval.is_some_and(|minutes| minutes > 50) => Err(Error::invalid_input(
                "interval",
                "a token lives an hour: readers would meet dead ones",
            )
            .advise("20 to 50 minutes, or 0 for no timer.")),
            _ => Ok(()),
        }
    }
}

/// The files of a template, by name, with settings filled in.
///
/// # Errors
/// [`Kind::InvalidInput`] naming the setting.
pub(crate) fn fill(tool: Tool, settings: &mut Settings) -> Result<Vec<(&'static str, String)>> {
    settings.check()?;
    let mut filled = Vec::new();
    for (place, (name, text)) in tool.files().iter().enumerate() {
        let mut file = built_in(text)?;
        let done = match tool {
            _ if place > 0 => Ok(()),
            Tool::Corezoid => corezoid::fill(&mut file, settings),
            Tool::NodeRed => node_red::fill(&mut file, settings),
            Tool::N8n => n8n::fill(&mut file, settings),
        };
        done.map_err(|setting| {
            Error::invalid_input(setting, "the template has no place for this setting")
        })?;
        filled.push((*name, format!("{file:#}\n")));
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

/// What is wrong with a file that is going to be imported; nothing if it is sound.
///
/// # Errors
/// [`Kind::InvalidInput`] naming the field `file` if it is no template at all.
pub(crate) fn check(text: &str) -> Result<(Tool, Vec<Finding>)> {
    let file: Value = serde_json::from_str(text).map_err(|error| {
        let at = format!("the file is not JSON (line {}, column {})", error.line(), error.column());
        Error::invalid_input("file", at)
    })?;
    let tool = Tool::of(&file).ok_or_else(|| {
        Error::invalid_input("file", "this is no export of Corezoid, Node-RED or n8n")
            .advise("Check the file that you are going to import, such as bitrix24-oauth.json.")
    })?;
    let shipped = tool.shipped(&file)?;
    let mut findings = match tool {
        Tool::Corezoid => corezoid::check(&file, &shipped),
        Tool::NodeRed => node_red::check(&file, &shipped),
        Tool::N8n => n8n::check(&file, &shipped),
    };
    findings.extend(plain_sight::tokens(&file));
    findings.sort_by_key(|finding| finding.level == Level::Warning);
    Ok((tool, findings))
}

/// What is to be said of a renewal by the clock every so many minutes.
fn timer(minutes: f64) -> Option<Finding> {
    if minutes <= 0.0 {
        return None;
    }
    if minutes * RENEWALS_PER_HOUR < 60.0 {
        return Some(Finding::error(
            "",
            format!(
                "renews every {minutes} minutes: Bitrix24 blocks applications that renew so often"
            ),
        ));
    }
    Some(Finding::warning(
        "",
        format!(
            "renews every {minutes} minutes, asked or not: Bitrix24 asks not to, and may block applications that do"
        ),
    ))
}

#[cfg(test)]
mod tests;
