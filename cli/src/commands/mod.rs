//! One file per command.

pub(crate) mod batch;
pub(crate) mod call;
pub(crate) mod demo;
pub(crate) mod emulator;
pub(crate) mod grants;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod template;
pub(crate) mod token;
