//! Applications, grants and tokens.

use std::path::PathBuf;

use evergrant::{GrantId, LONGEST_EXCHANGE};
use pyo3::prelude::*;

use crate::{
    changes::Changes,
    client::Client,
    clock::Clock,
    error::guarded,
    pending::Pending,
    settings::{Behaviour, Count, duration, key_source},
    tokens::Tokens,
    values::{AuditEntry, Grant, Statistics, Token},
};

/// One Bitrix24 application with the store that its grants live in.
#[pyclass(frozen, module = "evergrant._native")]
pub(crate) struct Application {
    core: evergrant::Application,
    tokens: Tokens,
}

#[pymethods]
impl Application {
    /// Opens the store; the result is an `Application`.
    #[staticmethod]
    #[pyo3(signature = (*, client_id, client_secret, store, key, key_file, authorization_server, authorization_hosts, refresh_by_get, spool, rotations_per_hour, rotations_per_day, application_rotations_per_hour, in_flight, background, retry_spent, fixed_interval, rate_limit, reserve, clock))]
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
        spool: Option<PathBuf>,
        rotations_per_hour: Count,
        rotations_per_day: Count,
        application_rotations_per_hour: Count,
        in_flight: Count,
        background: bool,
        retry_spent: String,
        fixed_interval: Option<f64>,
        rate_limit: Option<String>,
        reserve: Option<f64>,
        clock: Option<Py<Clock>>,
    ) -> PyResult<Pending> {
        let behaviour = Behaviour {
            spool,
            per_hour: rotations_per_hour,
            per_day: rotations_per_day,
            application_per_hour: application_rotations_per_hour,
            in_flight,
            background,
            retry_spent,
            fixed_interval,
            rate_limit,
            reserve,
        };
        // A variable that is not set comes as None: to the core that is an empty one.
        let (client_id, client_secret) =
            (client_id.unwrap_or_default(), client_secret.unwrap_or_default());
        let mut builder = guarded(py, || {
            let builder = evergrant::Application::builder(client_id, client_secret)
                .store(store)
                .key(key_source(key, key_file)?)
                .refresh_by_get(refresh_by_get);
            behaviour.apply(builder)
        })?;
        if let Some(origin) = authorization_server {
            builder = builder.authorization_server(origin);
        }
        if let Some(clock) = clock {
            builder = builder.clock(clock.get().core());
        }
        for host in authorization_hosts {
            builder = builder.allow_authorization_host(host);
        }
        Ok(Pending::new(async move {
            Ok(Self { core: builder.open().await?, tokens: Tokens::default() })
        }))
    }

    /// The link's address and its state.
    fn authorize_url(&self, py: Python<'_>, portal: &str) -> PyResult<(String, String)> {
        guarded(py, || self.core.authorize_url(portal).map(|link| (link.url, link.state)))
    }

    /// Turns a redirect into a grant.
    fn exchange(&self, redirect_url: String, expected_state: String) -> Pending {
        let app = self.core.clone();
        Pending::new(
            async move { app.exchange(&redirect_url, &expected_state).await.map(Grant::from) },
        )
    }

    /// Turns a copied code into a grant.
    fn exchange_code(&self, portal: String, code: String) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.exchange_code(&portal, code).await.map(Grant::from) })
    }

    /// All grants.
    fn grants(&self) -> Pending {
        let app = self.core.clone();
        Pending::new(async move {
            let grants = app.grants().await?;
            Ok(grants.into_iter().map(Grant::from).collect::<Vec<_>>())
        })
    }

    /// One grant.
    fn grant(&self, grant: GrantId) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.grant(grant).await.map(Grant::from) })
    }

    /// A token that lives at least `min_ttl` seconds more.
    fn token(&self, grant: GrantId, min_ttl: i64) -> Pending {
        let app = self.core.clone();
        Pending::new(
            async move { app.token(grant, min_ttl).await.map(|token| Token::from(&token)) },
        )
    }

    /// Python's `Token` for one that this process has already.
    fn token_sync(
        &self,
        py: Python<'_>,
        grant: GrantId,
        min_ttl: i64,
    ) -> PyResult<Option<Py<PyAny>>> {
        let token = self.core.peek_token(grant, min_ttl);
        token.map(|token| self.tokens.object(py, &token)).transpose()
    }

    /// A token newer than `generation`.
    fn renew_token(&self, grant: GrantId, generation: i64) -> Pending {
        let app = self.core.clone();
        Pending::new(async move {
            app.renew_token(grant, generation).await.map(|token| Token::from(&token))
        })
    }

    /// Keeps a delivered refresh token as a spare chain.
    fn add_spare(&self, grant: GrantId, refresh_token: String) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.add_spare(grant, refresh_token).await.map(Grant::from) })
    }

    /// Gives the grant to the user who consented with `code`.
    fn transfer(&self, grant: GrantId, code: String) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.transfer(grant, code).await.map(Grant::from) })
    }

    /// Changes from now on.
    fn changes(&self) -> Changes {
        self.core.changes().into()
    }

    /// One round of background work.
    fn maintain(&self) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.maintain().await })
    }

    /// When keep-alive is due next, and when the first refresh token probably dies.
    fn next_keep_alive(&self) -> Pending {
        let app = self.core.clone();
        Pending::new(async move {
            Ok(app.next_keep_alive().await?.map(|next| (next.due_at, next.expires_at)))
        })
    }

    /// Begins nothing new, and waits for what is under way.
    fn shut_down(&self, py: Python<'_>, deadline: Option<f64>) -> PyResult<Pending> {
        let app = self.core.clone();
        let deadline = guarded(py, || {
            deadline.map_or(Ok(LONGEST_EXCHANGE), |deadline| duration("deadline", deadline))
        })?;
        Ok(Pending::new(async move { Ok(app.shut_down(deadline).await) }))
    }

    /// Trusts this store's word for a grant that is held.
    fn release(&self, grant: GrantId) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.release(grant).await })
    }

    /// Seals everything with the newest master key.
    fn reseal(&self) -> Pending {
        let app = self.core.clone();
        Pending::new(async move { app.reseal().await })
    }

    /// A grant's history.
    fn audit(&self, grant: GrantId) -> Pending {
        let app = self.core.clone();
        Pending::new(async move {
            let entries = app.audit(grant).await?;
            Ok(entries.into_iter().map(AuditEntry::from).collect::<Vec<_>>())
        })
    }

    /// What the keeper has done in this process.
    fn statistics(&self) -> Statistics {
        self.core.statistics().into()
    }

    /// A client that calls the grant's portal.
    fn client(&self, grant: GrantId) -> Client {
        self.core.client(grant).into()
    }
}
