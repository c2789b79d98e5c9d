//! Stopping: what was begun is brought to its end first, because an exchange that is cut off may cost
//! a grant.

use std::{future::Future, process::ExitCode, sync::OnceLock, time::Duration};

use evergrant::{Application, Error, Kind, LONGEST_EXCHANGE, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output;

/// The application that this program has open, if any.
static OPEN: OnceLock<Application> = OnceLock::new();

/// Has the application's exchanges ended before the program does.
pub(crate) fn drain_at_end(application: &Application) {
    // A program opens one; a second would be a clone of it.
    let _ = OPEN.set(application.clone());
}

/// Runs a command to its end or to a signal, then drains.
pub(crate) async fn until_stopped(
    command: impl Future<Output = Result<ExitCode>>,
) -> Result<ExitCode> {
    let (mut interrupt, mut terminate) =
        (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    let outcome = tokio::select! {
        outcome = command => outcome,
        _ = interrupt.recv() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    };
    if let Some(application) = OPEN.get() {
        let drained = tokio::select! {
            drained = drain(application) => drained,
            // Who asks twice does not want to wait.
            _ = interrupt.recv() => false,
            _ = terminate.recv() => false,
        };
        if !drained {
            output::note(
                "stopped with an exchange under way: the next run finds out what became of it",
            );
        }
    }
    outcome
}

async fn drain(application: &Application) -> bool {
    let draining = application.shut_down(LONGEST_EXCHANGE);
    tokio::pin!(draining);
    tokio::select! {
        drained = &mut draining => return drained,
        () = tokio::time::sleep(Duration::from_millis(300)) => {}
    }
    output::note("waiting for an exchange that is under way; interrupt again to stop at once");
    draining.await
}

pub(crate) fn on(kind: SignalKind) -> Result<Signal> {
    signal(kind)
        .map_err(|error| Error::new(Kind::Internal, "signals cannot be watched").with_source(error))
}
