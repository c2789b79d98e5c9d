//! Logging: to standard error, through the core's redaction.

use std::io;

use evergrant::Redacting;
use tracing_subscriber::EnvFilter;

/// The variable that sets a filter of its own, such as `evergrant=debug`.
const VARIABLE: &str = "EVERGRANT_LOG";

pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "warn,evergrant=info",
        2 => "info,evergrant=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(verbose > 1)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(|| Redacting::new(io::stderr()))
        .init();
}
