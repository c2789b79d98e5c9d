//! Slots: files with room for one answer each, locked by the process that uses them.
//!
//! The lock belongs to the open file: it survives SIGSTOP and falls when the process dies, so that
//! whoever can take it knows that nothing more will come from there.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::label::Label;
use crate::oauth::LONGEST_ANSWER;

/// The label takes at most this many bytes; the sealed answer follows.
const HEADER: usize = 1024;
const SIZE: usize = HEADER + LONGEST_ANSWER + 1024;
const EXTENSION: &str = "slot";
/// A slot becomes one when it is whole and locked. Until then nobody looks for an answer in it.
const DRAFT: &str = "draft";
/// So many drafts may be lost to somebody who takes their maker for dead.
const DRAFTS: u32 = 5;

/// A locked slot.
pub(super) struct SlotFile {
    pub(super) path: PathBuf,
    file: File,
}

/// What a slot holds.
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// An attempt's room; no answer came.
    Reserved,
    /// An attempt's answer, sealed.
    Answered(Box<Label>, Vec<u8>),
}

/// A slot that is being made.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    file: File,
}

impl Draft {
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!("{:032x}.{DRAFT}", rand::random::<u128>()));
        let made =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        Ok(Self { file: made?, path })
    }

    /// `None` if somebody has cleared it away, which may happen until it is locked.
    pub(super) fn finish(self, folder: &Path) -> io::Result<Option<SlotFile>> {
        if !self.lock()? {
            return Ok(None);
        }
        let slot = self.path.with_extension(EXTENSION);
        match self.fill().and_then(|()| fs::rename(&self.path, &slot)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                // Half a slot is of no use, and its room is wanted.
                let _ = fs::remove_file(&self.path);
                return Err(error);
            }
            Ok(()) => {}
        }
        File::open(folder)?.sync_all()?;
        Ok(Some(SlotFile { path: slot, file: self.file }))
    }

    /// False if somebody else has it.
    pub(super) fn lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn fill(&self) -> io::Result<()> {
        self.file.write_all_at(&vec![b'\n'; SIZE], 0)?;
        self.file.sync_all()
    }
}

impl SlotFile {
    /// A new slot with real room on the disk, so that a full disk is an error before anything is spent.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        for _ in 0..DRAFTS {
            if let Some(slot) = Draft::begin(folder)?.finish(folder)? {
                return Ok(slot);
            }
        }
        Err(io::Error::other("others clear new slots away"))
    }

    /// Takes a slot that no living process holds. `None` if one does, or if it is gone.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Claims the room for an attempt. Not synced: it tells the other processes of this machine who
    /// is alive, and after a power cut nobody is.
    pub(super) fn reserve(&self, label: &Label) -> io::Result<()> {
        // A label that did not fit with the answer would be found out when the token is spent.
        header(&label.at_its_longest())?;
        self.file.write_all_at(&header(label)?, 0)
    }

    /// Makes an answer durable.
    pub(super) fn answer(&self, label: &Label, sealed: &[u8]) -> io::Result<()> {
        let mut bytes = header(label)?;
        bytes.extend_from_slice(sealed);
        self.file.write_all_at(&bytes, 0)?;
        self.file.sync_data()
    }

    /// Whether the file still has a name: in one that somebody removed, an answer would be lost.
    pub(super) fn is_there(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    /// Whether all the room that an answer may need is there.
    pub(super) fn is_whole(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() >= SIZE as u64)
    }

    pub(super) fn clear(&self) -> io::Result<()> {
        self.file.write_all_at(&[b'\n'; HEADER], 0)
    }

    pub(super) fn content(&mut self) -> io::Result<Content> {
        self.file.seek(SeekFrom::Start(0))?;
        read(&mut self.file)
    }
}

/// Whose attempt a slot is in use for, without taking it.
pub(super) fn peek(path: &Path) -> io::Result<Option<Label>> {
    let mut head = vec![0; HEADER];
    File::open(path)?.read_exact(&mut head)?;
    if head.trim_ascii().is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&head)?)) }
}

/// What is in a slot that somebody holds.
pub(super) fn read_held(path: &Path) -> io::Result<Content> {
    read(&mut File::open(path)?)
}

fn read(file: &mut File) -> io::Result<Content> {
    let mut bytes = Vec::new();
    file.take(SIZE as u64 + 1).read_to_end(&mut bytes)?;
    let Some((head, rest)) = bytes.split_at_checked(HEADER) else { return Ok(Content::Empty) };
    if head.trim_ascii().is_empty() {
        return Ok(Content::Empty);
    }
    let label: Label = serde_json::from_slice(head)?;
    match (label.status, rest.get(..label.length)) {
        (Some(_), Some(sealed)) => Ok(Content::Answered(Box::new(label), sealed.to_vec())),
        (Some(_), None) => Err(io::ErrorKind::UnexpectedEof.into()),
        (None, _) => Ok(Content::Reserved),
    }
}

fn header(label: &Label) -> io::Result<Vec<u8>> {
    let mut header = serde_json::to_vec(label)?;
    if header.len() > HEADER {
        return Err(io::Error::other("the label does not fit"));
    }
    header.resize(HEADER, b'\n');
    Ok(header)
}

/// The slots of a folder.
pub(super) fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
    with_extension(folder, EXTENSION)
}

/// Removes the drafts of processes that died over them.
pub(super) fn clear_drafts(folder: &Path) -> io::Result<()> {
    for path in with_extension(folder, DRAFT)? {
        // One that stays is tried again by whoever looks next.
        if let Ok(Some(_locked)) = SlotFile::take(&path) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn with_extension(folder: &Path, wanted: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == wanted) {
            found.push(path);
        }
    }
    Ok(found)
}
