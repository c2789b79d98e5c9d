//! One rotation, from the intent to the verdict.

use std::{sync::Arc, time::Duration};

use super::{Keeper, Token, needs_reauthorization, spool::Label};
use crate::{
    Error, Kind, Result, Retry, Secret,
    oauth::{About, Answer, Exchanged, Form, Refusal, connect},
    store::{AttemptId, Begun, ChainState, Column, GrantRow, Status, Verdict},
};

/// How long an intent keeps others away: longer than anything can still be under way.
const LEASE: Duration = Duration::from_secs(180);
/// Pause before a refresh token of unknown fate is tried again; doubles each time, up to an hour.
const AMBIGUOUS_PAUSE: Duration = Duration::from_secs(30);
/// Pause before a suspended grant is tried again.
const SUSPENDED_PAUSE: Duration = Duration::from_secs(3600);
/// How often a holder's progress is looked at.
const POLL: Duration = Duration::from_millis(100);

impl Keeper {
    /// Rotates the chain that `row` shows. `None` where somebody else did or holds it: look again.
    pub(super) async fn rotate(&self, row: GrantRow) -> Result<Option<Arc<Token>>> {
        if row.chain == ChainState::Intent {
            // Its process may have died after the answer: the answer is in the spool then.
            self.recover().await?;
        }
        let attempt = AttemptId::random();
        let server = self.0.credentials.server.resolve(Some(&row.endpoints.authorization_server));
        let client_id = &self.0.credentials.client_id;
        let label = Label::rotation(client_id, attempt, row.id, row.pair.lineage, server.as_str());
        // Opened before the intent: a damaged row must not hold the chain.
        let refresh_token = self.0.vault.open_token(
            &row.data_key,
            row.id,
            row.pair.lineage,
            Column::Refresh,
            &row.pair.refresh,
        )?;
        let mut slot = self.0.spool.reserve(label).await?;
        match self.0.store.begin(row.id, row.pair.lineage, attempt, LEASE).await {
            Ok(Begun::Acquired) => {}
            not_ours => {
                slot.discard().await?;
                return match not_ours? {
                    Begun::Busy(remaining) => {
                        self.wait_for_holder(&row, remaining).await.map(|()| None)
                    }
                    _ => Ok(None),
                };
            }
        }
        tracing::info!(grant = row.id, generation = row.generation, "rotating");
        let form = self.form("refresh_token", &refresh_token);
        let exchanged = match connect(&server).await {
            Ok(line) => line.send(&self.0.clock, &form, Duration::MAX).await,
            Err(error) => Exchanged::NothingSent(error),
        };
        let (status, body) = match exchanged {
            Exchanged::Answered { status, body, gap, server_date } => {
                tracing::debug!(grant = row.id, ?gap, server_date, "the rotation was answered");
                (status, body)
            }
            Exchanged::NothingSent(error) => {
                slot.discard().await?;
                self.0.store.settle(row.id, attempt, Verdict::Released).await?;
                return Err(at(&row, error));
            }
            Exchanged::NoAnswer(error) => {
                slot.discard().await?;
                return self.ambiguous(&row, attempt, error).await;
            }
        };
        let spooled = self.spool(&mut slot, attempt, status, &body).await;
        match Answer::read(status, &body) {
            Answer::Token(token) => match self.successor(&row, &refresh_token, &token) {
                Ok(commit) => self.keep_rotated(&row, &token, commit, slot, spooled).await,
                Err(error) => {
                    slot.done().await?;
                    self.ambiguous(&row, attempt, error).await
                }
            },
            Answer::Refused(refusal) => {
                slot.discard().await?;
                self.refused(&row, attempt, &refusal).await
            }
            Answer::Unreadable(why) => {
                // Cut-off JSON may hold a living token: it stays, sealed, for two days.
                slot.done().await?;
                let error = Error::new(Kind::UnexpectedAnswer, why).with_status(status);
                self.ambiguous(&row, attempt, error).await
            }
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

    /// Something was sent and we cannot tell what became of it: never "try again now".
    async fn ambiguous(
        &self,
        row: &GrantRow,
        attempt: AttemptId,
        error: Error,
    ) -> Result<Option<Arc<Token>>> {
        let pause = (AMBIGUOUS_PAUSE * 2_u32.pow(row.tries.min(7))).min(Duration::from_secs(3600));
        tracing::warn!(
            grant = row.id,
            pause = pause.as_secs(),
            "a rotation is ambiguous: its answer was lost"
        );
        self.0.store.settle(row.id, attempt, Verdict::Ambiguous(pause)).await?;
        Err(at(row, error)
            .with_retry_after(pause)
            .advise("The refresh token may have been spent; the first request after a pause tries it again."))
    }

    async fn refused(
        &self,
        row: &GrantRow,
        attempt: AttemptId,
        refusal: &Refusal,
    ) -> Result<Option<Arc<Token>>> {
        let verdict = match refusal.about {
            About::Grant => Verdict::Dead,
            About::Payment => Verdict::Status(Status::Suspended, SUSPENDED_PAUSE),
            _ => Verdict::Released,
        };
        // Bound to this attempt: if the chain has moved on meanwhile, this changes nothing.
        self.0.store.settle(row.id, attempt, verdict).await?;
        if verdict != Verdict::Dead {
            return Err(at(row, refusal.error()));
        }
        match self.0.store.grant(row.id).await? {
            Some(current) if current.chain != ChainState::Dead => Ok(None),
            _ => Err(needs_reauthorization(row).with_source(refusal.error())),
        }
    }

    /// Waits until the chain that somebody else holds has changed, or the hold is over.
    async fn wait_for_holder(&self, row: &GrantRow, remaining: Duration) -> Result<()> {
        let now = self.row(row.id).await?;
        if now.status == Status::Suspended || now.chain == ChainState::Ambiguous {
            return Err(paused(&now, remaining));
        }
        let until = tokio::time::Instant::now() + remaining;
        while tokio::time::Instant::now() < until {
            tokio::time::sleep(POLL).await;
            let now = self.row(row.id).await?;
            if now.pair.lineage != row.pair.lineage || now.chain != ChainState::Intent {
                break;
            }
        }
        Ok(())
    }
}

/// The chain is free, but not yet.
fn paused(row: &GrantRow, remaining: Duration) -> Error {
    let error = if row.status == Status::Suspended {
        Error::new(Kind::Suspended, "the portal's subscription does not cover the application")
            .advise("Renew the subscription; the grant resumes by itself afterwards.")
    } else {
        Error::new(Kind::Ambiguous, "the last answer of the authorization server was lost")
            .with_retry(Retry::Safe)
            .advise("The refresh token is tried again after a pause.")
    };
    at(row, error).with_retry_after(remaining)
}

/// Names the grant and its portal.
pub(super) fn at(row: &GrantRow, error: Error) -> Error {
    error.with("grant", row.id.to_string()).with("portal", row.endpoints.client_endpoint.clone())
}
