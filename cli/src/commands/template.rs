//! `evergrant template`.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use evergrant::{Error, Kind, Result};

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
    /// The portal: example.bitrix24.com.
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
    /// The folder to write to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct Check {
    /// The file, or - for standard input.
    file: PathBuf,
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
            interval: self.interval,
        };
        let files = template::fill(self.tool, &mut settings)?;
        // All or none: whoever finds one file must not take it for a newer one's sibling.
        if !self.force
            && let Some(there) =
                files.iter().map(|(name, _)| self.output.join(name)).find(|path| path.exists())
        {
            return Err(
                refused(&there, "there is a file already").advise("Pass --force to replace it.")
            );
        }
        for (name, text) in files {
            let path = self.output.join(name);
            write(&path, &text, self.force)?;
            output::line(path.display().to_string())?;
        }
        output::note(format!("Fill in inside the tool: {}.", self.tool.secrets()));
        Ok(())
    }
}

fn write(path: &Path, text: &str, replace: bool) -> Result<()> {
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).create_new(!replace);
    let written = open.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "there is a file already",
            _ => "the file cannot be written",
        };
        refused(path, why).with_source(error)
    })
}

fn refused(path: &Path, why: &'static str) -> Error {
    Error::invalid_input("output", why).with("file", path.display().to_string())
}

impl Check {
    fn run(self) -> Result<ExitCode> {
        let (tool, findings) = template::check(&read(&self.file)?)?;
        for Finding { level, node, what } in &findings {
            let word = if *level == Level::Error { "error" } else { "warning" };
            output::line(format!("{word}: {node}: {what}"))?;
        }
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        if errors > 0 {
            output::note(format!("{errors} to mend before it is imported into {}", tool.name()));
            return Ok(ExitCode::FAILURE);
        }
        output::note(format!("ready to be imported into {}", tool.name()));
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> Result<String> {
    let source: Result<Box<dyn Read>, std::io::Error> = if path == Path::new("-") {
        Ok(Box::new(std::io::stdin()))
    } else {
        fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let mut text = String::new();
    let read = source.and_then(|source| source.take(LONGEST).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 == LONGEST => {
            Err(Error::invalid_input("file", "the file is too long for a template"))
        }
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Error::invalid_input("file", "the file is not text"))
        }
        Err(error) => Err(Error::new(Kind::InvalidInput, "the file cannot be read")
            .with("field", "file")
            .with("file", path.display().to_string())
            .with_source(error)),
    }
}
