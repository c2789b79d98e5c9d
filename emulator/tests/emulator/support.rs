//! Starts an emulator and talks to it.

use evergrant_emulator::{Config, Emulator, Ready};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A small portal without a limit, so that tests do not disturb themselves.
pub(crate) fn small() -> Config {
    Config { leads: 500, deals: 60, contacts: 70, burst: 0, ..Config::default() }
}

/// A running emulator and a client that follows no redirects.
pub(crate) struct Running {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Self { status, headers, text: response.text().await.unwrap() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.text) {
            Ok(value) => value,
            Err(error) => unreachable!("{error} in {}: {}", self.status, self.text),
        }
    }

    /// Status and error code.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or("-").to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn start(config: Config) -> Running {
    // Who comes second finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Running { emulator: Emulator::start(config).await.unwrap(), http }
}

impl Running {
    pub(crate) fn ready(&self) -> &Ready {
        self.emulator.ready()
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        Reply::of(self.http.get(url).send().await.unwrap()).await
    }

    pub(crate) async fn get_with(&self, url: &str, query: &[(&str, &str)]) -> Reply {
        Reply::of(self.http.get(url).query(query).send().await.unwrap()).await
    }

    pub(crate) async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Reply {
        Reply::of(self.http.post(url).form(form).send().await.unwrap()).await
    }

    pub(crate) async fn post_json(&self, url: &str, body: &Value) -> Reply {
        Reply::of(self.http.post(url).json(body).send().await.unwrap()).await
    }

    /// `POST` at the control port, whatever the outcome.
    pub(crate) async fn try_control(&self, path: &str, body: Value) -> Reply {
        self.post_json(&format!("{}{path}", self.ready().control), &body).await
    }

    /// `POST` at the control port; it must succeed.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let reply = self.try_control(path, body).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    /// `GET` at the control port.
    pub(crate) async fn truth(&self, path: &str) -> Value {
        let reply = self.get(&format!("{}{path}", self.ready().control)).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    /// A token request as a form, with the application's own credentials.
    pub(crate) async fn grant(&self, grant_type: &str, name: &str, value: &str) -> Reply {
        let Ready { authorization, client_id, client_secret, .. } = self.ready();
        let form = [
            ("grant_type", grant_type),
            ("client_id", client_id),
            ("client_secret", client_secret),
            (name, value),
        ];
        self.post_form(&format!("{authorization}/oauth/token/"), &form).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Reply {
        self.grant("authorization_code", "code", code).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        self.grant("refresh_token", "refresh_token", token).await
    }

    pub(crate) async fn code(&self, user_id: u64) -> String {
        let consent = self.control("/consent", json!({"user_id": user_id, "state": "s"})).await;
        consent["code"].as_str().unwrap().to_owned()
    }

    /// Consent and exchange: the first pair of a new chain.
    pub(crate) async fn pair_of(&self, user_id: u64) -> Pair {
        let reply = self.exchange(&self.code(user_id).await).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        Pair::of(&reply.json())
    }

    pub(crate) async fn pair(&self) -> Pair {
        self.pair_of(1).await
    }

    /// A REST call through the webhook, with a JSON body.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Reply {
        self.post_json(&format!("{}{method}", self.ready().webhook), &params).await
    }

    /// A REST call with a JSON body that says itself who calls.
    pub(crate) async fn rest(&self, method: &str, params: Value) -> Reply {
        self.post_json(&format!("{}/rest/{method}", self.ready().portal), &params).await
    }

    /// A REST call with an access token.
    pub(crate) async fn call_as(&self, access_token: &str, method: &str) -> Reply {
        let url = format!("{}/rest/{method}", self.ready().portal);
        self.post_json(&url, &json!({"auth": access_token})).await
    }

    /// The issuer's own word on an access token.
    pub(crate) async fn oracle(&self, access_token: &str) -> Reply {
        let url = format!("{}/rest/app.info", self.ready().authorization);
        self.get_with(&url, &[("auth", access_token)]).await
    }
}

/// The tokens of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Pair {
    #[track_caller]
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// Ids of a list, as numbers.
pub(crate) fn ids(list: &Value) -> Vec<u64> {
    let rows = list["result"].as_array().unwrap();
    rows.iter().map(|row| row["ID"].as_str().unwrap().parse().unwrap()).collect()
}
