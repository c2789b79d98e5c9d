//! `evergrant grants transfer`.

use clap::Args;
use evergrant::{Error, Grant, Redirect, Result, Secret};
use serde_json::json;

use super::Which;
use crate::{input, options::ApplicationOptions, output};

/// Give a grant to another user of the same portal, who consented with this code.
///
/// Its number stays; its rights are the other user's from then on, and the former chain is given up.
#[derive(Args)]
pub(super) struct Transfer {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    application: ApplicationOptions,
    /// The code of the new user's consent, or the address that their browser ended at; - reads it
    /// from standard input. A code lives 30 seconds and works once.
    #[arg(long, value_name = "CODE")]
    code: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Transfer {
    pub(super) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        let before = application.grant(self.which.id).await?;
        let after = application.transfer(self.which.id, self.code().await?).await?;
        let (lost, won) = (missing(&before, &after), missing(&after, &before));
        if self.json {
            return output::json(&json!({
                "grant": after.id,
                "portal": after.portal,
                "from_user": before.user_id,
                "to_user": after.user_id,
                "scopes_lost": lost,
                "scopes_won": won,
                "generation": after.generation,
            }));
        }
        output::line(format!("grant {} on {}", after.id, after.portal))?;
        output::line(format!("was user {}'s, is user {}'s", before.user_id, after.user_id))?;
        output::line(format!("scopes lost: {}", list(&lost)))?;
        output::line(format!("scopes won:  {}", list(&won)))
    }

    async fn code(&self) -> Result<Secret> {
        let text = match self.code.as_str() {
            "-" => input::line("code").await?,
            text => text.to_owned(),
        };
        if text.trim().is_empty() {
            return Err(Error::invalid_input("code", "the code is empty"));
        }
        if text.contains("code=") {
            return Redirect::parse(&text).map(|redirect| redirect.code);
        }
        Ok(Secret::from(text.trim()))
    }
}

/// Scopes of `one` that `other` lacks.
fn missing<'a>(one: &'a Grant, other: &Grant) -> Vec<&'a str> {
    one.scope.iter().filter(|scope| !other.scope.contains(scope)).map(String::as_str).collect()
}

fn list(scopes: &[&str]) -> String {
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") }
}
