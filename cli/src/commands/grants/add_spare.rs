//! `evergrant grants add-spare`.

use clap::Args;
use evergrant::Result;

use super::Which;
use crate::{input, options::ApplicationOptions, output};

/// Keep a delivered refresh token as a spare of a grant.
///
/// The portal delivers one when a person opens the application's frame or installs it. The spare
/// takes over if the grant's own chain is lost. The token is proven first, by renewing it.
///
/// The token is read from standard input, never from the command line, which other users of this
/// machine can read.
#[derive(Args)]
pub(super) struct AddSpare {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    application: ApplicationOptions,
}

impl AddSpare {
    pub(super) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        application.grant(self.which.id).await?;
        let token = input::line("refresh_token").await?;
        let grant = application.add_spare(self.which.id, token).await?;
        output::line(format!("grant {} on {} has a spare chain", grant.id, grant.portal))
    }
}
