//! Settings that the public layer hands in.

use std::time::Duration;

use evergrant::{ApplicationBuilder, Error, KeySource, Secret};
use napi_derive::napi;

/// Settings of an application; their meaning is the core's.
#[napi(object, object_to_js = false)]
pub struct Settings {
    /// From the application's card.
    pub client_id: String,
    /// From the application's card.
    pub client_secret: String,
    /// Where grants live.
    pub store: Option<String>,
    /// The master key itself.
    pub key: Option<String>,
    /// A file that holds it.
    pub key_file: Option<String>,
    /// Where it is not the vendor's default.
    pub authorization_server: Option<String>,
    /// Hosts that may receive secrets besides the vendor's.
    pub authorization_hosts: Option<Vec<String>>,
    /// Token requests by GET.
    pub refresh_by_get: Option<bool>,
    /// Where answers wait for the store.
    pub spool: Option<String>,
    /// Rotations of a chain in an hour.
    pub rotations_per_hour: u32,
    /// Rotations of a chain in a day.
    pub rotations_per_day: u32,
    /// Rotations of all chains in an hour.
    pub application_rotations_per_hour: u32,
    /// Exchanges under way at once.
    pub in_flight: u32,
    /// Whether work is done while nobody waits for it.
    pub background: Option<bool>,
    /// A word for what is done with a token that was probably spent.
    pub retry_spent: Option<String>,
    /// Seconds.
    pub fixed_interval: Option<f64>,
    /// Words that the core reads.
    pub rate_limit: Option<String>,
    /// The part of a portal's bucket that is left to others.
    pub reserve: Option<f64>,
}

impl TryFrom<Settings> for ApplicationBuilder {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        let mut builder =
            evergrant::Application::builder(settings.client_id, settings.client_secret)
                .refresh_by_get(settings.refresh_by_get.unwrap_or_default())
                .budget(settings.rotations_per_hour, settings.rotations_per_day)
                .application_budget(settings.application_rotations_per_hour)
                .in_flight(usize::try_from(settings.in_flight).unwrap_or(usize::MAX))
                .background(settings.background.unwrap_or(true));
        if let Some(word) = settings.retry_spent {
            builder = builder.retry_spent_token(word.parse()?);
        }
        if let Some(seconds) = settings.fixed_interval {
            builder = builder.fixed_interval(duration("fixedInterval", seconds)?);
        }
        if let Some(words) = settings.rate_limit {
            builder = builder.rate_limit(words.parse()?);
        }
        if let Some(part) = settings.reserve {
            builder = builder.reserve(part);
        }
        if let Some(folder) = settings.spool {
            builder = builder.spool(folder);
        }
        if let Some(store) = settings.store {
            builder = builder.store(store);
        }
        if let Some(path) = settings.key_file {
            builder = builder.key_file(path);
        }
        if let Some(key) = settings.key {
            builder = builder.key(KeySource::Key(Secret::new(key)));
        }
        if let Some(origin) = settings.authorization_server {
            builder = builder.authorization_server(origin);
        }
        let hosts = settings.authorization_hosts.unwrap_or_default().into_iter();
        Ok(hosts.fold(builder, ApplicationBuilder::allow_authorization_host))
    }
}

/// Seconds as JavaScript has them.
pub(crate) fn duration(field: &'static str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_input(field, "the number of seconds is negative or too large"))
}
