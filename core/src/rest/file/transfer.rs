//! A request that carries a file or asks for one: it takes its turn, and is sent again where that is
//! certain to do nothing twice.

use std::{sync::Arc, time::Duration};

use reqwest::{RequestBuilder, Response};

use super::{Link, upload::Form};
use crate::{
    Error, Kind, Result,
    portal::authority,
    rest::{
        Answer, Client, Priority,
        counters::counters,
        limit::{Fate, Limiter, Permit, registry},
        retry::{BULK_PATIENCE, Next, RECONNECT, next, pauses},
        send::{LONGEST_ANSWER, failed, too_long},
        tally::Tally,
    },
};

/// How long nothing may come while a file is under way.
const SILENCE: Duration = Duration::from_secs(60);
/// What is said about a link is no longer than this.
const LONGEST_ERROR: usize = 64 << 10;

impl Client {
    /// Sends a request that has no body but perhaps a form; answers with what is no error.
    pub(super) async fn transfer(
        &self,
        link: &Link,
        request: RequestBuilder,
        form: Option<&Form>,
        tally: &mut Tally,
    ) -> Result<Response> {
        let (clock, started) = (self.own_clock(), self.own_clock().boot());
        let mut pauses = pauses();
        let mut refused: Option<Refused> = None;
        if link.is_portals {
            tally.goes_to(authority(&link.url));
        }
        loop {
            let limiter = self.limiter_of(link)?;
            let queued_at = clock.boot();
            let permit = self.turn(limiter.as_ref(), refused.as_ref()).await;
            tally.waited += clock.boot().saturating_sub(queued_at);
            let permit = permit?;
            let mut again = request.try_clone().ok_or_else(|| {
                Error::new(Kind::Internal, "a request that cannot be sent again was to be sent")
            })?;
            if let Some(form) = form {
                again = again.body(form.body());
            }
            tally.request();
            let error = match sent(again, permit, tally).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let now = clock.boot();
            let wait = match (next(&error, false), &limiter) {
                (Next::Again, Some(limiter)) => {
                    let until = refused.as_ref().map_or(now + BULK_PATIENCE, |first| first.until);
                    let wait = self.held_back(limiter, link, &error);
                    if now + wait > until {
                        return Err(error.with_retry_after(wait));
                    }
                    refused = Some(Refused { until, error });
                    wait
                }
                (Next::Reconnect, _) => match pauses.next() {
                    Some(pause) if now + pause <= started + RECONNECT => pause,
                    _ => return Err(error),
                },
                _ => return Err(error),
            };
            tracing::debug!(wait = wait.as_millis(), "the file is sent or asked for again");
            counters().retried.add(1);
            clock.sleep(wait).await;
            tally.waited += wait;
        }
    }

    /// Requests to the portal take their turn; other hosts have no bucket.
    fn limiter_of(&self, link: &Link) -> Result<Option<Arc<Limiter>>> {
        if !link.is_portals {
            return Ok(None);
        }
        registry::of(&authority(&link.url), self.own_clock(), self.pace).map(Some)
    }

    async fn turn(
        &self,
        limiter: Option<&Arc<Limiter>>,
        refused: Option<&Refused>,
    ) -> Result<Option<Permit>> {
        let Some(limiter) = limiter else { return Ok(None) };
        let Some(refused) = refused else {
            return limiter.acquire(Priority::Bulk, self.caller()).await.map(Some);
        };
        tokio::select! {
            biased;
            permit = limiter.acquire_again(Priority::Bulk, self.caller()) => permit.map(Some),
            () = self.own_clock().sleep_until(refused.until) => Err(refused.error.clone()),
        }
    }

    /// How long a refusal for operating time holds; one for the rate is the bucket's business.
    fn held_back(&self, limiter: &Limiter, link: &Link, error: &Error) -> Duration {
        if error.kind() != Kind::OperatingLimit {
            return Duration::ZERO;
        }
        counters().refused_operating.add(1);
        let method = link.url.path().rsplit('/').next().unwrap_or_default();
        limiter.operating().refused(self.principal(), method, self.own_clock().boot())
    }
}

/// What the portal said first, and until when it is asked again.
struct Refused {
    until: Duration,
    error: Error,
}

/// Once.
async fn sent(
    request: RequestBuilder,
    mut permit: Option<Permit>,
    tally: &Tally,
) -> Result<Response> {
    if let Some(permit) = &mut permit {
        permit.send();
    }
    let response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    tally.answered(status);
    if (200..400).contains(&status) {
        if let Some(permit) = permit {
            permit.tell(Fate::Admitted);
        }
        return Ok(response);
    }
    let error = match Answer::read(status, &beginning(response).await?) {
        Err(error) => error,
        Ok(_) => {
            Error::new(Kind::UnexpectedAnswer, "the link answers with no file").with_status(status)
        }
    };
    if let Some(permit) = permit {
        permit.hear(&error);
    }
    Err(error)
}

/// What an answer says, all of it.
pub(super) async fn whole(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = next_chunk(&mut response).await? {
        if (body.len() + chunk.len()) as u64 > LONGEST_ANSWER {
            return Err(too_long(response.status().as_u16(), LONGEST_ANSWER));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error says, as far as anybody wants to know.
async fn beginning(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < LONGEST_ERROR
        && let Some(chunk) = next_chunk(&mut response).await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(super) async fn next_chunk(response: &mut Response) -> Result<Option<Vec<u8>>> {
    match tokio::time::timeout(SILENCE, response.chunk()).await {
        Ok(chunk) => Ok(chunk.map_err(failed)?.map(Into::into)),
        Err(_) => Err(Error::new(Kind::Timeout, "the file stopped coming")
            .with("silence", format!("{} s", SILENCE.as_secs()))),
    }
}
