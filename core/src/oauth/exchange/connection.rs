//! Opening the connection: name, TCP, a proxy where the environment names one, TLS.

use std::{future::poll_fn, io, net::IpAddr, sync::Arc, time::Duration};

use hyper::Uri;
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Host, Url};

use super::{
    Line,
    gate::{Gate, Gated},
};
use crate::{
    Error, Kind, Result,
    portal::{authority, is_loopback},
    process,
};

/// Longest wait until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes that the server has not acknowledged for so long break the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Any error underneath ours.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a connection is to the HTTP above it.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// Connects to the authorization server and sends nothing to it.
///
/// # Errors
/// [`Kind::Network`] within ten seconds, [`Kind::InvalidInput`] for a proxy that cannot be used.
/// Any error means that nothing was sent.
pub(crate) async fn connect(server: &Url) -> Result<Line> {
    connect_by(server, &Matcher::from_env(), process::tls()?).await
}

pub(super) async fn connect_by(
    server: &Url,
    proxies: &Matcher,
    tls: Arc<ClientConfig>,
) -> Result<Line> {
    let proxy = proxy_for(server, proxies)?;
    let unreachable = |cause: Cause| {
        let error = Error::new(Kind::Network, "the authorization server cannot be reached")
            .with("host", authority(server));
        let error = match &proxy {
            Some(proxy) => error.with("proxy", proxy.uri().host().unwrap_or_default()),
            None => error,
        };
        error.advise("Nothing was sent; try again once the network works.").with_source(cause)
    };
    match timeout(CONNECT, open(server, proxy.as_ref(), tls)).await {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(cause)) => Err(unreachable(cause)),
        Err(_) => Err(unreachable(io::Error::from(io::ErrorKind::TimedOut).into())),
    }
}

async fn open(
    server: &Url,
    proxy: Option<&Intercept>,
    tls: Arc<ClientConfig>,
) -> Result<Line, Cause> {
    let gate = Gate::default();
    let tcp = Gated { inner: dial(server, proxy).await?, gate: gate.clone() };
    let stream: Box<dyn Duplex> = if server.scheme() == "https" {
        Box::new(TlsConnector::from(tls).connect(server_name(server)?, tcp).await?)
    } else {
        Box::new(tcp)
    };
    Ok(Line { stream, gate, server: server.clone() })
}

/// The TCP connection, through the proxy's tunnel if there is one.
pub(super) async fn dial(server: &Url, proxy: Option<&Intercept>) -> Result<TcpStream, Cause> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let to: Uri = server.as_str().parse()?;
    match proxy {
        None => call(tcp, to).await,
        Some(proxy) => {
            let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
            match proxy.basic_auth() {
                Some(secret) => call(tunnel.with_auth(secret.clone()), to).await,
                None => call(tunnel, to).await,
            }
        }
    }
}

async fn call<C>(mut connector: C, to: Uri) -> Result<TcpStream, Cause>
where
    C: Service<Uri, Response = TokioIo<TcpStream>, Error: Into<Cause>>,
{
    poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    Ok(connector.call(to).await.map_err(Into::into)?.into_inner())
}

/// The proxy that the environment names for `server`; none for loopback.
pub(super) fn proxy_for(server: &Url, proxies: &Matcher) -> Result<Option<Intercept>> {
    let uri = server.as_str().parse::<Uri>().ok().filter(|_| !is_loopback(server));
    match uri.and_then(|uri| proxies.intercept(&uri)) {
        Some(proxy) if proxy.uri().scheme_str() != Some("http") => Err(Error::invalid_input(
            "HTTPS_PROXY",
            "the authorization server can only be reached through a proxy whose address is http://",
        )
        .advise(
            "Nothing was sent. Name such a proxy, or exempt the authorization server in NO_PROXY.",
        )),
        proxy => Ok(proxy),
    }
}

fn server_name(server: &Url) -> Result<ServerName<'static>, Cause> {
    Ok(match server.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned())?,
        Some(Host::Ipv4(address)) => IpAddr::V4(address).into(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).into(),
        None => return Err("the address names no host".into()),
    })
}
