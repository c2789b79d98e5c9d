//! `evergrant emulator`.

use std::{net::IpAddr, path::PathBuf, str::FromStr};

use clap::Args;
use evergrant::{Error, Kind, Result};
use evergrant_emulator::{
    Application, Config, DataFile, Emulator, PortalConfig, Profile, StartError, UserConfig,
};
use serde_json::Value;
use tokio::{io::AsyncReadExt, signal::unix::SignalKind};

use crate::{output, stop::on};

/// Runs the emulator. Prints one line of JSON when it listens, and nothing more on standard output.
#[derive(Args)]
pub(crate) struct EmulatorCommand {
    /// Loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    address: IpAddr,
    /// Port of the authorization server; 0 for any.
    #[arg(long, default_value_t = 8930, value_name = "PORT")]
    authorization_port: u16,
    /// Port of the portal; 0 for any.
    #[arg(long, default_value_t = 8931, value_name = "PORT")]
    portal_port: u16,
    /// Port of the control API; 0 for any.
    #[arg(long, default_value_t = 8932, value_name = "PORT")]
    control_port: u16,
    /// Port of the second authorization server, the one of another region; 0 for any.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    regional_port: u16,
    /// Which kind of installation the portals behave like: cloud or box.
    #[arg(long, value_name = "PROFILE", default_value_t)]
    profile: Profile,
    /// Serve https beside http, on the same ports, with a certificate made at the start.
    #[arg(long)]
    tls: bool,
    /// Where the certificate's authority is written, as PEM. Default: a temporary file, named in the first line.
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// A further portal, as JSON: {"port", "seed", "leads", "deals", "contacts", "users", "settings"}.
    #[arg(long = "portal", value_name = "JSON")]
    portals: Vec<String>,
    /// A further application, as JSON: {"client_id", "client_secret", "redirect_uri", "scope", "portal", "status"}.
    #[arg(long = "application", value_name = "JSON")]
    applications: Vec<String>,
    /// What is special about a user, as JSON: {"id", "name", "kind", "active", "access", "webhook", "scope"}.
    #[arg(long = "user", value_name = "JSON")]
    users: Vec<String>,
    /// A setting of the first portal, such as rotation=family; the names are those of GET /settings.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, Value)>,
    /// The application's client_id.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The application's client_secret. Nothing real: the emulator prints it.
    #[arg(long, value_name = "SECRET")]
    client_secret: Option<String>,
    /// Where the application's card sends the browser after consent.
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// How many leads to make up.
    #[arg(long, value_name = "COUNT")]
    leads: Option<usize>,
    /// How many deals to make up.
    #[arg(long, value_name = "COUNT")]
    deals: Option<usize>,
    /// How many contacts to make up.
    #[arg(long, value_name = "COUNT")]
    contacts: Option<usize>,
    /// How many companies to make up.
    #[arg(long, value_name = "COUNT")]
    companies: Option<usize>,
    /// How many tasks to make up.
    #[arg(long, value_name = "COUNT")]
    tasks: Option<usize>,
    /// How many of a hundred ids have a row; the others are gaps.
    #[arg(long, value_name = "PERCENT")]
    id_density: Option<u8>,
    /// Seed of the made-up rows: the same seed, the same rows.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Rows from a .csv or .json file instead: lead=FILE, deal=FILE, contact=FILE, company=FILE or task=FILE.
    #[arg(long, value_name = "ENTITY=FILE", value_parser = data_file)]
    data: Vec<DataFile>,
    /// Consent at once as this user, without a page.
    #[arg(long, value_name = "USER")]
    auto_consent: Option<u64>,
    /// How many requests the portal takes at once before it answers 503; 0 for no limit.
    #[arg(long, value_name = "COUNT")]
    burst: Option<u32>,
    /// How many requests a second the limit forgets.
    #[arg(long, value_name = "RATE")]
    leak: Option<f64>,
    /// Where the virtual clock starts, in Unix seconds. Default: now.
    #[arg(long, value_name = "SECONDS")]
    now: Option<i64>,
    /// Stop when standard input closes, so that no emulator outlives the test that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

impl EmulatorCommand {
    pub(crate) async fn run(self) -> Result<()> {
        let watch_stdin = self.until_stdin_closes;
        // Before anybody knows that we listen: a signal must never find us unprepared.
        let (mut terminate, mut interrupt) =
            (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        let emulator =
            Emulator::start(self.config()?).await.map_err(|error| start_error(&error))?;
        let ready = serde_json::to_string(emulator.ready()).map_err(|error| {
            Error::new(Kind::Internal, "the ready line cannot be written").with_source(error)
        })?;
        output::line(ready)?;
        output::note(format!(
            "portal {}, authorization server {}, control {}; stop with Ctrl-C",
            emulator.ready().portal,
            emulator.ready().authorization,
            emulator.ready().control
        ));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_closed(), if watch_stdin => {}
        }
        emulator.stop().await;
        Ok(())
    }

    fn config(self) -> Result<Config> {
        let default = Config::default();
        Ok(Config {
            address: self.address,
            authorization_port: self.authorization_port,
            portal_port: self.portal_port,
            control_port: self.control_port,
            regional_port: self.regional_port,
            profile: self.profile,
            tls: self.tls,
            ca_file: self.ca_file,
            portals: each::<PortalConfig>("--portal", &self.portals)?,
            applications: each::<Application>("--application", &self.applications)?,
            users: each::<UserConfig>("--user", &self.users)?,
            settings: self.settings.into_iter().collect(),
            client_id: self.client_id.unwrap_or(default.client_id),
            client_secret: self.client_secret.unwrap_or(default.client_secret),
            redirect_uri: self.redirect_uri.unwrap_or(default.redirect_uri),
            leads: self.leads.unwrap_or(default.leads),
            deals: self.deals.unwrap_or(default.deals),
            contacts: self.contacts.unwrap_or(default.contacts),
            companies: self.companies.unwrap_or(default.companies),
            tasks: self.tasks.unwrap_or(default.tasks),
            id_density: self.id_density.unwrap_or(default.id_density),
            seed: self.seed.unwrap_or(default.seed),
            data: self.data,
            auto_consent: self.auto_consent,
            burst: self.burst.unwrap_or(default.burst),
            leak_per_second: self.leak.unwrap_or(default.leak_per_second),
            now: self.now,
            ..Config::default()
        })
    }
}

pub(crate) fn start_error(error: &StartError) -> Error {
    Error::invalid_input("emulator", format!("the emulator did not start: {error}"))
}

/// Reads what a flag was given, once or more often. Not left to the parser of the command line: that one would repeat
/// what it cannot read, and secrets with it.
fn each<T: FromStr<Err = String>>(flag: &'static str, texts: &[String]) -> Result<Vec<T>> {
    let read = |(n, text): (usize, &String)| {
        let place =
            if texts.len() > 1 { format!(", the {}. of them", n + 1) } else { String::new() };
        text.parse()
            .map_err(|reason| Error::invalid_input(flag, format!("{flag}{place}: {reason}")))
    };
    texts.iter().enumerate().map(read).collect()
}

fn data_file(text: &str) -> std::result::Result<DataFile, String> {
    let (entity, path) = text.split_once('=').ok_or("write ENTITY=FILE, such as lead=leads.csv")?;
    let entity =
        entity.parse().map_err(|_| "the entity must be lead, deal, contact, company or task")?;
    Ok(DataFile { entity, path: PathBuf::from(path) })
}

/// A value that is no JSON is a word.
fn setting(text: &str) -> std::result::Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut rest = [0; 256];
    while stdin.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}
