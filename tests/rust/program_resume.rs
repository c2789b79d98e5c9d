//! `evergrant list --resume`: whatever stops it, its output is the rows, once each and in order.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use evergrant_tests::{Emulator, program};
use serde_json::Value;
use tempfile::TempDir;

const LEADS: i64 = 20_000;

/// A portal, a file for the rows and one for the note.
struct Stage {
    emulator: Emulator,
    folder: TempDir,
}

impl Stage {
    async fn open() -> Self {
        let leads = LEADS.to_string();
        let flags = ["--leads", &leads, "--deals", "1", "--contacts", "1", "--burst", "0"];
        let emulator = Emulator::start(&flags.map(str::to_owned)).await;
        Self { emulator, folder: tempfile::tempdir().unwrap() }
    }

    fn rows(&self) -> PathBuf {
        self.folder.path().join("rows.ndjson")
    }

    fn note(&self) -> PathBuf {
        self.folder.path().join("note")
    }

    /// What a shell runs: `evergrant list` with this behind it.
    fn shell(&self, before: &str, behind: &str) -> Command {
        let program = program();
        let (program, folder) = (program.display(), self.folder.path().display());
        let mut shell = Command::new("sh");
        shell.env("EVERGRANT_WEBHOOK", self.emulator.ready("webhook")).arg("-c").arg(format!(
            "cd '{folder}'; {before} exec '{program}' list crm.lead.list 'select[]=ID' --resume note {behind}"
        ));
        shell
    }

    /// To its end.
    fn append(&self, more: &str) -> ExitStatus {
        self.shell("", &format!("{more} >> rows.ndjson")).status().unwrap()
    }

    /// Until the file would be longer than so many blocks of 512 bytes: the system ends the program in
    /// the middle of a row.
    fn append_at_most(&self, blocks: u32, more: &str) -> ExitStatus {
        let limit = format!("ulimit -f {blocks};");
        self.shell(&limit, &format!("{more} >> rows.ndjson"))
            .stderr(Stdio::null())
            .status()
            .unwrap()
    }

    /// What it says when it refuses.
    fn refusal(&self, behind: &str) -> String {
        let output = self.shell("", behind).stdout(Stdio::null()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    async fn requests(&self) -> u64 {
        let counters = self.emulator.control("GET", "/counters", &Value::Null).await;
        counters["portal"]["requests"].as_u64().unwrap()
    }
}

/// Every line is a row, without exception.
fn ids(path: &Path) -> Vec<i64> {
    ids_of(&fs::read_to_string(path).unwrap())
}

fn ids_of(text: &str) -> Vec<i64> {
    assert!(text.is_empty() || text.ends_with('\n'));
    let id = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        row["ID"].as_str().unwrap().parse().unwrap()
    };
    text.lines().map(id).collect()
}

#[tokio::test]
async fn rows_that_were_torn_are_taken_back() {
    let stage = Stage::open().await;
    let header = "{\"ID\":\"0\"}\n";
    fs::write(stage.rows(), header).unwrap();
    for blocks in [1, 1, 90, 200, 201, 380] {
        assert!(!stage.append_at_most(blocks, "--all").success());
        assert_eq!(fs::metadata(stage.rows()).unwrap().len(), u64::from(blocks) * 512);
        assert!(!fs::read_to_string(stage.rows()).unwrap().ends_with("}\n"), "a row is torn");
    }
    assert!(stage.append("--all").success());
    assert_eq!(ids(&stage.rows()), (0..=LEADS).collect::<Vec<_>>());
    assert!(!stage.note().exists(), "the list is whole");
}

#[tokio::test]
async fn however_often_it_is_killed_the_file_is_the_rows() {
    let stage = Stage::open().await;
    let mut kills = 0;
    loop {
        let before = fs::metadata(stage.rows()).map_or(0, |data| data.len());
        let mut program = stage.shell("", ">> rows.ndjson").spawn().unwrap();
        // A little further each time, at whatever it is doing then.
        let until = Instant::now() + Duration::from_secs(60);
        let ended = loop {
            if let Some(status) = program.try_wait().unwrap() {
                break Some(status);
            }
            let now = fs::metadata(stage.rows()).map_or(0, |data| data.len());
            if now > before + 1000 || Instant::now() > until {
                break None;
            }
            std::thread::yield_now();
        };
        if let Some(status) = ended {
            assert!(status.success());
            break;
        }
        program.kill().unwrap();
        program.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 2, "{kills} kills");
    assert_eq!(ids(&stage.rows()), (1..=LEADS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_limit_is_that_of_all_runs_together() {
    let stage = Stage::open().await;
    for blocks in [60, 140] {
        assert!(!stage.append_at_most(blocks, "--limit 12000").success());
    }
    assert!(stage.append("--limit 12000").success());
    assert_eq!(ids(&stage.rows()), (1..=12_000).collect::<Vec<_>>());
    // As many as were printed already: there is nothing left to ask for.
    fs::remove_file(stage.rows()).unwrap();
    assert!(!stage.append_at_most(140, "--all").success());
    let note: Value = serde_json::from_slice(&fs::read(stage.note()).unwrap()).unwrap();
    let printed = note["rows"].as_u64().unwrap();
    let before = stage.requests().await;
    assert!(stage.append(&format!("--limit {}", printed - 1)).success());
    assert_eq!(stage.requests().await, before);
    assert_eq!(ids(&stage.rows()).len() as u64, printed);
}

#[tokio::test]
async fn an_output_that_the_note_does_not_explain_is_left_as_it_is() {
    let stage = Stage::open().await;
    assert!(!stage.append_at_most(200, "").success());
    let (rows, note) = (fs::read(stage.rows()).unwrap(), fs::read(stage.note()).unwrap());
    let kept = |path: &Path, text: &[u8]| {
        assert_eq!(fs::read(path).unwrap(), text);
        assert_eq!(fs::read(stage.note()).unwrap(), note);
    };
    // Another list, before anything is taken back.
    let other = stage.refusal("'filter[>ID]=5' >> rows.ndjson");
    assert!(other.contains("of another method, or of other parameters"), "{other}");
    assert!(other.contains("file note"), "{other}");
    kept(&stage.rows(), &rows);
    // Another file, though it is as long.
    let copy = stage.folder.path().join("copy");
    fs::copy(stage.rows(), &copy).unwrap();
    assert!(stage.refusal(">> copy").contains("another file"));
    kept(&copy, &rows);
    // Rows of somebody else behind ours.
    let more = [&rows[..], &[b'x'; 100_000]].concat();
    OpenOptions::new()
        .append(true)
        .open(stage.rows())
        .unwrap()
        .write_all(&more[rows.len()..])
        .unwrap();
    let longer = stage.refusal(">> rows.ndjson");
    assert!(longer.contains("something else was written"), "{longer}");
    kept(&stage.rows(), &more);
    // > empties the file before the program begins.
    let shorter = stage.refusal("> rows.ndjson");
    assert!(shorter.contains("has lost rows") && shorter.contains(">>"), "{shorter}");
    kept(&stage.rows(), b"");
    // A note that is none.
    fs::write(stage.note(), "leads").unwrap();
    assert!(stage.refusal(">> rows.ndjson").contains("does not say how far"));
}

#[tokio::test]
async fn into_a_pipe_rows_may_come_twice_but_never_torn_and_joined() {
    let stage = Stage::open().await;
    let mut stopped = stage.shell("", "").stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(stopped.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..700 {
        output.read_line(&mut text).unwrap();
    }
    // It writes more than a pipe holds: when the note says so, it stands in the middle of a page.
    let waiting = || {
        let note: Value = serde_json::from_slice(&fs::read(stage.note()).unwrap()).unwrap();
        note["under_way"].as_u64().unwrap() > 0 && note["rows"].as_u64().unwrap() > 2500
    };
    let until = Instant::now() + Duration::from_secs(60);
    while !waiting() && Instant::now() < until {
        std::thread::yield_now();
    }
    stopped.kill().unwrap();
    stopped.wait().unwrap();
    output.read_to_string(&mut text).unwrap();
    let end = stage.shell("", "").output().unwrap();
    assert!(end.status.success());
    let rest = String::from_utf8(end.stdout).unwrap();
    let rest = rest.strip_prefix('\n').expect("the torn line is ended");
    let whole = &text[..=text.rfind('\n').unwrap()];
    let (first, rest) = (ids_of(whole), ids_of(rest));
    assert_eq!(first, (1..=first.len() as i64).collect::<Vec<_>>());
    assert_eq!(rest, (rest[0]..=LEADS).collect::<Vec<_>>());
    let twice = first.len() as i64 + 1 - rest[0];
    assert!((0..=2500).contains(&twice), "{twice} rows came twice");
}

#[tokio::test]
async fn where_no_note_can_be_kept_nothing_is_printed() {
    let stage = Stage::open().await;
    let rows = File::create(stage.rows()).unwrap();
    let output = Command::new(program())
        .env("EVERGRANT_WEBHOOK", stage.emulator.ready("webhook"))
        .args(["list", "crm.lead.list", "--resume", "/proc/note"])
        .stdout(rows)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the file cannot be written") && said.contains("/proc/note"), "{said}");
    assert!(said.contains("os error"), "{said}");
    assert_eq!(fs::read(stage.rows()).unwrap(), b"");
    assert_eq!(stage.requests().await, 0);
}
