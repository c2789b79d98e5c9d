//! A client: who calls, and how.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Weak},
};

use serde_json::Value;
use url::Url;

use super::{
    Answer, CallCounters, CallOptions, List, ListOptions,
    attempt::Request,
    counters::counters,
    limit::{Pace, RateLimit},
    params,
    webhook::Webhook,
};
use crate::{
    Clock, Portal, Result, Token,
    keeper::Keeper,
    portal::{authority, rest_endpoint},
    process,
    store::{GrantId, Store},
};

/// Least life of a token that a call is started with: a call may take half a minute.
const CALL_TTL: i64 = 30;

/// Calls one portal as one user. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Client {
    pub(super) access: Access,
    /// How fast the portal may be called, as far as this client says so.
    pub(super) pace: Pace,
    clock: Clock,
    /// A host that a person has confirmed as the portal's new one.
    pub(super) moved_to: Option<String>,
}

#[derive(Clone)]
pub(super) enum Access {
    /// The address is the secret.
    Webhook(Arc<Webhook>),
    Grant {
        keeper: Keeper,
        grant: GrantId,
    },
}

/// Where a request goes, and with what.
pub(super) struct Target {
    pub(super) endpoint: Url,
    pub(super) token: Option<Arc<Token>>,
}

impl Client {
    /// A client over an incoming webhook, `https://<portal>/rest/<user>/<secret>/`.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `webhook`.
    pub fn from_webhook(address: &str) -> Result<Self> {
        let access = Access::Webhook(Arc::new(Webhook::parse(address)?));
        Ok(Self { access, pace: Pace::default(), clock: Clock::system(), moved_to: None })
    }

    pub(crate) fn of_grant(keeper: Keeper, grant: GrantId, pace: Pace) -> Self {
        let clock = keeper.clock().clone();
        Self { access: Access::Grant { keeper, grant }, pace, clock, moved_to: None }
    }

    /// How fast the portal may be called, by all clients of this process together, whatever they are.
    /// Unless said: what `EVERGRANT_RATE_LIMIT` says, else [`RateLimit::STANDARD`].
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.pace.limit = Some(limit);
        self
    }

    /// Which part of the portal's bucket is left to other programs behind the same address, from 0
    /// (unless said) to 0.9. The portal counts them together with this one. Holds for all clients of
    /// this process, and leaves the rate as it is.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `reserve`.
    pub fn reserve(mut self, part: f64) -> Result<Self> {
        self.pace = Pace { reserve: Some(part), ..self.pace }.check()?;
        Ok(self)
    }

    /// Confirms that the webhook's portal has moved to `host`: a redirect there is followed, with the
    /// webhook's secret. Not needed within the vendor's cloud, nor for a grant, whose new address is
    /// proven at the authorization server.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `portal`.
    pub fn moved_to(mut self, host: &str) -> Result<Self> {
        self.moved_to = Some(Portal::parse(host)?.host());
        Ok(self)
    }

    /// Another clock for the waits; for tests. The portal's first client decides.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls one method. `params` is an object, a list for methods with positional parameters, or null.
    ///
    /// A float that is not finite is null to [`serde_json`], in `json!({"x": f64::NAN})` as in any value
    /// made by it: no call can refuse what it never saw. Check such numbers yourself.
    ///
    /// What was certainly not executed is sent again: after a refusal for the rate or the operating
    /// time, with a new token, after a connection that did not come about. Nothing else is repeated.
    ///
    /// # Errors
    /// Names the portal and the method; [`crate::Error::retry`] says whether to send it again.
    pub async fn call(&self, method: &str, params: impl Into<Value>) -> Result<Answer> {
        self.call_with(method, params, CallOptions::default()).await
    }

    /// As [`Client::call`], in the way that `options` says. Dropping the future ends the call; what
    /// has been sent may be executed all the same.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_with(
        &self,
        method: &str,
        params: impl Into<Value>,
        options: CallOptions,
    ) -> Result<Answer> {
        params::check_method(method)?;
        let params = params::named(params.into()).map_err(|error| error.with("method", method))?;
        let request = Request::new(method, params);
        self.perform(request, options).await
    }

    /// Sends any request, on the shared runtime.
    pub(crate) async fn perform(&self, request: Request, options: CallOptions) -> Result<Answer> {
        options.check(request.knows_keys)?;
        let client = self.clone();
        process::run(async move { client.attempt(&request, &options).await }).await
    }

    /// All rows of a list method, in the best way. `params` must not contain `start`.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] for a bad method or parameters; nothing is sent yet.
    pub fn list(&self, method: &str, params: impl Into<Value>) -> Result<List> {
        self.list_with(method, params, ListOptions::new())
    }

    /// The rows of a list method, with a limit, an order, a strategy, a count, or behind a cursor.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] for a bad method, parameters or options; nothing is sent yet.
    pub fn list_with(
        &self,
        method: &str,
        params: impl Into<Value>,
        options: ListOptions,
    ) -> Result<List> {
        params::check_method(method)?;
        let params = params::named(params.into()).map_err(|error| error.with("method", method))?;
        List::new(self.clone(), method, params, options)
    }

    /// What all calls of this process came to since it started.
    #[must_use]
    pub fn counters() -> CallCounters {
        counters().read()
    }

    /// Where to call now; a grant's token is renewed first if it must be.
    pub(super) async fn target(&self) -> Result<Target> {
        match &self.access {
            Access::Webhook(webhook) => Ok(Target { endpoint: webhook.endpoint(), token: None }),
            Access::Grant { keeper, grant } => {
                let token = keeper.token(*grant, CALL_TTL).await?;
                let endpoint = rest_endpoint(&token.client_endpoint)?;
                Ok(Target { endpoint, token: Some(token) })
            }
        }
    }

    /// Renews the token that the portal does not take. False for a webhook, which has none.
    pub(super) async fn renew(&self, token: Option<&Token>) -> Result<bool> {
        let (Access::Grant { keeper, grant }, Some(token)) = (&self.access, token) else {
            return Ok(false);
        };
        let generation = token.generation;
        tracing::debug!(grant, generation, "the portal calls the token expired");
        keeper.renew(*grant, generation).await?;
        Ok(true)
    }

    /// Who takes turns with others in the queue.
    pub(super) fn caller(&self) -> u64 {
        match &self.access {
            Access::Webhook(webhook) => hash(webhook.identity()),
            Access::Grant { keeper, grant } => hash((keeper.client_id(), grant)),
        }
    }

    /// Whom the portal bills for operating time: the webhook, or the application.
    pub(super) fn principal(&self) -> u64 {
        match &self.access {
            Access::Webhook(webhook) => hash(webhook.identity()),
            Access::Grant { keeper, .. } => hash(keeper.client_id()),
        }
    }

    /// The store that others count with.
    pub(super) fn sharing(&self) -> Option<Weak<dyn Store>> {
        match &self.access {
            Access::Webhook(_) => None,
            Access::Grant { keeper, .. } => keeper.sharing(),
        }
    }

    pub(super) fn own_clock(&self) -> &Clock {
        &self.clock
    }

    /// The portal's host, for messages.
    pub(crate) fn portal(&self) -> Option<String> {
        match &self.access {
            Access::Webhook(webhook) => Some(authority(&webhook.endpoint())),
            Access::Grant { .. } => None,
        }
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
