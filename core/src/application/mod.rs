//! An application: its credentials, its grants, and the way from a person's consent to a client.

mod builder;
mod care;
mod grant;

use std::{sync::Arc, time::Duration};

pub use builder::ApplicationBuilder;
pub use grant::Grant;

use crate::{
    AuthorizeLink, Client, Clock, Portal, Redirect, Result, Secret, Token,
    keeper::{Claims, Consent, Keeper, Purpose, check_min_ttl},
    oauth::LISTEN,
    rest::Pace,
    store::GrantId,
};

/// Least life of a token that [`Application::token`] hands out unless asked otherwise.
pub const DEFAULT_MIN_TTL: i64 = 60;

/// A program that was asked to stop has waited long enough after this. An exchange is listened to for two
/// and a half minutes, because the server may have spent the refresh token already and be slow to say so;
/// then its answer is stored.
pub const LONGEST_EXCHANGE: Duration = LISTEN.saturating_add(Duration::from_secs(15));

/// One Bitrix24 application, local or mass-market, with the store that its grants live in.
/// Cheap to clone; clones share tokens and rotations.
#[derive(Clone)]
pub struct Application {
    client_id: String,
    keeper: Keeper,
    /// How fast its clients call a portal, if it says so.
    pace: Pace,
}

impl Application {
    /// Starts from the application's credentials, as its card on the portal (or the vendor's area)
    /// shows them.
    pub fn builder(
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> ApplicationBuilder {
        ApplicationBuilder::new(client_id.into(), client_secret.into())
    }

    /// The link that a person opens to consent, and the state to keep until the redirect comes.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `portal`.
    pub fn authorize_url(&self, portal: &str) -> Result<AuthorizeLink> {
        Ok(AuthorizeLink::new(&Portal::parse(portal)?, &self.client_id))
    }

    /// Turns the redirect into a grant, after checking its state.
    ///
    /// # Errors
    /// [`crate::Kind::StateMismatch`] before anything is sent; [`crate::Kind::InvalidGrant`] for a
    /// code that is older than thirty seconds or was used.
    pub async fn exchange(&self, redirect_url: &str, expected_state: &str) -> Result<Grant> {
        let redirect = Redirect::parse(redirect_url)?;
        redirect.check_state(expected_state)?;
        self.keep(Consent {
            value: redirect.code,
            claims: Claims {
                portal: None,
                member_id: redirect.member_id,
                purpose: Purpose::Primary,
            },
            server_domain: redirect.server_domain,
        })
        .await
    }

    /// Turns a code that a person copied into a grant on `portal`. There is no state to check, so
    /// the code must be for that portal.
    ///
    /// # Errors
    /// As [`Application::exchange`]; [`crate::Kind::InvalidInput`] for a code of another portal.
    pub async fn exchange_code(&self, portal: &str, code: impl Into<Secret>) -> Result<Grant> {
        let portal = Some(Portal::parse(portal)?.origin().to_owned());
        let claims = Claims { portal, member_id: None, purpose: Purpose::Primary };
        self.keep(Consent { value: code.into(), claims, server_domain: None }).await
    }

    async fn keep(&self, consent: Consent) -> Result<Grant> {
        self.keeper.exchange(consent).await.map(Grant::from)
    }

    /// All grants of this application in the store.
    ///
    /// # Errors
    /// [`crate::Kind::Store`].
    pub async fn grants(&self) -> Result<Vec<Grant>> {
        self.keeper.grants().await.map(|rows| rows.into_iter().map(Grant::from).collect())
    }

    /// One grant.
    ///
    /// # Errors
    /// [`crate::Kind::UnknownGrant`], [`crate::Kind::Store`].
    pub async fn grant(&self, id: GrantId) -> Result<Grant> {
        self.keeper.row(id).await.map(Grant::from)
    }

    /// A client that calls the grant's portal. Whether the grant exists shows at the first call.
    #[must_use]
    pub fn client(&self, id: GrantId) -> Client {
        Client::of_grant(self.keeper.clone(), id, self.pace)
    }

    /// An access token that lives at least `min_ttl` seconds more; renewed first if it must be.
    ///
    /// # Errors
    /// [`crate::Kind::NeedsReauthorization`] once a person has to consent again.
    pub async fn token(&self, id: GrantId, min_ttl: i64) -> Result<Token> {
        check_min_ttl(min_ttl)?;
        self.keeper.token(id, min_ttl).await.map(|token| (*token).clone())
    }

    /// A token that this process has already, if it lives at least `min_ttl` seconds more (at least
    /// one). Never waits. None as well for a `min_ttl` that [`Application::token`] refuses.
    #[must_use]
    pub fn peek_token(&self, id: GrantId, min_ttl: i64) -> Option<Arc<Token>> {
        check_min_ttl(min_ttl).ok()?;
        self.keeper.peek(id, min_ttl.max(1))
    }

    /// A token newer than `generation`, for a reader whose token the portal called expired. Renews
    /// only if that generation is still the current one.
    ///
    /// # Errors
    /// As [`Application::token`].
    pub async fn renew_token(&self, id: GrantId, generation: i64) -> Result<Token> {
        self.keeper.renew(id, generation).await.map(|token| (*token).clone())
    }

    /// Keeps a refresh token that the portal delivered (a frame opening, an installation) as a spare
    /// chain of the grant: it takes over if the grant's own chain is ever lost. The token is proven
    /// first, by rotating it.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] for a token that was delivered before, or of another user.
    pub async fn add_spare(&self, id: GrantId, refresh_token: impl Into<Secret>) -> Result<Grant> {
        self.keeper.add_spare(id, refresh_token.into()).await.map(Grant::from)
    }

    /// Gives the grant to another user of the same portal, who consented with this code. Its number
    /// stays; its rights are the other user's from then on.
    ///
    /// # Errors
    /// As [`Application::exchange_code`]; [`crate::Kind::InvalidInput`] if that user has a grant of
    /// their own or the code is another portal's.
    pub async fn transfer(&self, id: GrantId, code: impl Into<Secret>) -> Result<Grant> {
        let row = self.keeper.row(id).await?;
        let claims = Claims {
            portal: None,
            member_id: Some(row.identity.member_id),
            purpose: Purpose::Transfer(id),
        };
        let server_domain = Some(row.endpoints.authorization_server);
        self.keep(Consent { value: code.into(), claims, server_domain }).await
    }

    /// The application's `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The clock that expiry is judged by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.keeper.clock()
    }
}
