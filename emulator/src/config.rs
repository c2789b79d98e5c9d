//! What the emulator is started with.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::clock;
use crate::emulator::StartError;
use crate::users;

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
    /// The one application that the portal knows.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where the consent page sends the code (an absolute http or https URL).
    pub redirect_uri: String,
    /// Secret of the incoming webhook, which acts as user 1: digits and lower-case letters.
    pub webhook_secret: String,
    /// Generated leads.
    pub leads: usize,
    /// Generated deals.
    pub deals: usize,
    /// Generated contacts.
    pub contacts: usize,
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

/// A kind of CRM row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// `crm.lead.*`
    Lead,
    /// `crm.deal.*`
    Deal,
    /// `crm.contact.*`
    Contact,
}

impl Entity {
    /// All of them, in the order in which tables are kept.
    pub(crate) const ALL: [Self; 3] = [Self::Lead, Self::Deal, Self::Contact];

    /// The word used in method names: `lead`, `deal` or `contact`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Deal => "deal",
            Self::Contact => "contact",
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
        Self::ALL
            .into_iter()
            .find(|entity| entity.name() == text)
            .ok_or_else(|| format!("`{text}` is not an entity: use lead, deal or contact"))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            authorization_port: 0,
            portal_port: 0,
            control_port: 0,
            client_id: "local.6a1f0c52d83e79.40715226".to_owned(),
            client_secret: "EmulatedSecretThatOpensNothingOutsideThisMachine24".to_owned(),
            redirect_uri: "http://127.0.0.1:8924/callback".to_owned(),
            webhook_secret: "emulatedwebhook1".to_owned(),
            leads: 10_000,
            deals: 2_000,
            contacts: 3_000,
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
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("leads", &self.leads)
            .field("deals", &self.deals)
            .field("contacts", &self.contacts)
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
        }
    }

    /// Refuses what could not work, before anything is bound or read.
    pub(crate) fn validate(&self) -> Result<(), StartError> {
        if !self.address.is_loopback() {
            return Err(StartError::NotLoopback(self.address));
        }
        require("client_id", &self.client_id, is_visible, "visible ASCII characters")?;
        require("client_secret", &self.client_secret, is_visible, "visible ASCII characters")?;
        require("webhook_secret", &self.webhook_secret, is_code, "digits and lower-case letters")?;
        validate_redirect_uri(&self.redirect_uri)?;
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
        if !self.leak_per_second.is_finite() || self.leak_per_second < 0.0 {
            return Err(invalid("leak_per_second", "must be zero or more".to_owned()));
        }
        if self.auto_consent.is_some_and(|user| !users::is_valid(user)) {
            return Err(invalid("auto_consent", users::RULE.to_owned()));
        }
        if self.now.is_some_and(|now| !clock::is_valid(now)) {
            return Err(invalid("now", clock::RULE.to_owned()));
        }
        Ok(())
    }
}

fn field_of(entity: Entity) -> &'static str {
    match entity {
        Entity::Lead => "leads",
        Entity::Deal => "deals",
        Entity::Contact => "contacts",
    }
}

fn invalid(field: &'static str, reason: String) -> StartError {
    StartError::Invalid { field, reason }
}

fn is_visible(byte: u8) -> bool {
    byte.is_ascii_graphic()
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

fn validate_redirect_uri(uri: &str) -> Result<(), StartError> {
    let absolute = uri.parse::<hyper::Uri>().is_ok_and(|parsed| {
        matches!(parsed.scheme_str(), Some("http" | "https"))
            && parsed.host().is_some_and(|host| !host.is_empty())
    });
    if absolute && uri.bytes().all(is_visible) && !uri.contains('#') {
        return Ok(());
    }
    Err(invalid(
        "redirect_uri",
        "must be an absolute http or https URL without a fragment".to_owned(),
    ))
}
