//! Calling the portal: one method, a batch, a whole list.

mod answer;
mod batch;
mod call;
mod list;
mod params;
mod send;

pub use answer::Answer;
pub use batch::{Batch, Command, Reference};
pub use call::Client;
pub use list::{List, ListOptions, Strategy};
pub(crate) use send::{send, whose};

#[cfg(test)]
pub(crate) fn read(status: u16, body: &[u8]) -> crate::Result<Answer> {
    Answer::read(status, body)
}
