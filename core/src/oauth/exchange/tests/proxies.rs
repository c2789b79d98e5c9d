//! A company's proxy between us and the authorization server.

use hyper_util::client::proxy::matcher::Matcher;
use rustls::Stream;

use super::{
    tls::{greet, identity},
    *,
};
use crate::{
    Result,
    oauth::exchange::{Line, connection::connect_by},
};

const SERVER: &str = "https://auth.example.org";

fn through(proxy: &Url) -> Matcher {
    let mut proxy = proxy.clone();
    proxy.set_username("proxy-user").unwrap();
    proxy.set_password(Some("proxy-password")).unwrap();
    Matcher::builder().all(proxy.to_string()).no("exempt.example.org").build()
}

async fn connect_through(proxy: &Url, server: &str) -> Result<Line> {
    let trust = identity("auth.example.org").trust;
    connect_by(&Url::parse(server).unwrap(), &through(proxy), trust).await
}

#[tokio::test]
async fn the_exchange_goes_through_a_tunnel() {
    let identity = identity("auth.example.org");
    let (proxy, server) = serve(move |mut stream| {
        let asked = read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        let mut tls = greet(&identity.server, &mut stream);
        let mut tls = Stream::new(&mut tls, &mut stream);
        let request = read_request(&mut tls);
        tls.write_all(WHOLE).unwrap();
        (asked, request)
    });
    let server_url = Url::parse(SERVER).unwrap();
    let line = connect_by(&server_url, &through(&proxy), identity.trust).await.unwrap();
    let request = Request::new();
    answer(line.send(&Clock::system(), &request.form(), Duration::MAX).await);
    let (asked, request) = server.join().unwrap();
    assert!(asked.starts_with("CONNECT auth.example.org:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Basic cHJveHktdXNlcjpwcm94eS1wYXNzd29yZA=="), "{asked}");
    assert!(!request.to_lowercase().contains("proxy"), "{request}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    for refusal in ["407 Who are you", "502 Bad Gateway", "nonsense"] {
        let (proxy, server) = serve(move |mut stream| {
            read_request(&mut stream);
            stream.write_all(format!("HTTP/1.1 {refusal}\r\n\r\n").as_bytes()).unwrap();
        });
        let Err(error) = connect_through(&proxy, SERVER).await else { panic!("{refusal}") };
        let shown = keeps_secrets(error).to_string();
        assert!(shown.contains("proxy 127.0.0.1"), "{shown}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_proxy_that_we_cannot_use_is_an_error() {
    for proxy in ["https://127.0.0.1:1", "socks5://127.0.0.1:1"] {
        let Err(error) = connect_through(&Url::parse(proxy).unwrap(), SERVER).await else {
            panic!("{proxy}")
        };
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    }
}

#[tokio::test]
async fn loopback_and_the_exempt_need_no_proxy() {
    // Nothing listens there, and nobody must ask.
    let proxy = Url::parse("socks5://127.0.0.1:1").unwrap();
    let (url, server) = serve(drop);
    connect_through(&proxy, url.as_str()).await.unwrap();
    server.join().unwrap();
    let exempt = Url::parse("https://exempt.example.org").unwrap();
    let chosen = super::super::connection::proxy_for(&exempt, &through(&proxy)).unwrap();
    assert!(chosen.is_none());
}
