//! The address of a store: `postgres://user:password@host:port/database?sslmode=verify-full`.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, TargetSessionAttrs},
};

use super::tls::{self, Tls};
use crate::{Error, Result};

const POOL_SIZE: usize = 8;

/// Where a database is and how to connect to it.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) pool_size: usize,
    /// A way that holds a session, to listen on: a pooler between must not be in it.
    pub(super) listen: Option<Box<Address>>,
    /// How a person would name it.
    pub(super) shown: String,
}

impl Address {
    /// Reads an address. Besides the driver's own parameters there are `pool_size` (1 to 100),
    /// `listen` (a whole address, percent-encoded) and `sslrootcert` (a file of PEM certificates).
    ///
    /// # Errors
    /// [`crate::Kind::InvalidInput`] naming the field `store`. Nothing of the address is quoted: a password
    /// with a stray character may stand anywhere in it.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let authority = base.split_once("://").map_or("", |(_, rest)| rest);
        if authority.matches('@').count() > 1 {
            return Err(unreadable(
                "a user or password with the characters @ : / ? # needs them percent-encoded",
            ));
        }
        let mut own = Own::default();
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            if !own.take(parameter)? {
                rest.push(parameter);
            }
        }
        let mut config: Config = format!("{base}?{}", rest.join("&")).parse().map_err(|_| {
            unreadable("its host, port or a parameter is not what PostgreSQL takes")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unreadable("it names no host"));
        }
        let mode = own.ssl_mode.as_deref().unwrap_or("prefer");
        let tls = tls::connector(mode, own.root_certificate.as_deref())?;
        config.ssl_mode(tls::negotiate(mode));
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(20));
        }
        if config.get_application_name().is_none() {
            config.application_name("evergrant");
        }
        let shown = shown(&config);
        let pool_size = own.pool_size.unwrap_or(POOL_SIZE);
        Ok(Self { config, tls, pool_size, listen: own.listen.map(Box::new), shown })
    }
}

/// The parameters that the driver does not know.
#[derive(Default)]
struct Own {
    pool_size: Option<usize>,
    listen: Option<Address>,
    ssl_mode: Option<String>,
    root_certificate: Option<String>,
}

impl Own {
    fn take(&mut self, parameter: &str) -> Result<bool> {
        let (name, value) = parameter
            .split_once('=')
            .ok_or_else(|| unreadable("a parameter has no value, or the password has a ?"))?;
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| unreadable("a parameter is not UTF-8"))?;
        match name {
            "pool_size" => {
                let size = value.parse().ok().filter(|size| (1..=100).contains(size));
                self.pool_size =
                    Some(size.ok_or_else(|| unreadable("pool_size is a number from 1 to 100"))?);
            }
            "listen" if value.contains("listen=") => {
                return Err(unreadable("the address in listen has a listen of its own"));
            }
            "listen" => {
                let address = Address::parse(&value).map_err(|error| {
                    unreadable("the address in listen cannot be used").with_source(error)
                })?;
                self.listen = Some(address);
            }
            "sslmode" => self.ssl_mode = Some(value.into_owned()),
            "sslrootcert" => self.root_certificate = Some(value.into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn unreadable(why: &'static str) -> Error {
    Error::invalid_input("store", format!("the address of the store cannot be used: {why}"))
        .advise("Use postgres://user:password@host:5432/database.")
}

/// Without the password, and without parameters.
fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        hosts => hosts
            .iter()
            .map(|host| match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
                Host::Tcp(name) => name.clone(),
                #[cfg(unix)]
                Host::Unix(folder) => folder.display().to_string(),
            })
            .collect(),
    };
    let hosts: Vec<String> = hosts
        .into_iter()
        .enumerate()
        .map(|(index, host)| format!("{host}:{}", port(index)))
        .collect();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_all_but_the_password() {
        for (url, shown) in [
            ("postgres://me:geheim@db.example:6432/grants", "postgres://me@db.example:6432/grants"),
            ("postgresql://me@a:1,b:2/x?password=geheim", "postgres://me@a:1,b:2/x"),
            ("postgres://me:geheim@[::1]/x?pool_size=3", "postgres://me@[::1]:5432/x"),
            ("postgres://me:geheim@%2Frun%2Fpostgresql/x", "postgres://me@/run/postgresql:5432/x"),
        ] {
            assert_eq!(Address::parse(url).unwrap().shown, shown);
        }
    }

    #[test]
    fn takes_its_own_parameters() {
        let plain = Address::parse("postgres://me@h/x").unwrap();
        assert_eq!((plain.pool_size, plain.listen.is_some()), (POOL_SIZE, false));
        let full = "postgres://me@h/x?pool_size=3&connect_timeout=5&listen=postgres%3A%2F%2Fme%40direct%2Fx%3Fsslmode%3Drequire";
        let full = Address::parse(full).unwrap();
        assert_eq!(full.pool_size, 3);
        assert_eq!(full.config.get_connect_timeout(), Some(&Duration::from_secs(5)));
        assert_eq!(full.listen.unwrap().shown, "postgres://me@direct:5432/x");
    }

    #[test]
    fn refuses_nonsense_without_quoting_it() {
        for url in [
            "postgres://",
            "postgres:///x",
            "postgres://me:geheim@ss@host/x",
            "postgres://me:ge?heim@host/x",
            "postgres://me:geheim@host:port/x",
            "postgres://me:geheim@host/x?pool_size=0",
            "postgres://me:geheim@host/x?pool_size=1000",
            "postgres://me:geheim@host/x?sslmode=geheim",
            "postgres://me:geheim@host/x?sslrootcert=/geheim/not/there.pem",
            "postgres://me:geheim@host/x?listen=geheim",
            "postgres://me:geheim@host/x?geheim=1",
            "postgres://me:geheim@host/x?password=%ff",
        ] {
            let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert_eq!(error.kind(), crate::Kind::InvalidInput, "{url}");
            assert!(error.context().contains(&("field", "store".to_owned())), "{url}");
            assert!(!format!("{error:?}").contains("heim"), "{error:?}");
        }
    }
}
