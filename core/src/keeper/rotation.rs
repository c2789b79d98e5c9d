//! One rotation, from the intent to the verdict.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use url::Url;

use super::{
    Keeper, Token,
    fault::fault,
    limits::Leave,
    spool::{Label, Parent, Slot},
};
use crate::{
    Error, Kind, Result, Secret,
    oauth::{About, Answer, Exchanged, Form, Refusal, connect},
    portal::authority,
    store::{AttemptId, Column, GrantRow, Start, Status, Verdict},
};

/// How long an intent keeps others away, counted anew while its holder listens. Longer than the
/// vendor can still act on a request.
pub(super) const LEASE: Duration = crate::store::keep::LEASE;
/// What a send must have left of its lease: the time to hand the bytes over, and a margin.
const LEAST: Duration = Duration::from_secs(30);
/// How often a listening holder renews its lease.
const RENEW: Duration = Duration::from_secs(60);
/// Pause before a refresh token of unknown fate is tried again: longer than the vendor can still work
/// on the lost request (60 s). A server that revokes a family on reuse would revoke what the second
/// request brought. Doubles each time, up to six hours.
const AMBIGUOUS_PAUSE: Duration = Duration::from_secs(90);
/// Pause before a chain that could not be had is looked at again.
const BREATH: Duration = Duration::from_millis(20);
/// A machine's clock that is further off than this, in seconds, is worth a word.
const SKEW: i64 = 300;
/// Pause before a suspended grant is tried again.
const SUSPENDED_PAUSE: Duration = Duration::from_secs(3600);

/// An attempt that has its chain.
pub(super) struct Hold<'a> {
    pub(super) row: &'a GrantRow,
    pub(super) attempt: AttemptId,
    server: Url,
    refresh_token: Secret,
    /// Boot time: nothing may be written any more.
    write_until: Duration,
    leave: Leave<'a>,
}

impl Keeper {
    /// Spends the current pair of `row`'s chain, `silent` being an attempt to take it over from.
    /// `None` where the chain could not be had or has moved on: look again.
    pub(super) async fn spend(
        &self,
        row: &GrantRow,
        silent: Option<AttemptId>,
    ) -> Result<Option<Arc<Token>>> {
        let server = self.0.credentials.server.resolve(Some(&row.endpoints.authorization_server));
        let host = authority(&server);
        let limits = self.limits();
        let _place = limits.place(&host).await?;
        let _permit = self.permit().await?;
        let leave = limits.check(&host, &row.identity.member_id).map_err(|error| at(row, error))?;
        // Opened before the intent: a damaged row must not hold the chain.
        let (chain, pair) = (row.chain.id, &row.chain.pair);
        let refresh_token =
            self.0.vault.open_token(&row.data_key, row.id, chain, Column::Refresh, pair)?;
        let attempt = AttemptId::random();
        let parent = Parent { grant: row.id, chain, lineage: pair.lineage };
        let client_id = &self.0.credentials.client_id;
        let label = Label::rotation(client_id, attempt, parent, server.as_str());
        let mut slot = self.0.spool.reserve(label).await?;
        let start = Start {
            chain,
            parent: pair.lineage,
            attempt,
            node: self.0.spool.node(),
            lease: LEASE,
            budget: self.0.settings.budget,
        };
        // Counted from before the statement: the lease can only end later than we think.
        let write_until = self.0.clock.boot() + LEASE.saturating_sub(LEAST);
        let acquired = match silent {
            None => self.0.store.begin(&start).await,
            Some(silent) => self.0.store.take_over(&start, silent).await,
        };
        if !matches!(acquired, Ok(true)) {
            slot.discard().await?;
            acquired?;
            return self.not_acquired(row).await.map(|()| None);
        }
        fault("acquired").await;
        tracing::info!(grant = row.id, generation = row.generation, "rotating");
        let hold = Hold { row, attempt, server, refresh_token, write_until, leave };
        let exchanged = self.exchange_once(&hold).await;
        fault("answered").await;
        let outcome = self.conclude(&hold, &mut slot, exchanged).await;
        match outcome {
            Conclusion::Keep(token, commit, spooled) => {
                hold.leave.good();
                self.keep_rotated(row, &token, *commit, slot, spooled).await
            }
            Conclusion::Settled { keep_answer, result } => {
                if keep_answer {
                    slot.done().await?;
                } else {
                    slot.discard().await?;
                }
                result
            }
        }
    }

    /// Says so if the budgets are the reason; anything else shows when the chain is looked at again: a
    /// server that took another's place, a successor that the store knows of, somebody who was faster.
    pub(super) async fn not_acquired(&self, row: &GrantRow) -> Result<()> {
        self.recognise().await?;
        if self.replay(row).await? {
            return Ok(());
        }
        let wait = self.0.store.budget_wait(row.chain.id, self.0.settings.budget).await?;
        if wait.is_zero() {
            tokio::time::sleep(BREATH).await;
            return Ok(());
        }
        let error = Error::new(Kind::RateLimited, "the grant was renewed too often; pausing");
        Err(at(row, error).with_retry_after(wait).advise(
            "The vendor blocks applications that renew again and again. Find out who asks: a token lives an hour.",
        ))
    }

    /// Connect, confirm, check the clock, write once, listen.
    async fn exchange_once(&self, hold: &Hold<'_>) -> Exchanged {
        let line = match connect(&hold.server).await {
            Ok(line) => line,
            Err(error) => return Exchanged::NothingSent(error),
        };
        fault("connected").await;
        if self.0.clock.boot() >= hold.write_until {
            return Exchanged::NothingSent(too_late());
        }
        match self.0.store.confirm(hold.row.chain.id, hold.attempt, LEAST).await {
            Ok(true) => {}
            Ok(false) => return Exchanged::NothingSent(too_late()),
            Err(error) => return Exchanged::NothingSent(error),
        }
        fault("confirmed").await;
        let form = self.form("refresh_token", &hold.refresh_token);
        let exchange = line.send(&self.0.clock, &form, hold.write_until);
        listen(exchange, || self.0.store.extend(hold.row.chain.id, hold.attempt, LEASE)).await
    }

    /// Makes the answer durable, then reads it.
    async fn conclude(&self, hold: &Hold<'_>, slot: &mut Slot, exchanged: Exchanged) -> Conclusion {
        let (status, body) = match exchanged {
            Exchanged::Answered { status, body, gap, server_date } => {
                self.0.counters.sent(gap);
                self.compare_clocks(&authority(&hold.server), server_date);
                (status, body)
            }
            Exchanged::NothingSent(error) => {
                if error.kind() == Kind::Network {
                    hold.leave.unreachable();
                }
                return Conclusion::nothing(self.let_go(hold, error).await);
            }
            Exchanged::NoAnswer(error) => {
                hold.leave.unreachable();
                return Conclusion::nothing(self.ambiguous(hold, error).await);
            }
        };
        let spooled = self.spool(slot, hold.attempt, status, &body).await;
        fault("spooled").await;
        match Answer::read(status, &body) {
            Answer::Token(token) => {
                hold.leave.answered();
                match self.successor(hold.row, hold.attempt, &hold.refresh_token, &token) {
                    Ok(commit) => Conclusion::Keep(token, Box::new(commit), spooled),
                    Err(error) => Conclusion::keeping(self.ambiguous(hold, error).await),
                }
            }
            Answer::Refused(refusal) => Conclusion::nothing(self.refused(hold, &refusal).await),
            // Cut-off JSON may hold a living token: it stays, sealed, for two days.
            Answer::Unreadable(why) => {
                hold.leave.answered();
                let error = Error::new(Kind::UnexpectedAnswer, why).with_status(status);
                Conclusion::keeping(self.ambiguous(hold, error).await)
            }
        }
    }

    /// Expiry is counted from durations where it can be, so that a wrong clock costs nothing but this.
    fn compare_clocks(&self, host: &str, server_date: Option<i64>) {
        let Some(skew) = server_date.map(|date| date - self.0.clock.now()) else { return };
        if skew.abs() > SKEW {
            tracing::warn!(
                host,
                skew,
                "this machine's clock and the authorization server's differ"
            );
        }
    }

    pub(super) fn form<'a>(&'a self, grant_type: &'static str, value: &'a Secret) -> Form<'a> {
        let credentials = &self.0.credentials;
        Form {
            client_id: &credentials.client_id,
            client_secret: &credentials.client_secret,
            grant_type,
            value,
            by_get: credentials.by_get,
        }
    }

    async fn let_go(&self, hold: &Hold<'_>, error: Error) -> Result<Option<Arc<Token>>> {
        let chain = hold.row.chain.id;
        self.0.store.settle(chain, hold.attempt, Verdict::Released(Duration::ZERO)).await?;
        Err(at(hold.row, error))
    }

    /// Something was sent and we cannot tell what became of it: never "try again now".
    async fn ambiguous(&self, hold: &Hold<'_>, error: Error) -> Result<Option<Arc<Token>>> {
        let row = hold.row;
        let pause = (AMBIGUOUS_PAUSE * 2_u32.pow(row.chain.tries.min(10)))
            .min(Duration::from_secs(6 * 3600));
        self.0.counters.ambiguous.add(1);
        let pause_s = pause.as_secs();
        tracing::warn!(grant = row.id, pause_s, "a rotation is ambiguous: its answer was lost");
        self.0.store.settle(row.chain.id, hold.attempt, Verdict::Ambiguous(pause)).await?;
        Err(at(row, error).with_retry_after(pause).advise(
            "The refresh token may have been spent; the first request after a pause finds out.",
        ))
    }

    /// Verdicts are bound to the attempt: if the chain has moved on meanwhile, nothing changes.
    async fn refused(&self, hold: &Hold<'_>, refusal: &Refusal) -> Result<Option<Arc<Token>>> {
        let row = hold.row;
        let rest = hold.leave.refused(refusal.about);
        let verdict = match refusal.about {
            About::Grant => Verdict::Refused,
            About::Payment => Verdict::Status(Status::Suspended, SUSPENDED_PAUSE),
            _ => Verdict::Released(rest),
        };
        let ours = self.0.store.settle(row.chain.id, hold.attempt, verdict).await?;
        if verdict == Verdict::Refused {
            tracing::warn!(grant = row.id, "the refresh token was refused");
            // What it means for the chain is found out by looking again.
            return Ok(None);
        }
        if ours && matches!(verdict, Verdict::Status(..)) {
            self.tell(row.id, row.generation, Status::Suspended);
        }
        Err(at(row, refusal.error()))
    }
}

/// Listens, and renews the lease again and again meanwhile. The answer waits for no renewal, since the
/// store may hang; and without a lease we listen all the same: a late pair is kept by lineage.
async fn listen<T, R: Future>(exchange: impl Future<Output = T>, renew: impl Fn() -> R) -> T {
    // An interval's first tick takes a millisecond: it would stand between the confirmation and the write.
    let mut renewal = interval_at(Instant::now() + RENEW, RENEW);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let renewals = async {
        loop {
            renewal.tick().await;
            renew().await;
        }
    };
    tokio::select! {
        biased;
        exchanged = exchange => exchanged,
        never = renewals => never,
    }
}

/// What an exchange came to.
enum Conclusion {
    /// A pair, and whether it is in the spool.
    Keep(Box<crate::oauth::TokenAnswer>, Box<crate::store::Commit>, Result<()>),
    /// No pair.
    Settled { keep_answer: bool, result: Result<Option<Arc<Token>>> },
}

impl Conclusion {
    fn nothing(result: Result<Option<Arc<Token>>>) -> Self {
        Self::Settled { keep_answer: false, result }
    }

    fn keeping(result: Result<Option<Arc<Token>>>) -> Self {
        Self::Settled { keep_answer: true, result }
    }
}

fn too_late() -> Error {
    Error::new(Kind::Timeout, "the lease was over before the token could be sent")
        .with_retry(crate::Retry::Safe)
        .advise("Nothing was sent; ask again.")
}

pub(super) fn shutting_down() -> Error {
    Error::new(Kind::Cancelled, "the keeper is shutting down")
        .with_retry(crate::Retry::Safe)
        .advise("Nothing was sent; ask another process, or start again.")
}

/// Names the grant and its portal.
pub(super) fn at(row: &GrantRow, error: Error) -> Error {
    error.with("grant", row.id.to_string()).with("portal", row.endpoints.client_endpoint.clone())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_does_not_wait_for_a_store_that_hangs() {
        let began = Instant::now();
        let answer = async {
            sleep(RENEW + Duration::from_secs(1)).await;
            "answer"
        };
        let renewed = Cell::new(0);
        let renew = || {
            renewed.set(renewed.get() + 1);
            pending::<()>()
        };
        let heard = timeout(LEASE, listen(answer, renew)).await;
        assert_eq!(heard, Ok("answer"));
        assert_eq!((began.elapsed(), renewed.get()), (RENEW + Duration::from_secs(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_lease_is_renewed_for_as_long_as_the_server_is_silent() {
        let renewed = Cell::new(0);
        let renew = || async { renewed.set(renewed.get() + 1) };
        timeout(2 * RENEW + RENEW / 2, listen(pending::<()>(), renew)).await.unwrap_err();
        assert_eq!(renewed.get(), 2);
    }
}
