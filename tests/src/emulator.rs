//! Starts the program `evergrant emulator` and stops it by pid.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

/// The program under test: `EVERGRANT_PROGRAM`, else the one that cargo built beside this test.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("EVERGRANT_PROGRAM") {
        return path.into();
    }
    beside("evergrant")
}

/// A program that cargo built beside this test.
pub(crate) fn beside(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().expect("a test has a path");
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    let path = folder.join(name);
    let package = if name == "evergrant" { "evergrant-cli" } else { name };
    assert!(path.exists(), "{} is missing: run `cargo build -p {package}` first", path.display());
    path
}

/// A running emulator. Its process ends when this is dropped, or when the test dies.
pub struct Emulator {
    ready: Value,
    http: reqwest::Client,
    _child: Child,
    _stdin: ChildStdin,
}

impl Emulator {
    /// Starts one on free ports with the given flags, such as `--leads 10`.
    pub async fn start(flags: &[String]) -> Self {
        evergrant::process::choose_cryptography();
        let mut child = Command::new(program())
            .args(["emulator", "--until-stdin-closes"])
            .args(["--authorization-port", "0", "--portal-port", "0", "--control-port", "0"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the emulator starts");
        let stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        tokio::time::timeout(Duration::from_secs(20), BufReader::new(stdout).read_line(&mut line))
            .await
            .expect("the emulator is ready in time")
            .expect("the emulator speaks");
        let ready = serde_json::from_str(&line).expect("the ready line is JSON");
        Self { ready, http: reqwest::Client::new(), _child: child, _stdin: stdin }
    }

    /// A field of the ready line.
    pub fn ready(&self, field: &str) -> String {
        self.ready[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in the ready line"))
            .to_owned()
    }

    /// The whole ready line.
    pub fn ready_line(&self) -> &Value {
        &self.ready
    }

    /// One request to the control port.
    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.ready("control"));
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.expect("the control port answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "control {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A number among the counters, by JSON pointer; 0 where nothing was counted.
    pub async fn count(&self, pointer: &str) -> u64 {
        let counters = self.control("GET", "/counters", &Value::Null).await;
        counters.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A request as a browser would make it; the `Location` it is sent to.
    pub async fn follow(&self, url: &str) -> Option<String> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let answer = http.get(url).send().await.expect("the portal answers");
        answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned())
    }
}
