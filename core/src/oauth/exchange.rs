//! Sending one request to the token endpoint and telling apart what can have happened.

use std::time::Duration;

use url::{Url, form_urlencoded};

use crate::{Error, Kind, Result, Secret, process};

/// An answer longer than this is not one of the token endpoint's.
pub(crate) const LONGEST_ANSWER: usize = 48 * 1024;

/// The vendor cuts its own work at 60 seconds; past this nothing can still come.
pub(crate) const LISTEN: Duration = Duration::from_secs(150);

/// The parameters of one token request.
pub(crate) struct Form<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a Secret,
    /// `authorization_code` with a code, or `refresh_token` with a refresh token.
    pub(crate) grant_type: &'static str,
    pub(crate) value: &'a Secret,
    /// In the query instead of the body; only where a portal's proxy demands it.
    pub(crate) by_get: bool,
}

/// What came of sending it.
pub(crate) enum Exchanged {
    /// The connection failed before a byte was sent.
    NothingSent(Error),
    /// Something was sent and no whole answer came back.
    NoAnswer(Error),
    /// An answer of whatever content.
    Answered { status: u16, body: Vec<u8> },
}

/// Sends the form once, on a connection of its own, and listens until an answer or [`LISTEN`].
pub(crate) async fn send(server: &Url, form: &Form<'_>) -> Result<Exchanged> {
    let http = process::exchange_http(LISTEN)?;
    let mut url = server.clone();
    url.set_path("/oauth/token/");
    let value_name = if form.grant_type == "refresh_token" { "refresh_token" } else { "code" };
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", form.grant_type)
        .append_pair("client_id", form.client_id)
        .append_pair("client_secret", form.client_secret.expose())
        .append_pair(value_name, form.value.expose())
        .finish();
    let request = if form.by_get {
        url.set_query(Some(&body));
        http.get(url)
    } else {
        http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
    };
    let host = server.host_str().unwrap_or_default().to_owned();
    tracing::debug!(host, grant_type = form.grant_type, "asking the token endpoint");
    let mut response = match request.header("accept", "application/json").send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() || error.is_builder() => {
            return Ok(Exchanged::NothingSent(
                Error::new(Kind::Network, "the authorization server cannot be reached")
                    .with("host", host)
                    .advise("Nothing was sent; try again once the network works.")
                    .with_source(error.without_url()),
            ));
        }
        Err(error) => return Ok(Exchanged::NoAnswer(lost(host, error))),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => {
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            Ok(Some(_)) => {
                return Ok(Exchanged::NoAnswer(
                    Error::new(Kind::Ambiguous, "the authorization server's answer is too long")
                        .with("host", host),
                ));
            }
            Err(error) => return Ok(Exchanged::NoAnswer(lost(host, error))),
        }
    }
    tracing::debug!(host, status, bytes = body.len(), "the token endpoint answered");
    Ok(Exchanged::Answered { status, body })
}

fn lost(host: String, error: reqwest::Error) -> Error {
    Error::new(Kind::Ambiguous, "the authorization server did not answer in full")
        .with("host", host)
        .advise(
            "The token may or may not have been spent; evergrant finds out before it tries again.",
        )
        .with_source(error.without_url())
}
