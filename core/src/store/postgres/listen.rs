//! Notifications: told after a commit, heard over a connection of their own.

use std::{future::poll_fn, sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};
use tokio_postgres::AsyncMessage;

use super::address::Address;
use crate::{Result, process};

const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What changes within so long is told of at once.
const BREATH: Duration = Duration::from_millis(20);

/// Ends its task when it is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tells that grants have changed.
///
/// Not inside the transaction that changes them: a server lets transactions that notify commit one
/// after the other, each with its own wait for the disk. These here wait for no disk, and one
/// tells of all that has changed meanwhile. A notification may be lost; who listens also polls.
pub(super) struct Notifier {
    changed: Arc<Notify>,
    _task: Task,
}

impl Notifier {
    pub(super) fn start(pool: Pool) -> Result<Self> {
        let changed = Arc::new(Notify::new());
        let task = process::runtime()?.spawn(notify(pool, Arc::clone(&changed)));
        Ok(Self { changed, _task: Task(task.abort_handle()) })
    }

    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }
}

async fn notify(pool: Pool, changed: Arc<Notify>) {
    let statement =
        "SELECT set_config('synchronous_commit', 'off', true), pg_notify('evergrant', '')";
    loop {
        changed.notified().await;
        if let Ok(client) = pool.get().await
            && let Err(error) = client.query_typed(statement, &[]).await
        {
            tracing::debug!(%error, "a notification was not sent");
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Hears that grants have changed.
pub(super) struct Listener {
    wakes: watch::Receiver<u64>,
    _task: Task,
}

impl Listener {
    pub(super) fn start(address: Address) -> Result<Self> {
        let (wake, wakes) = watch::channel(0);
        let task = process::runtime()?.spawn(listen(address, wake));
        Ok(Self { wakes, _task: Task(task.abort_handle()) })
    }

    pub(super) fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.clone()
    }
}

async fn listen(address: Address, wake: watch::Sender<u64>) {
    let mut pause = Duration::from_millis(100);
    loop {
        match listen_once(&address, &wake).await {
            Ok(()) => pause = Duration::from_millis(100),
            Err(error) => {
                tracing::warn!(store = address.shown, error = %crate::redact(&error.to_string()),
                    "no notifications from the store; changes are found by polling");
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Listens until the connection is lost.
async fn listen_once(
    address: &Address,
    wake: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = address.config.connect(address.tls.clone()).await?;
    let mut listening = std::pin::pin!(client.batch_execute("LISTEN evergrant"));
    let mut ready = false;
    loop {
        tokio::select! {
            answer = &mut listening, if !ready => {
                answer?;
                ready = true;
                // Whatever was told before was not heard.
                wake.send_modify(|count| *count += 1);
            }
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(_))) => wake.send_modify(|count| *count += 1),
                Some(Ok(_)) => {}
                Some(Err(error)) => return if ready { Ok(()) } else { Err(error) },
                None => return Ok(()),
            },
        }
    }
}
