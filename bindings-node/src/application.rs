//! An application and its grants.

use evergrant::{KeySource, Secret};
use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::{
    client::Client,
    outcome::{Outcome, outcome, promise},
};

/// Settings of an application; their meaning is the core's.
#[napi(object, object_to_js = false)]
pub struct Settings {
    /// From the application's card.
    pub client_id: String,
    /// From the application's card.
    pub client_secret: String,
    /// Where grants live.
    pub store: Option<String>,
    /// The master key itself.
    pub key: Option<String>,
    /// A file that holds it.
    pub key_file: Option<String>,
    /// Where it is not the vendor's default.
    pub authorization_server: Option<String>,
    /// Hosts that may receive secrets besides the vendor's.
    pub authorization_hosts: Option<Vec<String>>,
    /// Token requests by GET.
    pub refresh_by_get: Option<bool>,
}

impl From<Settings> for evergrant::ApplicationBuilder {
    fn from(settings: Settings) -> Self {
        let mut builder =
            evergrant::Application::builder(settings.client_id, settings.client_secret)
                .refresh_by_get(settings.refresh_by_get.unwrap_or_default());
        if let Some(store) = settings.store {
            builder = builder.store(store);
        }
        if let Some(path) = settings.key_file {
            builder = builder.key_file(path);
        }
        if let Some(key) = settings.key {
            builder = builder.key(KeySource::Key(Secret::new(key)));
        }
        if let Some(origin) = settings.authorization_server {
            builder = builder.authorization_server(origin);
        }
        settings
            .authorization_hosts
            .unwrap_or_default()
            .into_iter()
            .fold(builder, evergrant::ApplicationBuilder::allow_authorization_host)
    }
}

/// One application with the store of its grants.
#[napi]
pub struct Application {
    core: evergrant::Application,
}

#[napi]
impl Application {
    /// Opens the store.
    #[napi(catch_unwind, ts_return_type = "Promise<Application | Failure>")]
    pub fn open(
        env: &Env,
        settings: Settings,
    ) -> napi::Result<PromiseRaw<'_, Outcome<Application>>> {
        let builder = evergrant::ApplicationBuilder::from(settings);
        promise(env, None, async move { Ok(Application { core: builder.open().await? }) })
    }

    /// The link to consent at.
    #[napi(catch_unwind, ts_return_type = "AuthorizeLink | Failure")]
    pub fn authorize_url(&self, portal: String) -> Outcome<AuthorizeLink> {
        outcome(self.core.authorize_url(&portal).map(AuthorizeLink::from))
    }

    /// From a redirect to a grant.
    #[napi(catch_unwind, ts_return_type = "Promise<Grant | Failure>")]
    pub fn exchange<'env>(
        &self,
        env: &'env Env,
        redirect_url: String,
        expected_state: String,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Grant>>> {
        let app = self.core.clone();
        promise(env, None, async move {
            app.exchange(&redirect_url, &expected_state).await.map(Grant::from)
        })
    }

    /// From a code to a grant.
    #[napi(catch_unwind, ts_return_type = "Promise<Grant | Failure>")]
    pub fn exchange_code<'env>(
        &self,
        env: &'env Env,
        portal: String,
        code: String,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Grant>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.exchange_code(&portal, code).await.map(Grant::from) })
    }

    /// All grants.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Grant> | Failure>")]
    pub fn grants<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Vec<Grant>>>> {
        let app = self.core.clone();
        promise(
            env,
            None,
            async move { Ok(app.grants().await?.into_iter().map(Grant::from).collect()) },
        )
    }

    /// One grant.
    #[napi(catch_unwind, ts_return_type = "Promise<Grant | Failure>")]
    pub fn grant<'env>(
        &self,
        env: &'env Env,
        id: i64,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Grant>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.grant(id).await.map(Grant::from) })
    }

    /// A token with at least so many seconds left.
    #[napi(catch_unwind, ts_return_type = "Promise<Token | Failure>")]
    pub fn token<'env>(
        &self,
        env: &'env Env,
        id: i64,
        min_ttl: Option<i64>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Token>>> {
        let app = self.core.clone();
        let min_ttl = min_ttl.unwrap_or(evergrant::DEFAULT_MIN_TTL);
        promise(env, None, async move { app.token(id, min_ttl).await.map(Token::from) })
    }

    /// A token that is here already.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn peek_token(&self, id: i64, min_ttl: Option<i64>) -> Option<Token> {
        let min_ttl = min_ttl.unwrap_or(evergrant::DEFAULT_MIN_TTL);
        self.core.peek_token(id, min_ttl).map(|token| Token::from((*token).clone()))
    }

    /// A token newer than a generation.
    #[napi(catch_unwind, ts_return_type = "Promise<Token | Failure>")]
    pub fn renew_token<'env>(
        &self,
        env: &'env Env,
        id: i64,
        generation: i64,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Token>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.renew_token(id, generation).await.map(Token::from) })
    }

    /// A client of a grant's portal.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn client(&self, id: i64) -> Client {
        self.core.client(id).into()
    }
}

/// Where to consent.
#[napi(object, object_from_js = false)]
pub struct AuthorizeLink {
    /// The page.
    pub url: String,
    /// What the redirect must carry.
    pub state: String,
}

impl From<evergrant::AuthorizeLink> for AuthorizeLink {
    fn from(link: evergrant::AuthorizeLink) -> Self {
        Self { url: link.url, state: link.state }
    }
}

/// A grant, without its tokens.
#[napi(object, object_from_js = false)]
pub struct Grant {
    /// Its number in the store.
    pub id: i64,
    /// The portal's host.
    pub portal: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose right it is.
    pub user_id: i64,
    /// Whether it can be renewed.
    pub status: String,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Counts the pairs.
    pub generation: i64,
    /// Unix seconds.
    pub access_expires_at: i64,
    /// Unix seconds.
    pub refresh_expires_at: i64,
}

impl From<evergrant::Grant> for Grant {
    fn from(grant: evergrant::Grant) -> Self {
        Self {
            id: grant.id,
            portal: grant.portal,
            member_id: grant.member_id,
            user_id: grant.user_id,
            status: grant.status.as_str().to_owned(),
            scope: grant.scope,
            generation: grant.generation,
            access_expires_at: grant.access_expires_at,
            refresh_expires_at: grant.refresh_expires_at,
        }
    }
}

/// An access token, bare: the public layer hides it from printing.
#[napi(object, object_from_js = false)]
pub struct Token {
    /// The grant it belongs to.
    pub grant: i64,
    /// The token itself.
    pub access_token: String,
    /// Unix seconds.
    pub expires_at: i64,
    /// Counts the pairs.
    pub generation: i64,
    /// REST base of the portal.
    pub client_endpoint: String,
    /// The portal's stable identity.
    pub member_id: String,
    /// Whose rights it carries.
    pub user_id: i64,
    /// Granted scopes.
    pub scope: Vec<String>,
}

impl From<evergrant::Token> for Token {
    fn from(token: evergrant::Token) -> Self {
        Self {
            grant: token.grant,
            access_token: token.access_token.expose().to_owned(),
            expires_at: token.expires_at,
            generation: token.generation,
            client_endpoint: token.client_endpoint,
            member_id: token.member_id,
            user_id: token.user_id,
            scope: token.scope,
        }
    }
}
