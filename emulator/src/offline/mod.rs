//! The offline queue: the latest state of each changed object, until an application fetches it.

pub(crate) mod methods;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::clock;
use crate::events::{Binding, Occasion};
use crate::rows::{hash_text, mix};
use crate::sync::Lock;
use crate::world::World;

/// Most rows of one portal; the oldest go.
const ROWS: usize = 100_000;

/// One change that waits.
#[derive(Clone)]
struct Row {
    id: u64,
    at: i64,
    client_id: String,
    connector: String,
    event: String,
    data: Value,
    user_id: Option<u64>,
    message_id: String,
    /// The claim that holds it; empty is free.
    process_id: String,
    error: bool,
}

impl Row {
    fn to_json(&self, all: bool) -> Value {
        let additional = self.user_id.map_or(json!(false), |id| json!({"user_id": id.to_string()}));
        let mut row = json!({
            "ID": self.id.to_string(),
            "TIMESTAMP_X": clock::iso(self.at),
            "EVENT_NAME": self.event,
            "EVENT_DATA": self.data,
            "EVENT_ADDITIONAL": additional,
            "MESSAGE_ID": self.message_id,
        });
        if all {
            row["PROCESS_ID"] = self.process_id.as_str().into();
            row["ERROR"] = if self.error { "1" } else { "0" }.into();
        }
        row
    }
}

/// Whose rows: an application's, of one connector.
struct Owner<'a> {
    client_id: &'a str,
    connector: &'a str,
}

impl Owner<'_> {
    fn has(&self, row: &Row) -> bool {
        row.client_id == self.client_id && row.connector == self.connector
    }
}

/// Rows by id, and when each binding was last told of them.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    rows: BTreeMap<u64, Row>,
    last: u64,
    told: HashMap<u64, i64>,
}

impl Rows {
    /// Drops what is too old.
    fn age(&mut self, world: &World) {
        let (now, life) = (world.clock.now(), world.settings.read().offline_life());
        self.rows.retain(|_, row| now - row.at < life);
    }

    /// Drops an application's rows of a claim for which `fits` holds.
    fn clear(&mut self, owner: &Owner<'_>, process_id: &str, fits: impl Fn(&Row) -> bool) {
        self.rows.retain(|_, row| !(owner.has(row) && row.process_id == process_id && fits(row)));
    }

    /// Frees rows of a claim as failed; other copies of the same message go.
    fn fail(&mut self, owner: &Owner<'_>, process_id: &str, messages: &[String]) {
        let ours = |row: &Row| owner.has(row) && !row.error && messages.contains(&row.message_id);
        self.rows.retain(|_, row| !ours(row) || row.process_id == process_id);
        for row in self.rows.values_mut().filter(|row| ours(row)) {
            row.error = true;
            row.process_id = String::new();
        }
    }
}

/// The queue of one portal.
#[derive(Default)]
pub(crate) struct Offline(Lock<Rows>);

impl Offline {
    pub(crate) fn copy(&self) -> Rows {
        self.0.get().clone()
    }

    pub(crate) fn restore(&self, rows: Rows) {
        *self.0.get() = rows;
    }

    pub(crate) fn reset(&self) {
        self.restore(Rows::default());
    }

    /// Drops what an application has.
    pub(crate) fn forget(&self, client_id: &str) {
        self.0.get().rows.retain(|_, row| row.client_id != client_id);
    }

    /// Puts a change in. The same change, still free, is only renewed.
    pub(crate) fn put(&self, world: &World, binding: &Binding, occasion: &Occasion<'_>) {
        let now = world.clock.now();
        let message_id = message_id(occasion);
        let owner = Owner { client_id: &binding.client_id, connector: &binding.connector };
        let mut queue = self.0.get();
        queue.age(world);
        let same = queue.rows.values_mut().find(|row| {
            owner.has(row) && row.process_id.is_empty() && row.message_id == message_id
        });
        if let Some(row) = same {
            row.at = now;
            row.user_id = occasion.user_id;
            return;
        }
        queue.last += 1;
        let id = queue.last;
        let row = Row {
            id,
            at: now,
            client_id: binding.client_id.clone(),
            connector: binding.connector.clone(),
            event: occasion.event.to_owned(),
            data: occasion.data.clone(),
            user_id: occasion.user_id,
            message_id,
            process_id: String::new(),
            error: false,
        };
        queue.rows.insert(id, row);
        if queue.rows.len() > ROWS {
            queue.rows.pop_first();
        }
    }

    /// Whether a handler of `ONOFFLINEEVENT` may be called again (microseconds); if so, that is noted.
    pub(crate) fn is_time(&self, binding: &Binding, now: i64) -> bool {
        let told = &mut self.0.get().told;
        let due =
            told.get(&binding.id).is_none_or(|last| now - last >= binding.min_timeout * 1_000_000);
        if due {
            told.insert(binding.id, now);
        }
        due
    }

    /// All rows, for the control port.
    pub(crate) fn to_json(&self, world: &World) -> Value {
        let mut queue = self.0.get();
        queue.age(world);
        let shown = |row: &Row| {
            let mut shown = row.to_json(true);
            shown["client_id"] = row.client_id.as_str().into();
            shown["auth_connector"] = row.connector.as_str().into();
            shown
        };
        queue.rows.values().map(shown).collect()
    }
}

/// The same for the same event with the same data: 32 hexadecimal digits.
fn message_id(occasion: &Occasion<'_>) -> String {
    let hash = hash_text(&format!("{}|{}", occasion.event, occasion.data));
    format!("{:016x}{:016x}", mix(hash, 1), mix(hash, 2))
}
