//! Which commands share a request: fifty at most, and those that refer to each other together.

use super::{Batch, Command, MOST_COMMANDS};
use crate::{Error, Result};

/// Most bytes of commands in one request. The vendor names no limit; servers have one.
const LONGEST: usize = 4 << 20;

/// Commands of one request, in the order in which they run.
pub(super) struct Chunk {
    pub(super) chains: Vec<Chain>,
    /// Whether the portal stops at the first failure.
    pub(super) halt: bool,
}

/// Commands that refer to each other, or a single one.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) commands: Vec<Line>,
    /// Whether it was refused once already, so that it had its second chance.
    pub(super) again: bool,
}

/// A command as it is sent.
#[derive(Clone)]
pub(super) struct Line {
    /// Its place in the batch.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) text: String,
}

impl Chain {
    fn bytes(&self) -> usize {
        self.commands.iter().map(|line| line.text.len() + line.name.len()).sum()
    }
}

/// Splits a batch into requests.
pub(super) fn plan(batch: &Batch) -> Result<Vec<Chunk>> {
    let lines = lines(batch);
    let (mut single, mut linked) = (Packer::new(false), Packer::new(batch.halt));
    for members in components(batch) {
        if members.len() > MOST_COMMANDS {
            return Err(too_long(batch, &members));
        }
        let commands = members.iter().map(|index| lines[*index].clone()).collect();
        // What the portal stops at is kept apart from what has to do with nothing.
        let packer = if members.len() == 1 && batch.halt { &mut single } else { &mut linked };
        packer.add(Chain { commands, again: false });
    }
    Ok(linked.done().into_iter().chain(single.done()).collect())
}

fn too_long(batch: &Batch, members: &[usize]) -> Error {
    let first = members.first().map_or_else(String::new, |index| batch.label(*index));
    Error::invalid_input(
        "commands",
        format!(
            "{} commands refer to each other, and a request takes {MOST_COMMANDS}",
            members.len()
        ),
    )
    .with("command", first)
    .advise("Split the chain: use the results of one batch in the next.")
}

/// Fills requests one after the other.
struct Packer {
    chunks: Vec<Chunk>,
    commands: usize,
    bytes: usize,
    halt: bool,
}

impl Packer {
    fn new(halt: bool) -> Self {
        Self { chunks: Vec::new(), commands: 0, bytes: 0, halt }
    }

    fn add(&mut self, chain: Chain) {
        let (commands, bytes) = (chain.commands.len(), chain.bytes());
        let fits = self.commands + commands <= MOST_COMMANDS && self.bytes + bytes <= LONGEST;
        match self.chunks.last_mut().filter(|_| fits) {
            Some(chunk) => {
                chunk.chains.push(chain);
                self.commands += commands;
                self.bytes += bytes;
            }
            None => {
                self.chunks.push(Chunk { chains: vec![chain], halt: self.halt });
                (self.commands, self.bytes) = (commands, bytes);
            }
        }
    }

    fn done(self) -> Vec<Chunk> {
        self.chunks
    }
}

/// Groups of commands that refer to each other, each in the order of the batch.
fn components(batch: &Batch) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..batch.entries.len()).collect();
    for (index, entry) in batch.entries.iter().enumerate() {
        for earlier in &entry.refers_to {
            let (a, b) = (find(&mut leader, index), find(&mut leader, *earlier));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); leader.len()];
    for index in 0..leader.len() {
        let first = find(&mut leader, index);
        groups[first].push(index);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}

/// Names are never numbers, lest the portal take the commands for a list; and no text of any command
/// can refer to a command that its caller has not named: data may hold what looks like a reference.
fn lines(batch: &Batch) -> Vec<Line> {
    let texts: Vec<String> = batch.entries.iter().map(|entry| entry.command.line()).collect();
    let mut prefix = "c".to_owned();
    let taken = |prefix: &str| {
        let bracket = format!("%5B{prefix}");
        texts.iter().any(|text| text.contains(&bracket))
            || batch
                .entries
                .iter()
                .any(|entry| entry.name.as_ref().is_some_and(|name| name.starts_with(prefix)))
    };
    while taken(&prefix) {
        prefix.push('_');
    }
    let name = |index: usize, given: &Option<String>| {
        given.clone().unwrap_or_else(|| format!("{prefix}{index}"))
    };
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| Line { index, name: name(index, &batch.entries[index].name), text })
        .collect()
}

impl Command {
    /// The command as the portal reads it inside a batch.
    fn line(&self) -> String {
        match super::params::query(&self.params) {
            query if query.is_empty() => self.method.clone(),
            query => format!("{}?{query}", self.method),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shape(batch: &Batch) -> Vec<Vec<usize>> {
        plan(batch)
            .unwrap()
            .iter()
            .map(|chunk| {
                chunk
                    .chains
                    .iter()
                    .flat_map(|chain| &chain.commands)
                    .map(|line| line.index)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn fifty_to_a_request_and_no_more_bytes_than_a_server_takes() {
        let mut batch = Batch::new();
        for _ in 0..120 {
            batch.push("profile", Value::Null).unwrap();
        }
        assert_eq!(shape(&batch).iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
        let mut long = Batch::new();
        for _ in 0..5 {
            long.push("crm.lead.add", json!({"fields": {"TITLE": "x".repeat(1 << 20)}})).unwrap();
        }
        assert_eq!(shape(&long).iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn a_chain_stays_together_whatever_lies_between() {
        let mut batch = Batch::new();
        let mut references = Vec::new();
        for index in 0..30 {
            references
                .push(batch.add(&format!("a{index}"), "crm.company.add", Value::Null).unwrap());
        }
        batch.push("profile", Value::Null).unwrap();
        for reference in &references {
            batch.push("crm.contact.add", json!({"fields": {"COMPANY_ID": reference}})).unwrap();
        }
        let shape = shape(&batch);
        assert_eq!(shape.iter().map(Vec::len).collect::<Vec<_>>(), [50, 10, 1]);
        assert_eq!(shape[0][..4], [0, 31, 1, 32]);
    }

    #[test]
    fn a_chain_that_no_request_can_hold_is_refused() {
        let mut batch = Batch::new();
        let mut last = batch.add("n0", "profile", Value::Null).unwrap();
        for index in 1..51 {
            last =
                batch.add(&format!("n{index}"), "user.get", json!({"ID": last.at("ID")})).unwrap();
        }
        let error = plan(&batch).err().unwrap();
        assert!(error.to_string().contains("51 commands"), "{error}");
    }

    #[test]
    fn data_that_looks_like_a_reference_refers_to_nothing() {
        let title = "$result[c0][PHONE] and $result[c_1]";
        let batch: Batch = vec![
            Command::new("crm.contact.get", json!({"ID": 1})).unwrap(),
            Command::new("crm.lead.add", json!({"fields": {"TITLE": title}})).unwrap(),
        ]
        .into();
        let chunks = plan(&batch).unwrap();
        let names: Vec<&str> =
            chunks[0].chains.iter().map(|c| c.commands[0].name.as_str()).collect();
        assert_eq!(names, ["c__0", "c__1"]);
    }
}
