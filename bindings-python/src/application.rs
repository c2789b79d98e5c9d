//! Applications, grants and tokens.

use std::path::PathBuf;

use evergrant::{Error, GrantId, KeySource};
use pyo3::{prelude::*, types::PyTuple};

use crate::{
    client::Client,
    error::{guarded, to_py},
    pending::Pending,
};

/// One Bitrix24 application with the store that its grants live in.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Application(evergrant::Application);

/// Becomes the fields of Python's `Grant`.
#[derive(IntoPyObject)]
struct Grant {
    id: GrantId,
    portal: String,
    member_id: String,
    user_id: i64,
    status: &'static str,
    scope: Scope,
    generation: i64,
    access_expires_at: i64,
    refresh_expires_at: i64,
}

impl From<evergrant::Grant> for Grant {
    fn from(grant: evergrant::Grant) -> Self {
        Self {
            id: grant.id,
            portal: grant.portal,
            member_id: grant.member_id,
            user_id: grant.user_id,
            status: grant.status.as_str(),
            scope: Scope(grant.scope),
            generation: grant.generation,
            access_expires_at: grant.access_expires_at,
            refresh_expires_at: grant.refresh_expires_at,
        }
    }
}

/// Becomes the fields of Python's `Token`.
#[derive(IntoPyObject)]
struct Token {
    grant: GrantId,
    access_token: String,
    expires_at: i64,
    generation: i64,
    client_endpoint: String,
    member_id: String,
    user_id: i64,
    scope: Scope,
}

impl From<evergrant::Token> for Token {
    fn from(token: evergrant::Token) -> Self {
        Self {
            grant: token.grant,
            access_token: token.access_token.expose().to_owned(),
            expires_at: token.expires_at,
            generation: token.generation,
            client_endpoint: token.client_endpoint,
            member_id: token.member_id,
            user_id: token.user_id,
            scope: Scope(token.scope),
        }
    }
}

/// Becomes a tuple: grants and tokens do not change.
struct Scope(Vec<String>);

impl<'py> IntoPyObject<'py> for Scope {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        PyTuple::new(py, self.0)
    }
}

#[pymethods]
impl Application {
    /// Opens the store; the result is an `Application`.
    #[staticmethod]
    #[pyo3(signature = (*, client_id, client_secret, store, key, key_file, authorization_server, authorization_hosts, refresh_by_get))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn open(
        py: Python<'_>,
        client_id: Option<String>,
        client_secret: Option<String>,
        store: String,
        key: Option<String>,
        key_file: Option<PathBuf>,
        authorization_server: Option<String>,
        authorization_hosts: Vec<String>,
        refresh_by_get: bool,
    ) -> PyResult<Pending> {
        let key = match (key, key_file) {
            (Some(_), Some(_)) => {
                let error = Error::invalid_input("key", "both key and key_file are given")
                    .advise("Give one of them.");
                return Err(to_py(py, &error));
            }
            (Some(key), None) => KeySource::Key(key.into()),
            (None, Some(path)) => KeySource::File(path),
            (None, None) => KeySource::Default,
        };
        // A variable that is not set comes as None: to the core that is an empty one.
        let (client_id, client_secret) =
            (client_id.unwrap_or_default(), client_secret.unwrap_or_default());
        let mut builder = evergrant::Application::builder(client_id, client_secret)
            .store(store)
            .key(key)
            .refresh_by_get(refresh_by_get);
        if let Some(origin) = authorization_server {
            builder = builder.authorization_server(origin);
        }
        for host in authorization_hosts {
            builder = builder.allow_authorization_host(host);
        }
        Ok(Pending::new(async move { builder.open().await.map(Self) }))
    }

    /// The link's address and its state.
    fn authorize_url(&self, py: Python<'_>, portal: &str) -> PyResult<(String, String)> {
        guarded(py, || self.0.authorize_url(portal).map(|link| (link.url, link.state)))
    }

    /// Turns a redirect into a grant.
    fn exchange(&self, redirect_url: String, expected_state: String) -> Pending {
        let app = self.0.clone();
        Pending::new(
            async move { app.exchange(&redirect_url, &expected_state).await.map(Grant::from) },
        )
    }

    /// Turns a copied code into a grant.
    fn exchange_code(&self, portal: String, code: String) -> Pending {
        let app = self.0.clone();
        Pending::new(async move { app.exchange_code(&portal, code).await.map(Grant::from) })
    }

    /// All grants.
    fn grants(&self) -> Pending {
        let app = self.0.clone();
        Pending::new(async move {
            let grants = app.grants().await?;
            Ok(grants.into_iter().map(Grant::from).collect::<Vec<_>>())
        })
    }

    /// One grant.
    fn grant(&self, grant: GrantId) -> Pending {
        let app = self.0.clone();
        Pending::new(async move { app.grant(grant).await.map(Grant::from) })
    }

    /// A token that lives at least `min_ttl` seconds more.
    fn token(&self, grant: GrantId, min_ttl: i64) -> Pending {
        let app = self.0.clone();
        Pending::new(async move { app.token(grant, min_ttl).await.map(Token::from) })
    }

    /// A token newer than `generation`.
    fn renew_token(&self, grant: GrantId, generation: i64) -> Pending {
        let app = self.0.clone();
        Pending::new(async move { app.renew_token(grant, generation).await.map(Token::from) })
    }

    /// A client that calls the grant's portal.
    fn client(&self, grant: GrantId) -> Client {
        self.0.client(grant).into()
    }
}
