//! Calling the portal: one method, a batch, a whole list.

mod answer;
mod attempt;
mod batch;
mod call;
mod counters;
pub mod file;
mod limit;
mod list;
mod moved;
mod options;
mod params;
mod retry;
mod send;
mod spent;
mod tally;
#[cfg(test)]
mod testing;
pub mod v3;
mod webhook;

pub use answer::Answer;
pub use batch::{Batch, Command, Reference};
pub use call::Client;
pub use counters::CallCounters;
pub(crate) use limit::{Pace, sharing};
pub use limit::{Priority, RateLimit};
pub use list::{List, ListOptions, Strategy};
pub use options::CallOptions;
pub(crate) use send::{send, whose};

#[cfg(test)]
pub(crate) fn read(status: u16, body: &[u8]) -> crate::Result<Answer> {
    Answer::read(status, body)
}
