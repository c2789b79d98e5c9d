//! Sending one request to the token endpoint and telling apart what can have happened.
//!
//! Each exchange has a bare HTTP/1.1 connection of its own. A pooled client would repeat a request
//! on its own account, and could not say when its first byte left.

mod connection;
mod gate;
#[cfg(test)]
mod tests;

use std::{
    io,
    pin::pin,
    time::{Duration, UNIX_EPOCH},
};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{select, time::timeout};
use url::{Url, form_urlencoded};

pub(crate) use self::connection::connect;
use self::{
    connection::{Cause, Duplex},
    gate::{FirstWrite, Gate},
};
use crate::{Clock, Error, Kind, Retry, Secret, portal::authority, process};

/// Where the token endpoint is on an authorization server.
const PATH: &str = "/oauth/token/";

/// An answer longer than this is not one of the token endpoint's.
pub(crate) const LONGEST_ANSWER: usize = 48 * 1024;

/// The vendor cuts its own work at 60 seconds; past this nothing can still come.
pub(crate) const LISTEN: Duration = Duration::from_secs(150);

/// A process that stood still past [`LISTEN`] reads for so long what arrived meanwhile.
const LAST_LOOK: Duration = Duration::from_secs(1);

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
#[derive(Debug)]
pub(crate) enum Exchanged {
    /// No byte of the request left: the connection broke before, or it was too late to begin.
    NothingSent(Error),
    /// Something was sent and no whole answer came back.
    NoAnswer(Error),
    /// An answer of whatever content.
    Answered {
        status: u16,
        body: Vec<u8>,
        /// From the call of [`Line::send`] to the first byte's write.
        gap: Duration,
        /// The server's own time when it answered, in Unix seconds.
        server_date: Option<i64>,
    },
}

/// An open connection to the authorization server. Nothing was sent on it.
pub(crate) struct Line {
    stream: Box<dyn Duplex>,
    gate: Gate,
    server: Url,
}

/// An answer, as far as it came.
#[derive(Default)]
struct Heard {
    status: u16,
    body: Vec<u8>,
    server_date: Option<i64>,
}

/// Why there is none.
enum Failure {
    Broken(Cause),
    TooLong,
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<Cause> for Failure {
    fn from(error: Cause) -> Self {
        if error.is::<LengthLimitError>() { Self::TooLong } else { Self::Broken(error) }
    }
}

impl Line {
    /// Sends the form once, in one write (one TLS record up to 16 KiB), and listens until an answer
    /// or [`LISTEN`]. Nothing is written once the boot time is `write_until`.
    pub(crate) async fn send(
        self,
        clock: &Clock,
        form: &Form<'_>,
        write_until: Duration,
    ) -> Exchanged {
        let called = clock.boot();
        let Self { stream, gate, server } = self;
        let host = authority(&server);
        let request = match request(&server, form) {
            Ok(request) => request,
            Err(cause) => {
                let error = Error::new(Kind::Internal, "the token request could not be built");
                return Exchanged::NothingSent(error.with("host", host).with_source(cause));
            }
        };
        tracing::debug!(host, grant_type = form.grant_type, "asking the token endpoint");
        gate.arm(clock, write_until);
        let mut heard = Heard::default();
        let outcome = listen(exchange(stream, request, &mut heard)).await;
        // What the gate saw decides: a server that answers unasked has been sent nothing.
        let begun = match gate.first_write() {
            FirstWrite::At(begun) => begun,
            FirstWrite::TooLate => return Exchanged::NothingSent(too_late(host)),
            FirstWrite::None => return Exchanged::NothingSent(broke(host, outcome)),
        };
        let is_whole = matches!(outcome, Some(Ok(())));
        if is_whole || heard.holds_a_pair() {
            let Heard { status, body, server_date } = heard;
            let bytes = body.len();
            tracing::debug!(host, status, bytes, is_whole, "the token endpoint answered");
            let gap = begun.saturating_sub(called);
            return Exchanged::Answered { status, body, gap, server_date };
        }
        match outcome {
            Some(Err(Failure::TooLong)) => Exchanged::NoAnswer(
                Error::new(Kind::Ambiguous, "the authorization server's answer is too long")
                    .with("host", host),
            ),
            Some(Err(Failure::Broken(cause))) => Exchanged::NoAnswer(lost(host, cause)),
            Some(Ok(())) | None => {
                Exchanged::NoAnswer(lost(host, io::Error::from(io::ErrorKind::TimedOut).into()))
            }
        }
    }
}

impl Heard {
    /// An answer that broke off may have brought both tokens before it did.
    fn holds_a_pair(&self) -> bool {
        matches!(super::Answer::read(self.status, &self.body), super::Answer::Token(_))
    }
}

/// Waits for an answer, or until none can still come.
async fn listen<T>(exchange: impl Future<Output = T>) -> Option<T> {
    let mut exchange = pin!(exchange);
    // Both poll the answer before their timer.
    match timeout(LISTEN, exchange.as_mut()).await {
        Ok(outcome) => Some(outcome),
        Err(_) => timeout(LAST_LOOK, exchange).await.ok(),
    }
}

/// The request in whole: method, target, fields and form.
fn request(server: &Url, form: &Form<'_>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let value_name = if form.grant_type == "refresh_token" { "refresh_token" } else { "code" };
    let parameters = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", form.grant_type)
        .append_pair("client_id", form.client_id)
        .append_pair("client_secret", form.client_secret.expose())
        .append_pair(value_name, form.value.expose())
        .finish();
    let request = Request::builder()
        .header(header::HOST, authority(server))
        .header(header::USER_AGENT, process::USER_AGENT)
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close");
    if form.by_get {
        request.uri(format!("{PATH}?{parameters}")).body(Full::default())
    } else {
        request
            .method(Method::POST)
            .uri(PATH)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(parameters))
    }
}

/// One request and its answer over `stream`.
async fn exchange(
    stream: Box<dyn Duplex>,
    request: Request<Full<Bytes>>,
    heard: &mut Heard,
) -> Result<(), Failure> {
    // Head and body become one buffer instead of a list of pieces.
    let (mut sender, connection) =
        http1::Builder::new().writev(false).handshake(TokioIo::new(stream)).await?;
    // Queued at once, so that the connection meets the request before anything it may read.
    let response = sender.send_request(request);
    let mut answer = pin!(async { read(response.await?, heard).await });
    // Dropped once it is over, and with it all that the answer could still wait for. Its error
    // reaches the answer too.
    let mut connection = pin!(async {
        let _ = connection.await;
    });
    let mut open = true;
    loop {
        select! {
            biased;
            () = &mut connection, if open => open = false,
            answer = &mut answer => return answer,
        }
    }
}

async fn read(response: Response<Incoming>, heard: &mut Heard) -> Result<(), Failure> {
    heard.status = response.status().as_u16();
    heard.server_date = response.headers().get(header::DATE).and_then(|date| {
        let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
        i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    });
    let mut body = Limited::new(response.into_body(), LONGEST_ANSWER);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            heard.body.extend_from_slice(&data);
        }
    }
    Ok(())
}

fn too_late(host: String) -> Error {
    Error::new(Kind::Timeout, "the time to send the token request was over before it could begin")
        .with("host", host)
        .with_retry(Retry::Safe)
        .advise("Nothing was sent; try again.")
}

fn broke(host: String, outcome: Option<Result<(), Failure>>) -> Error {
    let error = Error::new(
        Kind::Network,
        "the connection to the authorization server broke before the request was sent",
    )
    .with("host", host)
    .advise("Nothing was sent; try again once the network works.");
    match outcome {
        Some(Err(Failure::Broken(cause))) => error.with_source(cause),
        _ => error,
    }
}

fn lost(host: String, cause: Cause) -> Error {
    Error::new(Kind::Ambiguous, "the authorization server did not answer in full")
        .with("host", host)
        .advise(
            "The token may or may not have been spent; evergrant finds out before it tries again.",
        )
        .with_source(cause)
}
