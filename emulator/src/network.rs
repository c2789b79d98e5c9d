//! All portals, the two authorization servers, and the listeners they are reached at.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, PortalConfig};
use crate::emulator::StartError;
use crate::http::{Listener, Tls};
use crate::portal::Portal;
use crate::ready::{Ready, ReadyApplication, ReadyPortal, ReadyTls};
use crate::rows::Tables;
use crate::sync::{Lock, Shared};
use crate::world::{Common, World};

/// Most portals of one emulator.
const PORTALS: usize = 64;

/// The portals and what they share.
pub(crate) struct Network {
    pub(crate) config: Config,
    pub(crate) common: Arc<Common>,
    control: String,
    portals: Shared<Vec<Arc<World>>>,
    tls: Option<(Tls, PathBuf)>,
    stop: watch::Sender<bool>,
    listeners: Lock<Vec<JoinHandle<()>>>,
}

impl Network {
    /// A network without portals.
    pub(crate) fn new(
        config: Config,
        servers: [String; 2],
        control: String,
        tls: Option<(Tls, PathBuf)>,
    ) -> Self {
        Self {
            common: Arc::new(Common::new(&config, servers)),
            config,
            control,
            portals: Shared::default(),
            tls,
            stop: watch::Sender::new(false),
            listeners: Lock::default(),
        }
    }

    /// Serves `service` at `listener` until the emulator stops.
    pub(crate) fn serve<S: crate::http::Service>(&self, listener: Listener, service: S) {
        let serving = listener.serve(Arc::new(service), self.stop.subscribe());
        self.listeners.get().push(tokio::spawn(serving));
    }

    /// Adds a portal that is reached at `listener`.
    pub(crate) fn add(
        self: &Arc<Self>,
        config: Config,
        listener: Listener,
    ) -> Result<Arc<World>, StartError> {
        let tables = Tables::load(&config)?;
        let mut portals = self.portals.write();
        let (common, place, host) = (Arc::clone(&self.common), portals.len(), listener.host());
        let world = Arc::new(World::new(common, place, config, tables, host.clone()));
        portals.push(Arc::clone(&world));
        drop(portals);
        self.serve(listener, Portal::new(Arc::clone(self), Arc::clone(&world), host));
        Ok(world)
    }

    /// Adds one more portal while the emulator runs.
    pub(crate) fn add_portal(
        self: &Arc<Self>,
        portal: PortalConfig,
    ) -> Result<Arc<World>, StartError> {
        let refuse = |field, reason: &str| StartError::Invalid { field, reason: reason.to_owned() };
        let place = self.portals.read().len();
        if place >= PORTALS {
            return Err(refuse("portals", "there are 64 portals already"));
        }
        let config = self.config.of_portal(place, portal);
        config.validate()?;
        if self.portals().iter().any(|known| known.config.seed == config.seed) {
            return Err(refuse("seed", "another portal has it, so both would have one member_id"));
        }
        let listener = self.bind("port", config.portal_port)?;
        self.add(config, listener)
    }

    /// Gives a portal a new address; the old one redirects to it from now on.
    pub(crate) fn move_portal(
        self: &Arc<Self>,
        world: &Arc<World>,
        port: u16,
    ) -> Result<(), StartError> {
        let listener = self.bind("port", port)?;
        let host = listener.host();
        world.move_to(&host);
        self.serve(listener, Portal::new(Arc::clone(self), Arc::clone(world), host));
        Ok(())
    }

    /// Binds a port of the emulator's address.
    pub(crate) fn bind(&self, field: &'static str, port: u16) -> Result<Listener, StartError> {
        bind(&self.config, field, port, self.tls.as_ref().map(|(tls, _)| tls.clone()))
    }

    /// All portals.
    pub(crate) fn portals(&self) -> Vec<Arc<World>> {
        self.portals.read().clone()
    }

    /// The portal at a place.
    pub(crate) fn portal(&self, place: usize) -> Option<Arc<World>> {
        self.portals.read().get(place).cloned()
    }

    /// The portal with this identity.
    pub(crate) fn member(&self, member_id: &str) -> Option<Arc<World>> {
        self.portals.read().iter().find(|world| world.member_id == member_id).cloned()
    }

    /// Like a fresh start, on the same ports; portals that were added stay.
    pub(crate) fn reset(&self) {
        self.common.reset();
        self.portals().iter().for_each(|world| world.reset());
    }

    /// Addresses and credentials as they are now.
    pub(crate) fn ready(&self) -> Ready {
        let worlds = self.portals();
        let portals: Vec<ReadyPortal> = worlds.iter().map(|world| ready_portal(world)).collect();
        let applications = self.common.applications.all();
        let first = portals.first().cloned();
        let (portal, member_id, webhook) = first
            .map_or_else(Default::default, |first| (first.portal, first.member_id, first.webhook));
        Ready {
            authorization: http(&self.common.servers[0]),
            portal,
            control: http(&self.control),
            client_id: self.config.client_id.clone(),
            client_secret: self.config.client_secret.clone(),
            redirect_uri: self.config.redirect_uri.clone(),
            member_id,
            webhook,
            pid: std::process::id(),
            regional_authorization: http(&self.common.servers[1]),
            portals,
            applications: applications
                .iter()
                .map(|known| ReadyApplication {
                    client_id: known.client_id.clone(),
                    client_secret: known.client_secret.clone(),
                    redirect_uri: known.redirect_uri.clone(),
                    scope: known.scope.clone(),
                    member_id: known
                        .portal
                        .and_then(|place| worlds.get(place))
                        .map(|world| world.member_id.clone()),
                })
                .collect(),
            tls: self.tls.as_ref().map(|(tls, file)| ReadyTls {
                ca: tls.authority().to_owned(),
                ca_file: file.clone(),
            }),
        }
    }

    /// Closes the listeners; the handles tell when they are closed.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        // Nobody listening any more means that it has stopped already.
        let _ = self.stop.send(true);
        // The services hold the network and the network the portals: one of them must let go.
        self.portals.write().clear();
        std::mem::take(&mut *self.listeners.get())
    }
}

/// Binds a port and names the field if that fails.
pub(crate) fn bind(
    config: &Config,
    field: &'static str,
    port: u16,
    tls: Option<Tls>,
) -> Result<Listener, StartError> {
    let address = config.address;
    Listener::bind(address, port, tls).map_err(|source| StartError::Bind {
        field,
        address,
        port,
        source,
    })
}

fn ready_portal(world: &World) -> ReadyPortal {
    let portal = http(&world.portal_host());
    ReadyPortal {
        webhook: format!("{portal}/rest/1/{}/", world.config.webhook_secret),
        portal,
        member_id: world.member_id.clone(),
    }
}

fn http(host: &str) -> String {
    format!("http://{host}")
}
