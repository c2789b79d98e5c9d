//! Making an answer durable: into the spool, then into the store, then to the readers.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Keeper, Token,
    rotation::at,
    spool::{Label, Slot},
};
use crate::{
    Error, Kind, Portal, Result, Secret,
    oauth::{Answer, Exchanged, TokenAnswer, connect, refresh_expires_at},
    portal::{authority, rest_endpoint},
    process::{detach, shield},
    rest,
    store::{
        AttemptId, Column, Committed, Endpoints, GrantId, GrantRow, Identity, Lineage, SealedPair,
    },
};

/// A code that a person's consent brought.
pub(crate) struct Consent {
    pub(crate) code: Secret,
    pub(crate) claims: Claims,
    pub(crate) server_domain: Option<String>,
}

/// What the code was asked for, and what the redirect said about it: the answer must agree. Kept
/// with the answer in the spool, so that a recovery is as strict as the exchange was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Origin of the portal that the code was asked for.
    pub(crate) portal: Option<String>,
    /// The identity that the redirect named.
    pub(crate) member_id: Option<String>,
}

impl Keeper {
    /// Exchanges a code for a grant. Runs to its end whoever stops waiting.
    pub(crate) async fn exchange(&self, consent: Consent) -> Result<GrantRow> {
        let keeper = self.clone();
        shield(async move { keeper.exchange_code(consent).await }).await
    }

    async fn exchange_code(&self, consent: Consent) -> Result<GrantRow> {
        if consent.code.is_blank() || consent.code.expose().len() > 1024 {
            return Err(Error::invalid_input("code", "the code is empty or too long"));
        }
        let attempt = AttemptId::random();
        let server = self.0.credentials.server.resolve(consent.server_domain.as_deref());
        let label = Label::consent(
            &self.0.credentials.client_id,
            attempt,
            &consent.claims,
            server.as_str(),
        );
        let mut slot = self.0.spool.reserve(label).await?;
        let form = self.form("authorization_code", &consent.code);
        let exchanged = match connect(&server).await {
            Ok(line) => line.send(&self.0.clock, &form, Duration::MAX).await,
            Err(error) => Exchanged::NothingSent(error),
        };
        let (status, body) = match exchanged {
            Exchanged::Answered { status, body, .. } => (status, body),
            Exchanged::NothingSent(error) | Exchanged::NoAnswer(error) => {
                slot.discard().await?;
                return Err(error
                    .advise("Ask for a new consent once the network works: a code works once."));
            }
        };
        // An answer that could not be spooled may still be committed.
        let _ = self.spool(&mut slot, attempt, status, &body).await;
        let kept = match Answer::read(status, &body) {
            Answer::Token(token) => {
                self.keep_consent(&consent.claims, attempt, &token, &server).await
            }
            Answer::Refused(refusal) => Err(refusal.error()),
            Answer::Unreadable(why) => Err(Error::new(Kind::UnexpectedAnswer, why)
                .with_status(status)
                .with("host", authority(&server))
                .advise("Ask for a new consent: a code works once.")),
        };
        match &kept {
            Ok(_) => slot.done().await?,
            // A pair that the store could not take waits in the spool.
            Err(error) if error.kind() == Kind::Store => {}
            Err(_) => slot.discard().await?,
        }
        kept
    }

    pub(super) async fn keep_consent(
        &self,
        claims: &Claims,
        attempt: AttemptId,
        token: &TokenAnswer,
        server: &Url,
    ) -> Result<GrantRow> {
        let missing = |what: &str| {
            Error::new(Kind::UnexpectedAnswer, format!("the authorization server's answer has no {what}"))
                .advise("Ask for a new consent; if it happens again, the portal is not one that evergrant knows.")
        };
        let refresh_token = token.refresh_token.as_ref().ok_or_else(|| missing("refresh_token"))?;
        let member_id = token
            .member_id
            .clone()
            .or_else(|| claims.member_id.clone())
            .ok_or_else(|| missing("member_id"))?;
        let portal = claims.portal.as_deref().map(Portal::parse).transpose()?;
        let endpoint = match (&token.client_endpoint, &portal) {
            (Some(endpoint), _) => rest_endpoint(endpoint)?,
            (None, Some(portal)) => portal.rest(),
            (None, None) => return Err(missing("client_endpoint")),
        };
        check_portal(portal.as_ref(), claims, &member_id, &endpoint)?;
        let user_id = match token.user_id {
            Some(user_id) => user_id,
            // Not all answers say whose token it is; the portal does. A grant without it still works.
            None => rest::whose(&endpoint, &token.access_token).await.unwrap_or(0),
        };
        let identity =
            Identity { client_id: self.0.credentials.client_id.clone(), member_id, user_id };
        let (grant, data_key) =
            self.0.store.ensure_grant(&identity, self.0.vault.new_data_key()?).await?;
        let endpoints = self.endpoints(token, &endpoint, server);
        let pair = self.seal(grant, &data_key, token, refresh_token)?;
        let installed = self.0.store.install(grant, attempt, &endpoints, &pair).await?;
        tracing::info!(grant, ?installed, portal = authority(&endpoint), "a consent is kept");
        let row = self.row(grant).await?;
        self.0.remember(self.open(&row)?);
        Ok(row)
    }

    /// Commits the pair that a rotation brought. `None` if the chain has moved on without it.
    pub(super) async fn keep_rotated(
        &self,
        row: &GrantRow,
        token: &TokenAnswer,
        commit: Commit,
        slot: Slot,
        spooled: Result<()>,
    ) -> Result<Option<Arc<Token>>> {
        let committed = match self.commit(&commit).await {
            Err(error) if spooled.is_ok() => {
                tracing::error!(grant = row.id, %error, "the store does not take a rotated pair; serving it from memory");
                let token = self.0.remember(self.unstored(row, token, &commit));
                self.commit_later(commit, slot)?;
                return Ok(Some(token));
            }
            // Neither on disk nor in the store: nobody may have it yet.
            Err(_) => self.commit_until_stored(&commit).await,
            Ok(committed) => committed,
        };
        slot.done().await?;
        match committed {
            Committed::Orphan => Ok(None),
            Committed::Current(_) => {
                let row = self.row(row.id).await?;
                Ok(Some(self.0.remember(self.open(&row)?)))
            }
        }
    }

    /// Seals the pair that succeeds `row`'s.
    pub(super) fn successor(
        &self,
        row: &GrantRow,
        sent: &Secret,
        token: &TokenAnswer,
    ) -> Result<Commit> {
        let foreign = token.member_id.as_ref().is_some_and(|id| *id != row.identity.member_id)
            || token
                .user_id
                .is_some_and(|id| row.identity.user_id != 0 && id != row.identity.user_id);
        if foreign {
            return Err(at(
                row,
                Error::new(Kind::UnexpectedAnswer, "the answer belongs to another portal or user"),
            )
            .advise("Nothing was overwritten; the answer stays in the spool for two days."));
        }
        // A pair is not lost over a malformed address: the known one stays.
        let endpoint = match token.client_endpoint.as_deref().map(rest_endpoint) {
            Some(Ok(endpoint)) => endpoint,
            _ => rest_endpoint(&row.endpoints.client_endpoint)?,
        };
        let server = self.0.credentials.server.resolve(Some(&row.endpoints.authorization_server));
        let mut endpoints = self.endpoints(token, &endpoint, &server);
        if endpoints.scope.is_empty() {
            endpoints.scope.clone_from(&row.endpoints.scope);
        }
        // An answer without a refresh token leaves the old one in force.
        let refresh_token = token.refresh_token.as_ref().unwrap_or(sent);
        let pair = self.seal(row.id, &row.data_key, token, refresh_token)?;
        Ok(Commit { grant: row.id, parent: row.pair.lineage, endpoints, pair })
    }

    pub(super) async fn commit(&self, commit: &Commit) -> Result<Committed> {
        self.0.store.commit(commit.grant, commit.parent, &commit.endpoints, &commit.pair).await
    }

    async fn commit_until_stored(&self, commit: &Commit) -> Committed {
        let mut pause = Duration::from_millis(200);
        loop {
            match self.commit(commit).await {
                Ok(committed) => return committed,
                Err(error) => {
                    tracing::error!(grant = commit.grant, %error, "a rotated pair is not stored yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
    }

    fn commit_later(&self, commit: Commit, slot: Slot) -> Result<()> {
        let keeper = self.clone();
        detach(async move {
            keeper.commit_until_stored(&commit).await;
            if let Err(error) = slot.done().await {
                tracing::warn!(%error, "a committed answer could not be put aside");
            }
        })
    }

    /// Writes a raw answer to the spool before anything looks at it.
    pub(super) async fn spool(
        &self,
        slot: &mut Slot,
        attempt: AttemptId,
        status: u16,
        body: &[u8],
    ) -> Result<()> {
        let written = match self.0.vault.seal_answer(attempt, body) {
            Ok(sealed) => slot.write(status, sealed).await,
            Err(error) => Err(error),
        };
        written.inspect_err(|error| tracing::error!(%error, "an answer could not be spooled"))
    }

    fn seal(
        &self,
        grant: GrantId,
        data_key: &[u8],
        token: &TokenAnswer,
        refresh: &Secret,
    ) -> Result<SealedPair> {
        let lineage = Lineage::random();
        let now = self.0.clock.now();
        let seal =
            |column, secret| self.0.vault.seal_token(data_key, grant, lineage, column, secret);
        Ok(SealedPair {
            lineage,
            access: seal(Column::Access, &token.access_token)?,
            refresh: seal(Column::Refresh, refresh)?,
            access_expires_at: token.access_expires_at(now),
            refresh_expires_at: refresh_expires_at(refresh, now),
        })
    }

    fn endpoints(&self, token: &TokenAnswer, endpoint: &Url, server: &Url) -> Endpoints {
        let named = token
            .server_endpoint
            .as_deref()
            .map(|claim| self.0.credentials.server.resolve(Some(claim)));
        Endpoints {
            client_endpoint: endpoint.to_string(),
            authorization_server: named.as_ref().unwrap_or(server).to_string(),
            scope: token.scope.clone(),
            application_status: token.status.clone(),
        }
    }

    fn unstored(&self, row: &GrantRow, token: &TokenAnswer, commit: &Commit) -> Token {
        Token {
            grant: row.id,
            access_token: token.access_token.clone(),
            expires_at: commit.pair.access_expires_at,
            generation: row.generation + 1,
            client_endpoint: commit.endpoints.client_endpoint.clone(),
            member_id: row.identity.member_id.clone(),
            user_id: row.identity.user_id,
            scope: commit.endpoints.scope.clone(),
        }
    }
}

/// A pair on its way into the store.
pub(super) struct Commit {
    grant: GrantId,
    parent: Lineage,
    endpoints: Endpoints,
    pair: SealedPair,
}

/// A code is for the portal that was asked, or for none: a swapped one would send the caller's data
/// to somebody else's portal.
fn check_portal(
    asked: Option<&Portal>,
    claims: &Claims,
    member_id: &str,
    endpoint: &Url,
) -> Result<()> {
    if let Some(claimed) = claims.member_id.as_deref().filter(|claimed| *claimed != member_id) {
        return Err(Error::invalid_input(
            "redirect_url",
            "the code belongs to another portal than the redirect says",
        )
        .with("member_id", claimed)
        .advise("Nothing was kept. Start again from a new authorize link."));
    }
    let got = authority(endpoint);
    match asked.map(Portal::host) {
        Some(asked) if asked != got => Err(Error::invalid_input(
            "portal",
            format!("the code belongs to {got}, not to {asked}"),
        )
        .advise(
            "Nothing was kept. If the portal was renamed, use its new address; else start again.",
        )),
        _ => Ok(()),
    }
}
