//! Waking: every change is published, and one connection per process listens.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisResult, cmd};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::Inner;
use crate::process;

const CONNECT: Duration = Duration::from_secs(5);
/// A silent connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(15);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Inner {
    /// Starts to listen on first use in this process. `None` if there is no runtime.
    pub(super) fn wakes(self: &Arc<Self>) -> Option<watch::Receiver<u64>> {
        let start = || {
            let (sender, receiver) = watch::channel(0);
            let listener = self.address.listener.clone();
            let channel = format!("{}wake", self.address.keys);
            process::detach(async move {
                // Ends with the last receiver: the store holds one, and whoever listens.
                tokio::select! {
                    () = sender.closed() => {}
                    () = listen(&listener, &channel, &sender) => {}
                }
            })
            .map(|()| receiver)
        };
        self.wakes.get().get_or_try_init(start).ok().cloned()
    }
}

async fn listen(client: &redis::Client, channel: &str, sender: &watch::Sender<u64>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        match subscribe(client, channel, sender, &mut pause).await {
            Ok(()) => tracing::debug!("the store's wakes are interrupted"),
            Err(error) => tracing::debug!(%error, "the store wakes nobody for now"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Passes messages on until the connection ends.
async fn subscribe(
    client: &redis::Client,
    channel: &str,
    sender: &watch::Sender<u64>,
    pause: &mut Duration,
) -> RedisResult<()> {
    process::choose_cryptography();
    let (push, mut pushed) = mpsc::unbounded_channel::<PushInfo>();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(CONNECT))
        .set_push_sender(push);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    connection.subscribe(channel).await?;
    *pause = SHORTEST_PAUSE;
    // Whatever was missed while nobody listened.
    let wake = || sender.send_modify(|count| *count = count.wrapping_add(1));
    wake();
    loop {
        match timeout(SILENCE, pushed.recv()).await {
            Ok(Some(push)) if push.kind == PushKind::Message => wake(),
            Ok(Some(push)) if push.kind == PushKind::Disconnection => return Ok(()),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(_) => cmd("PING").query_async::<redis::Value>(&mut connection).await.map(drop)?,
        }
    }
}
