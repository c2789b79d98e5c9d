//! Any number of commands, fifty to a request. Vendor documentation: "How to use batch".

mod plan;
mod progress;
mod reference;
mod request;
mod terms;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use serde_json::{Map, Value};

use progress::Progress;
pub use reference::Reference;
pub(crate) use request::Outcome;
use terms::Terms;

use super::{Answer, CallOptions, Client, params};
use crate::{
    Error, Result,
    process::{self, Task},
};

/// What the portal takes at once.
pub(crate) const MOST_COMMANDS: usize = 50;
/// Requests under way at once. Their pace is the limiter's business.
const AT_ONCE: usize = 4;

/// One command of a batch.
#[derive(Debug, Clone)]
pub struct Command {
    method: String,
    params: Map<String, Value>,
}

impl Command {
    /// A command; `params` is an object, a list for positional parameters, or null. An empty list or
    /// object has no place in a batch, whose commands are text: only an empty `filter`, `order` or
    /// `select` may stand there, which means what leaving it out means.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Kind::InvalidInput) naming the field `method` or `params`, and where in
    /// them as `at`.
    pub fn new(method: &str, params: impl Into<Value>) -> Result<Self> {
        params::check_method(method)?;
        if method.eq_ignore_ascii_case("batch") {
            return Err(Error::invalid_input("method", "a batch cannot hold another batch"));
        }
        let params = params::named(params.into()).map_err(|error| error.with("method", method))?;
        if let Some(place) = params::empty_place(&params) {
            return Err(Error::invalid_input(
                "params",
                "an empty list or object cannot be written in a batch",
            )
            .with("at", place)
            .with("method", method)
            .advise("The portal would not see it at all. Use call for this method."));
        }
        Ok(Self { method: method.to_owned(), params })
    }
}

/// Commands to be run together, some of which use what others have brought.
///
/// Commands that refer to each other form a chain: they run in order, in one request, fifty of them
/// at most. Everything else is spread over as many requests as it takes, which run side by side.
#[derive(Debug, Clone)]
pub struct Batch {
    entries: Vec<Entry>,
    names: HashMap<String, usize>,
    halt: bool,
    progress: Progress,
}

#[derive(Debug, Clone)]
struct Entry {
    command: Command,
    name: Option<String>,
    refers_to: Vec<usize>,
}

impl Default for Batch {
    fn default() -> Self {
        let (entries, names, progress) = Default::default();
        Self { entries, names, halt: true, progress }
    }
}

impl Batch {
    /// Without commands yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the rest of a chain is left alone once one of its commands failed; true unless said
    /// otherwise. Without it the portal runs the rest with the text of the reference for a value.
    #[must_use]
    pub fn halt(mut self, halt: bool) -> Self {
        self.halt = halt;
        self
    }

    /// Adds a command with a name that later ones refer to it by: through what this returns, or as
    /// `$result[name][field]` in a text. Names are lower-case letters, digits and `_`, and begin with
    /// a letter.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Kind::InvalidInput) naming the field `name`, `method` or `params`.
    pub fn add(&mut self, name: &str, method: &str, params: impl Into<Value>) -> Result<Reference> {
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase())
            || name.len() > 60
            || !name.chars().all(ok)
        {
            return Err(Error::invalid_input("name", "this cannot be the name of a command")
                .with("name", name.chars().take(60).collect::<String>())
                .advise("Use lower-case letters, digits and underscores, a letter first."));
        }
        if self.names.contains_key(name) {
            return Err(
                Error::invalid_input("name", "two commands have the same name").with("name", name)
            );
        }
        let command = Command::new(method, params)?;
        self.enter(command, Some(name.to_owned()))?;
        Ok(Reference::to(name))
    }

    /// Adds a command that nothing refers to. It may refer to others.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Kind::InvalidInput) naming the field `method` or `params`.
    pub fn push(&mut self, method: &str, params: impl Into<Value>) -> Result<()> {
        self.enter(Command::new(method, params)?, None)
    }

    /// How many commands it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn enter(&mut self, command: Command, name: Option<String>) -> Result<()> {
        let mut found = Vec::new();
        command.params.values().for_each(|value| reference::names_in(value, &mut found));
        let mut refers_to = Vec::new();
        for (target, sound) in found {
            // What names no command is text to the portal too.
            let Some(&index) = self.names.get(&target) else { continue };
            if !sound {
                return Err(Error::invalid_input("params", "a reference cannot be read")
                    .with("method", command.method)
                    .with("name", target)
                    .advise("Keys in a reference hold no brackets and no white-space."));
            }
            refers_to.push(index);
        }
        if let Some(name) = &name {
            self.names.insert(name.clone(), self.entries.len());
        }
        self.entries.push(Entry { command, name, refers_to });
        Ok(())
    }

    /// What a command is called in errors: its name, or its place.
    fn label(&self, index: usize) -> String {
        let name = self.entries.get(index).and_then(|entry| entry.name.clone());
        name.unwrap_or_else(|| index.to_string())
    }
}

/// Commands without names: none of them refers to another, whatever their texts say.
impl From<Vec<Command>> for Batch {
    fn from(commands: Vec<Command>) -> Self {
        let entry = |command| Entry { command, name: None, refers_to: Vec::new() };
        Self { entries: commands.into_iter().map(entry).collect(), ..Self::default() }
    }
}

impl Client {
    /// Runs any number of commands, fifty to a request, a few requests at a time. One result or error
    /// per command, in the order of the commands; a command that fails does not stop the others.
    /// Within a request they run in order.
    ///
    /// # Errors
    /// Only where no request had an answer. None is repeated then: its commands may have been executed.
    pub async fn batch(&self, commands: Vec<Command>) -> Result<Vec<Result<Answer>>> {
        self.run_batch(commands.into()).await
    }

    /// As [`Client::batch`], with commands that use the results of others.
    ///
    /// What was refused for the rate or the operating time was not executed, and is asked for once more:
    /// a command alone if it refers to none and none refers to it; a chain whole if its first command
    /// was refused, while [`Batch::halt`] holds. Any other command of a chain keeps the refusal as its
    /// error. A request whose answer was lost is never repeated: each of its commands has that error,
    /// and the other requests keep their results. A command after a failed one of its chain has an
    /// error of [`Cancelled`](crate::Kind::Cancelled): it was not executed.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Kind::InvalidInput) for a chain of more than fifty commands, before anything is sent; and
    /// where no request had an answer.
    pub async fn run_batch(&self, batch: Batch) -> Result<Vec<Result<Answer>>> {
        self.run_batch_with(batch, CallOptions::default()).await
    }

    /// As [`Client::run_batch`], with a deadline for the whole batch, all its requests, waits and
    /// repetitions together, or another priority than [`Bulk`](crate::Priority::Bulk). What was not
    /// sent by the deadline has an error of [`Timeout`](crate::Kind::Timeout) or
    /// [`RateLimited`](crate::Kind::RateLimited) in its place.
    ///
    /// # Errors
    /// As [`Client::run_batch`]; [`InvalidInput`](crate::Kind::InvalidInput) naming the field
    /// `idempotent` or `idempotency_key`, which no batch has.
    pub async fn run_batch_with(
        &self,
        batch: Batch,
        options: CallOptions,
    ) -> Result<Vec<Result<Answer>>> {
        self.run_batch_as(batch, options).await
    }

    /// As [`Client::run_batch_with`], with another thing made of each answer.
    pub(crate) async fn run_batch_as<T: Outcome>(
        &self,
        batch: Batch,
        options: CallOptions,
    ) -> Result<Vec<Result<T>>> {
        let terms = Terms::of(self, &options)?;
        let chunks = plan::plan(&batch)?;
        let client = self.clone();
        process::run(async move { run(&client, batch, chunks, terms).await }).await
    }
}

async fn run<T: Outcome>(
    client: &Client,
    batch: Batch,
    chunks: Vec<plan::Chunk>,
    terms: Terms,
) -> Result<Vec<Result<T>>> {
    let batch = Arc::new(batch);
    let mut places: Vec<Option<Result<T>>> = (0..batch.len()).map(|_| None).collect();
    let (mut unanswered, mut first_error) = (0, None);
    let mut ended = 0;
    let count = chunks.len();
    let mut chunks = chunks.into_iter();
    let mut under_way: VecDeque<Task<request::Outcomes<T>>> = VecDeque::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(chunk) = chunks.next()
        {
            let (client, batch) = (client.clone(), Arc::clone(&batch));
            under_way.push_back(process::start(async move {
                Ok(request::send(&client, &batch, chunk, terms).await)
            })?);
        }
        let Some(mut task) = under_way.pop_front() else { break };
        let outcomes = task.join().await?;
        if let Some(error) = outcomes.lost {
            unanswered += 1;
            first_error.get_or_insert(error);
        }
        ended += outcomes.of_commands.len();
        batch.progress.tell(ended);
        for (index, outcome) in outcomes.of_commands {
            places[index] = Some(outcome);
        }
    }
    match first_error {
        Some(error) if unanswered == count => Err(error),
        _ => Ok(places
            .into_iter()
            .map(|place| place.unwrap_or_else(|| Err(request::left_out())))
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{Kind, Retry};

    #[test]
    fn names_and_references_are_checked_as_they_come() {
        let mut batch = Batch::new();
        let lead = batch.add("lead", "crm.lead.add", Value::Null).unwrap();
        for bad in ["", "1", "a b", "Lead", "a]", &"a".repeat(61), "lead"] {
            let error = batch.add(bad, "profile", Value::Null).unwrap_err();
            assert!(error.context().contains(&("field", "name".into())), "{bad}");
        }
        assert!(batch.push("crm.lead.get", json!({"id": lead.at("a]b")})).is_err());
        assert!(batch.push("crm.lead.get", json!({"id": lead})).is_ok());
        assert!(batch.push("crm.lead.add", json!({"t": "$result[nobody][x"})).is_ok());
        assert_eq!(batch.len(), 3);
        assert!(Command::new("BATCH", Value::Null).is_err());
    }

    #[test]
    fn what_would_vanish_on_its_way_is_refused() {
        let cleared = json!({"fields": {"UF_CRM_MANY": []}});
        let error = Command::new("crm.lead.update", cleared).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput);
        for fact in [("field", "params"), ("at", "params.fields.UF_CRM_MANY")] {
            assert!(error.context().contains(&(fact.0, fact.1.into())), "{error}");
        }
        let mut batch = Batch::new();
        let filter = json!({"filter": {"@STATUS_ID": []}});
        assert!(batch.push("crm.lead.list", filter.clone()).is_err());
        assert!(batch.add("leads", "crm.lead.list", filter).is_err());
        assert!(batch.push("crm.lead.list", json!({"filter": {}, "select": []})).is_ok());
    }

    /// Answers one request with this body, and no other.
    pub(super) async fn portal(body: String) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            drop(listener);
            let mut asked = Vec::new();
            while !asked.ends_with(b"}}") {
                socket.read_buf(&mut asked).await.unwrap();
            }
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            socket.write_all((head + &body).as_bytes()).await.unwrap();
        });
        let webhook = format!("http://{address}/rest/1/qwertyuiop123456/");
        Client::from_webhook(&webhook).ok().unwrap()
    }

    #[tokio::test]
    async fn a_result_that_cannot_be_read_stops_nothing() {
        let results = r#"{"a": "\ud800", "b": 1, "c": 2, "d": 3}"#;
        let body = format!(r#"{{"result":{{"result":{results},"result_error":[]}}}}"#);
        let client = portal(body).await;
        let mut batch = Batch::new();
        for (first, second) in [("a", "b"), ("c", "d")] {
            let company = batch.add(first, "crm.company.add", Value::Null).unwrap();
            batch.add(second, "crm.contact.add", json!({"COMPANY_ID": company})).unwrap();
        }
        let outcomes = client.run_batch(batch).await.unwrap();
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.retry()), (Kind::UnexpectedAnswer, Retry::Never));
        assert!(error.context().contains(&("command", "a".into())), "{error}");
        // The portal ran them all: the second chain was not sent again, which nobody would have answered.
        for (outcome, result) in outcomes[1..].iter().zip(1..) {
            assert_eq!(outcome.as_ref().unwrap().result, result);
        }
    }

    #[tokio::test]
    async fn nothing_to_do_is_done_without_a_request() {
        let client =
            Client::from_webhook("http://127.0.0.1:1/rest/1/qwertyuiop123456/").ok().unwrap();
        assert!(client.batch(Vec::new()).await.unwrap().is_empty());
    }
}
