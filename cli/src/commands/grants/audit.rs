//! `evergrant grants audit`.

use std::process::ExitCode;

use clap::Args;
use evergrant::{AuditEntry, Error, GrantId, Kind, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Which;
use crate::{options::ApplicationOptions, output};

/// What the program ends with if the history was changed.
const CHANGED: u8 = 3;

/// Show a grant's history, proven to be whole.
///
/// Oldest first. Each entry's hash covers the one before. The last hash is the head; keep it elsewhere, and --head proves later that
/// nothing before it was changed or taken out.
///
/// Exit codes: 0 whole, 3 changed, 1 for anything else.
#[derive(Args)]
pub(super) struct Audit {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    application: ApplicationOptions,
    /// A head that was printed earlier: it must still be in the history.
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let id = self.which.id;
        let application = self.application.open().await?;
        // A grant that does not exist has no history either, which must not look whole.
        application.grant(id).await?;
        let audit = application.audit(id).await.and_then(|entries| self.check(id, entries));
        match audit {
            Ok(entries) => self.show(id, &entries).map(|()| ExitCode::SUCCESS),
            Err(error) if is_change(&error) => {
                output::complain(&error, false);
                Ok(ExitCode::from(CHANGED))
            }
            Err(error) => Err(error),
        }
    }

    fn check(&self, id: GrantId, entries: Vec<AuditEntry>) -> Result<Vec<AuditEntry>> {
        let Some(head) = self.head.as_deref().map(|head| head.trim().to_ascii_lowercase()) else {
            return Ok(entries);
        };
        let is_hash =
            matches!(head.len(), 40 | 64) && head.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(Error::invalid_input(
                "head",
                "--head is not a hash that `evergrant grants audit` prints",
            ));
        }
        if entries.iter().any(|entry| entry.hash == head) {
            return Ok(entries);
        }
        Err(Error::new(Kind::Store, "the audit was changed: that head is not in it")
            .with("grant", id.to_string())
            .with("entry", "unknown")
            .advise("Compare with a backup: somebody replaced the store's audit."))
    }

    fn show(&self, id: GrantId, entries: &[AuditEntry]) -> Result<()> {
        let head = entries.last().map_or("", |last| last.hash.as_str());
        if self.json {
            let entries: Vec<Value> = entries.iter().map(as_json).collect();
            return output::json(&json!({"grant": id, "head": head, "entries": entries}));
        }
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        output::table(
            &["NO", "WHEN (UTC)", "EVENT", "GENERATION", "CHAIN", "ATTEMPT", "NODE"],
            &rows,
        )?;
        let noun = if entries.len() == 1 { "entry" } else { "entries" };
        output::line(format!("{} {noun}, whole; head {head}", entries.len()))
    }
}

/// The core names the entry that does not fit.
fn is_change(error: &Error) -> bool {
    error.kind() == Kind::Store && error.context().iter().any(|(name, _)| *name == "entry")
}

fn row(entry: &AuditEntry) -> Vec<String> {
    let short = |id: &str| id.chars().take(8).collect::<String>();
    let at = Timestamp::from_millisecond(entry.at)
        .map_or_else(|_| entry.at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    vec![
        entry.number.to_string(),
        at,
        entry.event.clone(),
        entry.generation.to_string(),
        short(&format!("{:016x}", entry.chain)),
        short(&entry.attempt),
        short(&entry.node),
    ]
}

/// A chain's number is too large for the numbers of many readers of JSON, hence text.
fn as_json(entry: &AuditEntry) -> Value {
    json!({
        "number": entry.number,
        "at": entry.at,
        "event": entry.event,
        "chain": entry.chain.to_string(),
        "attempt": entry.attempt,
        "node": entry.node,
        "generation": entry.generation,
        "hash": entry.hash,
    })
}
