//! Accepts connections and moves bytes; knows nothing of Bitrix24.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Answer, Delivery, Request, Service};
use crate::clock;

/// How much of an oversized body is read and thrown away, so that the client hears the refusal.
const DRAIN: usize = 64 << 20;

/// A bound port.
pub(crate) struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    pub(crate) async fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        let inner = TcpListener::bind((address, port)).await?;
        let address = inner.local_addr()?;
        Ok(Self { inner, address })
    }

    /// `http://host:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
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
                    tokio::spawn(connection(stream, peer.ip(), Arc::clone(&service), stop.clone()));
                }
                // Out of descriptors, most likely: give connections time to end.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    }
}

async fn connection<S: Service>(
    stream: TcpStream,
    peer: IpAddr,
    service: Arc<S>,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small; waiting to fill a segment would only add latency.
    let _ = stream.set_nodelay(true);
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .pipeline_flush(true)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(Arc::clone(&service), request, peer)),
        );
    tokio::select! {
        // A broken connection concerns its client alone.
        _ = serving => {}
        _ = stop.changed() => {}
    }
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct Abandoned;

async fn answer<S: Service>(
    service: Arc<S>,
    incoming: hyper::Request<Incoming>,
    peer: IpAddr,
) -> Result<hyper::Response<Outgoing>, Abandoned> {
    let (parts, body) = incoming.into_parts();
    let limit = service.body_limit(parts.uri.path());
    let collected = collect(body, limit).await;
    let (body, fits) = match collected {
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
    };
    let answer = if fits { service.handle(&request) } else { service.too_large(&request) };
    if answer.delivery == Delivery::Dropped {
        return Err(Abandoned);
    }
    Ok(response(answer, service.now(), !fits))
}

/// The body, or `None` if it is longer than `limit`.
async fn collect(mut body: Incoming, limit: usize) -> Option<Bytes> {
    let announced = body.size_hint().lower();
    let mut fits = usize::try_from(announced).is_ok_and(|length| length <= limit);
    if fits && body.is_end_stream() {
        return Some(Bytes::new());
    }
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { break };
        let Ok(data) = frame.into_data() else { continue };
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
    fits.then(|| if rest.is_empty() { first } else { Bytes::from(rest) })
}

fn response(answer: Answer, now: i64, close: bool) -> hyper::Response<Outgoing> {
    let truncated = answer.delivery == Delivery::Truncated;
    let mut response = hyper::Response::new(Outgoing::new(answer.body, truncated));
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
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A body that can break off in the middle.
struct Outgoing {
    left: Option<Bytes>,
    length: u64,
    end: End,
}

/// What comes after the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Regular,
    /// First a pause, so that what was written leaves the process.
    Pause,
    Break,
}

impl Outgoing {
    fn new(body: Bytes, truncated: bool) -> Self {
        let length = body.len() as u64;
        let left = if truncated { body.slice(..body.len() / 2) } else { body };
        let end = if truncated { End::Pause } else { End::Regular };
        Self { left: (!left.is_empty()).then_some(left), length, end }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        if let Some(data) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Regular => Poll::Ready(None),
            End::Pause => {
                self.end = End::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Break => Poll::Ready(Some(Err(Abandoned))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && self.end == End::Regular
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
