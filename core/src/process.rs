//! What exists once per process: the runtime, the pooled HTTP client, the TLS of exchanges.
//!
//! A forked child must not touch its parent's runtime (the threads do not exist there) or sockets
//! (both would read from them), so everything here is found by process id and built afresh.

use std::{future::Future, sync::Arc, time::Duration};

use once_cell::{race::OnceBox, sync::OnceCell};
use rustls::{ClientConfig, crypto::CryptoProvider};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Kind, Result};

/// A value per process: a forked child gets a new one, the parent's stays untouched.
///
/// A list of boxes, one per process id. Finding one never blocks, so a fork in the middle of
/// another thread's look-up leaves nothing locked.
pub struct PerProcess<T>(OnceBox<Node<T>>);

struct Node<T> {
    process: u32,
    value: Option<T>,
    next: OnceBox<Node<T>>,
}

impl<T: Default> PerProcess<T> {
    /// No process has a value yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceBox::new())
    }

    /// This process's value, made on first use.
    pub fn get(&self) -> &T {
        let process = std::process::id();
        let mut place = &self.0;
        loop {
            let node = place.get_or_init(|| {
                Box::new(Node { process, value: Some(T::default()), next: OnceBox::new() })
            });
            match &node.value {
                Some(value) if node.process == process => return value,
                _ => place = &node.next,
            }
        }
    }
}

impl<T: Default> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Closing what the parent opened would act on the parent's files and sockets.
            std::mem::forget(self.value.take());
        }
    }
}

#[derive(Default)]
struct Shared {
    runtime: OnceCell<Runtime>,
    http: OnceCell<reqwest::Client>,
    tls: OnceCell<Arc<ClientConfig>>,
}

static SHARED: PerProcess<Shared> = PerProcess::new();

/// The runtime that all I/O of this crate runs on. Two worker threads, or `EVERGRANT_WORKERS`.
///
/// # Errors
/// [`Kind::Internal`] if the system refuses to start threads.
pub fn runtime() -> Result<&'static Runtime> {
    SHARED.get().runtime.get_or_try_init(|| {
        let workers = std::env::var("EVERGRANT_WORKERS")
            .ok()
            .and_then(|count| count.parse().ok())
            .filter(|count| (1..=256).contains(count))
            .unwrap_or(2);
        Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("evergrant")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(Kind::Internal, "the runtime did not start").with_source(error)
            })
    })
}

/// Runs `future` on the shared runtime, whatever runtime the caller is on. Dropping the returned
/// future cancels the work; [`shield`] and [`detach`] are for work that must outlive its caller.
pub(crate) async fn run<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let runtime = runtime()?;
    if Handle::try_current().is_ok_and(|current| current.id() == runtime.handle().id()) {
        return future.await;
    }
    Task(runtime.spawn(future)).join().await
}

/// Runs `future` on the shared runtime to its end, even if the caller stops waiting.
pub(crate) async fn shield<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    runtime()?.spawn(future).await.map_err(lost_task)?
}

/// Starts `future` on the shared runtime and lets it run to its end, whoever stops waiting.
pub(crate) fn detach(future: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    runtime()?.spawn(future);
    Ok(())
}

/// Runs blocking work (files, SQLite) off the runtime's workers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    runtime()?.spawn_blocking(work).await.map_err(lost_task)?
}

fn lost_task(error: tokio::task::JoinError) -> Error {
    if error.is_cancelled() {
        return Error::new(Kind::Cancelled, "the work was cancelled")
            .advise("What was sent already may have been executed.");
    }
    Error::new(Kind::Internal, "a task ended without an answer").with_source(error)
}

/// Starts `future` on the shared runtime; whoever holds the task waits for it when there is time.
pub(crate) fn start<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<Task<T>> {
    Ok(Task(runtime()?.spawn(future)))
}

/// Work under way. Dropped, it is cancelled.
pub(crate) struct Task<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Task<T> {
    /// What came of it. A wait that is given up can be taken up again, until there was an outcome.
    pub(crate) async fn join(&mut self) -> Result<T> {
        (&mut self.0).await.map_err(lost_task)?
    }

    /// Cancels it from elsewhere.
    pub(crate) fn aborter(&self) -> tokio::task::AbortHandle {
        self.0.abort_handle()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Who we say we are.
pub(crate) const USER_AGENT: &str = concat!("evergrant/", env!("CARGO_PKG_VERSION"));

/// Longest wait for any answer of a portal, which cuts a request itself after a minute.
pub(crate) const REST_TIMEOUT: Duration = Duration::from_secs(65);

/// The pooled client for REST calls: keep-alive, no redirects (a redirect could carry a token to
/// another host), no retries of its own.
pub(crate) fn http() -> Result<&'static reqwest::Client> {
    SHARED.get().http.get_or_try_init(|| build(client().timeout(REST_TIMEOUT)))
}

/// How the connections to the authorization server do TLS: verified as the REST client does it,
/// HTTP/1.1 alone. Reading the system's certificates takes longer than an exchange, hence once.
pub(crate) fn tls() -> Result<Arc<ClientConfig>> {
    SHARED.get().tls.get_or_try_init(|| build_tls().map(Arc::new).map_err(unbuilt)).cloned()
}

fn build_tls() -> Result<ClientConfig, rustls::Error> {
    choose_cryptography();
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?;
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// Makes ring the process's TLS cryptography, unless the program has chosen another already. Done
/// by itself before the first connection; a program that builds TLS clients of its own calls it
/// earlier.
pub fn choose_cryptography() {
    // An error means that a choice was made: it holds.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn client() -> reqwest::ClientBuilder {
    choose_cryptography();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder.build().map_err(|error| unbuilt(error.without_url()))
}

fn unbuilt(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Internal, "the HTTP client could not be built")
        .advise("Check that the system's certificate store is readable.")
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_per_process() {
        static SLOT: PerProcess<OnceCell<u32>> = PerProcess::new();
        SLOT.get().set(7).unwrap();
        assert_eq!(SLOT.get().get(), Some(&7));
    }

    #[test]
    fn dropping_the_caller_cancels_run_but_not_detach() {
        let (told, heard) = std::sync::mpsc::channel();
        let other = Builder::new_current_thread().enable_all().build().unwrap();
        let detached = told.clone();
        other.block_on(async move {
            let cancelled = run(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                told.send("run").ok();
                Ok(())
            });
            tokio::time::timeout(Duration::from_millis(5), cancelled).await.unwrap_err();
            detach(async move {
                tokio::time::sleep(Duration::from_millis(80)).await;
                detached.send("detach").ok();
            })
            .unwrap();
        });
        drop(other);
        assert_eq!(heard.recv(), Ok("detach"));
        assert!(heard.recv().is_err(), "the cancelled task must not have run on");
    }
}
