//! Posts a form to a handler. Only loopback is ever called.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long a handler may take. Real time: the handler is a real program.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const ANSWER: usize = 64 << 10;

/// Where a handler is.
pub(super) struct Address {
    socket: SocketAddr,
    host: String,
    target: String,
}

impl Address {
    /// The address of an http URL on loopback, or why it is not called.
    pub(super) fn of(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "not a URL")?;
        let scheme = uri.scheme_str().ok_or("not a URL")?;
        let authority = uri.authority().ok_or("not a URL")?;
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let ip = match name.parse::<IpAddr>() {
            Ok(ip) => ip,
            // Never asked of a name server.
            Err(_) if name.eq_ignore_ascii_case("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Err(_) => return Err("not loopback"),
        };
        if !ip.is_loopback() {
            return Err("not loopback");
        }
        if scheme != "http" {
            return Err("only http handlers are called");
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            socket: SocketAddr::new(ip, authority.port_u16().unwrap_or(80)),
            host: authority.as_str().rsplit('@').next().unwrap_or_default().to_owned(),
            target: target.to_owned(),
        })
    }

    /// What tells handlers apart.
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.socket, self.target)
    }
}

/// Posts a form; the status and the answer, or why there is none.
pub(super) async fn post(address: &Address, form: String) -> Result<(u16, String), String> {
    tokio::time::timeout(PATIENCE, exchange(address, form))
        .await
        .unwrap_or_else(|_| Err("no answer in ten seconds".to_owned()))
}

async fn exchange(address: &Address, form: String) -> Result<(u16, String), String> {
    let stream = TcpStream::connect(address.socket).await.map_err(|error| error.to_string())?;
    let broken = |error: hyper::Error| error.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(&address.target)
        .header(HOST, &address.host)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(USER_AGENT, "evergrant-emulator")
        .body(Full::new(Bytes::from(form)))
        .map_err(|error| error.to_string())?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        // Status first: a body that is too long or breaks off does not undo it.
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    };
    tokio::pin!(talk);
    tokio::select! {
        outcome = &mut talk => outcome,
        // The connection may end before its last answer has been taken out.
        _ = connection => talk.await,
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn only_loopback_is_called() {
        for good in ["http://127.0.0.1:8000/hook?x=1", "http://localhost/h", "http://[::1]:9/h"] {
            assert!(Address::of(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("http://10.0.0.1/h", "not loopback"),
            ("http://127.0.0.1.example/h", "not loopback"),
            ("http://127.0.0.1@portal.example/h", "not loopback"),
            ("https://127.0.0.1/h", "only http handlers are called"),
            ("nonsense", "not a URL"),
            ("", "not a URL"),
        ] {
            assert_eq!(Address::of(bad).err(), Some(reason), "{bad}");
        }
    }
}
