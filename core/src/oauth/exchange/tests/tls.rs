//! What TLS adds: trust, and one record.

use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, Stream};
use tokio::sync::oneshot;

use super::*;
use crate::{
    oauth::exchange::{Line, connection::connect_by},
    process::choose_cryptography,
};

/// A server's certificate, and the trust in it.
pub(super) struct Identity {
    pub(super) server: Arc<ServerConfig>,
    pub(super) trust: Arc<ClientConfig>,
}

pub(super) fn identity(name: &str) -> Identity {
    choose_cryptography();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let mut server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.into())
        .unwrap();
    // A ticket that nobody read would end the connection with a reset.
    server.send_tls13_tickets = 0;
    Identity {
        server: Arc::new(server),
        trust: Arc::new(
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
        ),
    }
}

/// The server's side of the handshake.
pub(super) fn greet(config: &Arc<ServerConfig>, stream: &mut TcpStream) -> ServerConnection {
    let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(stream).unwrap();
    }
    tls
}

/// A TLS server whose script begins after the handshake, and a connection to it. The handshake is
/// over on both sides.
async fn connected<T: Send + 'static>(
    script: impl FnOnce(TcpStream, ServerConnection) -> T + Send + 'static,
) -> (Line, JoinHandle<T>) {
    let Identity { server, trust } = identity("127.0.0.1");
    let (greeted, is_greeted) = oneshot::channel();
    let (url, server) = serve(move |mut stream| {
        let tls = greet(&server, &mut stream);
        greeted.send(()).unwrap();
        script(stream, tls)
    });
    let line = connect_by(&https(&url), &nobody(), trust).await.unwrap();
    is_greeted.await.unwrap();
    (line, server)
}

fn https(url: &Url) -> Url {
    Url::parse(&url.as_str().replace("http:", "https:")).unwrap()
}

/// No proxy.
fn nobody() -> Matcher {
    Matcher::builder().build()
}

#[tokio::test]
async fn the_request_is_one_record() {
    let (line, server) = connected(|mut stream, mut tls| {
        let mut record = vec![0; 5];
        stream.read_exact(&mut record).unwrap();
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        stream.read_exact(&mut record[5..]).unwrap();
        tls.read_tls(&mut record.as_slice()).unwrap();
        tls.process_new_packets().unwrap();
        // Fails if the record is not the whole request.
        let request = read_request(&mut tls.reader());
        tls.writer().write_all(WHOLE).unwrap();
        tls.send_close_notify();
        tls.complete_io(&mut stream).unwrap();
        request
    })
    .await;
    let request = Request::new();
    let exchanged = line.send(&Clock::system(), &request.form(), Duration::MAX).await;
    assert_eq!(answer(exchanged).1, "{\"whole\":1}");
    assert!(server.join().unwrap().ends_with(REFRESH_TOKEN));
}

#[tokio::test]
async fn after_its_time_not_even_a_record_leaves() {
    let (line, server) = connected(|mut stream, _| {
        let mut read = Vec::new();
        stream.read_to_end(&mut read).unwrap();
        read
    })
    .await;
    let request = Request::new();
    nothing_sent(Kind::Timeout, line.send(&Clock::system(), &request.form(), Duration::ZERO).await);
    assert_eq!(server.join().unwrap(), b"");
}

#[tokio::test]
async fn an_answer_without_an_end_is_none() {
    let (line, server) = connected(|mut stream, mut tls| {
        let mut tls = Stream::new(&mut tls, &mut stream);
        read_request(&mut tls);
        // Neither a length nor a close of TLS: anybody on the way may have cut it.
        tls.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}").unwrap();
    })
    .await;
    let request = Request::new();
    no_answer(line.send(&Clock::system(), &request.form(), Duration::MAX).await);
    server.join().unwrap();
}

#[tokio::test]
async fn without_trust_there_is_no_connection() {
    let mut refused = Vec::new();
    for name in ["127.0.0.1", "127.0.0.2"] {
        let server = identity(name);
        let trust = if name == "127.0.0.1" { identity(name).trust } else { server.trust };
        let (url, server) = serve(move |mut stream| {
            let mut tls = ServerConnection::new(server.server).unwrap();
            while tls.is_handshaking() {
                if tls.complete_io(&mut stream).is_err() {
                    return;
                }
            }
            panic!("the client trusts a stranger")
        });
        refused.push(connect_by(&https(&url), &nobody(), trust).await);
        server.join().unwrap();
    }
    let (url, server) = serve(|mut stream| {
        stream.read_exact(&mut [0; 64]).unwrap();
        stream.write_all(b"HTTP/1.1 400 This is not TLS\r\n\r\n").unwrap();
    });
    refused.push(connect_by(&https(&url), &nobody(), identity("127.0.0.1").trust).await);
    server.join().unwrap();
    for refused in refused {
        let Err(error) = refused else { panic!("a connection to a stranger") };
        assert_eq!(keeps_secrets(error).kind(), Kind::Network);
    }
}

#[tokio::test]
async fn the_systems_trust_is_read_once() {
    let first = crate::process::tls().unwrap();
    assert!(Arc::ptr_eq(&first, &crate::process::tls().unwrap()));
    assert_eq!(first.alpn_protocols, [b"http/1.1"]);
}
