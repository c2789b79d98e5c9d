//! Places where a test may stop or kill the process. Built only with the feature `faults`, which no
//! package that people install has.

/// Does what `EVERGRANT_FAULT` says of this place: `place=kill`, `place=stop` (SIGSTOP) or
/// `place=wait:<seconds>`. With `EVERGRANT_FAULT_ONCE` naming a file, only where that can be made.
#[cfg(feature = "faults")]
pub(super) async fn fault(place: &str) {
    use std::{fs::File, time::Duration};

    let wish = std::env::var("EVERGRANT_FAULT").unwrap_or_default();
    let Some((_, action)) = wish.split_once('=').filter(|(wanted, _)| *wanted == place) else {
        return;
    };
    if std::env::var_os("EVERGRANT_FAULT_ONCE").is_some_and(|file| File::create_new(file).is_err())
    {
        return;
    }
    let signal = |signal| {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        // Another thread may take the signal: this one goes no further before it strikes.
        std::thread::sleep(Duration::from_millis(100));
    };
    match action.split_once(':') {
        None if action == "kill" => signal(rustix::process::Signal::KILL),
        None if action == "stop" => signal(rustix::process::Signal::STOP),
        Some(("wait", seconds)) => {
            let seconds = seconds.parse().unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        _ => {}
    }
}

#[cfg(not(feature = "faults"))]
pub(super) async fn fault(_place: &str) {}
