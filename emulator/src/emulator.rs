//! Starting and stopping.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::authorization::Authorization;
use crate::config::Config;
use crate::control::Control;
use crate::http::Listener;
use crate::portal::Portal;
use crate::ready::Ready;
use crate::rows::Tables;
use crate::world::World;

/// Why the emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It has no protection whatever, so it never listens to a network.
    #[error(
        "address: {0} is not a loopback address; the emulator listens on loopback only (127.0.0.1 or ::1)"
    )]
    NotLoopback(IpAddr),
    /// A setting has a value that cannot work.
    #[error("{field}: {reason}")]
    Invalid {
        /// Name of the [`Config`] field.
        field: &'static str,
        /// What is allowed.
        reason: String,
    },
    /// A port is taken or forbidden.
    #[error(
        "{field}: cannot listen on {address}:{port}: {source}; choose another port, or 0 for any free one"
    )]
    Bind {
        /// Name of the [`Config`] field.
        field: &'static str,
        /// The address.
        address: IpAddr,
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A data file cannot be read.
    #[error("data: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A data file does not hold what it should.
    #[error("data: {}, line {line}: {reason}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// What is wrong and what is expected.
        reason: String,
    },
}

/// A running emulator. Dropping it closes the listeners too; [`Emulator::stop`] also waits for them.
pub struct Emulator {
    ready: Ready,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Binds the three listeners and serves on the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names the setting, the port, or the file and line at fault. Nothing keeps running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let authorization = bind(&config, "authorization_port", config.authorization_port).await?;
        let portal = bind(&config, "portal_port", config.portal_port).await?;
        let control = bind(&config, "control_port", config.control_port).await?;
        let tables = Tables::load(&config)?;
        let world = Arc::new(World::new(
            config,
            tables,
            [&authorization, &portal, &control].map(Listener::url),
        ));

        let (stop, stopped) = watch::channel(false);
        let listeners = vec![
            tokio::spawn(
                authorization
                    .serve(Arc::new(Authorization::new(Arc::clone(&world))), stopped.clone()),
            ),
            tokio::spawn(portal.serve(Arc::new(Portal::new(Arc::clone(&world))), stopped.clone())),
            tokio::spawn(control.serve(Arc::new(Control::new(Arc::clone(&world))), stopped)),
        ];
        Ok(Self { ready: world.ready.clone(), stop, listeners })
    }

    /// Addresses and credentials.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Closes the listeners and their connections; the ports are free when this returns.
    pub async fn stop(self) {
        // Nobody listening any more means that it has stopped already.
        let _ = self.stop.send(true);
        for listener in self.listeners {
            let _ = listener.await;
        }
    }
}

async fn bind(config: &Config, field: &'static str, port: u16) -> Result<Listener, StartError> {
    let address = config.address;
    Listener::bind(address, port).await.map_err(|source| StartError::Bind {
        field,
        address,
        port,
        source,
    })
}
