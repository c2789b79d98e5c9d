//! One statement with its values, and what the server's errors mean to people.

use std::{io, time::Duration};

use tokio_postgres::{
    Row,
    types::{FromSql, ToSql, Type},
};

use crate::{Error, Kind, Result, Retry, store::Endpoints, store::SealedPair};

/// A statement. It is never prepared by name: behind a pooler the next one may go to another session.
pub(super) struct Call {
    pub(super) statement: &'static str,
    values: Vec<(Box<dyn ToSql + Send + Sync>, Type)>,
    /// Whether its answer is the same when it is sent again after a lost acknowledgement.
    pub(super) repeatable: bool,
    /// The value that says that it is sent again.
    again: Option<usize>,
}

/// A statement that is sent once.
pub(super) fn once(statement: &'static str) -> Call {
    Call { statement, values: Vec::new(), repeatable: false, again: None }
}

/// A statement that may be sent again when the connection was lost under it.
pub(super) fn repeatable(statement: &'static str) -> Call {
    Call { repeatable: true, ..once(statement) }
}

impl Call {
    fn value(mut self, value: impl ToSql + Send + Sync + 'static, kind: Type) -> Self {
        self.values.push((Box::new(value), kind));
        self
    }

    pub(super) fn int(self, value: impl Into<i64>) -> Self {
        self.value(value.into(), Type::INT8)
    }

    pub(super) fn duration(self, value: Duration) -> Self {
        let millis = value.as_nanos().div_ceil(1_000_000);
        // Leaves room for the clock to be added.
        self.int(i64::try_from(millis).map_or(i64::MAX / 4, |millis| millis.min(i64::MAX / 4)))
    }

    /// Whether this is the second time.
    pub(super) fn again(mut self) -> Self {
        self.again = Some(self.values.len());
        self.value(false, Type::BOOL)
    }

    pub(super) fn second_time(&mut self) {
        if let Some(value) = self.again.and_then(|index| self.values.get_mut(index)) {
            value.0 = Box::new(true);
        }
    }

    pub(super) fn real(self, value: f64) -> Self {
        self.value(value, Type::FLOAT8)
    }

    pub(super) fn text(self, value: impl Into<String>) -> Self {
        self.value(value.into(), Type::TEXT)
    }

    pub(super) fn maybe_text(self, value: Option<impl Into<String>>) -> Self {
        self.value(value.map(Into::into), Type::TEXT)
    }

    pub(super) fn bytes(self, value: impl Into<Vec<u8>>) -> Self {
        self.value(value.into(), Type::BYTEA)
    }

    pub(super) fn maybe_bytes(self, value: Option<impl Into<Vec<u8>>>) -> Self {
        self.value(value.map(Into::into), Type::BYTEA)
    }

    pub(super) fn endpoints(self, endpoints: &Endpoints) -> Self {
        self.text(&endpoints.client_endpoint)
            .text(&endpoints.authorization_server)
            .value(endpoints.scope.clone(), Type::TEXT_ARRAY)
            .maybe_text(endpoints.application_status.as_ref())
    }

    pub(super) fn pair(self, pair: &SealedPair) -> Self {
        self.bytes(pair.lineage.0)
            .bytes(pair.access.clone())
            .bytes(pair.refresh.clone())
            .bytes(pair.refresh_hash.0)
            .int(pair.access_expires_at)
            .int(pair.refresh_expires_at)
            // Counted in milliseconds by the server.
            .int(pair.due_at.clamp(0, i64::MAX / 4000))
    }

    pub(super) fn values(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(|(value, kind)| (&**value as _, kind.clone())).collect()
    }
}

/// A column by its number.
pub(super) fn get<'row, T: FromSql<'row>>(row: &'row Row, index: usize) -> Result<T> {
    row.try_get(index).map_err(failed)
}

/// Whether the connection was lost, so that nobody knows if the statement was executed.
pub(super) fn lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            matches!(code.code(), "57P01" | "57P02" | "57P03") || code.code().starts_with("08")
        }
        None => error.is_closed() || !is_connecting(error) && source::<io::Error>(error).is_some(),
    }
}

/// Whether there never was a connection. The driver tells only in words.
fn is_connecting(error: &tokio_postgres::Error) -> bool {
    let words = error.to_string();
    words.starts_with("error connecting") || words.contains("TLS")
}

fn source<T: std::error::Error + 'static>(error: &tokio_postgres::Error) -> Option<&T> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

/// What went wrong, for people.
pub(super) fn failed(error: tokio_postgres::Error) -> Error {
    match error.code().map(|code| code.code().to_owned()) {
        Some(code) => refused(&code).with_code(code),
        None => broken(&error),
    }
    .with_source(error)
}

fn safe(message: &'static str) -> Error {
    Error::new(Kind::Store, message).with_retry(Retry::Safe)
}

fn never(message: &'static str) -> Error {
    Error::new(Kind::Store, message)
}

/// The connection did what it should not.
fn broken(error: &tokio_postgres::Error) -> Error {
    if lost(error) {
        return disconnected();
    }
    if source::<io::Error>(error).map(io::Error::kind) == Some(io::ErrorKind::PermissionDenied) {
        return replica();
    }
    let words = error.to_string();
    if words.contains("TLS") {
        never("no TLS connection to the store's database came about that its address would trust")
            .advise("Check sslmode and sslrootcert in the address.")
    } else if words.starts_with("error deserializing") {
        never("a row of the store cannot be read")
            .advise("Restore it from a copy; nothing was changed.")
    } else {
        safe("the store's database cannot be reached")
            .advise("Check the address, and that the server runs.")
    }
}

pub(super) fn replica() -> Error {
    safe("the store's database is a replica or read-only")
        .advise("Name the primary server: a token read from a replica may be spent already.")
}

fn disconnected() -> Error {
    safe("the connection to the store's database was lost")
        .advise("Check that the server runs; what was asked may be asked again.")
}

/// The server's own code: appendix A of PostgreSQL's documentation.
fn refused(code: &str) -> Error {
    match code {
        "57P01" | "57P02" | "57P03" => disconnected(),
        code if code.starts_with("08") => disconnected(),
        "25006" => replica(),
        "53100" => safe("the disk under the store's database is full").advise("Make room on it."),
        "53300" => safe("the store's database has no connection left").advise(
            "Raise its max_connections, lower pool_size in the address, or put a pooler between.",
        ),
        "40001" | "40P01" | "55P03" | "57014" => {
            safe("the store's database gave up waiting for another transaction")
        }
        "28000" | "28P01" => never("the store's database refused the user or the password")
            .advise("Check both in the address."),
        "3D000" => never("the store's database does not exist")
            .advise("Create it, or name another one in the address."),
        "42501" => never("the user of the store's database lacks a right").advise(
            "It needs CREATE on the database at the first start, later all rights in the schema evergrant.",
        ),
        "42P01" | "3F000" | "42883" | "42703" => {
            never("the store's tables are not as this program made them")
                .advise("Restore the schema evergrant, or name another database.")
        }
        _ => never("the store's database did not do as asked").advise("Its own log says why."),
    }
}

/// A column holds what no version of ours writes.
pub(super) fn corrupted(what: &'static str, id: i64) -> Error {
    Error::new(Kind::Store, "a row of the store holds what was never written there")
        .with("column", what)
        .with("number", id.to_string())
        .advise("Restore it from a copy; nothing was changed.")
}
