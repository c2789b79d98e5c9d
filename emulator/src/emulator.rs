//! Starting and stopping.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::authorization::Authorization;
use crate::config::Config;
use crate::control::Control;
use crate::http::Tls;
use crate::network::{Network, bind};
use crate::ready::Ready;

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
    network: Arc<Network>,
    ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Binds the listeners and serves on the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names the setting, the port, or the file and line at fault. Nothing keeps running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let tls = if config.tls { Some(certificate()?) } else { None };
        let open = |field, port| bind(&config, field, port, tls.clone());
        let authorization = open("authorization_port", config.authorization_port)?;
        let regional = open("regional_port", config.regional_port)?;
        let portal = open("portal_port", config.portal_port)?;
        let control = open("control_port", config.control_port)?;
        let ca_file = match &tls {
            Some(tls) => Some(write_authority(&config, tls, &control.host())?),
            None => None,
        };
        let network = Arc::new(Network::new(
            config,
            [authorization.host(), regional.host()],
            control.host(),
            tls.zip(ca_file.clone()),
        ));
        // From here on an early return drops this, which closes what is open.
        let mut emulator = Self { ready: network.ready(), network, ca_file };
        let network = &emulator.network;
        network.add(network.config.clone(), portal)?;
        for portal in network.config.portals.clone() {
            network.add_portal(portal)?;
        }
        network.serve(authorization, Authorization::new(Arc::clone(network)));
        network.serve(regional, Authorization::new(Arc::clone(network)));
        network.serve(control, Control::new(Arc::clone(network)));
        emulator.ready = network.ready();
        Ok(emulator)
    }

    /// Addresses and credentials at the start; `GET /` of the control port has those of now.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Closes the listeners and their connections; the ports are free when this returns.
    pub async fn stop(self) {
        for listener in self.network.stop() {
            let _ = listener.await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.network.stop();
        if let Some(file) = &self.ca_file {
            // A file that is gone already is what is wanted.
            let _ = std::fs::remove_file(file);
        }
    }
}

fn certificate() -> Result<Tls, StartError> {
    Tls::generate().map_err(|error| StartError::Invalid { field: "tls", reason: error.to_string() })
}

/// Writes the authority's certificate where clients can be pointed at it.
fn write_authority(config: &Config, tls: &Tls, host: &str) -> Result<PathBuf, StartError> {
    let file = config.ca_file.clone().unwrap_or_else(|| {
        let port = host.rsplit(':').next().unwrap_or_default();
        std::env::temp_dir().join(format!("evergrant-emulator-{}-{port}.pem", std::process::id()))
    });
    std::fs::write(&file, tls.authority()).map_err(|source| StartError::Invalid {
        field: "ca_file",
        reason: format!("{} cannot be written: {source}", file.display()),
    })?;
    Ok(file)
}
