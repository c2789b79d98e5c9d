//! Accepts connections and moves bytes; knows nothing of Bitrix24.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::body::{Abandoned, Outgoing};
use super::socket::{Socket, Trigger};
use super::{Answer, Delivery, Request, Service, Tls};
use crate::clock;

/// How much of an oversized body is read and thrown away, so that the client hears the refusal.
const DRAIN: usize = 64 << 20;

/// First byte of a TLS connection (RFC 8446, 5.1: a handshake record); no HTTP request begins with it.
const HANDSHAKE: u8 = 22;

/// A bound port. With a certificate it takes http and https alike, as a host name does.
pub(crate) struct Listener {
    inner: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Listener {
    /// Binds at once; must be called within a tokio runtime.
    pub(crate) fn bind(address: IpAddr, port: u16, tls: Option<Tls>) -> io::Result<Self> {
        let inner = std::net::TcpListener::bind((address, port))?;
        inner.set_nonblocking(true)?;
        let inner = TcpListener::from_std(inner)?;
        let address = inner.local_addr()?;
        Ok(Self { inner, address, tls })
    }

    /// `host:port`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Serves until `stop` changes; open connections are closed then.
    pub(crate) async fn serve<S: Service>(self, service: Arc<S>, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.inner.accept() => accepted,
                _ = stop.changed() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (service, tls) = (Arc::clone(&service), self.tls.clone());
                    tokio::spawn(welcome(stream, peer.ip(), service, tls, stop.clone()));
                }
                // Out of descriptors, most likely: give connections time to end.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    }
}

/// Serves a connection, encrypted if it begins so and the listener can.
async fn welcome<S: Service>(
    stream: TcpStream,
    peer: IpAddr,
    service: Arc<S>,
    tls: Option<Tls>,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small; waiting to fill a segment would only add latency.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let (socket, trigger) = Socket::new(stream);
        return connection(socket, trigger, peer, false, service, stop).await;
    };
    let mut first = [0];
    let peeked = tokio::select! {
        peeked = stream.peek(&mut first) => peeked,
        _ = stop.changed() => return,
    };
    if peeked.is_err() {
        return;
    }
    if first[0] != HANDSHAKE {
        let (socket, trigger) = Socket::new(stream);
        return connection(socket, trigger, peer, false, service, stop).await;
    }
    let (socket, trigger) = Socket::new(stream);
    let accepted = tokio::select! {
        accepted = tls.accept(socket) => accepted,
        _ = stop.changed() => return,
    };
    // A failed handshake concerns its client alone.
    if let Ok(stream) = accepted {
        connection(stream, trigger, peer, true, service, stop).await;
    }
}

async fn connection<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    trigger: Trigger,
    peer: IpAddr,
    secure: bool,
    service: Arc<S>,
    mut stop: watch::Receiver<bool>,
) {
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                answer(Arc::clone(&service), trigger.clone(), request, peer, secure)
            }),
        );
    tokio::select! {
        // A broken connection concerns its client alone.
        _ = serving => {}
        _ = stop.changed() => {}
    }
}

async fn answer<S: Service>(
    service: Arc<S>,
    trigger: Trigger,
    incoming: hyper::Request<Incoming>,
    peer: IpAddr,
    secure: bool,
) -> Result<hyper::Response<Outgoing>, Abandoned> {
    let (parts, body) = incoming.into_parts();
    let limit = service.body_limit(parts.uri.path());
    let (body, fits) = match collect(body, limit).await? {
        Some(body) => (body, true),
        None => (Bytes::new(), false),
    };
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body,
        peer,
        secure,
    };
    let answer = if fits { handle(&service, request).await? } else { service.too_large(&request) };
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    match answer.delivery {
        Delivery::Dropped => return Err(Abandoned),
        Delivery::Reset => {
            trigger.pull();
            return Err(Abandoned);
        }
        Delivery::Whole | Delivery::Truncated | Delivery::Slow(_) => {}
    }
    Ok(response(answer, service.now(), !fits))
}

/// Answers at once, or later; then also for a client that has hung up.
async fn handle<S: Service>(service: &Arc<S>, request: Request) -> Result<Answer, Abandoned> {
    let hold = service.hold(&request);
    if hold.is_zero() {
        return Ok(service.handle(&request));
    }
    let service = Arc::clone(service);
    let work = tokio::spawn(async move {
        tokio::time::sleep(hold).await;
        service.handle(&request)
    });
    work.await.map_err(|_| Abandoned)
}

/// The body, or `None` if it is longer than `limit`. One that breaks off never reaches the application.
async fn collect(mut body: Incoming, limit: usize) -> Result<Option<Bytes>, Abandoned> {
    let announced = body.size_hint().lower();
    let mut fits = usize::try_from(announced).is_ok_and(|length| length <= limit);
    if fits && body.is_end_stream() {
        return Ok(Some(Bytes::new()));
    }
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Abandoned)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        fits = fits && seen <= limit;
        if seen > DRAIN {
            break;
        }
        if !fits {
            rest = Vec::new();
        } else if first.is_empty() {
            // The usual case: one frame, no copy.
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(fits.then(|| if rest.is_empty() { first } else { Bytes::from(rest) }))
}

fn response(answer: Answer, now: i64, close: bool) -> hyper::Response<Outgoing> {
    let mut response = hyper::Response::new(Outgoing::new(answer.body, answer.delivery));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    if let Ok(date) = HeaderValue::try_from(clock::http_date(now)) {
        headers.insert(DATE, date);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, value) in answer.headers {
        let value = match value {
            Cow::Borrowed(text) => HeaderValue::from_str(text),
            Cow::Owned(text) => HeaderValue::try_from(text),
        };
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    }
    response
}
