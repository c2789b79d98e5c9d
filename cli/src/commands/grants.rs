//! `evergrant grants`.

use clap::Args;
use evergrant::{Grant, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{options::ApplicationOptions, output};

/// Shows the grants in the store, never their tokens.
#[derive(Args)]
pub(crate) struct Grants {
    #[command(flatten)]
    application: ApplicationOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Grants {
    pub(crate) async fn run(self) -> Result<()> {
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
