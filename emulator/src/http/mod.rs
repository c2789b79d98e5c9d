//! Requests and answers as the three services see them: whole bodies in, whole bodies out.

mod body;
mod server;
mod socket;
mod tls;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};

pub(crate) use server::Listener;
pub(crate) use tls::Tls;

/// A request whose body has arrived.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
}

impl Request {
    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The media type, in lower case and without parameters; empty if absent.
    pub(crate) fn media_type(&self) -> String {
        let header =
            self.headers.get(hyper::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        header.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }

    pub(crate) fn is_json(&self) -> bool {
        let media = self.media_type();
        media == "application/json" || media.ends_with("+json")
    }
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// The length of the whole is announced, half of it is sent, the connection is closed.
    Truncated,
    /// The connection is closed without an answer.
    Dropped,
    /// The connection is reset without an answer.
    Reset,
    /// The body comes bit by bit and takes so long.
    Slow(Duration),
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
    /// How long the client waits for it.
    pub(crate) delay: Duration,
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: Bytes) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type,
            body,
            delivery: Delivery::Whole,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.into())
    }

    pub(crate) fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html; charset=utf-8", body.into())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, "", Bytes::new())
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self::empty(302).with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer, `delay` later than it would be.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay += delay;
        self
    }

    /// An answer whose HTML stands in for a page of the web server before the application.
    pub(crate) fn plain_page(status: u16, title: &str) -> Self {
        let page = format!(
            "<!doctype html>\n<html><head><title>{status} {title}</title></head>\n<body><h1>{status} {title}</h1></body></html>\n"
        );
        Self::html(status, page)
    }
}

/// A service. Handlers never wait, so they are plain functions; an answer that must wait says how long.
pub(crate) trait Service: Send + Sync + 'static {
    /// The longest body this path takes, in bytes.
    fn body_limit(&self, path: &str) -> usize;
    /// How long a request lies about before it is handled.
    fn hold(&self, _: &Request) -> Duration {
        Duration::ZERO
    }
    /// Answers a request.
    fn handle(&self, request: &Request) -> Answer;
    /// Answers a body over the limit.
    fn too_large(&self, request: &Request) -> Answer;
    /// Virtual unix seconds, for the `Date` header.
    fn now(&self) -> i64;
}
