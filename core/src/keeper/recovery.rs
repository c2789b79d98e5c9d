//! Finishing what a process left half done: answers that reached the disk but not the store.

use super::{
    Keeper,
    spool::{Label, Slot},
};
use crate::{
    Error, Kind, Result,
    oauth::Answer,
    store::{Column, Committed},
};

impl Keeper {
    /// Brings spooled answers of this application into the store. One that cannot be used is left
    /// where it is and does not stop the others.
    pub(super) async fn recover(&self) -> Result<()> {
        for (slot, sealed) in self.0.spool.waiting().await? {
            if slot.label().client_id != self.0.credentials.client_id {
                continue;
            }
            let attempt = slot.label().attempt.clone();
            if let Err(error) = self.salvage(slot, &sealed).await {
                tracing::warn!(attempt, %error, "a spooled answer could not be brought into the store");
            }
        }
        Ok(())
    }

    async fn salvage(&self, slot: Slot, sealed: &[u8]) -> Result<()> {
        let label = slot.label().clone();
        let attempt = label
            .attempt()
            .ok_or_else(|| Error::new(Kind::Store, "the spooled answer's label is damaged"))?;
        let body = self.0.vault.open_answer(attempt, sealed)?;
        let Answer::Token(token) = Answer::read(label.status.unwrap_or_default(), &body) else {
            return slot.done().await;
        };
        match label.parent() {
            Some((grant, parent)) => {
                let row = self.row(grant).await?;
                if row.pair.lineage == parent {
                    let sent = self.0.vault.open_token(
                        &row.data_key,
                        grant,
                        parent,
                        Column::Refresh,
                        &row.pair.refresh,
                    )?;
                    let commit = self.successor(&row, &sent, &token)?;
                    if let Committed::Current(generation) = self.commit(&commit).await? {
                        tracing::warn!(
                            grant,
                            generation,
                            "salvaged a rotated pair that a process had left in the spool"
                        );
                    }
                }
            }
            None => {
                self.keep_consent(label.claims(), attempt, &token, &server_of(&label)?).await?;
            }
        }
        slot.done().await
    }
}

fn server_of(label: &Label) -> Result<url::Url> {
    label
        .server
        .parse()
        .map_err(|_| Error::new(Kind::Store, "the spooled answer's label is damaged"))
}
