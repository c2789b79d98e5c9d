//! When the request's first byte leaves, and whether it does.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::*;
use crate::oauth::exchange::{
    Line,
    connection::dial,
    gate::{Gate, Gated},
};

/// How many bytes the n-th write may take; `Pending` is asked again at once.
type Rule = Box<dyn FnMut(usize) -> Poll<io::Result<usize>> + Send>;

/// A connection whose every write a test decides.
struct Ruled {
    inner: DuplexStream,
    rule: Rule,
    writes: usize,
}

impl AsyncRead for Ruled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl AsyncWrite for Ruled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes += 1;
        let nth = self.writes;
        let allowed = (self.rule)(nth);
        if allowed.is_pending() {
            context.waker().wake_by_ref();
        }
        let allowed = ready!(allowed)?.min(bytes.len());
        Pin::new(&mut self.inner).poll_write(context, &bytes[..allowed])
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Sends within ten seconds of `clock` through `rule` to a server that answers. What came of it,
/// and what the server read.
async fn send_through(
    clock: &Clock,
    rule: impl FnMut(usize) -> Poll<io::Result<usize>> + Send + 'static,
) -> (Exchanged, String) {
    let (inner, mut server) = tokio::io::duplex(64 * 1024);
    let gate = Gate::default();
    let ruled = Ruled { inner, rule: Box::new(rule), writes: 0 };
    let line = Line {
        stream: Box::new(Gated { inner: ruled, gate: gate.clone() }),
        gate,
        server: Url::parse("http://127.0.0.1").unwrap(),
    };
    let serving = async {
        let mut read = Vec::new();
        while !read.ends_with(REFRESH_TOKEN.as_bytes()) {
            if server.read_buf(&mut read).await.unwrap() == 0 {
                break;
            }
        }
        // Without a request the other side has gone.
        let _ = server.write_all(WHOLE).await;
        String::from_utf8(read).unwrap()
    };
    let request = Request::new();
    let form = request.form();
    let write_until = clock.boot() + Duration::from_secs(10);
    tokio::join!(line.send(clock, &form, write_until), serving)
}

#[tokio::test]
async fn the_request_is_one_write() {
    let clock = Clock::system();
    let (exchanged, read) = send_through(&clock, |nth| {
        assert_eq!(nth, 1);
        Poll::Ready(Ok(usize::MAX))
    })
    .await;
    answer(exchanged);
    assert!(read.ends_with(REFRESH_TOKEN), "{read}");
}

#[tokio::test]
async fn the_clock_is_asked_at_the_very_write() {
    let clock = Clock::system();
    let turned = clock.clone();
    let (exchanged, read) = send_through(&clock, move |nth| {
        // The kernel has no room at first; meanwhile the machine sleeps.
        if nth == 1 {
            turned.turn(60);
            return Poll::Pending;
        }
        Poll::Ready(Ok(usize::MAX))
    })
    .await;
    let error = nothing_sent(Kind::Timeout, exchanged);
    assert!(error.message().contains("time to send"), "{error}");
    assert_eq!(read, "");
}

#[tokio::test]
async fn a_jump_of_the_wall_time_keeps_nothing_back() {
    let clock = Clock::system();
    clock.jump(1_000_000);
    answer(send_through(&clock, |_| Poll::Ready(Ok(usize::MAX))).await.0);
}

#[tokio::test]
async fn a_started_request_is_finished_however_late_it_is() {
    let clock = Clock::system();
    let turned = clock.clone();
    let (exchanged, read) = send_through(&clock, move |nth| {
        turned.turn(60);
        Poll::Ready(Ok(if nth == 1 { 1 } else { usize::MAX }))
    })
    .await;
    answer(exchanged);
    assert!(read.ends_with(REFRESH_TOKEN), "{read}");
}

#[tokio::test]
async fn one_byte_sent_is_something_sent() {
    let broken = || Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
    let clock = Clock::system();
    let (exchanged, read) = send_through(&clock, move |_| broken()).await;
    nothing_sent(Kind::Network, exchanged);
    assert_eq!(read, "");
    let (exchanged, read) =
        send_through(&clock, move |nth| if nth == 1 { Poll::Ready(Ok(1)) } else { broken() }).await;
    no_answer(exchanged);
    assert_eq!(read, "P");
}

#[tokio::test]
async fn after_its_time_no_byte_leaves() {
    let (url, server) = serve(|mut stream| {
        let mut read = Vec::new();
        stream.read_to_end(&mut read).unwrap();
        read
    });
    let (clock, request) = (Clock::system(), Request::new());
    let line = connect(&url).await.unwrap();
    let write_until = clock.boot() + Duration::from_secs(10);
    clock.turn(10);
    nothing_sent(Kind::Timeout, line.send(&clock, &request.form(), write_until).await);
    assert_eq!(server.join().unwrap(), b"");
}

#[tokio::test]
async fn a_line_that_is_not_used_sends_nothing() {
    let (url, server) = serve(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap());
    drop(connect(&url).await.unwrap());
    assert_eq!(server.join().unwrap(), 0);
}

#[tokio::test]
async fn a_refused_connection_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let Err(error) = connect(&Url::parse(&format!("http://{address}")).unwrap()).await else {
        panic!("nobody listens")
    };
    let error = keeps_secrets(error);
    assert_eq!(error.kind(), Kind::Network);
    assert!(error.to_string().contains("Nothing was sent"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_neither_holds_the_request_back_nor_keeps_it_for_long() {
    let (url, server) = serve(drop);
    let stream = dial(&url, None).await.unwrap();
    assert!(stream.nodelay().unwrap());
    assert_eq!(rustix::net::sockopt::tcp_user_timeout(&stream).unwrap(), 20_000);
    server.join().unwrap();
}
