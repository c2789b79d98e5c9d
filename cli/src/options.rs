//! Options that several commands share: which application, which store, which grant.

use std::{fs, io::ErrorKind, path::PathBuf, time::Duration};

use clap::Args;
use evergrant::{Application, CallOptions, Client, Error, GrantId, Kind, Result, Secret};

use crate::stop;

/// The application and its store.
#[derive(Args)]
pub(crate) struct ApplicationOptions {
    /// The application's client_id, from its card on the portal.
    #[arg(long, env = "EVERGRANT_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// A file with the application's client_secret; or set EVERGRANT_CLIENT_SECRET.
    #[arg(long, env = "EVERGRANT_CLIENT_SECRET_FILE", value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Where grants are kept: memory, sqlite:PATH, postgres://... or redis://... Default: a file in your
    /// data folder.
    #[arg(long, env = "EVERGRANT_STORE", hide_env_values = true, value_name = "STORE")]
    store: Option<String>,
    /// A file with the master key. Default: EVERGRANT_KEY, else a file beside the store.
    #[arg(long, env = "EVERGRANT_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Another authorization server: the vendor's other region, or an emulator.
    #[arg(long, env = "EVERGRANT_AUTHORIZATION_SERVER", value_name = "URL")]
    authorization_server: Option<String>,
    /// A folder on a local disk, for answers on their way to the store. Default: beside the store's file.
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// How often one grant may be renewed in an hour, by all programs together; 0 for no limit.
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    rotations_per_hour: u32,
    /// How often one grant may be renewed in a day, by all programs together; 0 for no limit.
    #[arg(long, default_value_t = 30, value_name = "COUNT")]
    rotations_per_day: u32,
}

impl ApplicationOptions {
    pub(crate) async fn open(&self) -> Result<Application> {
        let Some(client_id) = &self.client_id else {
            return Err(Error::invalid_input("client_id", "no application is named")
                .advise("Pass --client-id, or set EVERGRANT_CLIENT_ID."));
        };
        let mut builder = Application::builder(client_id, self.secret()?).store(self.store()?);
        if let Some(path) = &self.key_file {
            builder = builder.key_file(path);
        }
        if let Some(server) = &self.authorization_server {
            builder = builder.authorization_server(server);
        }
        if let Some(folder) = &self.spool {
            builder = builder.spool(folder);
        }
        let application =
            builder.budget(self.rotations_per_hour, self.rotations_per_day).open().await?;
        stop::drain_at_end(&application);
        Ok(application)
    }

    /// Not an option of its own: other users of the machine can read a program's arguments.
    fn secret(&self) -> Result<Secret> {
        if let Ok(secret) = std::env::var("EVERGRANT_CLIENT_SECRET") {
            return Ok(Secret::new(secret));
        }
        let Some(path) = &self.client_secret_file else {
            return Err(Error::invalid_input(
                "client_secret",
                "the application's secret is missing",
            )
            .advise("Set EVERGRANT_CLIENT_SECRET, or pass --client-secret-file."));
        };
        let text = fs::read_to_string(path).map_err(|error| {
            Error::invalid_input("client_secret_file", "the file cannot be read")
                .with("file", path.display().to_string())
                .with("reason", error.to_string())
                .with_source(error)
        })?;
        Ok(Secret::from(text.trim()))
    }

    fn store(&self) -> Result<String> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(|| {
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"))
        });
        let Some(folder) = data.map(|data| data.join("evergrant")) else {
            return Err(Error::invalid_input("store", "there is no home folder to keep grants in")
                .advise("Pass --store sqlite:PATH."));
        };
        match fs::create_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(Error::new(Kind::Store, "the data folder cannot be made")
                    .with("folder", folder.display().to_string())
                    .with_source(error))
            }
            _ => Ok(format!("sqlite:{}", folder.join("grants.db").display())),
        }
    }
}

/// Who calls: a grant of an application, or an incoming webhook.
#[derive(Args)]
pub(crate) struct CallerOptions {
    #[command(flatten)]
    application: ApplicationOptions,
    /// The grant to call with. Needed where the store holds more than one.
    #[arg(long, value_name = "ID", value_parser = grant_id, allow_negative_numbers = true)]
    grant: Option<GrantId>,
    /// Call through an incoming webhook instead, https://PORTAL/rest/USER/SECRET/. Its address is a
    /// secret: the variable EVERGRANT_WEBHOOK keeps it out of the list of processes.
    #[arg(
        long,
        env = "EVERGRANT_WEBHOOK",
        hide_env_values = true,
        value_name = "URL",
        conflicts_with = "grant"
    )]
    webhook: Option<String>,
}

impl CallerOptions {
    /// The application, and the grant that was named or is the only one.
    pub(crate) async fn grant(&self) -> Result<(Application, GrantId)> {
        let application = self.application.open().await?;
        if let Some(grant) = self.grant {
            return Ok((application, grant));
        }
        let grants = application.grants().await?;
        match grants.as_slice() {
            [only] => Ok((application, only.id)),
            [] => {
                Err(Error::new(Kind::UnknownGrant, "the store holds no grant of this application")
                    .advise("Run `evergrant login PORTAL` first."))
            }
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|grant| format!("{} ({})", grant.id, grant.portal))
                    .collect();
                Err(Error::invalid_input("grant", "the store holds several grants")
                    .with("grants", names.join(", "))
                    .advise("Name one with --grant."))
            }
        }
    }
}

/// Over the options of [`ClientOptions`]. It stands over all that follow, so that they are a command's last.
pub(crate) const CALLER: &str = "Who calls, and how fast";

/// Who calls, and how fast.
#[derive(Args)]
pub(crate) struct ClientOptions {
    #[command(flatten)]
    caller: CallerOptions,
    /// How fast the portal may be called: standard, enterprise, off, or BURST,PER_SECOND. Default:
    /// EVERGRANT_RATE_LIMIT, else standard.
    #[arg(long, value_name = "RATE")]
    rate_limit: Option<String>,
    /// The part of the portal's limit, 0 to 0.9, that is left to other programs behind the same address.
    #[arg(long, value_name = "PART")]
    reserve: Option<f64>,
    /// The host that a webhook's portal has moved to: a redirect there is followed, with the webhook's
    /// secret.
    #[arg(long, value_name = "HOST")]
    moved_to: Option<String>,
}

impl ClientOptions {
    pub(crate) async fn client(&self) -> Result<Client> {
        let rate_limit = self.rate_limit.as_deref().map(str::parse).transpose()?;
        let mut client = match &self.caller.webhook {
            Some(address) => Client::from_webhook(address)?,
            None => self.caller.grant().await.map(|(application, id)| application.client(id))?,
        };
        if let Some(limit) = rate_limit {
            client = client.rate_limit(limit);
        }
        if let Some(part) = self.reserve {
            client = client.reserve(part)?;
        }
        match &self.moved_to {
            Some(host) => client.moved_to(host),
            None => Ok(client),
        }
    }
}

/// A command's deadline, in seconds.
pub(crate) fn within(options: CallOptions, seconds: Option<u64>) -> CallOptions {
    match seconds {
        Some(seconds) => options.deadline(Duration::from_secs(seconds)),
        None => options,
    }
}

/// A grant's number on the command line.
pub(crate) fn grant_id(text: &str) -> std::result::Result<GrantId, &'static str> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err("a grant is named by a whole number from 1 up; `evergrant grants` shows them"),
    }
}
