//! When a chain is given up, and what is tried before.

use super::{
    Keeper,
    fault::fault,
    recovery::{LATER, unknown_fate},
    spool::Parent,
};
use crate::{
    Kind, Result,
    store::{AttemptId, Budget, Chain, ChainState, GrantRow, Role, Start, Status, Verdict},
};

/// What is known of a refused token's successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// There is one, another chain took over, or the chain was given up.
    Over,
    /// A process of this machine may have it, and may be standing still.
    AwaitedHere,
    /// Another machine may have it.
    AwaitedElsewhere,
}

impl Keeper {
    /// The refresh token was refused: dead, unless somebody has its successor.
    pub(super) async fn meet_doubt(&self, row: &GrantRow) -> Result<Doubt> {
        if self.replay(row).await? || self.promote(row).await? {
            return Ok(Doubt::Over);
        }
        let (chain, parent) = (row.chain.id, row.chain.pair.lineage);
        if self.0.spool.may_bring(Parent { grant: row.id, chain, lineage: parent }).await? {
            return Ok(Doubt::AwaitedHere);
        }
        if let Some(retired) = self.way_back(row).await? {
            match Box::pin(self.rotate(&retired)).await {
                // It lives, and takes over when the doubt is looked at again, or it was refused too.
                Ok(_) => return Ok(Doubt::Over),
                Err(error) if error.kind() == Kind::Key => {
                    tracing::warn!(grant = row.id, %error, "a retired chain cannot be read");
                }
                Err(error) if error.kind() == Kind::Store => return Err(error),
                Err(_) => return Ok(Doubt::AwaitedElsewhere),
            }
        }
        if self.0.store.bury(chain, parent, self.0.spool.node()).await? {
            self.mourn(row).await?;
            return Ok(Doubt::Over);
        }
        let now = self.0.store.chains(row.id).await?;
        if now.iter().any(|now| now.id == chain && now.state == ChainState::Doubted) {
            return Ok(Doubt::AwaitedElsewhere);
        }
        Ok(Doubt::Over)
    }

    /// Before the last chain of a grant is given up: one that a spare took over from while nobody knew what
    /// had become of its token. Perhaps it was never sent.
    async fn way_back(&self, row: &GrantRow) -> Result<Option<GrantRow>> {
        let chains = self.0.store.chains(row.id).await?;
        let in_use = |chain: &Chain| chain.role != Role::Retired && chain.state != ChainState::Dead;
        if row.chain.role == Role::Retired
            || chains.iter().filter(|chain| in_use(chain)).count() > 1
        {
            return Ok(None);
        }
        let now = self.0.clock.now();
        let retired = chains.into_iter().find(|chain| {
            let unknown = chain.is_held() || chain.state == ChainState::Ambiguous;
            chain.role == Role::Retired && unknown && chain.pair.refresh_expires_at > now
        });
        Ok(retired.map(|chain| GrantRow { chain, ..row.clone() }))
    }

    /// Tells of a chain that was given up: of the grant, if it was its last.
    async fn mourn(&self, before: &GrantRow) -> Result<()> {
        let row = self.row(before.id).await?;
        if row.status != Status::NeedsReauthorization || before.status == row.status {
            tracing::warn!(grant = row.id, chain = before.chain.id, "a chain was given up");
            return Ok(());
        }
        tracing::error!(
            grant = row.id,
            portal = row.endpoints.client_endpoint,
            "the grant needs a new consent"
        );
        self.tell(row.id, row.generation, row.status);
        Ok(())
    }

    /// Treats a token of unknown fate as refused, without sending it; `silent` being the attempt that
    /// may have sent it.
    pub(super) async fn give_up(&self, row: &GrantRow, silent: Option<AttemptId>) -> Result<()> {
        let attempt = AttemptId::random();
        let start = Start {
            chain: row.chain.id,
            parent: row.chain.pair.lineage,
            attempt,
            node: self.0.spool.node(),
            lease: LATER,
            // Nothing is sent.
            budget: Budget { hour: 0, day: 0, application_hour: 0 },
        };
        let acquired = match silent {
            None => self.0.store.begin(&start).await?,
            Some(silent) => self.0.store.take_over(&start, silent).await?,
        };
        if acquired {
            fault("giving_up").await;
            self.0.store.settle(row.chain.id, attempt, Verdict::Refused).await?;
            return Ok(());
        }
        match silent {
            None => self.not_acquired(row).await,
            // Its answer may still come, until the hold-back is over.
            Some(_) => Err(unknown_fate(row, LATER)),
        }
    }
}
