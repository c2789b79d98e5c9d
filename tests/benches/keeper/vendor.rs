//! An authorization server that does next to nothing, on a thread of its own: what is measured
//! beside it is not its work.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net,
};

/// Where it listens. Its thread ends with the program.
#[derive(Clone, Copy)]
pub struct Vendor(SocketAddr);

impl Vendor {
    pub fn start() -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                tell.send(address).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(answer(stream, address));
                }
            });
        });
        Self(told.recv().unwrap())
    }

    /// Its origin, which is also every portal's.
    pub fn origin(self) -> String {
        format!("http://{}", self.0)
    }

    /// The same exchange by hand, as plain as it can be.
    pub fn exchange_plainly(self, portal: u64) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.0).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&self.request(portal)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// As [`Self::exchange_plainly`], for floors that do not block.
    pub async fn exchange(self, portal: u64) -> Vec<u8> {
        let mut stream = net::TcpStream::connect(self.0).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&self.request(portal)).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    }

    fn request(self, portal: u64) -> Vec<u8> {
        let form = format!(
            "grant_type=refresh_token&client_id=local.bench&client_secret={}&refresh_token={}",
            "s".repeat(50),
            token(portal, 30 * 86_400)
        );
        format!(
            "POST /oauth/token/ HTTP/1.1\r\nhost: {}\r\nuser-agent: floor\r\naccept: application/json\r\n\
             connection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            self.0,
            form.len()
        )
        .into_bytes()
    }
}

/// One request, one pair, of the portal that the code or the refresh token names.
async fn answer(mut stream: net::TcpStream, address: SocketAddr) {
    let mut request = Vec::new();
    let form = loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&request);
        let Some((head, form)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        if form.len() >= length.unwrap_or(0) {
            break form.to_owned();
        }
    };
    let value = |name: &str| {
        form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or("")
    };
    let portal = match value("code") {
        "" => u64::from_str_radix(value("refresh_token").get(8..24).unwrap_or("0"), 16).unwrap(),
        code => code.parse().unwrap(),
    };
    // A renewal does not say whose: copies of a grant have its tokens and users of their own.
    let user = value("code").parse::<u64>().ok().map(|_| 1);
    let body = serde_json::json!({
        "access_token": token(portal, 3600),
        "expires": now() + 3600,
        "expires_in": 3600,
        "scope": "app,crm,user,task,im,imbot",
        "domain": address.to_string(),
        "server_endpoint": format!("http://{address}/rest/"),
        "status": "L",
        "client_endpoint": format!("http://{address}/rest/"),
        "member_id": format!("{portal:032x}"),
        "user_id": user,
        "refresh_token": token(portal, 30 * 86_400),
    })
    .to_string();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(whole.as_bytes()).await;
}

/// Seventy digits as the vendor makes them: when it dies (little-endian), here the portal, and the rest.
fn token(portal: u64, life: u64) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let dies = u32::try_from(now() + life).unwrap().swap_bytes();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{dies:08x}{portal:016x}{:046x}", count)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
