//! A wire to a server that can be cut at any packet.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

/// Passes everything on, until as many packets have passed as it was told.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// Packets that may still pass; negative: all of them.
    left: Arc<AtomicI64>,
    server: String,
    listening: JoinHandle<()>,
    /// Holds the port while nobody listens: nobody else shall.
    away: Option<TcpSocket>,
}

impl Proxy {
    /// Stands before `server`, a host and port.
    pub async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let left = Arc::new(AtomicI64::new(-1));
        let listening = tokio::spawn(listen(listener, server.clone(), Arc::clone(&left)));
        Self { address, left, server, listening, away: None }
    }

    /// From now on nobody is there: connections are refused.
    pub async fn leave(&mut self) {
        self.listening.abort();
        // The port is free when the task has ended.
        let _ = (&mut self.listening).await;
        self.away = Some(bound(self.address));
    }

    /// Listens again where it has left.
    pub async fn come_back(&mut self) {
        let socket = self.away.take().unwrap_or_else(|| bound(self.address));
        let listener = socket.listen(1024).unwrap();
        let listening = listen(listener, self.server.clone(), Arc::clone(&self.left));
        self.listening = tokio::spawn(listening);
    }

    /// Cuts every connection after `packets` more, in either direction. New ones are cut too.
    pub fn cut_after(&self, packets: u32) {
        self.left.store(i64::from(packets), Ordering::SeqCst);
    }

    /// Lets everything pass again. True if something was cut.
    pub fn mend(&self) -> bool {
        self.left.swap(-1, Ordering::SeqCst) == 0
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn listen(listener: TcpListener, server: String, left: Arc<AtomicI64>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass(client, server.clone(), Arc::clone(&left)));
    }
}

async fn pass(client: TcpStream, server: String, left: Arc<AtomicI64>) {
    let Ok(upstream) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = upstream.into_split();
    // Whoever ends first takes the other with it.
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, &left) => {}
        () = pump(&mut from_server, &mut to_client, &left) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    left: &AtomicI64,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let may = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            0 => None,
            1.. => Some(left - 1),
            _ => Some(left),
        });
        if may.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
