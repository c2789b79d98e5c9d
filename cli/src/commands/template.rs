//! `evergrant template`.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use evergrant::{Error, Result};

use crate::{
    output,
    template::{self, Finding, Level, Settings, Tool},
};

/// A file longer than this is no template.
const LONGEST: u64 = 16 << 20;

/// Process templates to import into Corezoid, Node-RED and n8n.
#[derive(Args)]
pub(crate) struct Template {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Which templates there are.
    List,
    /// Write a template's files, with your settings filled in. It asks for no secret: a file is no place
    /// for one. What it prints says where the tool keeps them.
    Export(Export),
    /// Say what is wrong with an edited template, before it is imported. Ends with 1 if there is an error.
    Check(Check),
}

#[derive(Args)]
struct Export {
    /// The tool.
    #[arg(value_enum)]
    tool: Tool,
    /// The portal: example.bitrix24.com, or just example.
    #[arg(long, value_name = "HOST")]
    portal: Option<String>,
    /// The application's client_id, from its card on the portal.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The rights that the application should have, with commas.
    #[arg(long, value_name = "RIGHTS")]
    scope: Option<String>,
    /// Renew every so many minutes, asked or not: 20 to 50; 0 to renew on request only. Bitrix24 asks
    /// not to renew on a timer and may block applications that do.
    #[arg(long, value_name = "MINUTES")]
    interval: Option<u32>,
    /// The vendor's authorization server, where it is another than <https://oauth.bitrix.info>.
    #[arg(long, value_name = "URL")]
    authorization_server: Option<String>,
    /// Where the tool sends its messages to you, as JSON.
    #[arg(long, value_name = "URL")]
    alert_url: Option<String>,
    /// The folder to write to; it is made if it is not there.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct Check {
    /// The file, or - for standard input: JSON, or the zip that Corezoid exports.
    file: PathBuf,
    /// A type of node that your tool has beside its own, such as "e-mail". Say it once for each.
    #[arg(long, value_name = "TYPE")]
    node: Vec<String>,
}

impl Template {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::List => list()?,
            Action::Export(export) => export.run()?,
            Action::Check(check) => return check.run(),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list() -> Result<()> {
    let rows = Tool::ALL.map(|tool| vec![tool.name().to_owned(), tool.about().to_owned()]);
    output::table(&["TOOL", "WHAT IT DOES"], &rows)
}

impl Export {
    fn run(self) -> Result<()> {
        let mut settings = Settings {
            portal: self.portal,
            client_id: self.client_id,
            scope: self.scope,
            authorization_server: self.authorization_server,
            alert_url: self.alert_url,
            interval: self.interval,
        };
        let files = template::fill(self.tool, &mut settings)?;
        for path in template::write(&self.output, &files, self.force)? {
            output::line(path.display().to_string())?;
        }
        output::note(format!("Fill in inside the tool: {}.", self.tool.secrets()));
        Ok(())
    }
}

impl Check {
    fn run(self) -> Result<ExitCode> {
        let (tool, findings) = template::check(&read(&self.file)?, &self.node)?;
        for Finding { level, node, what } in &findings {
            let word = if *level == Level::Error { "error" } else { "warning" };
            output::line(format!("{word}: {node}: {what}"))?;
        }
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        if errors > 0 {
            output::note(format!("{errors} to mend before it is imported into {}", tool.title()));
            return Ok(ExitCode::FAILURE);
        }
        output::note(format!("ready to be imported into {}", tool.title()));
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let source: Result<Box<dyn Read>, std::io::Error> = if path == Path::new("-") {
        Ok(Box::new(std::io::stdin()))
    } else {
        fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let mut content = Vec::new();
    match source.and_then(|source| source.take(LONGEST).read_to_end(&mut content)) {
        Ok(length) if length as u64 == LONGEST => {
            Err(Error::invalid_input("file", "the file is too long for a template"))
        }
        Ok(_) => Ok(content),
        Err(error) => Err(Error::invalid_input("file", "the file cannot be read")
            .with("file", path.display().to_string())
            .with("reason", error.to_string())
            .with_source(error)),
    }
}
