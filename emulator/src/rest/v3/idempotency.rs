//! `Idempotency-Key`: a repeated request gets the first answer for 24 hours.

use hyper::body::Bytes;

use super::super::RestError;
use crate::http::{Answer, Request};
use crate::world::World;

/// How long answers are kept, in seconds.
const LIFE: i64 = 24 * 3600;
/// Answers that are kept; over that the oldest go.
const KEPT: usize = 10_000;

/// An answer that was given to a key.
#[derive(Clone)]
pub(crate) struct Kept {
    at: i64,
    request: Bytes,
    answer: Bytes,
}

/// The key of a request that changes something; reading methods have none.
pub(super) fn key_of(request: &Request, name: &str) -> Result<Option<String>, RestError> {
    let writes =
        name == "batch" || matches!(name.rsplit('.').next(), Some("add" | "update" | "delete"));
    let Some(header) = request.headers.get("idempotency-key").filter(|_| writes) else {
        return Ok(None);
    };
    let printable = |text: &&str| {
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    let refuse = || RestError::v3(400, "INVALIDIDEMPOTENCYKEY", "Invalid idempotency key.");
    let key = header.to_str().ok().filter(printable).ok_or_else(refuse)?;
    Ok(Some(key.to_owned()))
}

/// The answer kept for a key, or a new one, which is kept if it is a success.
pub(super) fn answer(
    world: &World,
    owner: &str,
    key: &str,
    body: &Bytes,
    make: impl FnOnce() -> Result<Answer, RestError>,
) -> Result<Answer, RestError> {
    let now = world.clock.now();
    {
        let mut kept = world.rest.kept.get();
        if let Some(known) = kept.get(owner).filter(|known| now - known.at < LIFE) {
            if known.request != *body {
                let text = "The idempotency key was used with another request.";
                return Err(RestError::v3(422, "IDEMPOTENCYKEYREUSED", text));
            }
            return Ok(super::envelope::with_cors(Answer::json(200, known.answer.clone()))
                .with("idempotency-key", key.to_owned())
                .with("idempotent-replayed", "true"));
        }
        if kept.len() >= KEPT {
            kept.retain(|_, known| now - known.at < LIFE);
        }
        if kept.len() >= KEPT
            && let Some(oldest) =
                kept.iter().min_by_key(|(_, known)| known.at).map(|(owner, _)| owner.clone())
        {
            kept.remove(&oldest);
        }
    }
    // Two at the same time may both run, as on a portal.
    let answer = make()?;
    let entry = Kept { at: now, request: body.clone(), answer: answer.body.clone() };
    world.rest.kept.get().insert(owner.to_owned(), entry);
    Ok(answer.with("idempotency-key", key.to_owned()))
}
