//! What a store's URL says.

use std::time::Duration;

use url::Url;

use crate::{Error, Result};

const DEFAULT_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: u64 = 60_000;

/// `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS, with the parameters
/// `prefix`, `replicas` and `wait`.
pub(super) struct Address {
    /// Without user, password and parameters.
    pub(super) shown: String,
    pub(super) client: redis::Client,
    /// The same, speaking the protocol that can be told something without asking.
    pub(super) listener: redis::Client,
    /// Before every key, with the hash tag that keeps all keys in one slot of a cluster.
    pub(super) keys: String,
    /// How many replicas must have a change before it counts.
    pub(super) replicas: u32,
    /// How long to wait for them.
    pub(super) wait: Duration,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut url = Url::parse(text).map_err(|_| wrong("the store's URL cannot be read"))?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(wrong("the store's URL does not begin with redis:// or rediss://"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("the store's URL names no host"))?;
        let database = match url.path().trim_matches('/') {
            "" => 0,
            path => path.parse::<u16>().map_err(|_| wrong("the database is not a number"))?,
        };
        let mut shown = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(6379));
        if database > 0 {
            shown.push_str(&format!("/{database}"));
        }
        let (mut prefix, mut replicas, mut wait) = ("evergrant".to_owned(), 1, DEFAULT_WAIT);
        for (name, value) in url.query_pairs() {
            match &*name {
                "prefix" if is_prefix(&value) => prefix = value.into_owned(),
                "prefix" => {
                    return Err(wrong(
                        "prefix is not 1 to 64 letters, digits, dots, dashes or underscores",
                    ));
                }
                "replicas" => {
                    replicas = value
                        .parse()
                        .ok()
                        .filter(|count| *count <= 16)
                        .ok_or_else(|| wrong("replicas is not a number from 0 to 16"))?;
                }
                "wait" => {
                    wait = value
                        .parse()
                        .ok()
                        .filter(|wait| (1..=LONGEST_WAIT).contains(wait))
                        .map(Duration::from_millis)
                        .ok_or_else(|| wrong("wait is not a number of milliseconds up to 60000"))?;
                }
                _ => {
                    return Err(wrong("the store's URL has an unknown parameter")
                        .advise("Known are prefix, replicas and wait."));
                }
            }
        }
        if prefix != "evergrant" {
            shown.push_str(&format!("?prefix={prefix}"));
        }
        url.set_query(None);
        // A fragment could switch the check of certificates off.
        url.set_fragment(None);
        let client = open(&url)?;
        url.set_query(Some("protocol=resp3"));
        let listener = open(&url)?;
        Ok(Self { shown, client, listener, keys: format!("{{{prefix}}}:"), replicas, wait })
    }
}

fn open(url: &Url) -> Result<redis::Client> {
    // The library's own words may quote the URL, password included.
    redis::Client::open(url.as_str()).map_err(|_| wrong("the store's URL cannot be used"))
}

fn is_prefix(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn wrong(message: &'static str) -> Error {
    Error::invalid_input("store", message).advise(
        "It looks like redis://user:password@host:6379/0?prefix=evergrant&replicas=1&wait=2000.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_neither_user_nor_password() {
        let address = Address::parse(
            "rediss://me:hush%20hush@db.example:7000/3?replicas=2&prefix=a.b&wait=50#insecure",
        )
        .unwrap();
        assert_eq!(address.shown, "rediss://db.example:7000/3?prefix=a.b");
        assert_eq!(address.keys, "{a.b}:");
        assert_eq!((address.replicas, address.wait), (2, Duration::from_millis(50)));
        let shown = format!("{:?}", address.client.get_connection_info().addr());
        assert!(shown.contains("insecure: false"), "{shown}");
    }

    #[test]
    fn names_what_is_wrong_and_no_secret() {
        for (text, word) in [
            ("nonsense", "cannot be read"),
            ("http://me:hush@host", "begin with"),
            ("redis://me:hush@", "store"),
            ("redis://me:hush@host/x", "database"),
            ("redis://me:hush@host?prefix=", "prefix"),
            ("redis://me:hush@host?prefix=%7Bx%7D", "prefix"),
            ("redis://me:hush@host?replicas=many", "replicas"),
            ("redis://me:hush@host?replicas=-1", "replicas"),
            ("redis://me:hush@host?wait=0", "wait"),
            ("redis://me:hush@host?hush=1", "unknown parameter"),
        ] {
            let shown = format!("{:?}", Address::parse(text).err().unwrap());
            assert!(shown.contains(word) && shown.contains("field store"), "{text}: {shown}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
