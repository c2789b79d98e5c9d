//! `evergrant grants reseal`.

use clap::Args;
use evergrant::Result;

use crate::{options::ApplicationOptions, output};

/// Seal everything in the store with the newest version of the master key.
///
/// To change the key: put `1:` before the old one in the key file, add a line `2:<new key>` below,
/// restart all programs, run this, and take the old line out two days later, when no spooled answer
/// needs it any more.
#[derive(Args)]
pub(super) struct Reseal {
    #[command(flatten)]
    application: ApplicationOptions,
}

impl Reseal {
    pub(super) async fn run(self) -> Result<()> {
        let resealed = self.application.open().await?.reseal().await?;
        match resealed {
            0 => output::line("every grant was sealed with the newest key already"),
            1 => output::line("1 grant is sealed with the newest key now"),
            count => output::line(format!("{count} grants are sealed with the newest key now")),
        }
    }
}
