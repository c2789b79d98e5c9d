//! `evergrant grants release`.

use clap::Args;
use evergrant::{GrantId, Result};

use crate::{
    options::{ApplicationOptions, grant_id},
    output,
};

/// Release a grant that is held because the store was restored or copied.
///
/// It says: this store is the only one in use. If another copy of it still renews, the two spend
/// each other's tokens, and a person has to consent again.
#[derive(Args)]
pub(super) struct Release {
    /// The grant's number, as `evergrant grants` shows it.
    #[arg(value_name = "ID", value_parser = grant_id, allow_negative_numbers = true)]
    #[arg(required_unless_present = "all")]
    id: Option<GrantId>,
    /// All grants of the application.
    #[arg(long, conflicts_with = "id")]
    all: bool,
    #[command(flatten)]
    application: ApplicationOptions,
}

impl Release {
    pub(super) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        let mut grants = Vec::from_iter(self.id);
        if self.all {
            grants.extend(application.grants().await?.iter().map(|grant| grant.id));
        }
        for grant in grants {
            application.release(grant).await?;
            output::line(format!("grant {grant} is not held any more"))?;
        }
        Ok(())
    }
}
