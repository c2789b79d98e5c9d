//! What calls leave behind beside rows: messages, files, options, answers kept for repeated requests.

use std::collections::{BTreeMap, HashMap};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::v3::Kept;
use crate::sync::Lock;

/// Most messages and notifications that are kept; the oldest are forgotten.
const MESSAGES: usize = 10_000;
/// Most bytes of files that are kept.
const BYTES: usize = 256 << 20;

/// A message or a notification.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    /// `message`, `user` or `system`.
    pub(crate) kind: &'static str,
    /// `chat5`, `sg7` or a user id.
    pub(crate) dialog: String,
    pub(crate) author: u64,
    pub(crate) at: i64,
    pub(crate) text: String,
    pub(crate) tag: String,
    pub(crate) sub_tag: String,
    pub(crate) attach: Value,
}

impl Message {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "kind": self.kind,
            "to": self.dialog,
            "from": self.author,
            "at": self.at,
            "text": self.text,
            "tag": self.tag,
            "sub_tag": self.sub_tag,
            "attach": self.attach,
        })
    }
}

/// Messages in the order of their ids.
#[derive(Clone, Default)]
pub(crate) struct Messages {
    list: Vec<Message>,
    last: u64,
}

impl Messages {
    /// Keeps a message and returns its id. A notification with a tag takes the place of the older one.
    pub(crate) fn add(&mut self, mut message: Message) -> u64 {
        self.last += 1;
        message.id = self.last;
        if message.kind != "message" && !message.tag.is_empty() {
            self.list.retain(|known| {
                known.kind == "message"
                    || known.dialog != message.dialog
                    || known.tag != message.tag
            });
        }
        self.list.push(message);
        if self.list.len() > MESSAGES {
            self.list.remove(0);
        }
        self.last
    }

    pub(crate) fn all(&self) -> &[Message] {
        &self.list
    }
}

/// A file of the portal's disk.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) folder: u64,
    pub(crate) user_id: u64,
    pub(crate) at: i64,
    pub(crate) bytes: Bytes,
}

/// All files.
#[derive(Clone, Default)]
pub(crate) struct Files {
    pub(crate) map: BTreeMap<u64, File>,
    bytes: usize,
    last: u64,
}

impl Files {
    /// Keeps a file under a new id; `None` when the disk is full.
    pub(crate) fn add(&mut self, mut file: File) -> Option<File> {
        if self.bytes + file.bytes.len() > BYTES {
            return None;
        }
        self.bytes += file.bytes.len();
        // Folders have the ids below.
        self.last = self.last.max(1000) + 1;
        file.id = self.last;
        self.map.insert(file.id, file.clone());
        Some(file)
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<File> {
        let file = self.map.remove(&id)?;
        self.bytes -= file.bytes.len();
        Some(file)
    }
}

/// The state at one moment.
pub(crate) struct StateCopy {
    messages: Messages,
    files: Files,
    options: HashMap<String, Map<String, Value>>,
    kept: HashMap<String, Kept>,
}

/// Everything but rows.
pub(crate) struct State {
    pub(crate) messages: Lock<Messages>,
    pub(crate) files: Lock<Files>,
    /// By application.
    pub(crate) options: Lock<HashMap<String, Map<String, Value>>>,
    /// Answers of REST 3.0 by idempotency key.
    pub(crate) kept: Lock<HashMap<String, Kept>>,
    /// Signs links to files.
    pub(crate) link_key: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: Lock::default(),
            files: Lock::default(),
            options: Lock::default(),
            kept: Lock::default(),
            link_key: rand::random(),
        }
    }
}

impl State {
    pub(crate) fn reset(&self) {
        *self.messages.get() = Messages::default();
        *self.files.get() = Files::default();
        self.options.get().clear();
        self.kept.get().clear();
    }

    pub(crate) fn copy(&self) -> StateCopy {
        StateCopy {
            messages: self.messages.get().clone(),
            files: self.files.get().clone(),
            options: self.options.get().clone(),
            kept: self.kept.get().clone(),
        }
    }

    pub(crate) fn restore(&self, copy: &StateCopy) {
        *self.messages.get() = copy.messages.clone();
        *self.files.get() = copy.files.clone();
        self.options.get().clone_from(&copy.options);
        self.kept.get().clone_from(&copy.kept);
    }

    /// For the control port: all messages, oldest first.
    pub(crate) fn messages_json(&self) -> Value {
        self.messages.get().all().iter().map(Message::to_json).collect()
    }
}
