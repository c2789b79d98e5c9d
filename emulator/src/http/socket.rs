//! A connection that can be reset: closed so that the other side sees an RST and not an end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Decides how its connection will be closed.
#[derive(Clone, Default)]
pub(super) struct Trigger(Arc<AtomicBool>);

impl Trigger {
    /// The connection will be reset when it is closed.
    pub(super) fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A TCP connection and its trigger.
pub(super) struct Socket {
    stream: TcpStream,
    trigger: Trigger,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Trigger) {
        let trigger = Trigger::default();
        (Self { stream, trigger: trigger.clone() }, trigger)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.trigger.0.load(Ordering::SeqCst) {
            // If it fails, the connection is closed in the usual way.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.trigger.0.load(Ordering::SeqCst) {
            // An orderly end first would tell the other side too much.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
