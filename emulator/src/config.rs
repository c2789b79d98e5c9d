//! What the emulator is started with.

mod portal;
mod text;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value};

pub use self::portal::PortalConfig;

use crate::applications::Application;
use crate::clock;
use crate::emulator::StartError;
use crate::settings::{Profile, Settings};
use crate::users::{self, UserConfig};

/// What the first application's card grants unless somebody says otherwise.
const SCOPE: &[&str] = &[
    "crm",
    "user",
    "biconnector",
    "call",
    "department",
    "disk",
    "im",
    "log",
    "main",
    "note",
    "placement",
    "task",
    "tasks",
];
/// The most rows one entity may have: ids stay exact in every language that reads them.
const MAX_ROWS: usize = 100_000_000;

/// Settings of one run; [`Config::default`] is a portal that a demo can use at once.
#[derive(Clone)]
pub struct Config {
    /// Where the three listeners bind. Only loopback addresses are accepted.
    pub address: IpAddr,
    /// Port of the authorization server; 0 picks a free one.
    pub authorization_port: u16,
    /// Port of the portal; 0 picks a free one.
    pub portal_port: u16,
    /// Port of the control interface; 0 picks a free one.
    pub control_port: u16,
    /// Port of the second authorization server, which [`Config::settings`] can name as a portal's `region`; 0 picks a
    /// free one.
    pub regional_port: u16,
    /// Whether https is served beside http, on the same ports, with a certificate made at the start.
    pub tls: bool,
    /// Where the certificate's authority is written, as PEM; without it a file in the temporary folder.
    pub ca_file: Option<PathBuf>,
    /// Which kind of installation the portals behave like.
    pub profile: Profile,
    /// The first application: local, on the first portal.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where the consent page sends the code (an absolute http or https URL).
    pub redirect_uri: String,
    /// What its card grants.
    pub scope: Vec<String>,
    /// Further applications.
    pub applications: Vec<Application>,
    /// What is special about the first portal's users.
    pub users: Vec<UserConfig>,
    /// Further portals.
    pub portals: Vec<PortalConfig>,
    /// Settings of the first portal, by the names of `POST /settings`.
    pub settings: Map<String, Value>,
    /// Secret of the incoming webhook, which acts as user 1: digits and lower-case letters.
    pub webhook_secret: String,
    /// Generated leads.
    pub leads: usize,
    /// Generated deals.
    pub deals: usize,
    /// Generated contacts.
    pub contacts: usize,
    /// Generated companies.
    pub companies: usize,
    /// Generated tasks.
    pub tasks: usize,
    /// How many of a hundred ids have a generated row, 1 to 100; the others are gaps, as deleted rows leave them.
    pub id_density: u8,
    /// Rows and the `member_id` follow from it.
    pub seed: u64,
    /// Files whose rows take the place of generated ones; at most one per entity.
    pub data: Vec<DataFile>,
    /// `Some(user)`: `/oauth/authorize/` redirects at once, as if that user had allowed it.
    pub auto_consent: Option<u64>,
    /// Threshold of the leaky bucket, in requests; 0 switches the limit off.
    pub burst: u32,
    /// What leaks from the bucket, in requests a second.
    pub leak_per_second: f64,
    /// Start of the virtual clock, unix seconds; `None` is real time.
    pub now: Option<i64>,
}

/// A file of rows for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// What the rows are.
    pub entity: Entity,
    /// A `.csv` file with a header line, or a `.json` file holding an array of objects.
    pub path: PathBuf,
}

/// A kind of row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// `crm.lead.*`
    Lead,
    /// `crm.deal.*`
    Deal,
    /// `crm.contact.*`
    Contact,
    /// `crm.company.*`
    Company,
    /// `tasks.task.*`
    Task,
}

impl Entity {
    /// All of them, in the order in which tables are kept.
    pub(crate) const ALL: [Self; 5] =
        [Self::Lead, Self::Deal, Self::Contact, Self::Company, Self::Task];

    /// The word used in method names: `lead`, `deal`, `contact`, `company` or `task`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Deal => "deal",
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Task => "task",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Entity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|entity| entity.name() == text).ok_or_else(|| {
            format!("`{text}` is not an entity: use lead, deal, contact, company or task")
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            authorization_port: 0,
            portal_port: 0,
            control_port: 0,
            regional_port: 0,
            tls: false,
            ca_file: None,
            profile: Profile::Cloud,
            client_id: "local.6a1f0c52d83e79.40715226".to_owned(),
            client_secret: "EmulatedSecretThatOpensNothingOutsideThisMachine24".to_owned(),
            redirect_uri: "http://127.0.0.1:8924/callback".to_owned(),
            scope: SCOPE.iter().map(|&scope| scope.to_owned()).collect(),
            applications: Vec::new(),
            users: Vec::new(),
            portals: Vec::new(),
            settings: Map::new(),
            webhook_secret: "emulatedwebhook1".to_owned(),
            leads: 10_000,
            deals: 2_000,
            contacts: 3_000,
            companies: 1_000,
            tasks: 1_000,
            id_density: 100,
            seed: 24,
            data: Vec::new(),
            auto_consent: None,
            burst: 50,
            leak_per_second: 2.0,
            now: None,
        }
    }
}

// By hand: a Debug print must not show secrets, not even of an emulated application.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("address", &self.address)
            .field("authorization_port", &self.authorization_port)
            .field("portal_port", &self.portal_port)
            .field("control_port", &self.control_port)
            .field("tls", &self.tls)
            .field("profile", &self.profile)
            .field("applications", &self.applications)
            .field("portals", &self.portals)
            .field("settings", &self.settings)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("leads", &self.leads)
            .field("deals", &self.deals)
            .field("contacts", &self.contacts)
            .field("companies", &self.companies)
            .field("tasks", &self.tasks)
            .field("seed", &self.seed)
            .field("data", &self.data)
            .field("auto_consent", &self.auto_consent)
            .field("burst", &self.burst)
            .field("leak_per_second", &self.leak_per_second)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Rows to generate for one entity.
    pub(crate) fn rows(&self, entity: Entity) -> usize {
        match entity {
            Entity::Lead => self.leads,
            Entity::Deal => self.deals,
            Entity::Contact => self.contacts,
            Entity::Company => self.companies,
            Entity::Task => self.tasks,
        }
    }

    /// Refuses what could not work, before anything is bound or read.
    pub(crate) fn validate(&self) -> Result<(), StartError> {
        if !self.address.is_loopback() {
            return Err(StartError::NotLoopback(self.address));
        }
        self.first_application().check().map_err(|(field, reason)| invalid(field, reason))?;
        require("webhook_secret", &self.webhook_secret, is_code, "digits and lower-case letters")?;
        self.validate_applications()?;
        self.validate_portals()?;
        for entity in Entity::ALL {
            if self.rows(entity) > MAX_ROWS {
                return Err(invalid(
                    field_of(entity),
                    format!("at most {MAX_ROWS} rows can be generated"),
                ));
            }
            if self.data.iter().filter(|file| file.entity == entity).count() > 1 {
                return Err(invalid("data", format!("more than one file for {entity}")));
            }
        }
        if !(1..=100).contains(&self.id_density) {
            return Err(invalid("id_density", "must be between 1 and 100".to_owned()));
        }
        if !self.leak_per_second.is_finite() || self.leak_per_second < 0.0 {
            return Err(invalid("leak_per_second", "must be zero or more".to_owned()));
        }
        if self.auto_consent.is_some_and(|user| !users::is_valid(user)) {
            return Err(invalid("auto_consent", users::RULE.to_owned()));
        }
        if self.now.is_some_and(|now| !clock::is_valid(now)) {
            return Err(invalid("now", clock::RULE.to_owned()));
        }
        for user in &self.users {
            let place =
                |(field, reason)| invalid("users", format!("{}: {field}: {reason}", user.id));
            user.check().map_err(place)?;
        }
        Settings::check(self)
            .map_err(|(name, reason)| invalid("settings", format!("{name}: {reason}")))
    }

    /// The application of the flat fields.
    pub(crate) fn first_application(&self) -> Application {
        Application {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scope: self.scope.clone(),
            portal: Some(0),
            status: None,
        }
    }

    /// The users, user 1 with the webhook of the flat fields.
    pub(crate) fn all_users(&self) -> Vec<UserConfig> {
        let webhook = Some(self.webhook_secret.clone());
        let first = UserConfig { id: 1, webhook, ..UserConfig::default() };
        std::iter::once(first).chain(self.users.iter().cloned()).collect()
    }

    fn validate_applications(&self) -> Result<(), StartError> {
        for (n, application) in self.applications.iter().enumerate() {
            let refuse = |reason: String| invalid("applications", format!("{}: {reason}", n + 1));
            application.check().map_err(|(field, reason)| refuse(format!("{field}: {reason}")))?;
            let earlier = self.applications[..n].iter().map(|known| &known.client_id);
            if earlier.chain([&self.client_id]).any(|known| *known == application.client_id) {
                return Err(refuse("client_id: another application has it".to_owned()));
            }
            if application.portal.is_some_and(|portal| portal > self.portals.len()) {
                return Err(refuse("portal: there is no such portal".to_owned()));
            }
        }
        Ok(())
    }

    fn validate_portals(&self) -> Result<(), StartError> {
        let mut seeds = vec![self.seed];
        for (n, portal) in self.portals.iter().enumerate() {
            let place = n + 1;
            let config = self.of_portal(place, portal.clone());
            config.validate().map_err(|error| invalid("portals", format!("{place}: {error}")))?;
            if seeds.contains(&config.seed) {
                let reason = "seed: another portal has it, so both would have one member_id";
                return Err(invalid("portals", format!("{place}: {reason}")));
            }
            seeds.push(config.seed);
        }
        Ok(())
    }
}

fn field_of(entity: Entity) -> &'static str {
    match entity {
        Entity::Lead => "leads",
        Entity::Deal => "deals",
        Entity::Contact => "contacts",
        Entity::Company => "companies",
        Entity::Task => "tasks",
    }
}

fn invalid(field: &'static str, reason: String) -> StartError {
    StartError::Invalid { field, reason }
}

fn is_code(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

fn require(
    field: &'static str,
    value: &str,
    allowed: fn(u8) -> bool,
    what: &str,
) -> Result<(), StartError> {
    if (1..=200).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(());
    }
    Err(invalid(field, format!("must be 1 to 200 {what}")))
}
