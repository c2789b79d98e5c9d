//! An application and its grants.

use evergrant::{ApplicationBuilder, LONGEST_EXCHANGE};
use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::{
    changes::Changes,
    client::Client,
    clock::Clock,
    outcome::{Outcome, outcome, promise},
    settings::{Settings, duration},
    values::{AuditEntry, AuthorizeLink, Grant, KeepAlive, Statistics, Token},
};

/// One application with the store of its grants.
#[napi]
pub struct Application {
    core: evergrant::Application,
}

#[napi]
impl Application {
    /// Opens the store.
    #[napi(catch_unwind, ts_return_type = "Promise<Application | Failure>")]
    pub fn open<'env>(
        env: &'env Env,
        settings: Settings,
        clock: Option<&Clock>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Application>>> {
        let clock = clock.map(Clock::core);
        let builder = ApplicationBuilder::try_from(settings);
        promise(env, None, async move {
            let mut builder = builder?;
            if let Some(clock) = clock {
                builder = builder.clock(clock);
            }
            Ok(Application { core: builder.open().await? })
        })
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

    /// The generation of the token that is here already; 0 if there is none. A token of the same
    /// generation is the same token.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn peek_generation(&self, id: i64, min_ttl: i64) -> i64 {
        self.core.peek_token(id, min_ttl).map_or(0, |token| token.generation)
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

    /// A spare chain from a delivered refresh token.
    #[napi(catch_unwind, ts_return_type = "Promise<Grant | Failure>")]
    pub fn add_spare<'env>(
        &self,
        env: &'env Env,
        id: i64,
        refresh_token: String,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Grant>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.add_spare(id, refresh_token).await.map(Grant::from) })
    }

    /// To the user who consented with a code.
    #[napi(catch_unwind, ts_return_type = "Promise<Grant | Failure>")]
    pub fn transfer<'env>(
        &self,
        env: &'env Env,
        id: i64,
        code: String,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Grant>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.transfer(id, code).await.map(Grant::from) })
    }

    /// Changes from now on.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.core.changes().into()
    }

    /// One round of background work.
    #[napi(catch_unwind, ts_return_type = "Promise<void | Failure>")]
    pub fn maintain<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Outcome<()>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.maintain().await })
    }

    /// When keep-alive is due next; null where there is nothing to keep alive.
    #[napi(catch_unwind, ts_return_type = "Promise<KeepAlive | null | Failure>")]
    pub fn next_keep_alive<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Option<KeepAlive>>>> {
        let app = self.core.clone();
        promise(env, None, async move { Ok(app.next_keep_alive().await?.map(KeepAlive::from)) })
    }

    /// Begins nothing new; true if everything under way ended in so many seconds.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean | Failure>")]
    pub fn shut_down<'env>(
        &self,
        env: &'env Env,
        deadline: Option<f64>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<bool>>> {
        let app = self.core.clone();
        promise(env, None, async move {
            let deadline =
                deadline.map_or(Ok(LONGEST_EXCHANGE), |deadline| duration("deadline", deadline))?;
            Ok(app.shut_down(deadline).await)
        })
    }

    /// Trusts this store's word for a grant that is held.
    #[napi(catch_unwind, ts_return_type = "Promise<void | Failure>")]
    pub fn release<'env>(
        &self,
        env: &'env Env,
        id: i64,
    ) -> napi::Result<PromiseRaw<'env, Outcome<()>>> {
        let app = self.core.clone();
        promise(env, None, async move { app.release(id).await })
    }

    /// Seals everything with the newest master key.
    #[napi(catch_unwind, ts_return_type = "Promise<number | Failure>")]
    pub fn reseal<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Outcome<i64>>> {
        let app = self.core.clone();
        promise(
            env,
            None,
            async move { Ok(i64::try_from(app.reseal().await?).unwrap_or(i64::MAX)) },
        )
    }

    /// A grant's history.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<AuditEntry> | Failure>")]
    pub fn audit<'env>(
        &self,
        env: &'env Env,
        id: i64,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Vec<AuditEntry>>>> {
        let app = self.core.clone();
        promise(env, None, async move {
            Ok(app.audit(id).await?.into_iter().map(AuditEntry::from).collect())
        })
    }

    /// What the keeper has done in this process.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.core.statistics().into()
    }

    /// A client of a grant's portal.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn client(&self, id: i64) -> Client {
        self.core.client(id).into()
    }
}
