//! `evergrant token`.

use clap::Args;
use evergrant::{DEFAULT_MIN_TTL, Result};
use serde_json::json;

use crate::{options::CallerOptions, output};

/// Prints an access token.
#[derive(Args)]
pub(crate) struct TokenCommand {
    #[command(flatten)]
    caller: CallerOptions,
    /// How many seconds the token must live at least.
    #[arg(long, default_value_t = DEFAULT_MIN_TTL, value_name = "SECONDS")]
    min_ttl: i64,
    /// Print JSON with expiry, generation and endpoint.
    #[arg(long)]
    json: bool,
}

impl TokenCommand {
    pub(crate) async fn run(self) -> Result<()> {
        let (application, grant) = self.caller.grant().await?;
        let token = application.token(grant, self.min_ttl).await?;
        if !self.json {
            return output::line(token.access_token.expose());
        }
        output::json(&json!({
            "access_token": token.access_token.expose(),
            "expires_at": token.expires_at,
            "expires_in": token.expires_at - application.clock().now(),
            "generation": token.generation,
            "client_endpoint": token.client_endpoint,
            "member_id": token.member_id,
            "user_id": token.user_id,
            "scope": token.scope.join(","),
        }))
    }
}
