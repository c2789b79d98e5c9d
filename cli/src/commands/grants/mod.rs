//! `evergrant grants`.

mod add_spare;
mod audit;
mod keep_alive;
mod release;
mod reseal;
mod transfer;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use evergrant::{Grant, GrantId, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    options::{ApplicationOptions, grant_id},
    output,
};

/// Show the grants in the store, and look after them.
///
/// Without a command: the grants, never their tokens.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Grants {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

// What they do is said at each of them: a word here would hide it from their help.
#[derive(Subcommand)]
enum Command {
    Audit(audit::Audit),
    Transfer(transfer::Transfer),
    AddSpare(add_spare::AddSpare),
    Release(release::Release),
    Reseal(reseal::Reseal),
    KeepAlive(keep_alive::KeepAlive),
}

/// The number of a grant, as `evergrant grants` shows it.
#[derive(Args)]
struct Which {
    /// The grant's number, as `evergrant grants` shows it.
    #[arg(value_name = "ID", value_parser = grant_id, allow_negative_numbers = true)]
    id: GrantId,
}

/// All of them.
#[derive(Args)]
struct List {
    #[command(flatten)]
    application: ApplicationOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Grants {
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.command {
            None => self.list.run().await,
            Some(Command::Audit(audit)) => return audit.run().await,
            Some(Command::Transfer(transfer)) => transfer.run().await,
            Some(Command::AddSpare(add_spare)) => add_spare.run().await,
            Some(Command::Release(release)) => release.run().await,
            Some(Command::Reseal(reseal)) => reseal.run().await,
            Some(Command::KeepAlive(keep_alive)) => keep_alive.run().await,
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self) -> Result<()> {
        let grants = self.application.open().await?.grants().await?;
        if self.json {
            return output::json(&Value::Array(grants.iter().map(as_json).collect()));
        }
        if grants.is_empty() {
            output::note("no grants yet: run `evergrant login PORTAL`");
            return Ok(());
        }
        let rows: Vec<Vec<String>> = grants
            .iter()
            .map(|grant| {
                vec![
                    grant.id.to_string(),
                    grant.portal.clone(),
                    grant.user_id.to_string(),
                    grant.status.as_str().to_owned(),
                    grant.generation.to_string(),
                    day(grant.refresh_expires_at),
                    grant.scope.join(","),
                ]
            })
            .collect();
        output::table(
            &["ID", "PORTAL", "USER", "STATUS", "GENERATION", "USE BEFORE", "SCOPE"],
            &rows,
        )
    }
}

fn as_json(grant: &Grant) -> Value {
    json!({
        "id": grant.id,
        "portal": grant.portal,
        "member_id": grant.member_id,
        "user_id": grant.user_id,
        "status": grant.status.as_str(),
        "scope": grant.scope,
        "generation": grant.generation,
        "access_expires_at": grant.access_expires_at,
        "refresh_expires_at": grant.refresh_expires_at,
    })
}

fn day(unix: i64) -> String {
    Timestamp::from_second(unix)
        .map_or_else(|_| unix.to_string(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// A minute of UTC.
fn minute(unix: i64) -> String {
    Timestamp::from_second(unix)
        .map_or_else(|_| unix.to_string(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
