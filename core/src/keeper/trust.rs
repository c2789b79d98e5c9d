//! Recognising a store that was restored or cloned, and releasing it chain by chain.

use super::{Keeper, oracle::Word, rotation::at};
use crate::{
    Error, Kind, Result,
    store::{GrantRow, keep},
};

impl Keeper {
    /// Compares the store with the installation that it was last opened on. A copy that runs
    /// elsewhere starts with every chain in quarantine: readers are served, nothing is spent.
    pub(super) async fn recognise(&self) -> Result<()> {
        let Some(here) = self.0.store.installation().await? else { return Ok(()) };
        let known = self.0.store.meta("installation").await?;
        match known.as_deref() {
            None => {
                self.0.store.set_meta("installation", None, here.as_bytes()).await?;
            }
            Some(known) if known == here.as_bytes() => {}
            Some(known) => {
                tracing::warn!(
                    store = self.0.store.address(),
                    "the store was restored or copied: its grants are released one by one"
                );
                let epoch = self.0.store.meta("epoch").await?;
                self.0
                    .store
                    .set_meta("epoch", epoch.as_deref(), &rand::random::<[u8; 16]>())
                    .await?;
                let failed_over = cluster(known) == cluster(here.as_bytes());
                let since = if failed_over { self.0.clock.now() } else { i64::MAX };
                let before = self.0.store.meta("quarantined_at").await?;
                self.0
                    .store
                    .set_meta("quarantined_at", before.as_deref(), &since.to_be_bytes())
                    .await?;
                self.0.store.set_meta("installation", Some(known), here.as_bytes()).await?;
            }
        }
        Ok(())
    }

    /// Whether the pair that the store shows may be spent. False: it was brought forward, look again.
    pub(super) async fn is_trusted(&self, row: &GrantRow) -> Result<bool> {
        let marked = self.0.spool.marked(row.id).await?;
        let behind = marked.is_some_and(|marked| marked > row.generation);
        if !behind && !row.chain.quarantined {
            return Ok(true);
        }
        if self.replay(row).await? {
            return Ok(false);
        }
        let agrees = marked == Some(row.generation);
        if agrees
            || self.ask_oracle(row).await == Word::Accepted
            || (!behind && self.is_past_hold_back().await?)
        {
            self.trust(row).await?;
            return Ok(false);
        }
        let error = if behind {
            Error::new(
                Kind::Store,
                "the store was rolled back: its refresh token has been spent since",
            )
        } else {
            Error::new(Kind::Store, "the store was restored or copied: the grant is in quarantine")
        };
        Err(at(row, error).advise(
            "If this is the only copy in use, release the grant (evergrant grants release) or consent again.",
        ))
    }

    /// Releases the chain, and takes the store's word for its generation.
    pub(super) async fn trust(&self, row: &GrantRow) -> Result<()> {
        self.0.store.release(row.chain.id, row.chain.pair.lineage).await?;
        self.0.spool.accept(row.id, row.generation).await?;
        tracing::info!(grant = row.id, "released from quarantine");
        Ok(())
    }

    /// Where the store's epoch is new, releases every chain of which this machine knows that the store
    /// has its newest pair.
    pub(super) async fn release_agreed(&self) -> Result<()> {
        let epoch = self.0.store.meta("epoch").await?.unwrap_or_default();
        if self.0.spool.seen_epoch().await?.as_ref() == Some(&epoch) {
            return Ok(());
        }
        for (grant, generation) in self.0.spool.marks().await? {
            let row = self.0.store.grant(grant).await?;
            let agrees = |row: &GrantRow| row.chain.quarantined && row.generation == generation;
            if let Some(row) = row.filter(agrees) {
                self.trust(&row).await?;
            }
        }
        self.0.spool.see_epoch(epoch).await
    }

    /// After a failover of the same cluster, silent nodes have had their time.
    async fn is_past_hold_back(&self) -> Result<bool> {
        let since = self.0.store.meta("quarantined_at").await?;
        let since =
            since.and_then(|bytes| bytes.try_into().ok()).map_or(i64::MAX, i64::from_be_bytes);
        let hold_back = i64::try_from(keep::HOLD_BACK.as_secs()).unwrap_or(i64::MAX);
        Ok(self.0.clock.now() >= since.saturating_add(hold_back))
    }
}

/// The part of an installation's name that a failover leaves as it is: all before a slash.
fn cluster(installation: &[u8]) -> &[u8] {
    let slash = installation.iter().position(|byte| *byte == b'/');
    slash.map_or(installation, |slash| &installation[..slash])
}
