//! The emulator as its users meet it: over HTTP, in-process, on free ports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod authorization;
mod bad_input;
mod batch;
mod consent;
mod contract;
mod control;
mod crm;
mod document;
mod events;
mod exchanges;
mod faults;
mod handler;
mod import;
mod items;
mod keyset;
mod limits;
mod limits_v3;
mod messages;
mod more_faults;
mod offline;
mod paging;
mod people;
mod permissions;
mod portals;
mod profiles;
mod rest;
mod rotation;
mod snapshot;
mod start;
mod support;
mod transport;
mod v3;
mod wire;
