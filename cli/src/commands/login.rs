//! `evergrant login`: from a person's consent to a grant in the store.

use std::{
    io::IsTerminal,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    response::Html,
    routing::get,
};
use clap::Args;
use evergrant::{Application, AuthorizeLink, Error, Grant, Kind, Result};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use crate::{options::ApplicationOptions, output};

macro_rules! page {
    ($title:literal, $text:literal) => {
        concat!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>", $title,
            "</title><style>body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;",
            "color:#1f2933;background:#f5f7fa}main{background:#fff;padding:2rem 3rem;border-radius:12px;",
            "box-shadow:0 1px 4px #0002;max-width:28rem}h1{font-size:1.3rem;margin:0 0 .5rem}p{margin:0}</style>",
            "<main><h1>", $title, "</h1><p>", $text, "</p></main>"
        )
    };
}
/// Authorize the application on a portal and keep the grant.
///
/// Prints a link. Open it, sign in, allow. The browser comes back to a port on this machine, which
/// must be the redirect address in the application's card; or paste the address or the code here.
/// A code lives 30 seconds.
#[derive(Args)]
pub(crate) struct Login {
    /// The portal, such as example.bitrix24.com.
    portal: String,
    #[command(flatten)]
    application: ApplicationOptions,
    /// The port that the redirect comes to: the card's redirect address is http://127.0.0.1:PORT/callback.
    #[arg(long, default_value_t = 8924, value_name = "PORT")]
    port: u16,
    /// Do not listen; only wait for a pasted address or code.
    #[arg(long)]
    paste: bool,
    /// How many seconds to wait for the consent.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    wait: u64,
}

impl Login {
    pub(crate) async fn run(self) -> Result<()> {
        let application = self.application.open().await?;
        let link = application.authorize_url(&self.portal)?;
        let (found, mut redirects) = mpsc::channel(4);
        if !self.paste {
            listen(self.port, found.clone()).await?;
        }
        if self.paste || std::io::stdin().is_terminal() {
            tokio::spawn(read_pasted(found.clone()));
        }
        output::note("Open this address, sign in and allow the application:");
        output::line(&link.url)?;
        output::note(
            "Waiting for the redirect. You can also paste the address you end up at, or the code.",
        );
        let waiting = async {
            while let Some(text) = redirects.recv().await {
                match self.exchange(&application, &link, &text).await {
                    Ok(grant) => return Ok(grant),
                    // Anybody can send a browser to our port: a forged redirect must not end the wait.
                    Err(error) if error.kind() == Kind::StateMismatch => {
                        output::complain(&error, false);
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(Error::new(Kind::Cancelled, "there is nothing left to wait for"))
        };
        let grant = tokio::time::timeout(Duration::from_secs(self.wait), waiting).await.map_err(|_| {
            Error::new(Kind::Timeout, "nobody consented in time")
                .with("portal", self.portal.clone())
                .advise("If the portal showed an error page, the application is not installed there or its redirect address differs.")
        })??;
        drop(found);
        output::note(format!(
            "Grant {} on {} for user {} is kept. Try: evergrant call profile --grant {}",
            grant.id, grant.portal, grant.user_id, grant.id
        ));
        Ok(())
    }

    async fn exchange(
        &self,
        application: &Application,
        link: &AuthorizeLink,
        text: &str,
    ) -> Result<Grant> {
        if text.contains("code=") {
            application.exchange(text, &link.state).await
        } else {
            application.exchange_code(&self.portal, text).await
        }
    }
}

async fn listen(port: u16, found: mpsc::Sender<String>) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::invalid_input("port", "the port for the redirect cannot be opened")
            .with("address", address.to_string())
            .advise("Stop what uses it, choose --port (and the same in the application's card), or use --paste.")
            .with_source(error)
    })?;
    let pages = Router::new().route("/callback", get(callback)).with_state(found);
    tokio::spawn(async move { axum::serve(listener, pages).await });
    Ok(())
}

async fn callback(
    State(found): State<mpsc::Sender<String>>,
    RawQuery(query): RawQuery,
) -> Html<&'static str> {
    let query = query.unwrap_or_default();
    if !query.contains("code=") {
        return Html(page!(
            "No code",
            "The portal sent no code. Look at the terminal, and try again."
        ));
    }
    // A full queue means that several redirects wait already: this one is not needed.
    let _ = found.try_send(query);
    Html(page!(
        "Thank you",
        "evergrant has the code. The terminal says how it went; you can close this page."
    ))
}

async fn read_pasted(found: mpsc::Sender<String>) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = line.trim();
        if !line.is_empty() && found.send(line.to_owned()).await.is_err() {
            return;
        }
    }
}
