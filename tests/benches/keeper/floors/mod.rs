//! The plain cost of a rotation: the same exchange, the same three durable transactions with the same
//! rows, and one synced write of the answer into a file that has room for it. No lease is looked at,
//! no condition, no budget, nothing is sealed, no history is hashed, nobody else is thought of.

pub mod postgres;
pub mod redis;
pub mod sqlite;

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    time::Instant,
};

use crate::vendor::Vendor;

/// One of them.
pub struct Floor {
    vendor: Vendor,
    store: Store,
    rooms: Vec<Arc<File>>,
}

enum Store {
    Sqlite(Arc<sqlite::Plain>),
    Postgres(Arc<postgres::Plain>),
    Redis(Arc<redis::Plain>),
}

/// Which of the three transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Begin,
    Confirm,
    Commit,
}

impl Floor {
    pub fn sqlite(vendor: Vendor, ours: &Path, workers: usize) -> Self {
        let store = Store::Sqlite(Arc::new(sqlite::Plain::beside(ours)));
        Self { vendor, store, rooms: rooms(ours.parent().unwrap(), workers) }
    }

    pub async fn postgres(vendor: Vendor, ours: &str, folder: &Path, workers: usize) -> Self {
        let store = Store::Postgres(Arc::new(postgres::Plain::beside(ours).await));
        Self { vendor, store, rooms: rooms(folder, workers) }
    }

    pub async fn redis(vendor: Vendor, server: &str, folder: &Path, workers: usize) -> Self {
        let store = Store::Redis(Arc::new(redis::Plain::on(server).await));
        Self { vendor, store, rooms: rooms(folder, workers) }
    }

    /// Does it again and again; answers how often. An embedded store wants a thread, a server does not.
    pub fn work(&self, worker: usize, until: Instant) -> impl Future<Output = u32> + use<> {
        let (vendor, room) = (self.vendor, Arc::clone(&self.rooms[worker]));
        let store = match &self.store {
            Store::Sqlite(plain) => Store::Sqlite(Arc::clone(plain)),
            Store::Postgres(plain) => Store::Postgres(Arc::clone(plain)),
            Store::Redis(plain) => Store::Redis(Arc::clone(plain)),
        };
        async move {
            match store {
                Store::Sqlite(plain) => {
                    let work = move || blocking(&plain, vendor, &room, worker, until);
                    tokio::task::spawn_blocking(work).await.unwrap()
                }
                Store::Postgres(plain) => {
                    let mut done = 0;
                    while Instant::now() < until {
                        plain.step(worker, Step::Begin).await;
                        plain.step(worker, Step::Confirm).await;
                        keep(&room, vendor.exchange(worker as u64).await).await;
                        plain.step(worker, Step::Commit).await;
                        done += 1;
                    }
                    done
                }
                Store::Redis(plain) => {
                    let mut done = 0;
                    while Instant::now() < until {
                        plain.step(worker, Step::Begin).await;
                        plain.step(worker, Step::Confirm).await;
                        keep(&room, vendor.exchange(worker as u64).await).await;
                        plain.step(worker, Step::Commit).await;
                        done += 1;
                    }
                    done
                }
            }
        }
    }
}

fn blocking(
    plain: &sqlite::Plain,
    vendor: Vendor,
    room: &File,
    worker: usize,
    until: Instant,
) -> u32 {
    let mut done = 0;
    while Instant::now() < until {
        plain.step(worker, Step::Begin);
        plain.step(worker, Step::Confirm);
        write(room, &vendor.exchange_plainly(worker as u64));
        plain.step(worker, Step::Commit);
        done += 1;
    }
    done
}

/// Off the runtime's threads: a sync blocks.
async fn keep(room: &Arc<File>, answer: Vec<u8>) {
    let room = Arc::clone(room);
    tokio::task::spawn_blocking(move || write(&room, &answer)).await.unwrap();
}

fn write(room: &File, answer: &[u8]) {
    let mut bytes = vec![b'\n'; 1024];
    bytes.extend_from_slice(answer);
    room.write_all_at(&bytes, 0).unwrap();
    room.sync_data().unwrap();
}

/// A file per worker whose blocks are there already.
fn rooms(folder: &Path, workers: usize) -> Vec<Arc<File>> {
    let room = |worker| {
        let path = folder.join(format!("room-{worker}"));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        file.write_all_at(&[b'\n'; 50 * 1024], 0).unwrap();
        file.sync_all().unwrap();
        Arc::new(file)
    };
    (0..workers).map(room).collect()
}
