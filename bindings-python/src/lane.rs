//! The one thread of ours that calls into Python.
//!
//! Event loops are told of finished work from here and from nowhere else: the GIL serialises the
//! calls anyway, and no worker of the runtime ever waits for it. And it can be stopped: a thread
//! that is still inside Python while the interpreter is taken down brings the process down
//! (CPython before 3.14 ends such a thread with a forced unwind through our frames).

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use evergrant::{Error, Kind, Result, process::PerProcess};
use once_cell::sync::OnceCell;
use pyo3::prelude::*;

use crate::error::contained;

/// Jobs done for one taking of the GIL.
const BATCH: usize = 64;

/// Longest wait for the thread's end when the interpreter exits.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) type Job = Box<dyn FnOnce() + Send>;

enum Message {
    Job(Job),
    /// The sender is dropped once the thread is out of Python.
    Stop(Sender<()>),
}

#[derive(Default)]
struct Lane {
    messages: OnceCell<Sender<Message>>,
    closed: AtomicBool,
}

/// By process: a forked child has none of its parent's threads.
static LANE: PerProcess<Lane> = PerProcess::new();

/// Makes sure that the thread runs.
///
/// # Errors
/// Once the interpreter is going away, nothing can be awaited any more.
pub(crate) fn open() -> Result<()> {
    let lane = LANE.get();
    if lane.closed.load(Ordering::SeqCst) {
        return Err(Error::new(Kind::Cancelled, "the interpreter is shutting down")
            .advise("Use the blocking client in exit handlers."));
    }
    lane.messages.get_or_try_init(start).map(drop)
}

fn start() -> Result<Sender<Message>> {
    let (sender, receiver) = channel();
    thread::Builder::new()
        .name("evergrant-python".to_owned())
        .spawn(move || run(&receiver))
        .map_err(|error| {
            Error::new(Kind::Internal, "the thread for event loops did not start")
                .with_source(error)
        })?;
    Ok(sender)
}

/// Queues a job. Without a thread it is dropped: nobody is left who could be told.
pub(crate) fn send(job: Job) {
    if let Some(messages) = LANE.get().messages.get() {
        // The thread has ended: as above.
        let _ = messages.send(Message::Job(job));
    }
}

/// Ends the thread and waits for its end. Later jobs are dropped.
pub(crate) fn close(py: Python<'_>) {
    let lane = LANE.get();
    lane.closed.store(true, Ordering::SeqCst);
    let Some(messages) = lane.messages.get() else { return };
    let (ending, ended) = channel();
    if messages.send(Message::Stop(ending)).is_ok() {
        // An error is what we wait for: the other end is gone.
        let _ = py.detach(move || ended.recv_timeout(PATIENCE));
    }
}

fn run(messages: &Receiver<Message>) {
    while let Ok(first) = messages.recv() {
        if let Some(ending) = Python::attach(|_| batch(first, messages)) {
            drop(ending);
            return;
        }
    }
}

/// Does what is queued, with the GIL held. Answers with the order to stop, if it came.
fn batch(first: Message, messages: &Receiver<Message>) -> Option<Sender<()>> {
    let rest = std::iter::from_fn(|| messages.try_recv().ok());
    for message in std::iter::once(first).chain(rest).take(BATCH) {
        match message {
            // A panic has nobody to go to; the next job must still be done.
            Message::Job(job) => drop(contained(job)),
            Message::Stop(ending) => return Some(ending),
        }
    }
    None
}
