//! One call, from its first request to its answer: waits, sends, and sends again what it may.

use std::{sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use serde_json::{Map, Value};
use tracing::Instrument;
use url::Url;

use super::{
    Answer, CallOptions, Client,
    call::Target,
    counters::counters,
    limit::{Fate, Limiter, Permit, Priority, registry},
    retry::{BULK_PATIENCE, BULK_RECONNECT, Next, PATIENCE, RECONNECT, next, pauses},
    send::{Post, Reply, address},
    spent,
    tally::Tally,
};
use crate::{Error, Kind, Result, Retry, portal::authority, process::REST_TIMEOUT};

/// What may have been executed is sent so often at most.
const REPEATS: u32 = 4;

/// What is sent, whatever the portal and the token.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) params: Value,
    /// Whether it is of REST 3.0, which lives below `api/`.
    v3: bool,
    /// Whether the token goes into a header, not into the parameters.
    bearer: bool,
    /// Whether it may carry an idempotency key.
    pub(crate) knows_keys: bool,
    /// Whether the results of a batch's commands stay the texts that they are.
    texts: bool,
}

impl Request {
    /// A call of REST 2.
    pub(crate) fn new(method: &str, params: Map<String, Value>) -> Self {
        let (method, params) = (method.to_owned(), Value::Object(params));
        Self { method, params, v3: false, bearer: false, knows_keys: false, texts: false }
    }

    /// A batch of REST 2, for [`Answer::texts`].
    pub(crate) fn batch(params: Map<String, Value>) -> Self {
        Self { texts: true, ..Self::new("batch", params) }
    }

    /// A call of REST 3.0. A batch is a list, which has no room for a token.
    pub(crate) fn v3(method: &str, params: Value) -> Self {
        let bearer = params.is_array();
        let method = method.to_owned();
        Self { method, params, v3: true, bearer, knows_keys: true, texts: false }
    }

    pub(crate) fn is_batch(&self) -> bool {
        self.method.eq_ignore_ascii_case("batch")
    }
}

impl Client {
    /// The call with its span, counted.
    pub(super) async fn attempt(&self, request: &Request, options: &CallOptions) -> Result<Answer> {
        let mut attempts = Attempts::new(self, request, options);
        let span = attempts.tally.span();
        let result = attempts.run().instrument(span).await;
        attempts.tally.close(&result);
        result.map_err(|error| match &attempts.tally.portal {
            Some(portal) => error.with("portal", portal).with("method", request.method.clone()),
            None => error,
        })
    }
}

struct Attempts<'a> {
    client: &'a Client,
    request: &'a Request,
    options: &'a CallOptions,
    priority: Priority,
    started: Duration,
    /// Time in the limiter's queue before the portal refused this very call, which the usual deadline
    /// leaves out: one that refuses for ever must not be asked for ever.
    queued: Duration,
    was_refused: bool,
    repeats: u32,
    pauses: ExponentialBackoff,
    was_renewed: bool,
    was_moved: bool,
    tally: Tally,
}

impl<'a> Attempts<'a> {
    fn new(client: &'a Client, request: &'a Request, options: &'a CallOptions) -> Self {
        let usual = if request.is_batch() { Priority::Bulk } else { Priority::Interactive };
        Self {
            client,
            request,
            options,
            priority: options.priority.unwrap_or(usual),
            started: client.own_clock().boot(),
            queued: Duration::ZERO,
            was_refused: false,
            repeats: 0,
            pauses: pauses(),
            was_renewed: false,
            was_moved: false,
            tally: Tally::new(&request.method),
        }
    }

    async fn run(&mut self) -> Result<Answer> {
        let mut last = None;
        loop {
            let (target, permit, limiter) = self.permit(last.as_ref()).await?;
            let error = match self.send(&target, permit, &limiter).await {
                Ok(Sent::Answer(answer)) => return Ok(answer),
                Ok(Sent::Moved(to)) => {
                    let token = target.token.as_deref();
                    if std::mem::replace(&mut self.was_moved, true) {
                        return Err(moved_twice(&to));
                    }
                    self.within(self.client.follow(&target.endpoint, &to, token)).await?;
                    continue;
                }
                Err(error) => error,
            };
            self.prepare(&error, &target).await?;
            tracing::debug!(%error, "the call is sent again");
            counters().retried.add(1);
            last = Some(error);
        }
    }

    /// Makes ready for the next request, or gives up with the error.
    async fn prepare(&mut self, error: &Error, target: &Target) -> Result<()> {
        let give = || Err(error.clone());
        // Whether its commands were executed is known command by command, or not at all.
        let idempotent = (self.options.idempotent || self.options.idempotency_key.is_some())
            && !self.request.is_batch();
        match next(error, idempotent) {
            Next::Give => give(),
            Next::Again if self.request.is_batch() && error.kind() == Kind::OperatingLimit => {
                let wait = error.retry_after().unwrap_or_default();
                // In REST 3.0 the refusal of one command is the whole answer: others were executed.
                if self.request.v3 || wait > self.left() {
                    return give();
                }
                self.sleep(wait).await;
                Ok(())
            }
            Next::Again => Ok(()),
            Next::Renewed => {
                let was_renewed = std::mem::replace(&mut self.was_renewed, true);
                let token = target.token.as_deref();
                if was_renewed || !self.within(self.client.renew(token)).await? {
                    return give();
                }
                Ok(())
            }
            Next::Reconnect => {
                let longest = match (self.options.deadline, self.priority) {
                    (Some(_), _) => Duration::MAX,
                    (None, Priority::Bulk) => BULK_RECONNECT,
                    (None, Priority::Interactive) => RECONNECT,
                };
                self.pause(error, longest).await
            }
            Next::Repeat => {
                self.repeats += 1;
                if self.repeats >= REPEATS {
                    return give();
                }
                self.pause(error, Duration::MAX).await
            }
        }
    }

    async fn pause(&mut self, error: &Error, longest: Duration) -> Result<()> {
        let pause = self.pauses.next().unwrap_or(RECONNECT);
        if pause > self.left() || self.elapsed() + pause > longest {
            return Err(error.clone());
        }
        self.sleep(pause).await;
        Ok(())
    }

    /// Waits until a request may be sent; answers where to.
    async fn permit(&mut self, last: Option<&Error>) -> Result<(Target, Permit, Arc<Limiter>)> {
        let client = self.client;
        // First, so that nobody queues without a token.
        let target = self.within(client.target()).await?;
        let portal = authority(&target.endpoint);
        let limiter = registry::of(&portal, client.own_clock(), client.pace)?;
        self.tally.goes_to(portal);
        if let Some(store) = client.sharing() {
            limiter.share(&store);
        }
        let wait = spent::wait(&limiter, client, self.request);
        if wait > self.left() {
            let error = last.filter(|error| error.kind() == Kind::OperatingLimit);
            return Err(error.cloned().unwrap_or_else(spent::over).with_retry_after(wait));
        }
        self.sleep(wait).await;
        let clock = client.own_clock();
        let queued_at = clock.boot();
        let permit = if self.was_refused {
            tokio::select! {
                biased;
                permit = limiter.acquire_again(self.priority, client.caller()) => permit,
                () = clock.sleep(self.left()) => Err(too_late(last)),
            }
        } else {
            tokio::select! {
                biased;
                permit = limiter.acquire(self.priority, client.caller()) => permit,
                () = sleep(clock, self.named_deadline()) => Err(too_late(last)),
                () = self.starved(&limiter) => Err(nobody_let_in()),
            }
        };
        let queued = clock.boot().saturating_sub(queued_at);
        if !self.was_refused {
            self.queued += queued;
        }
        self.tally.waited += queued;
        // The wait may have been longer than the token lives.
        Ok((self.within(client.target()).await?, permit?, limiter))
    }

    async fn send(
        &mut self,
        target: &Target,
        mut permit: Permit,
        limiter: &Limiter,
    ) -> Result<Sent> {
        let (request, token) =
            (self.request, target.token.as_ref().map(|token| &token.access_token));
        let mut body = std::borrow::Cow::Borrowed(&request.params);
        if let (Some(token), false) = (token, request.bearer)
            && let Value::Object(params) = body.to_mut()
        {
            params.insert("auth".to_owned(), Value::String(token.expose().to_owned()));
        }
        let endpoint =
            if request.v3 { below_api(&target.endpoint) } else { target.endpoint.clone() };
        let post = Post {
            url: address(&endpoint, &request.method)?,
            body: &body,
            bearer: token.filter(|_| request.bearer),
            idempotency_key: self.options.idempotency_key.as_deref(),
            timeout: self.left().clamp(Duration::from_millis(100), REST_TIMEOUT),
        };
        self.tally.request();
        permit.send();
        let Reply { status, location, body } = post.send().await?;
        self.tally.answered(status);
        if let Some(to) = location {
            permit.tell(Fate::Admitted);
            return Ok(Sent::Moved(to));
        }
        let read = if request.texts { Answer::read_batch } else { Answer::read };
        let result = read(status, &body);
        match &result {
            Ok(_) => permit.tell(Fate::Admitted),
            Err(error) => {
                self.was_refused |= error.kind() == Kind::RateLimited;
                permit.hear(error);
            }
        }
        spent::learn(limiter, self.client, request, result).map(Sent::Answer)
    }

    fn elapsed(&self) -> Duration {
        self.client.own_clock().boot().saturating_sub(self.started)
    }

    /// Until the deadline.
    fn left(&self) -> Duration {
        match self.options.deadline {
            Some(deadline) => deadline.saturating_sub(self.elapsed()),
            None => (self.patience() + self.queued).saturating_sub(self.elapsed()),
        }
    }

    fn patience(&self) -> Duration {
        if self.priority == Priority::Bulk { BULK_PATIENCE } else { PATIENCE }
    }

    /// Ends once the call has waited as long as it may if nobody says, and nobody was let in meanwhile.
    async fn starved(&self, limiter: &Limiter) {
        if self.options.deadline.is_some() {
            std::future::pending::<()>().await;
        }
        let mut wait = self.patience();
        while !wait.is_zero() {
            self.client.own_clock().sleep(wait).await;
            wait = self.patience().saturating_sub(limiter.refusing_for());
        }
    }

    /// A queue moves, a rotation ends; only who named a deadline leaves before.
    fn named_deadline(&self) -> Option<Duration> {
        self.options.deadline.map(|_| self.left())
    }

    /// Who named a deadline waits for nothing longer. A rotation goes on without them.
    async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let deadline = self.named_deadline();
        tokio::select! {
            biased;
            done = work => done,
            () = sleep(self.client.own_clock(), deadline) => Err(no_token()),
        }
    }

    async fn sleep(&mut self, time: Duration) {
        if !time.is_zero() {
            tracing::debug!(wait = time.as_millis(), "waiting before the call is sent");
            self.client.own_clock().sleep(time).await;
            self.tally.waited += time;
        }
    }
}

enum Sent {
    Answer(Answer),
    Moved(Url),
}

/// `/rest/api/` for `/rest/`, with or without a webhook behind it.
fn below_api(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    url.set_path(&endpoint.path().replacen("/rest/", "/rest/api/", 1));
    url
}

async fn sleep(clock: &crate::Clock, time: Option<Duration>) {
    match time {
        Some(time) => clock.sleep(time).await,
        None => std::future::pending().await,
    }
}

fn too_late(last: Option<&Error>) -> Error {
    last.cloned().unwrap_or_else(|| {
        Error::new(Kind::RateLimited, "the deadline passed while the call waited for its turn")
            .with_retry(Retry::Safe)
            .advise("Nothing was sent. Give it more time, or send fewer requests to this portal.")
    })
}

fn nobody_let_in() -> Error {
    Error::new(
        Kind::RateLimited,
        "the portal has refused every call for as long as this one may wait",
    )
    .with_code("QUERY_LIMIT_EXCEEDED")
    .with_retry(Retry::Safe)
    .advise("Nothing was sent. Find out who else calls this portal from your address.")
}

fn no_token() -> Error {
    Error::new(Kind::Timeout, "the deadline passed while the call waited for a token")
        .with_retry(Retry::Safe)
        .advise("Nothing was executed. Give it more time.")
}

fn moved_twice(to: &Url) -> Error {
    Error::new(Kind::UnexpectedAnswer, "the portal redirects again and again")
        .with("moved_to", authority(to))
        .with_retry(Retry::Never)
}
