//! The last place before the kernel: whether the request may still begin, and whether it has.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Clock;

/// Shared by who sends the request and the connection it goes through.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<Phase>>);

#[derive(Default)]
enum Phase {
    /// The proxy's and TLS's own bytes: none of them is the request's.
    #[default]
    Greeting,
    /// The next byte is the request's.
    Armed { clock: Clock, write_until: Duration },
    /// The kernel took bytes of the request; the boot time just before.
    Begun(Duration),
    /// It was too late, or the first write failed: nothing leaves any more.
    Shut { too_late: bool },
}

/// What became of the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstWrite {
    /// There was none, or the kernel took no byte of it.
    None,
    /// The moment that it was allowed until had passed: nothing was written.
    TooLate,
    /// It began at this boot time.
    At(Duration),
}

impl Gate {
    /// From here on the first write decides: before `write_until`, or not at all.
    pub(super) fn arm(&self, clock: &Clock, write_until: Duration) {
        *self.phase() = Phase::Armed { clock: clock.clone(), write_until };
    }

    pub(super) fn first_write(&self) -> FirstWrite {
        match *self.phase() {
            Phase::Begun(at) => FirstWrite::At(at),
            Phase::Shut { too_late: true } => FirstWrite::TooLate,
            _ => FirstWrite::None,
        }
    }

    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one write through. The clock is read with nothing but the system call after it.
    fn write(&self, write: impl FnOnce() -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let mut phase = self.phase();
        let (now, write_until) = match &*phase {
            Phase::Greeting | Phase::Begun(_) => return write(),
            Phase::Shut { .. } => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Phase::Armed { clock, write_until } => (clock.boot(), *write_until),
        };
        if now >= write_until {
            *phase = Phase::Shut { too_late: true };
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let written = write();
        match &written {
            Poll::Ready(Ok(taken)) if *taken > 0 => *phase = Phase::Begun(now),
            Poll::Ready(Err(_)) => *phase = Phase::Shut { too_late: false },
            _ => {}
        }
        written
    }
}

/// A connection with a [`Gate`] in it. TLS lies above: what passes here is what the kernel gets.
pub(super) struct Gated<S> {
    pub(super) inner: S,
    pub(super) gate: Gate,
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, gate } = self.get_mut();
        gate.write(|| Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, gate } = self.get_mut();
        gate.write(|| Pin::new(inner).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
