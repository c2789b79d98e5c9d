//! Programs of their own around one store, to kill, to stop and to starve. Their time is one file that tests turn.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{Emulator, emulator::beside, stage::until, store};

/// Nothing that a worker is asked takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// An emulator, a folder, and a clock that all programs of this scene share.
pub struct Scene {
    /// The server.
    pub emulator: Emulator,
    /// Where stores lie, and what belongs to them.
    pub folder: tempfile::TempDir,
    /// The store that workers open.
    pub store: String,
    time: File,
    turned: AtomicI64,
}

impl Scene {
    /// An emulator, a folder and an empty store.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store::fresh(folder.path()).await;
        Self::set(folder, store).await
    }

    /// The same on SQLite, for tests that touch its file.
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("grants.db").display());
        Self::set(folder, store).await
    }

    async fn set(folder: tempfile::TempDir, store: String) -> Self {
        let flags = ["--leads", "1", "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        let time = File::create(folder.path().join("time")).unwrap();
        time.set_len(24).unwrap();
        Self { emulator, folder, store, time, turned: AtomicI64::new(0) }
    }

    /// So much time passes for every program of the scene, stopped ones included, and for the server.
    pub async fn turn(&self, seconds: i64) {
        let turned = self.turned.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.time.write_all_at(&(turned * 1000).to_le_bytes(), 0).unwrap();
        self.emulator.control("POST", "/clock", &json!({"advance": seconds})).await;
    }

    /// A worker that has opened the store.
    pub async fn worker(&self) -> Worker {
        self.worker_with(&[]).await
    }

    /// One that meets a fault, such as `answered=kill`, if no other has met one before.
    pub async fn worker_at_fault(&self, fault: &str) -> Worker {
        let once = self.folder.path().join("fault");
        let once = once.to_str().expect("a plain path");
        self.worker_with(&[("EVERGRANT_FAULT", fault), ("EVERGRANT_FAULT_ONCE", once)]).await
    }

    /// One with these variables.
    pub async fn worker_with(&self, variables: &[(&str, &str)]) -> Worker {
        let mut worker = self.start(Self::program(), variables);
        let opened = worker.open(self).await;
        assert!(opened.get("ok").is_some(), "{opened}");
        worker
    }

    /// One on a machine of its own: with another spool, and with these settings besides. It does nothing
    /// by itself.
    pub async fn worker_on(
        &self,
        machine: &str,
        settings: Value,
        variables: &[(&str, &str)],
    ) -> Worker {
        let mut worker = self.start(Self::program(), variables);
        let mut command = self.settings();
        command["spool"] = self.folder.path().join(machine).to_str().expect("a plain path").into();
        command["background"] = false.into();
        for (name, value) in settings.as_object().into_iter().flatten() {
            command[name] = value.clone();
        }
        worker.ok(command).await;
        worker
    }

    /// Where the worker's program is.
    pub fn worker_path() -> PathBuf {
        beside("evergrant-worker")
    }

    /// What starts a worker.
    pub fn program() -> Command {
        Command::new(Self::worker_path())
    }

    /// One that has opened nothing yet, started by `command`.
    pub fn start(&self, mut command: Command, variables: &[(&str, &str)]) -> Worker {
        command
            .env("EVERGRANT_CLOCK", self.folder.path().join("time"))
            .env("EVERGRANT_SPOOL", self.folder.path().join("spool"))
            .envs(variables.iter().copied());
        Worker::start(command)
    }

    /// What [`Worker::open`] tells a worker.
    pub fn settings(&self) -> Value {
        json!({
            "do": "open",
            "client_id": self.emulator.ready("client_id"),
            "client_secret": self.emulator.ready("client_secret"),
            "authorization": self.emulator.ready("authorization"),
            "store": self.store,
            "key": "11".repeat(32),
        })
    }

    /// A person's consent, taken by `worker`; the grant.
    pub async fn consent(&self, worker: &mut Worker, user_id: i64) -> Value {
        let consent = self.emulator.control("POST", "/consent", &json!({"user_id": user_id})).await;
        let portal = self.emulator.ready("portal");
        worker.ok(json!({"do": "exchange", "portal": portal, "code": consent["code"]})).await
    }

    /// Plants a fault at the server.
    pub async fn fault(&self, fault: Value) {
        self.emulator.control("POST", "/faults", &fault).await;
    }

    /// Refresh tokens that were spent.
    pub async fn refreshes(&self) -> u64 {
        self.emulator.count("/authorization/refreshes").await
    }

    /// Spent refresh tokens that came again.
    pub async fn reuses(&self) -> u64 {
        let chains = self.emulator.control("GET", "/chains", &Value::Null).await;
        chains.as_array().unwrap().iter().map(|chain| chain["reuses"].as_u64().unwrap()).sum()
    }

    /// Answers of the authorization server that wait on this scene's machines to be stored.
    pub fn spooled(&self) -> usize {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "slot") {
                    let bytes = fs::read(&path).unwrap();
                    count +=
                        usize::from(String::from_utf8_lossy(&bytes).contains("\"status\":200"));
                }
            }
        }
        count
    }

    /// Refresh tokens that live at the server and are in no store and no spool, as `worker` sees them.
    pub async fn lost(&self, worker: &mut Worker) -> usize {
        let holds = worker.ok(json!({"do": "holds"})).await.to_string();
        let tokens = self.emulator.control("GET", "/tokens", &Value::Null).await;
        let living = |token: &&Value| token["kind"] == "refresh" && token["alive"] == true;
        let fingerprint = |token: &Value| fingerprint(token["token"].as_str().unwrap());
        let living = tokens.as_array().unwrap().iter().filter(living).map(fingerprint);
        living.filter(|living| !holds.contains(living)).count()
    }
}

/// The first 16 hexadecimal digits of its SHA-256, as workers name tokens.
pub fn fingerprint(token: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(token)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program `evergrant-worker`; it dies with this, or with the test.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    heard: Vec<Value>,
    asked: u64,
}

impl Worker {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the worker starts");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, stdin, stdout, heard: Vec::new(), asked: 0 }
    }

    /// Opens the scene's store.
    pub async fn open(&mut self, scene: &Scene) -> Value {
        self.ask(scene.settings()).await
    }

    /// Gives a command and does not wait for its answer.
    pub async fn begin(&mut self, mut command: Value) -> u64 {
        self.asked += 1;
        command["id"] = self.asked.into();
        self.stdin.write_all(format!("{command}\n").as_bytes()).await.expect("the worker listens");
        self.asked
    }

    /// The answer to a command; the test fails if the worker dies instead.
    pub async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(at) = self.heard.iter().position(|answer| answer["id"] == id) {
                return self.heard.swap_remove(at);
            }
            let line = timeout(PATIENCE, self.stdout.next_line()).await.expect("an answer in time");
            let line = line.unwrap().expect("the worker is alive");
            self.heard.push(serde_json::from_str(&line).unwrap());
        }
    }

    /// Gives a command and waits: `{"ok": ...}` or `{"error": ...}`.
    pub async fn ask(&mut self, command: Value) -> Value {
        let id = self.begin(command).await;
        self.answer(id).await
    }

    /// As [`Self::ask`], for what must succeed.
    pub async fn ok(&mut self, command: Value) -> Value {
        let mut answer = self.ask(command.clone()).await;
        assert!(answer.get("ok").is_some(), "{command}: {answer}");
        answer["ok"].take()
    }

    /// One task's attempt to get a token newer than `generation`.
    pub async fn renew(&mut self, grant: &Value, generation: i64) -> Value {
        let command = json!({"do": "renew", "grant": grant["id"], "generation": generation});
        self.ok(command).await[0].take()
    }

    /// One task's attempt to get a token that lives a minute more.
    pub async fn token(&mut self, grant: &Value) -> Value {
        self.ok(json!({"do": "token", "grant": grant["id"]})).await[0].take()
    }

    /// The grant as the store has it.
    pub async fn grant(&mut self, grant: &Value) -> Value {
        self.ok(json!({"do": "grant", "grant": grant["id"]})).await
    }

    /// The words of the grant's audit.
    pub async fn events(&mut self, grant: &Value) -> Vec<String> {
        let audit = self.ok(json!({"do": "audit", "grant": grant["id"]})).await;
        let word = |entry: &Value| entry["event"].as_str().unwrap().to_owned();
        audit.as_array().unwrap().iter().map(word).collect()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).expect("the worker is there");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap()
    }

    /// Waits until it was killed.
    pub async fn killed(&mut self) {
        assert_eq!(self.ended().await.signal(), Some(9));
    }

    /// Waits until it stands still.
    pub async fn stopped(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        let stopped = || async {
            let stat = fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
        };
        until("the worker stands still", stopped).await;
    }
}

/// A mount that only the programs started in it see.
pub struct Mount {
    /// Keeps the mount namespace alive.
    holder: Child,
    /// Where the mount is, for those inside.
    pub place: PathBuf,
}

impl Mount {
    /// A file system of `size` bytes in memory over `place`. `None` where the system does not allow it.
    pub async fn small(place: &Path, size: u64) -> Option<Self> {
        let mount = format!("mount -t tmpfs -o size={size} none \"$0\" && echo ready && exec cat");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--map-root-user", "bash", "-c", &mount])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(holder.stdout.take()?).lines();
        let ready = lines.next_line().await.ok()??;
        (ready == "ready").then(|| Self { holder, place: place.to_owned() })
    }

    /// Runs a program in there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--user", "--preserve-credentials", "--mount", "--target"])
            .arg(self.holder.id().expect("it lives").to_string())
            .arg("--")
            .arg(program);
        command
    }

    /// A path in there, as seen from outside.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id().expect("it lives"));
        Path::new(&root).join(self.place.strip_prefix("/").unwrap()).join(name)
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        use std::io::Write;
        let mut file = File::create(self.path("filler")).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        while file.write_all(&[7]).is_ok() {}
    }

    /// Gives it back.
    pub fn free(&self) {
        fs::remove_file(self.path("filler")).unwrap();
    }
}
