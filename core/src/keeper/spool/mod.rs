//! The spool: raw answers of the token endpoint, on disk before anything looks at them.
//!
//! Its room is reserved and synced before a refresh token leaves. An answer stays in its slot until
//! the store has it, then sealed in the node's memory for two days more.

mod label;
mod memory;
mod slot;
mod waits;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) use label::{Label, Parent};
use memory::Memory;
use slot::{Content, SlotFile};
use waits::Waits;

use crate::{
    Clock, Error, Kind, Result,
    process::{PerProcess, blocking},
    store::{AttemptId, ChainId, GrantId, Lineage, NodeId, hex, keep, on_network},
};

/// Where answers wait. A store without a place has none: what it keeps dies with the process anyway.
#[derive(Clone)]
pub(crate) struct Spool(Arc<Inner>);

struct Inner {
    node: NodeId,
    folder: Option<Folder>,
    clock: Clock,
    environment: Vec<u8>,
}

struct Folder {
    path: PathBuf,
    memory: Memory,
    /// Slots of this process that wait for an attempt.
    free: PerProcess<Mutex<Vec<SlotFile>>>,
    waits: PerProcess<Mutex<Waits>>,
}

/// Room for one answer. One that is dropped without an end, as by a kill, is found by whoever looks
/// next.
pub(crate) struct Slot {
    spool: Spool,
    label: Label,
    sealed: Vec<u8>,
    file: Option<SlotFile>,
}

/// What became of an attempt of this node.
pub(crate) enum Fate {
    /// A process of this machine holds it, running or stopped.
    Held,
    /// So it is, and the answer is there: its holder stands still, or cannot store it.
    Answered(Box<Label>, Vec<u8>),
    /// Its process is gone and left this answer.
    Left(Box<Slot>),
    /// Its process is gone and left nothing.
    Gone,
}

impl Spool {
    pub(crate) async fn open(
        folder: Option<PathBuf>,
        environment: Vec<u8>,
        clock: Clock,
    ) -> Result<Self> {
        let spool = blocking(move || {
            let Some(path) = folder else {
                let node = NodeId(rand::random());
                return Ok(Self(Arc::new(Inner { node, folder: None, clock, environment })));
            };
            refuse_network(&path, on_network(&path))?;
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(|error| failed(error, &path))?;
            let memory = Memory::new(&path);
            let node = memory.node()?;
            let folder =
                Some(Folder { path, memory, free: PerProcess::new(), waits: PerProcess::new() });
            Ok(Self(Arc::new(Inner { node, folder, clock, environment })))
        })
        .await?;
        spool.prune().await?;
        Ok(spool)
    }

    pub(crate) fn node(&self) -> NodeId {
        self.0.node
    }

    /// Reserves durable room for the answer to one attempt.
    pub(crate) async fn reserve(&self, mut label: Label) -> Result<Slot> {
        label.environment = hex(&self.0.environment);
        let wanted = label.clone();
        let file = self
            .with(move |folder| {
                let pooled = folder.free().pop().filter(SlotFile::is_there);
                let file = match pooled {
                    Some(file) => file,
                    None => SlotFile::create(&folder.path)
                        .map_err(|error| failed(error, &folder.path))?,
                };
                file.reserve(&wanted).map_err(|error| failed(error, &file.path))?;
                Ok(file)
            })
            .await?;
        Ok(Slot { spool: self.clone(), label, sealed: Vec::new(), file })
    }

    /// Answers that were never committed and whose processes are gone. One to a code or a delivery, and
    /// one that cannot be read, comes more and more rarely: it may be one that can never be used. Rooms
    /// without an answer are cleared away.
    pub(crate) async fn left(&self) -> Result<Vec<Slot>> {
        let spool = self.clone();
        let found = self.with(move |folder| {
            slot::clear_drafts(&folder.path).map_err(|error| failed(error, &folder.path))?;
            let mut waits = folder.waits.get().lock().unwrap_or_else(PoisonError::into_inner);
            let mut round = waits.round(spool.0.clock.boot());
            let mut found = Vec::new();
            for path in slot::all(&folder.path).map_err(|error| failed(error, &folder.path))? {
                match spool.abandoned(folder, &path) {
                    Ok(Some(slot)) => {
                        let is_rotation = slot.label.parent().is_some();
                        if is_rotation || round.is_due(slot.label.attempt.clone()) {
                            found.push(slot);
                        }
                    }
                    Ok(None) => {}
                    Err(error) if round.is_due(path.display().to_string()) => {
                        tracing::warn!(file = %path.display(), %error, "a spooled answer cannot be read");
                    }
                    Err(_) => {}
                }
            }
            Ok(found)
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// What became of an attempt that a process of this node began.
    pub(crate) async fn fate(&self, attempt: AttemptId) -> Result<Fate> {
        let (spool, attempt) = (self.clone(), hex(&attempt.0));
        let fate = self.with(move |folder| {
            for path in slot::all(&folder.path).map_err(|error| failed(error, &folder.path))? {
                match slot::peek(&path) {
                    Ok(Some(label)) if label.attempt == attempt => {
                        return spool
                            .fate_in(folder, &path, &attempt)
                            .map_err(|error| failed(error, &path));
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    // A label that is being written may be this attempt's; a damaged one nobody holds.
                    Err(_) if matches!(SlotFile::take(&path), Ok(Some(_))) => {}
                    Err(_) => return Ok(Fate::Held),
                }
            }
            Ok(Fate::Gone)
        });
        // In memory, an attempt of another process is no attempt of ours.
        Ok(fate.await?.unwrap_or(Fate::Held))
    }

    /// Whether a slot may hold an answer to the token of one pair: one is there, or a process of this
    /// machine, running or stopped, has room for it. An answer that nobody could bring in for as long
    /// as the hold-back lasts counts no more; it stays, and is a way back once it can be read.
    pub(crate) async fn may_bring(&self, parent: Parent) -> Result<bool> {
        let hold_back = i64::try_from(keep::HOLD_BACK.as_secs()).unwrap_or(i64::MAX);
        let waited_since = self.0.clock.now().saturating_sub(hold_back);
        let may = self.with(move |folder| {
            let slots = slot::all(&folder.path).map_err(|error| failed(error, &folder.path))?;
            Ok(slots.iter().any(|path| {
                let is_held = || matches!(SlotFile::take(path), Ok(None));
                match slot::peek(path) {
                    Ok(label) => label.is_some_and(|label| {
                        let is_new = label.received_at().is_some_and(|at| at > waited_since);
                        label.parent() == Some(parent) && (is_new || is_held())
                    }),
                    // Half a label: whoever holds the slot is writing it.
                    Err(_) => is_held(),
                }
            }))
        });
        Ok(may.await?.unwrap_or(false))
    }

    /// How many answers wait for the store.
    pub(crate) async fn depth(&self) -> Result<u32> {
        let depth = self.with(|folder| {
            let slots = slot::all(&folder.path).map_err(|error| failed(error, &folder.path))?;
            let answered = |path: &PathBuf| {
                slot::peek(path)
                    .is_ok_and(|label| label.is_some_and(|label| label.status.is_some()))
            };
            Ok(u32::try_from(slots.iter().filter(|path| answered(path)).count())
                .unwrap_or(u32::MAX))
        });
        Ok(depth.await?.unwrap_or(0))
    }

    /// The answers of the last two days to the token of one pair, newest first.
    pub(crate) async fn successors(
        &self,
        chain: ChainId,
        parent: Lineage,
    ) -> Result<Vec<(Label, Vec<u8>)>> {
        let found = self.with(move |folder| folder.memory.successors(chain, parent));
        Ok(found.await?.unwrap_or_default())
    }

    /// The answers of the last two days to codes and deliveries, oldest first.
    pub(crate) async fn consents(&self) -> Result<Vec<(Label, Vec<u8>)>> {
        let found = self.with(|folder| folder.memory.consents());
        Ok(found.await?.unwrap_or_default())
    }

    /// Notes that the store has reached `generation` of `grant`.
    pub(crate) async fn mark(&self, grant: GrantId, generation: i64) -> Result<()> {
        let environment = self.0.environment.clone();
        self.with(move |folder| folder.memory.mark(&environment, grant, generation))
            .await
            .map(|_| ())
    }

    /// The highest generation that the store is known to have reached.
    pub(crate) async fn marked(&self, grant: GrantId) -> Result<Option<i64>> {
        let environment = self.0.environment.clone();
        let marked = self.with(move |folder| folder.memory.marked(&environment, grant));
        Ok(marked.await?.flatten())
    }

    /// Takes `generation` for the highest, whatever was marked before.
    pub(crate) async fn accept(&self, grant: GrantId, generation: i64) -> Result<()> {
        let environment = self.0.environment.clone();
        let accept = self.with(move |folder| folder.memory.accept(&environment, grant, generation));
        accept.await.map(|_| ())
    }

    /// The epoch of the store when this node last released what it could.
    pub(crate) async fn seen_epoch(&self) -> Result<Option<Vec<u8>>> {
        let environment = self.0.environment.clone();
        Ok(self.with(move |folder| folder.memory.epoch(&environment)).await?.flatten())
    }

    pub(crate) async fn see_epoch(&self, epoch: Vec<u8>) -> Result<()> {
        let environment = self.0.environment.clone();
        self.with(move |folder| folder.memory.set_epoch(&environment, &epoch)).await.map(|_| ())
    }

    /// All marks: grants with their highest generations.
    pub(crate) async fn marks(&self) -> Result<Vec<(GrantId, i64)>> {
        let environment = self.0.environment.clone();
        let marks = self.with(move |folder| folder.memory.marks(&environment));
        Ok(marks.await?.unwrap_or_default())
    }

    /// Forgets answers that are past keeping.
    pub(crate) async fn prune(&self) -> Result<()> {
        let age = i64::try_from(keep::ANSWERS.as_secs()).unwrap_or(i64::MAX);
        let before = self.0.clock.now().saturating_sub(age);
        self.with(move |folder| folder.memory.forget_before(before)).await.map(|_| ())
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        if self.0.folder.is_none() {
            return Ok(None);
        }
        let spool = self.clone();
        blocking(move || spool.0.folder.as_ref().map(work).transpose()).await
    }

    /// The answer in a slot that no living process holds. One without an answer is free from now on.
    fn abandoned(&self, folder: &Folder, path: &Path) -> io::Result<Option<Slot>> {
        let Some(mut file) = SlotFile::take(path)? else { return Ok(None) };
        match file.content()? {
            // Several stores may share a folder; another one's answer is not ours to put aside.
            Content::Answered(label, _) if label.environment != hex(&self.0.environment) => {
                Ok(None)
            }
            Content::Answered(label, sealed) => {
                Ok(Some(Slot { spool: self.clone(), label: *label, sealed, file: Some(file) }))
            }
            Content::Reserved | Content::Empty => {
                folder.give_back(file);
                Ok(None)
            }
        }
    }

    fn fate_in(&self, folder: &Folder, path: &Path, attempt: &str) -> io::Result<Fate> {
        let Some(mut file) = SlotFile::take(path)? else {
            // What is being written just now cannot be read, or is another attempt's by now.
            return Ok(match slot::read_held(path) {
                Ok(Content::Answered(label, sealed)) if label.attempt == attempt => {
                    Fate::Answered(label, sealed)
                }
                _ => Fate::Held,
            });
        };
        match file.content()? {
            Content::Answered(label, sealed) => {
                let slot = Slot { spool: self.clone(), label: *label, sealed, file: Some(file) };
                Ok(Fate::Left(Box::new(slot)))
            }
            Content::Reserved | Content::Empty => {
                folder.give_back(file);
                Ok(Fate::Gone)
            }
        }
    }
}

impl Folder {
    fn free(&self) -> std::sync::MutexGuard<'_, Vec<SlotFile>> {
        self.free.get().lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, file: SlotFile) {
        if !file.is_whole() {
            // Somebody cut it short: it has no room for an answer.
            let _ = fs::remove_file(&file.path);
            return;
        }
        match file.clear() {
            Ok(()) => self.free().push(file),
            Err(error) => tracing::warn!(%error, "a slot of the spool could not be cleared"),
        }
    }
}

impl Slot {
    pub(crate) fn label(&self) -> &Label {
        &self.label
    }

    /// The sealed answer; empty if there is none.
    pub(crate) fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Makes the sealed answer durable.
    pub(crate) async fn write(&mut self, status: u16, sealed: Vec<u8>) -> Result<()> {
        self.label.status = Some(status);
        self.label.received_at = Some(self.spool.0.clock.now());
        self.label.length = sealed.len();
        self.sealed = sealed;
        let Some(file) = self.file.take() else { return Ok(()) };
        let (label, sealed) = (self.label.clone(), self.sealed.clone());
        let (file, written) = blocking(move || {
            let written = file.answer(&label, &sealed).map_err(|error| failed(error, &file.path));
            Ok((file, written))
        })
        .await?;
        self.file = Some(file);
        written
    }

    /// The store has the answer, or nobody can use it now: it is kept aside for two days.
    pub(crate) async fn done(self) -> Result<()> {
        self.kept(None).await
    }

    /// As [`Self::done`]; the store reached `generation` of `grant` with it.
    pub(crate) async fn committed(self, grant: GrantId, generation: i64) -> Result<()> {
        self.kept(Some((grant, generation))).await
    }

    async fn kept(mut self, mark: Option<(GrantId, i64)>) -> Result<()> {
        let (spool, file) = (self.spool.clone(), self.file.take());
        blocking(move || {
            let Some(folder) = &spool.0.folder else { return Ok(()) };
            if let Some((grant, generation)) = mark {
                folder.memory.mark(&spool.0.environment, grant, generation)?;
            }
            let Some(file) = file else { return Ok(()) };
            folder.memory.keep(&self.label, &self.sealed, spool.0.clock.now())?;
            folder.give_back(file);
            Ok(())
        })
        .await
    }

    /// There is no answer worth keeping.
    pub(crate) async fn discard(mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let spool = self.spool.clone();
        blocking(move || {
            if let Some(folder) = &spool.0.folder {
                folder.give_back(file);
            }
            Ok(())
        })
        .await
    }
}

/// Locks there may hold on one machine alone: two machines would take each other's slots.
fn refuse_network(folder: &Path, file_system: Option<&str>) -> Result<()> {
    let Some(name) = file_system else { return Ok(()) };
    let error = Error::new(Kind::Store, "the spool lies on a network file system");
    Err(error.with("folder", folder.display().to_string()).with("file_system", name).advise(
        "Name a folder on a local disk that outlives the process: EVERGRANT_SPOOL, or the setting.",
    ))
}

fn failed(error: io::Error, path: &Path) -> Error {
    Error::new(Kind::Store, "the spool beside the store cannot be used")
        .with("file", path.display().to_string())
        .advise("Free disk space or check the folder's rights; no token was spent.")
        .with_source(error)
}

#[cfg(test)]
mod tests;
