//! `evergrant grants release`.

use clap::Args;
use evergrant::Result;

use super::Which;
use crate::{options::ApplicationOptions, output};

/// Release a grant that is held because the store was restored or copied.
///
/// It says: this store is the only one in use. If another copy of it still renews, the two spend
/// each other's tokens, and a person has to consent again.
#[derive(Args)]
pub(super) struct Release {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    application: ApplicationOptions,
}

impl Release {
    pub(super) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        application.release(self.which.id).await?;
        output::line(format!("grant {} is not held any more", self.which.id))
    }
}
