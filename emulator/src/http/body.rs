//! The body of an answer: whole, broken off in the middle, or bit by bit.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

use super::Delivery;

/// Parts of a slow body.
const PARTS: u32 = 10;

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(super) struct Abandoned;

/// An answer's body on its way.
pub(super) struct Outgoing {
    left: Bytes,
    length: u64,
    end: End,
    pace: Option<Pace>,
}

/// What comes after the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Regular,
    /// First a pause, so that what was written leaves the process.
    Pause,
    Break,
}

/// How a slow body goes.
struct Pace {
    part: usize,
    rest: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Outgoing {
    pub(super) fn new(body: Bytes, delivery: Delivery) -> Self {
        let length = body.len() as u64;
        let truncated = delivery == Delivery::Truncated;
        let left = if truncated { body.slice(..body.len() / 2) } else { body };
        let end = if truncated { End::Pause } else { End::Regular };
        let pace = match delivery {
            Delivery::Slow(time) => Some(Pace::new(left.len(), time)),
            _ => None,
        };
        Self { left, length, end, pace }
    }
}

impl Pace {
    fn new(length: usize, time: Duration) -> Self {
        let rest = time / PARTS;
        // Without data nobody waits.
        Self {
            part: length.div_ceil(PARTS as usize).max(1),
            rest,
            sleep: Box::pin(tokio::time::sleep(rest)),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        if !self.left.is_empty() {
            let mut take = self.left.len();
            if let Some(pace) = &mut self.pace {
                if pace.sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                pace.sleep = Box::pin(tokio::time::sleep(pace.rest));
                take = take.min(pace.part);
            }
            return Poll::Ready(Some(Ok(Frame::data(self.left.split_to(take)))));
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
        self.left.is_empty() && self.end == End::Regular
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
