//! `evergrant grants keep-alive`.

use clap::Args;
use evergrant::{Application, Result};
use serde_json::json;

use super::{day, minute};
use crate::{options::ApplicationOptions, output};

/// More rounds than any store needs whose chains can be renewed.
const ROUNDS: usize = 10_000;

/// Renew what would die of disuse; for cron and systemd timers.
///
/// Renews the grants whose refresh token nobody has used for long, brings in what dead programs
/// left, and says when to run again. For machines where no program of evergrant runs all the time: a line
/// of cron or a systemd timer, once a day, is enough; nothing is renewed before it is due.
#[derive(Args)]
pub(super) struct KeepAlive {
    #[command(flatten)]
    application: ApplicationOptions,
    /// Print JSON, with times in Unix seconds.
    #[arg(long)]
    json: bool,
}

impl KeepAlive {
    pub(super) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        rounds(&application).await?;
        let rotations = application.statistics().rotations;
        let next = application.next_keep_alive().await?;
        if self.json {
            return output::json(&json!({
                "rotations": rotations,
                "due_at": next.map(|next| next.due_at),
                "run_before": next.map(|next| next.expires_at),
            }));
        }
        let Some(next) = next else {
            return output::line("no grant to keep alive: run `evergrant login PORTAL`");
        };
        let noun = if rotations == 1 { "token" } else { "tokens" };
        output::line(format!("{rotations} refresh {noun} renewed"))?;
        output::line(format!("next due {}", minute(next.due_at)))?;
        output::line(format!("run again before {}", day(next.expires_at)))?;
        output::line("for cron, every day: 17 4 * * * evergrant grants keep-alive")
    }
}

/// A round takes a handful of chains. Each that it took is due again later, renewed or not.
async fn rounds(application: &Application) -> Result<()> {
    for _ in 0..ROUNDS {
        application.maintain().await?;
        let now = application.clock().now();
        match application.next_keep_alive().await? {
            Some(next) if next.due_at <= now => {}
            _ => return Ok(()),
        }
    }
    Ok(())
}
