//! Pairs that people bring: by a code, or by opening the application.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Keeper,
    keep::Bound,
    spool::{Label, Slot},
};
use crate::{
    Error, Kind, Portal, Result, Secret,
    oauth::{Answer, Exchanged, TokenAnswer, connect},
    portal::{authority, rest_endpoint},
    process::shield,
    rest,
    store::{AttemptId, ChainState, GrantId, GrantRow, Identity, Install, Installed, Role},
};

/// A code that a person's consent brought, or a refresh token that a delivery brought.
pub(crate) struct Consent {
    pub(crate) value: Secret,
    pub(crate) claims: Claims,
    pub(crate) server_domain: Option<String>,
}

/// What the pair was asked for, and what the redirect said about it: the answer must agree. Kept
/// with the answer in the spool, so that a recovery is as strict as the exchange was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Origin of the portal that the code was asked for.
    pub(crate) portal: Option<String>,
    /// The identity that the redirect named.
    pub(crate) member_id: Option<String>,
    /// What becomes of the pair.
    #[serde(default)]
    pub(crate) purpose: Purpose,
}

/// What becomes of a pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// It is the primary chain of the grant that it belongs to.
    #[default]
    Primary,
    /// It waits beside this grant's primary chain.
    Spare(GrantId),
    /// This grant is its user's from now on.
    Transfer(GrantId),
}

/// Where an answer comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The authorization server, a moment ago.
    Fresh,
    /// This machine's memory: its access token may be dead, so that nobody can be asked whose it is.
    Kept,
}

impl Keeper {
    /// Exchanges a code for a grant. Runs to its end whoever stops waiting.
    pub(crate) async fn exchange(&self, consent: Consent) -> Result<GrantRow> {
        if consent.value.is_blank() || consent.value.expose().len() > 1024 {
            return Err(Error::invalid_input("code", "the code is empty or too long"));
        }
        let keeper = self.clone();
        shield(async move { keeper.exchange_for("authorization_code", consent).await }).await
    }

    /// Proves a delivered refresh token by rotating it, and keeps the pair as a spare of `grant`.
    pub(crate) async fn add_spare(
        &self,
        grant: GrantId,
        refresh_token: Secret,
    ) -> Result<GrantRow> {
        let row = self.row(grant).await?;
        let text = refresh_token.expose();
        if text.len() > 1024 || text.trim().is_empty() {
            return Err(Error::invalid_input(
                "refresh_token",
                "the refresh token is empty or too long",
            ));
        }
        // Spending one that was seen before could revoke a living family.
        if self.0.store.is_known(&self.0.vault.hash(&refresh_token)?).await? {
            return Err(delivered_before());
        }
        let claims = Claims {
            portal: None,
            member_id: Some(row.identity.member_id),
            purpose: Purpose::Spare(grant),
        };
        let server_domain = Some(row.endpoints.authorization_server);
        let consent = Consent { value: refresh_token, claims, server_domain };
        let keeper = self.clone();
        let spent =
            shield(async move { keeper.exchange_for("refresh_token", consent).await }).await;
        spent.map_err(|error| error.with("grant", grant.to_string()))
    }

    async fn exchange_for(&self, grant_type: &'static str, consent: Consent) -> Result<GrantRow> {
        let _permit = self.permit().await?;
        let attempt = AttemptId::random();
        let server = self.0.credentials.server.resolve(consent.server_domain.as_deref());
        let Consent { value, claims, .. } = consent;
        let client_id = &self.0.credentials.client_id;
        let label = Label::consent(client_id, attempt, &claims, server.as_str());
        let mut slot = self.0.spool.reserve(label).await?;
        let form = self.form(grant_type, &value);
        let exchanged = match connect(&server).await {
            Ok(line) => match self.claim(grant_type, &value).await {
                Ok(()) => line.send(&self.0.clock, &form, std::time::Duration::MAX).await,
                Err(error) => {
                    slot.discard().await?;
                    return Err(error);
                }
            },
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
            Answer::Token(token) => self
                .keep_pair(&claims, attempt, &token, &server, Origin::Fresh)
                .await
                .map(|(row, _)| row),
            Answer::Refused(refusal) => Err(refusal.error()),
            Answer::Unreadable(why) => Err(Error::new(Kind::UnexpectedAnswer, why)
                .with_status(status)
                .with("host", authority(&server))
                .advise("Ask for a new consent: a code works once.")),
        };
        put_aside(slot, &kept).await?;
        kept
    }

    /// Two that were brought the same delivery, and one that comes back from a crash: only one of them
    /// sends its refresh token. The server itself sees to it for a code.
    async fn claim(&self, grant_type: &str, value: &Secret) -> Result<()> {
        if grant_type != "refresh_token" || self.0.store.claim(&self.0.vault.hash(value)?).await? {
            return Ok(());
        }
        Err(delivered_before())
    }

    /// Installs a spooled or kept answer to a code or a delivery, unless it was installed before. True
    /// if it was not.
    pub(super) async fn install_answer(
        &self,
        label: &Label,
        sealed: &[u8],
        origin: Origin,
    ) -> Result<bool> {
        let damaged = || Error::new(Kind::Store, "the spooled answer's label is damaged");
        let attempt = label.attempt().ok_or_else(damaged)?;
        let body = self.0.vault.open_answer(attempt, sealed)?;
        let Answer::Token(mut token) = Answer::read(label.status.unwrap_or_default(), &body) else {
            return Ok(false);
        };
        token.received_at = label.received_at();
        let server = label.server.parse().map_err(|_| damaged())?;
        let (_, installed) =
            self.keep_pair(label.claims(), attempt, &token, &server, origin).await?;
        Ok(matches!(installed, Installed::Current(_) | Installed::Spare))
    }

    /// Brings back the consents and spares of the last two days that the store has forgotten.
    pub(super) async fn replay_consents(&self) -> Result<bool> {
        let mut any = false;
        for (label, sealed) in self.0.spool.consents().await? {
            if label.client_id != self.0.credentials.client_id {
                continue;
            }
            match self.install_answer(&label, &sealed, Origin::Kept).await {
                Ok(installed) => any = any || installed,
                Err(error) => tracing::warn!(%error, "a kept consent could not be brought back"),
            }
        }
        Ok(any)
    }

    async fn keep_pair(
        &self,
        claims: &Claims,
        attempt: AttemptId,
        token: &TokenAnswer,
        server: &Url,
        origin: Origin,
    ) -> Result<(GrantRow, Installed)> {
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
        let endpoint = match (&token.client_endpoint, &portal, claims.purpose) {
            (Some(endpoint), ..) => rest_endpoint(endpoint)?,
            (None, Some(portal), _) => portal.rest(),
            (None, None, Purpose::Spare(grant) | Purpose::Transfer(grant)) => {
                rest_endpoint(&self.row(grant).await?.endpoints.client_endpoint)?
            }
            (None, None, Purpose::Primary) => return Err(missing("client_endpoint")),
        };
        check_portal(portal.as_ref(), claims, &member_id, &endpoint)?;
        let user_id = match token.user_id {
            Some(user_id) => user_id,
            // Not all answers say whose token it is; the portal does. A grant without it still works.
            None => match (rest::whose(&endpoint, &token.access_token).await, origin) {
                (Ok(user_id), _) => user_id,
                (Err(_), Origin::Fresh) => 0,
                (Err(error), Origin::Kept) => return Err(error),
            },
        };
        let client_id = self.0.credentials.client_id.clone();
        let identity = Identity { client_id, member_id, user_id };
        let (grant, data_key) = match claims.purpose {
            Purpose::Primary => {
                self.0.store.ensure_grant(&identity, self.0.vault.new_data_key()?).await?
            }
            Purpose::Spare(grant) => self.same_user(grant, &identity).await?,
            Purpose::Transfer(grant) => self.same_portal(grant, &identity).await?,
        };
        // The same number whenever the same answer is brought in: its successors find it.
        let chain = chain_of(attempt);
        let bound = Bound { grant, chain, lineage: attempt.lineage() };
        let pair = self.seal(bound, &data_key, token, refresh_token)?;
        let former = self.0.store.grant(grant).await?;
        let install = Install {
            grant,
            chain,
            role: if matches!(claims.purpose, Purpose::Spare(_)) {
                Role::Spare
            } else {
                Role::Primary
            },
            former: former_role(former.as_ref(), &token.scope),
            endpoints: self.endpoints(token, &endpoint, server),
            pair,
        };
        let installed = match claims.purpose {
            Purpose::Transfer(_) => self.transfer(user_id, &install).await?,
            _ => self.install(&install, &endpoint).await?,
        };
        self.announce(grant).await?;
        let row = self.row(grant).await?;
        self.0.spool.mark(grant, row.generation).await?;
        Ok((row, installed))
    }

    async fn install(&self, install: &Install, endpoint: &Url) -> Result<Installed> {
        let installed = self.0.store.install(install).await?;
        let grant = install.grant;
        tracing::info!(grant, ?installed, portal = authority(endpoint), "a consent is kept");
        let dead = |row: &GrantRow| row.chain.state == ChainState::Dead;
        if installed == Installed::Spare {
            // What had no spare when it died has one now.
            if let Some(row) = self.0.store.grant(grant).await?.filter(dead) {
                self.0.store.promote(grant, row.chain.id).await?;
            }
        }
        Ok(installed)
    }

    async fn transfer(&self, user_id: i64, install: &Install) -> Result<Installed> {
        if let Some(generation) = self.0.store.transfer(user_id, install).await? {
            tracing::info!(grant = install.grant, user_id, "the grant is another user's now");
            return Ok(Installed::Current(generation));
        }
        Err(Error::invalid_input("grant", "the person who consented has a grant of their own")
            .with("grant", install.grant.to_string())
            .with("user_id", user_id.to_string())
            .advise("Use that user's grant, or let somebody else consent."))
    }

    /// A spare carries the same rights, so it must be the same user's.
    async fn same_user(&self, grant: GrantId, identity: &Identity) -> Result<(GrantId, Vec<u8>)> {
        let row = self.row(grant).await?;
        if row.identity == *identity {
            return Ok((grant, row.data_key));
        }
        Err(Error::invalid_input(
            "refresh_token",
            "the delivered pair belongs to another portal or user",
        )
        .with("grant", grant.to_string())
        .with("user_id", identity.user_id.to_string()))
    }

    async fn same_portal(&self, grant: GrantId, identity: &Identity) -> Result<(GrantId, Vec<u8>)> {
        let row = self.row(grant).await?;
        if row.identity.member_id == identity.member_id {
            return Ok((grant, row.data_key));
        }
        Err(Error::invalid_input("grant", "the consent is for another portal than the grant's")
            .with("grant", grant.to_string())
            .advise("Nothing was kept. Consent on the grant's own portal."))
    }
}

fn delivered_before() -> Error {
    Error::invalid_input("refresh_token", "the refresh token was delivered before")
        .advise("Nothing was sent. Every opening of the application brings a new one.")
}

/// The number of the chain that an attempt begins.
fn chain_of(attempt: AttemptId) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = attempt.0;
    (i64::from_be_bytes([a, b, c, d, e, f, g, h]) & i64::MAX).max(1)
}

/// What becomes of the primary chain when a new consent takes its place: a spare, if it lives and its
/// rights are not narrower.
fn former_role(former: Option<&GrantRow>, scope: &[String]) -> Role {
    let spare = former.is_some_and(|row| {
        !matches!(row.chain.state, ChainState::Dead | ChainState::Doubted)
            && scope.iter().all(|scope| row.endpoints.scope.contains(scope))
    });
    if spare { Role::Spare } else { Role::Retired }
}

/// A pair that the store could not take waits in the spool; a refused or foreign one does not.
async fn put_aside(slot: Slot, kept: &Result<GrantRow>) -> Result<()> {
    match kept {
        Ok(_) => slot.done().await,
        Err(error) if error.kind() == Kind::Store => Ok(()),
        Err(_) => slot.discard().await,
    }
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
