//! Settings that Python hands in, and what is wrong with those that cannot be used.

use std::{path::PathBuf, time::Duration};

use evergrant::{ApplicationBuilder, Error, KeySource, Result};
use pyo3::{exceptions::PyOverflowError, prelude::*};

/// A number that counts something; `None` where it is negative or too large.
pub(crate) struct Count(Option<u32>);

impl<'a, 'py> FromPyObject<'a, 'py> for Count {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<u32>() {
            Ok(count) => Ok(Self(Some(count))),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

impl Count {
    fn named(&self, field: &'static str) -> Result<u32> {
        self.0.ok_or_else(|| {
            Error::invalid_input(field, "the number is negative or too large")
                .advise("Give a whole number; 0 means no limit where there may be none.")
        })
    }
}

/// How the keeper behaves.
pub(crate) struct Behaviour {
    pub(crate) spool: Option<PathBuf>,
    pub(crate) per_hour: Count,
    pub(crate) per_day: Count,
    pub(crate) application_per_hour: Count,
    pub(crate) in_flight: Count,
    pub(crate) background: bool,
    pub(crate) retry_spent: String,
    pub(crate) fixed_interval: Option<f64>,
    pub(crate) rate_limit: Option<String>,
    pub(crate) reserve: Option<f64>,
}

impl Behaviour {
    pub(crate) fn apply(self, builder: ApplicationBuilder) -> Result<ApplicationBuilder> {
        let in_flight = self.in_flight.named("in_flight")?;
        let mut builder = builder
            .budget(
                self.per_hour.named("rotations_per_hour")?,
                self.per_day.named("rotations_per_day")?,
            )
            .application_budget(self.application_per_hour.named("application_rotations_per_hour")?)
            .in_flight(usize::try_from(in_flight).unwrap_or(usize::MAX))
            .background(self.background)
            .retry_spent_token(self.retry_spent.parse()?);
        if let Some(folder) = self.spool {
            builder = builder.spool(folder);
        }
        if let Some(seconds) = self.fixed_interval {
            builder = builder.fixed_interval(duration("fixed_interval", seconds)?);
        }
        if let Some(words) = self.rate_limit {
            builder = builder.rate_limit(words.parse()?);
        }
        if let Some(part) = self.reserve {
            builder = builder.reserve(part);
        }
        Ok(builder)
    }
}

/// Seconds as Python has them.
pub(crate) fn duration(field: &'static str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_input(field, "the number of seconds is negative or too large"))
}

/// At most one of the two.
pub(crate) fn key_source(key: Option<String>, file: Option<PathBuf>) -> Result<KeySource> {
    match (key, file) {
        (Some(_), Some(_)) => Err(Error::invalid_input("key", "both key and key_file are given")
            .advise("Give one of them.")),
        (Some(key), None) => Ok(KeySource::Key(key.into())),
        (None, Some(path)) => Ok(KeySource::File(path)),
        (None, None) => Ok(KeySource::Default),
    }
}
