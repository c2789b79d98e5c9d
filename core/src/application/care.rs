//! What keeps an application's grants alive for years: maintenance, keys, history.

use std::time::Duration;

use super::Application;
#[cfg(feature = "faults")]
use crate::keeper::{Fingerprint, SealedCopy};
use crate::{
    AuditEntry, KeepAlive, Result, audit, keep_alive,
    keeper::{Changes, Statistics},
    process,
    store::GrantId,
};

impl Application {
    /// Changes of this application's grants from now on, each told after it is durable.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.keeper.subscribe()
    }

    /// One round of background work: keep-alive, renewal ahead of need, recovery of what dead
    /// processes left. Only needed where [`ApplicationBuilder::background`] is off.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn maintain(&self) -> Result<()> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.maintain(true).await }).await
    }

    /// When keep-alive is due next; `None` where there is nothing to keep alive.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn next_keep_alive(&self) -> Result<Option<KeepAlive>> {
        keep_alive::next(&self.keeper).await
    }

    /// Lets no new exchange begin, and waits up to `deadline` for those under way. True if all of
    /// them ended. For programs that were asked to stop: a deadline below [`crate::LONGEST_EXCHANGE`] gives a
    /// slow answer up, and with it a refresh token that may have been spent.
    pub async fn shut_down(&self, deadline: Duration) -> bool {
        let keeper = self.keeper.clone();
        process::shield(async move { Ok(keeper.shut_down(deadline).await) }).await.unwrap_or(false)
    }

    /// Releases a grant that is held because the store was restored or copied: this store is the only one in use.
    ///
    /// # Errors
    /// [`crate::Kind::UnknownGrant`], [`crate::Kind::Store`].
    pub async fn release(&self, id: GrantId) -> Result<()> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.release(id).await }).await
    }

    /// Seals everything with the newest version of the master key; answers how many grants it was.
    ///
    /// # Errors
    /// [`crate::Kind::Store`], [`crate::Kind::Key`].
    pub async fn reseal(&self) -> Result<u64> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.reseal().await }).await
    }

    /// A grant's history, oldest first, proven to be whole: each entry's hash covers the one before.
    ///
    /// # Errors
    /// [`crate::Kind::Store`] naming the first entry that does not fit.
    pub async fn audit(&self, id: GrantId) -> Result<Vec<AuditEntry>> {
        let keeper = self.keeper.clone();
        process::shield(async move {
            keeper.row(id).await?;
            audit::read(keeper.store(), id).await
        })
        .await
    }

    /// Which refresh tokens the store and this machine's spool hold for a grant. For tests that compare
    /// with a server's truth; built only with the feature `faults`.
    ///
    /// # Errors
    /// As [`Application::grant`].
    #[cfg(feature = "faults")]
    pub async fn fingerprints(&self, id: GrantId) -> Result<Vec<Fingerprint>> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.fingerprints(id).await }).await
    }

    /// What the rows of further grants like `template` would hold, for each of the numbers. For benchmarks
    /// that fill a store; built only with the feature `faults`.
    ///
    /// # Errors
    /// As [`Application::grant`].
    #[cfg(feature = "faults")]
    pub async fn copies(
        &self,
        template: GrantId,
        grants: std::ops::Range<GrantId>,
    ) -> Result<Vec<SealedCopy>> {
        let keeper = self.keeper.clone();
        process::shield(async move { keeper.copies(template, grants).await }).await
    }

    /// What this application's keeper has done in this process.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.keeper.statistics()
    }
}
