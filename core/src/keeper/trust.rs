//! Recognising a store that was restored or cloned, and releasing it chain by chain.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Keeper,
    oracle::Word,
    rotation::{LEASE, at},
};
use crate::{
    Error, Kind, Result, Retry,
    store::{GrantId, GrantRow, Role, keep},
};

/// Older than this, no attempt from before the quarantine can still be under way.
const SETTLED: Duration = LEASE.saturating_add(Duration::from_secs(10));

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
                // The note first: whoever meets the new epoch must find it.
                let failed_over = cluster(known) == cluster(here.as_bytes());
                self.note_quarantine(failed_over).await?;
                let epoch = self.0.store.meta("epoch").await?;
                self.0
                    .store
                    .set_meta("epoch", epoch.as_deref(), &rand::random::<[u8; 16]>())
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
            // With a successor of a spare's pair at hand, the store is behind by definition.
            return Ok(row.chain.role == Role::Primary || !self.replay(row).await?);
        }
        if behind && self.row(row.id).await?.generation != row.generation {
            // Not the store is behind, what we read of it is: others have rotated since.
            return Ok(false);
        }
        if self.replay(row).await? || (behind && self.replay_consents().await?) {
            return Ok(false);
        }
        let quarantine = self.quarantine().await?;
        if row.chain.quarantined && quarantine.age < SETTLED {
            // An attempt that the store has forgotten may still be under way.
            let error = Error::new(Kind::Store, "the store was restored or copied a moment ago");
            return Err(at(row, error)
                .with_retry(Retry::Safe)
                .with_retry_after(SETTLED.saturating_sub(quarantine.age)));
        }
        // A mark says nothing about a spare: its rotations do not raise the generation.
        let agrees = marked == Some(row.generation) && row.chain.role == Role::Primary;
        // A pair that is known to be spent stays spent, whatever its access token is good for.
        if !behind && (agrees || self.may_go_on(row, &quarantine).await) {
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

    /// Whether the chain may be spent although no machine knows that its pair is the newest. That the
    /// server still takes its access token is as true of the original as of a copy: it counts only
    /// where the same cluster went on, so that there is no original.
    async fn may_go_on(&self, row: &GrantRow, quarantine: &Quarantine) -> bool {
        quarantine.failed_over
            && (quarantine.age >= keep::HOLD_BACK || self.ask_oracle(row).await == Word::Accepted)
    }

    /// Releases the chain, and takes the store's word for its generation.
    pub(super) async fn trust(&self, row: &GrantRow) -> Result<()> {
        if row.chain.quarantined {
            self.0.store.release(row.chain.id, row.chain.pair.lineage).await?;
        }
        if row.chain.role == Role::Primary {
            self.0.spool.accept(row.id, row.generation).await?;
        }
        tracing::info!(grant = row.id, "released from quarantine");
        Ok(())
    }

    /// Where the store's epoch is new, brings in at once what this machine has and the store has not,
    /// before others take the store's word for it. When the quarantine has settled, it releases every
    /// chain of which it knows that the store has its newest pair.
    pub(super) async fn meet_epoch(&self) -> Result<()> {
        let epoch = self.0.store.meta("epoch").await?.unwrap_or_default();
        if self.0.spool.seen_epoch().await?.as_ref() == Some(&epoch) {
            return Ok(());
        }
        if *self.brought_in() != epoch {
            self.replay_consents().await?;
            for (grant, _) in self.0.spool.marks().await? {
                self.note_unless_away(grant, self.bring_forward(grant).await).await?;
            }
            self.brought_in().clone_from(&epoch);
        }
        if self.quarantine().await?.age < SETTLED {
            return Ok(());
        }
        for (grant, generation) in self.0.spool.marks().await? {
            self.note_unless_away(grant, self.agree(grant, generation).await).await?;
        }
        self.0.spool.see_epoch(epoch).await
    }

    fn brought_in(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.brought_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings each chain of a grant as far forward as this machine can.
    async fn bring_forward(&self, grant: GrantId) -> Result<()> {
        let Some(row) = self.0.store.grant(grant).await? else { return Ok(()) };
        for chain in self.0.store.chains(grant).await? {
            if chain.quarantined {
                self.replay(&GrantRow { chain, ..row.clone() }).await?;
            }
        }
        Ok(())
    }

    /// Releases a grant's primary if its generation is the one that this machine knows.
    async fn agree(&self, grant: GrantId, generation: i64) -> Result<()> {
        let agrees = |row: &GrantRow| row.chain.quarantined && row.generation == generation;
        match self.0.store.grant(grant).await?.filter(agrees) {
            Some(row) => self.trust(&row).await,
            None => Ok(()),
        }
    }

    /// A grant that cannot be read keeps no other from its turn; a store that is away does.
    async fn note_unless_away(&self, grant: GrantId, done: Result<()>) -> Result<()> {
        if let Err(error) = done {
            self.0.store.meta("epoch").await?;
            tracing::warn!(grant, %error, "a grant cannot leave quarantine yet");
        }
        Ok(())
    }

    /// The store's own time, in seconds: machines' clocks may differ by more than what is measured.
    async fn store_time(&self) -> Result<i64> {
        let (_, milliseconds) = self.0.store.changes(i64::MAX).await?;
        Ok(milliseconds / 1000)
    }

    async fn note_quarantine(&self, failed_over: bool) -> Result<()> {
        let mut value = self.store_time().await?.to_be_bytes().to_vec();
        value.push(u8::from(failed_over));
        let before = self.0.store.meta("quarantine").await?;
        self.0.store.set_meta("quarantine", before.as_deref(), &value).await.map(|_| ())
    }

    async fn quarantine(&self) -> Result<Quarantine> {
        let value = self.0.store.meta("quarantine").await?.unwrap_or_default();
        let Some((since, [failed_over])) = value.split_first_chunk() else {
            return Ok(Quarantine { age: Duration::MAX, failed_over: false });
        };
        let age = self.store_time().await?.saturating_sub(i64::from_be_bytes(*since));
        let age = Duration::from_secs(u64::try_from(age).unwrap_or(0));
        Ok(Quarantine { age, failed_over: *failed_over == 1 })
    }
}

/// Since when a store's chains are in quarantine.
struct Quarantine {
    age: Duration,
    /// The same cluster went on elsewhere: silent nodes have had their time after the hold-back. A
    /// copy on another machine waits for a person.
    failed_over: bool,
}

/// The part of an installation's name that a failover leaves as it is: all before a slash.
fn cluster(installation: &[u8]) -> &[u8] {
    let slash = installation.iter().position(|byte| *byte == b'/');
    slash.map_or(installation, |slash| &installation[..slash])
}
