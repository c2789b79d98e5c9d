//! One request to a portal.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use url::Url;

use super::{Answer, answer::count};
use crate::{Error, Kind, Result, Secret, portal::authority, process};

/// An answer longer than this is refused rather than held in memory, where its values take many times
/// its length.
pub(super) const LONGEST_ANSWER: u64 = 128 << 20;

/// What goes over the wire.
pub(crate) struct Post<'a> {
    pub(crate) url: Url,
    pub(crate) body: &'a Value,
    /// A token that cannot be part of the body.
    pub(crate) bearer: Option<&'a Secret>,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) timeout: Duration,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Where a redirect points to.
    pub(crate) location: Option<Url>,
    pub(crate) body: Vec<u8>,
}

/// Posts `params` to `endpoint` + `method` and reads the answer: once, past the portal's limiter.
pub(crate) async fn send(
    endpoint: &Url,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Answer> {
    let portal = authority(endpoint);
    let started = Instant::now();
    let (url, body) = (address(endpoint, method)?, Value::Object(params.clone()));
    let timeout = process::REST_TIMEOUT;
    let post = Post { url, body: &body, bearer: None, idempotency_key: None, timeout };
    let result = post.send().await;
    let took = started.elapsed().as_millis();
    match &result {
        Ok(Reply { status, body, .. }) => {
            tracing::debug!(portal, method, status, bytes = body.len(), took, "answered");
        }
        Err(error) => tracing::debug!(portal, method, %error, took, "no answer"),
    }
    result
        .and_then(|reply| Answer::read(reply.status, &reply.body))
        .map_err(|error| error.with("portal", portal).with("method", method))
}

/// Where a method is called.
pub(crate) fn address(endpoint: &Url, method: &str) -> Result<Url> {
    endpoint
        .join(method)
        .map_err(|_| Error::invalid_input("method", "this is not the name of a REST method"))
}

impl Post<'_> {
    /// Sends it once.
    pub(crate) async fn send(self) -> Result<Reply> {
        let body = serde_json::to_vec(self.body).map_err(|error| {
            Error::invalid_input("params", "the parameters cannot be written as JSON")
                .with_source(error)
        })?;
        let url = self.url.clone();
        let mut request = process::http()?
            .post(self.url)
            .timeout(self.timeout)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body);
        if let Some(token) = self.bearer {
            request = request.bearer_auth(token.expose());
        }
        if let Some(key) = self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|to| to.to_str().ok());
        let location = location.filter(|_| (300..400).contains(&status));
        let location = location.and_then(|to| url.join(to).ok());
        let body = read(response, LONGEST_ANSWER).await?;
        Ok(Reply { status, location, body })
    }
}

/// The body, whatever it is compressed to, if it is not longer than `longest`.
async fn read(mut response: reqwest::Response, longest: u64) -> Result<Vec<u8>> {
    let status = response.status().as_u16();
    if response.content_length().is_some_and(|length| length > longest) {
        return Err(too_long(status, longest));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if (body.len() + chunk.len()) as u64 > longest {
            return Err(too_long(status, longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(super) fn too_long(status: u16, longest: u64) -> Error {
    Error::new(Kind::UnexpectedAnswer, "the portal's answer is too long to hold")
        .with_status(status)
        .with("longest", format!("{} MiB", longest >> 20))
        .with_retry(crate::Retry::Never)
        .advise(
            "It was executed all the same. Select fewer fields, ask for fewer rows or commands at a \
             time, or download a file by its link.",
        )
}

pub(crate) fn failed(error: reqwest::Error) -> Error {
    let (kind, message, advice) = if error.is_connect() || error.is_builder() {
        (
            Kind::Network,
            "the portal cannot be reached",
            "Nothing was sent. Check the address and the network.",
        )
    } else if error.is_timeout() {
        (
            Kind::Timeout,
            "the portal did not answer in time",
            "The call may have been executed: look before you repeat it.",
        )
    } else {
        (
            Kind::Ambiguous,
            "the connection to the portal broke",
            "The call may have been executed: look before you repeat it.",
        )
    };
    Error::new(kind, message).advise(advice).with_source(error.without_url())
}

/// The user whose token this is.
pub(crate) async fn whose(endpoint: &Url, access_token: &Secret) -> Result<i64> {
    let mut params = Map::new();
    params.insert("auth".to_owned(), Value::String(access_token.expose().to_owned()));
    let answer = send(endpoint, "profile", &params).await?;
    count(answer.result.get("ID"))
        .and_then(|id| i64::try_from(id).ok())
        .ok_or_else(|| Error::new(Kind::UnexpectedAnswer, "the profile has no id"))
}

#[cfg(test)]
mod tests;
