//! One request to a portal.

use std::time::Instant;

use serde_json::{Map, Value};
use url::Url;

use super::{Answer, answer::count};
use crate::{Error, Kind, Result, Secret, portal::authority, process};

/// An answer longer than this is refused rather than held in memory.
const LONGEST_ANSWER: usize = 256 << 20;

/// Posts `params` to `endpoint` + `method` and reads the answer.
pub(crate) async fn send(
    endpoint: &Url,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Answer> {
    let portal = authority(endpoint);
    let started = Instant::now();
    let result = post(endpoint, method, params).await;
    let took = started.elapsed().as_millis();
    match &result {
        Ok((status, body)) => {
            tracing::debug!(portal, method, status, bytes = body.len(), took, "answered");
        }
        Err(error) => tracing::debug!(portal, method, %error, took, "no answer"),
    }
    result
        .and_then(|(status, body)| Answer::read(status, &body))
        .map_err(|error| error.with("portal", portal).with("method", method))
}

async fn post(endpoint: &Url, method: &str, params: &Map<String, Value>) -> Result<(u16, Vec<u8>)> {
    let url = endpoint
        .join(method)
        .map_err(|_| Error::invalid_input("method", "this is not the name of a REST method"))?;
    let body = serde_json::to_vec(params).map_err(|error| {
        Error::invalid_input("params", "the parameters cannot be written as JSON")
            .with_source(error)
    })?;
    let mut response = process::http()?
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body)
        .send()
        .await
        .map_err(failed)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Error::new(
                Kind::UnexpectedAnswer,
                "the portal's answer is too long to hold",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

fn failed(error: reqwest::Error) -> Error {
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
