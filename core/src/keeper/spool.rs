//! The spool: raw answers of the token endpoint, on disk before anything looks at them.
//!
//! One file per attempt. Its space is reserved and synced before a refresh token leaves, so that a
//! full disk is an error while nothing is lost yet. Answers stay, sealed, for two days after their
//! commit: a store that was rolled back can be brought forward again.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::keep::Claims;
use crate::{
    Error, Kind, Result,
    oauth::LONGEST_ANSWER,
    process::blocking,
    store::{AttemptId, GrantId, Lineage},
};

/// A header of at most this many bytes, then the length of the sealed answer, then the answer.
const HEADER: usize = 1024;
const SLOT: usize = HEADER + 4 + LONGEST_ANSWER + 1024;
const KEEP: Duration = Duration::from_secs(48 * 3600);
const OPEN: &str = "open";
const DONE: &str = "done";

/// What an answer is the answer to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) client_id: String,
    pub(crate) attempt: String,
    /// Grant and parent lineage of a rotation; absent for the exchange of a code.
    rotation: Option<(GrantId, String)>,
    /// What the answer to a code must agree with.
    #[serde(default)]
    claims: Claims,
    /// The authorization server that answers.
    pub(crate) server: String,
    pub(crate) status: Option<u16>,
}

impl Label {
    pub(crate) fn rotation(
        client_id: &str,
        attempt: AttemptId,
        grant: GrantId,
        parent: Lineage,
        server: &str,
    ) -> Self {
        let rotation = Some((grant, hex(&parent.0)));
        Self { rotation, ..Self::consent(client_id, attempt, &Claims::default(), server) }
    }

    pub(crate) fn consent(
        client_id: &str,
        attempt: AttemptId,
        claims: &Claims,
        server: &str,
    ) -> Self {
        Self {
            client_id: client_id.to_owned(),
            attempt: hex(&attempt.0),
            rotation: None,
            claims: claims.clone(),
            server: server.to_owned(),
            status: None,
        }
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        unhex(&self.attempt).map(AttemptId)
    }

    pub(crate) fn parent(&self) -> Option<(GrantId, Lineage)> {
        let (grant, parent) = self.rotation.as_ref()?;
        Some((*grant, Lineage(unhex(parent)?)))
    }
}

/// Where answers wait. A store without a place has none: what it keeps dies with the process anyway.
pub(crate) struct Spool {
    folder: Option<PathBuf>,
}

/// Room for one answer.
pub(crate) struct Slot {
    label: Label,
    file: Option<PathBuf>,
}

impl Spool {
    pub(crate) async fn open(folder: Option<PathBuf>) -> Result<Self> {
        if let Some(folder) = folder.clone() {
            blocking(move || {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&folder)
                    .and_then(|()| prune(&folder))
                    .map_err(|error| failed(error, &folder))
            })
            .await?;
        }
        Ok(Self { folder })
    }

    /// Reserves durable room for the answer to one attempt.
    pub(crate) async fn reserve(&self, label: Label) -> Result<Slot> {
        let Some(folder) = &self.folder else { return Ok(Slot { label, file: None }) };
        let path = folder.join(format!("{}.{OPEN}", label.attempt));
        let slot = Slot { label: label.clone(), file: Some(path.clone()) };
        blocking(move || {
            let made = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut file| {
                    // Real bytes, not a hole: the space must be ours.
                    file.write_all(&vec![0; SLOT])?;
                    write_header(&mut file, &label)?;
                    file.sync_all()?;
                    sync(&path)
                });
            made.map_err(|error| {
                // Half a slot is of no use, and its room is wanted.
                let _ = fs::remove_file(&path);
                failed(error, &path)
            })
        })
        .await?;
        Ok(slot)
    }

    /// Answers that were never committed, with the slots they wait in.
    pub(crate) async fn waiting(&self) -> Result<Vec<(Slot, Vec<u8>)>> {
        let Some(folder) = self.folder.clone() else { return Ok(Vec::new()) };
        blocking(move || read_all(&folder).map_err(|error| failed(error, &folder))).await
    }
}

impl Slot {
    pub(crate) fn label(&self) -> &Label {
        &self.label
    }

    /// Makes the sealed answer durable.
    pub(crate) async fn write(&mut self, status: u16, sealed: Vec<u8>) -> Result<()> {
        self.label.status = Some(status);
        let Some(path) = self.file.clone() else { return Ok(()) };
        let label = self.label.clone();
        blocking(move || {
            fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|mut file| {
                    write_header(&mut file, &label)?;
                    file.seek(SeekFrom::Start(HEADER as u64))?;
                    let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
                    file.write_all(&length.to_be_bytes())?;
                    file.write_all(&sealed)?;
                    file.sync_data()
                })
                .map_err(|error| failed(error, &path))
        })
        .await
    }

    /// The answer is in the store: keep the file aside for a while.
    pub(crate) async fn done(self) -> Result<()> {
        self.finish(|path| fs::rename(path, path.with_extension(DONE)).and_then(|()| sync(path)))
            .await
    }

    /// There is no answer worth keeping.
    pub(crate) async fn discard(self) -> Result<()> {
        self.finish(|path| fs::remove_file(path)).await
    }

    async fn finish(
        self,
        how: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let Some(path) = self.file else { return Ok(()) };
        blocking(move || match how(&path) {
            // Another process has recovered this answer meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| failed(error, &path)),
        })
        .await
    }
}

fn write_header(file: &mut fs::File, label: &Label) -> io::Result<()> {
    let mut header = serde_json::to_vec(label)?;
    if header.len() > HEADER {
        return Err(io::Error::other("the label does not fit"));
    }
    header.resize(HEADER, b'\n');
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header)
}

fn read_all(folder: &Path) -> io::Result<Vec<(Slot, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != OPEN) {
            continue;
        }
        match read_slot(&path) {
            Ok(Some((label, sealed))) => found.push((Slot { label, file: Some(path) }, sealed)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a spooled answer cannot be read");
            }
        }
    }
    Ok(found)
}

/// `None` for a slot that never received an answer.
fn read_slot(path: &Path) -> io::Result<Option<(Label, Vec<u8>)>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(SLOT as u64 + 1).read_to_end(&mut bytes)?;
    let (Some(header), Some(length)) = (bytes.get(..HEADER), bytes.get(HEADER..HEADER + 4)) else {
        return Ok(None);
    };
    let label: Label = serde_json::from_slice(header)?;
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    if length == 0 {
        return Ok(None);
    }
    let sealed = bytes.get(HEADER + 4..HEADER + 4 + length).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Some((label, sealed.to_vec())))
}

/// Removes what is past keeping: committed answers, and slots whose attempt ended without one.
fn prune(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let old = entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > KEEP);
        let unanswered = || matches!(read_slot(&entry.path()), Ok(None));
        if old
            && (entry.path().extension().is_some_and(|extension| extension == DONE) || unanswered())
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn failed(error: io::Error, path: &Path) -> Error {
    Error::new(Kind::Store, "the spool beside the store cannot be used")
        .with("file", path.display().to_string())
        .advise("Free disk space or check the folder's rights; no token was spent.")
        .with_source(error)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(attempt: u8) -> Label {
        let server = "https://oauth.bitrix.info/";
        Label::rotation("local.1", AttemptId([attempt; 16]), 7, Lineage([2; 16]), server)
    }

    #[tokio::test]
    async fn an_answer_survives_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Spool::open(Some(folder.path().join("s")));
        let spool = open().await.unwrap();
        let mut slot = spool.reserve(label(1)).await.unwrap();
        assert!(spool.waiting().await.unwrap().is_empty(), "nothing was answered yet");
        slot.write(200, b"sealed".to_vec()).await.unwrap();
        drop(slot);

        let mut waiting = open().await.unwrap().waiting().await.unwrap();
        let (slot, sealed) = waiting.pop().unwrap();
        assert_eq!(sealed, b"sealed");
        assert_eq!(slot.label().attempt(), Some(AttemptId([1; 16])));
        assert_eq!(slot.label().parent(), Some((7, Lineage([2; 16]))));
        assert_eq!(slot.label().status, Some(200));
        slot.done().await.unwrap();
        assert!(open().await.unwrap().waiting().await.unwrap().is_empty());
        assert_eq!(fs::read_dir(folder.path().join("s")).unwrap().count(), 1, "kept aside");
    }

    #[tokio::test]
    async fn a_torn_file_is_no_answer_and_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(folder.path().into())).await.unwrap();
        spool.reserve(label(1)).await.unwrap().write(200, vec![7; 900]).await.unwrap();
        let path = folder.path().join(format!("{}.open", "01".repeat(16)));
        let whole = fs::read(&path).unwrap();
        for cut in [0, 10, HEADER, HEADER + 3, HEADER + 100] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(spool.waiting().await.unwrap().is_empty(), "{cut}");
        }
        fs::write(&path, "nonsense").unwrap();
        assert!(spool.waiting().await.unwrap().is_empty());
    }
}
