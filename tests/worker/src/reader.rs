//! Reads tokens for as long as it lives, the way programs do, and notes each one in a file.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    sync::Arc,
    time::Duration,
};

use evergrant::{Application, Error, Kind, Result};
use serde_json::{Value, json};

use crate::commands::{Wish, ask, statistics};

/// How it reads.
#[derive(Clone)]
pub(crate) struct Reader {
    grants: Vec<i64>,
    tasks: u64,
    /// Between two reads of one task.
    pause: Duration,
    /// How often, of 1,000 reads, the portal is said to have called the token expired.
    stale: u64,
    file: String,
}

impl Reader {
    pub(crate) fn of(command: &Value) -> Self {
        let number = |field: &str, absent| command[field].as_u64().unwrap_or(absent);
        Self {
            grants: command["grants"]
                .as_array()
                .map(|grants| grants.iter().filter_map(Value::as_i64).collect())
                .unwrap_or_default(),
            tasks: number("tasks", 4),
            pause: Duration::from_millis(number("pause_ms", 10)),
            stale: number("stale", 0),
            file: command["file"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

pub(crate) async fn read(application: Application, reader: Reader) -> Result<Value> {
    let opened = OpenOptions::new().append(true).create(true).open(&reader.file);
    let file = Arc::new(opened.map_err(|error| {
        Error::new(Kind::InvalidInput, "the file cannot be written").with_source(error)
    })?);
    let tasks: Vec<_> = (0..reader.tasks)
        .map(|_| tokio::spawn(task(application.clone(), reader.clone(), Arc::clone(&file))))
        .collect();
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        note(&file, &json!({"statistics": statistics(&application)}));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(Value::Null)
}

/// One write: a process that is killed leaves whole lines.
fn note(mut file: &File, line: &Value) {
    let _ = file.write_all(format!("{line}\n").as_bytes());
}

async fn task(application: Application, reader: Reader, file: Arc<File>) {
    let mut stale = None;
    while !reader.grants.is_empty() {
        let grant = reader.grants[rand::random_range(0..reader.grants.len())];
        let (grant, wish) = stale.take().unwrap_or((grant, Wish::Life(60)));
        let line = ask(&application, grant, wish).await;
        note(&file, &line);
        if let (Wish::Life(_), Some(generation)) = (wish, line["generation"].as_i64())
            && rand::random_range(0..1000) < reader.stale
        {
            stale = Some((grant, Wish::Newer(generation)));
        }
        tokio::time::sleep(reader.pause).await;
    }
}
