//! Lists of REST 3.0, in each of the ways that their methods page.

use std::{collections::VecDeque, str::FromStr};

use serde_json::{Map, Value, json};

use super::Client;
use crate::{
    Error, Kind, Result, Retry,
    process::{self, Task},
    rest::{Answer, CallOptions, Priority, list::has_more},
};

/// How a method pages. Vendor documentation: "REST 3.0", and each method's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paging {
    /// `pagination` with a limit and an offset.
    Offset,
    /// `pagination` with `afterCursor`, which the answer gives as `afterCursor` or `nextCursor`.
    Cursor,
    /// A `cursor` over one field.
    Tail,
}

impl Paging {
    /// How `method` pages, by its name.
    #[must_use]
    pub fn of(method: &str) -> Self {
        match method {
            "call.followup.list" | "note.collection.list" => Self::Cursor,
            _ if method.ends_with(".tail") => Self::Tail,
            _ => Self::Offset,
        }
    }
}

impl FromStr for Paging {
    type Err = Error;

    /// Reads `offset`, `cursor` or `tail`.
    fn from_str(word: &str) -> Result<Self> {
        match word {
            "offset" => Ok(Self::Offset),
            "cursor" => Ok(Self::Cursor),
            "tail" => Ok(Self::Tail),
            _ => Err(Error::invalid_input("paging", "lists page in no such way")
                .advise("Use offset, cursor or tail, or leave it out.")),
        }
    }
}

/// Items of a page where the caller says nothing: what the documentation allows for the method.
fn usual_limit(method: &str) -> u64 {
    match method {
        "tasks.task.list" => 500,
        "call.followup.list" | "note.collection.list" => 200,
        _ => 50,
    }
}

/// The items of a list method, a page at a time.
pub struct List {
    client: Client,
    method: String,
    params: Map<String, Value>,
    limit: u64,
    at: At,
    under_way: Option<Task<Answer>>,
    ready: VecDeque<Vec<Value>>,
    items: u64,
    /// Items of the longest page: portals cut a limit down without a word.
    longest: usize,
    failed: Option<Error>,
    done: bool,
}

/// Where the next page begins.
enum At {
    /// Behind so many items, the last of which was this.
    Offset(u64, Option<Value>),
    Cursor(Option<Value>),
    Tail {
        field: String,
        order: String,
        value: Value,
    },
}

impl List {
    pub(super) fn new(
        client: Client,
        method: &str,
        mut params: Map<String, Value>,
        paging: Paging,
    ) -> Result<Self> {
        let refuse = |field, why| Err(Error::invalid_input(field, why).with("method", method));
        let mut given =
            match params.shift_remove(if paging == Paging::Tail { "cursor" } else { "pagination" })
            {
                None | Some(Value::Null) => Map::new(),
                Some(Value::Object(given)) => given,
                Some(_) if paging == Paging::Tail => {
                    return refuse("cursor", "a cursor is an object");
                }
                Some(_) => return refuse("pagination", "pagination is an object"),
            };
        if paging != Paging::Tail && given.keys().any(|key| key != "limit") {
            return refuse("pagination", "a list pages by itself: give a limit at most");
        }
        let limit = match given.shift_remove("limit") {
            None => usual_limit(method),
            Some(limit) => match limit.as_u64() {
                Some(limit @ 1..=1000) => limit,
                _ => return refuse("limit", "a limit is a number from 1 to 1000"),
            },
        };
        let mut take = |name: &str| given.shift_remove(name).filter(|value| !value.is_null());
        let text = |value: Option<Value>, usual: &str| match value {
            Some(Value::String(text)) => text,
            _ => usual.to_owned(),
        };
        let at = match paging {
            Paging::Offset => At::Offset(0, None),
            Paging::Cursor => At::Cursor(None),
            Paging::Tail => At::Tail {
                field: text(take("field"), "id"),
                order: text(take("order"), "ASC"),
                value: take("value").unwrap_or_else(|| 0.into()),
            },
        };
        Ok(Self {
            client,
            method: method.to_owned(),
            params,
            limit,
            at,
            under_way: None,
            ready: VecDeque::new(),
            items: 0,
            longest: 0,
            failed: None,
            done: false,
        })
    }

    /// How many items were handed out.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The next items, in order; `None` at the end. A wait that was cancelled can be taken up again.
    ///
    /// # Errors
    /// A page that cannot be had is an error that names it, and stays one: never an early end.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Value>>> {
        loop {
            if let Some(items) = self.ready.pop_front() {
                self.items += items.len() as u64;
                return Ok(Some(items));
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.done {
                return Ok(None);
            }
            if let Err(error) = self.read_on().await {
                let error = error.with("page", self.name());
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
    }

    /// All items at once.
    ///
    /// # Errors
    /// As [`List::next_page`].
    pub async fn all(mut self) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        while let Some(page) = self.next_page().await? {
            items.extend(page);
        }
        Ok(items)
    }

    async fn read_on(&mut self) -> Result<()> {
        if self.under_way.is_none() {
            self.begin()?;
        }
        let Some(task) = &mut self.under_way else { return Ok(()) };
        let answer = task.join().await;
        self.under_way = None;
        let mut answer = answer?.result;
        let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) else {
            return Err(self
                .broken("the method does not answer with items")
                .advise("Use call for this method."));
        };
        let items = self.advance(items, &answer)?;
        if !items.is_empty() {
            self.ready.push_back(items);
        }
        if !self.done {
            self.begin()?;
        }
        Ok(())
    }

    /// Takes a page in: what is new of it, and where the next one begins.
    fn advance(&mut self, mut items: Vec<Value>, answer: &Value) -> Result<Vec<Value>> {
        let is_short = items.len() < self.longest.max(usize::try_from(self.limit).unwrap_or(0))
            && items.len() < self.longest;
        self.longest = self.longest.max(items.len());
        let at_end = items.is_empty() || is_short;
        match &mut self.at {
            At::Cursor(cursor) => {
                let next = ["nextCursor", "afterCursor"].iter().find_map(|name| answer.get(*name));
                let next = next.filter(|next| !next.is_null()).cloned();
                if next.is_some() && (next == *cursor || items.is_empty()) {
                    return Err(self.broken("the page leads back to itself"));
                }
                self.done = next.is_none();
                *cursor = next;
            }
            At::Offset(offset, last) => {
                if let Some(last) = last.take() {
                    // Pages overlap by one item: where it is another now, rows have moved.
                    let same = items.first().is_some_and(|first| is_same(first, &last));
                    if !same {
                        return Err(self.broken("items were added or removed before this page while they were listed, so that others may be missing"));
                    }
                    items.remove(0);
                }
                *offset += items.len() as u64;
                // One item to a page leaves no room for an overlap.
                *last = items.last().filter(|_| self.limit > 1).cloned();
                self.done = at_end || items.is_empty();
            }
            At::Tail { field, order, value } => {
                for item in &items {
                    let next = item.get(&*field).cloned().unwrap_or(Value::Null);
                    if next.is_null() {
                        let why = "the items have not the field that the cursor goes by";
                        return Err(self.broken(why).advise("Select it."));
                    }
                    if !follows(&next, value, order.eq_ignore_ascii_case("desc")) {
                        return Err(self.broken("the items do not go on behind the cursor"));
                    }
                    *value = next;
                }
                self.done = at_end;
            }
        }
        if self.done && has_more(answer) {
            return Err(self.broken("there is more, but the answer does not say how to go on"));
        }
        Ok(items)
    }

    fn begin(&mut self) -> Result<()> {
        let mut params = self.params.clone();
        let (name, page) = match &self.at {
            At::Offset(offset, last) => {
                let offset = offset - u64::from(last.is_some());
                ("pagination", json!({"limit": self.limit, "offset": offset}))
            }
            At::Cursor(None) => ("pagination", json!({"limit": self.limit})),
            At::Cursor(Some(cursor)) => {
                ("pagination", json!({"limit": self.limit, "afterCursor": cursor}))
            }
            At::Tail { field, order, value } => (
                "cursor",
                json!({"field": field, "order": order, "value": value, "limit": self.limit}),
            ),
        };
        params.insert(name.to_owned(), page);
        let (client, method) = (self.client.clone(), self.method.clone());
        self.under_way = Some(process::start(async move {
            // Reading twice is harmless, and a list may wait.
            let options = CallOptions::new().idempotent(true).priority(Priority::Bulk);
            client.call_with(&method, Value::Object(params), options).await
        })?);
        Ok(())
    }

    fn name(&self) -> String {
        match &self.at {
            At::Offset(offset, _) => format!("offset={offset}"),
            At::Cursor(None) => "first".to_owned(),
            At::Cursor(Some(cursor)) => format!("afterCursor={cursor}"),
            At::Tail { field, value, .. } => format!("{field} behind {value}"),
        }
    }

    fn broken(&self, why: &'static str) -> Error {
        Error::new(Kind::UnexpectedAnswer, why)
            .with("method", self.method.clone())
            .with_retry(Retry::Never)
    }
}

/// By id where there is one: other fields may have changed since.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.get("id"), b.get("id")) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Whether a value comes after another. The first one may be of another type: a 0 before texts.
fn follows(next: &Value, last: &Value, down: bool) -> bool {
    let order = match (next, last) {
        (Value::Number(next), Value::Number(last)) => next.as_f64().partial_cmp(&last.as_f64()),
        (Value::String(next), Value::String(last)) => Some(next.cmp(last)),
        _ => return true,
    };
    order == Some(if down { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(params: Value, paging: Paging) -> Result<List> {
        let client = crate::Client::from_webhook("http://127.0.0.1:1/rest/1/qwertyuiop123456/")
            .ok()
            .unwrap();
        client.v3().list_by("x.y.list", params, paging)
    }

    fn items(ids: std::ops::Range<u64>) -> Vec<Value> {
        ids.map(|id| json!({"id": id})).collect()
    }

    #[test]
    fn offsets_overlap_so_that_moved_rows_show() {
        let mut whole = list(json!({"pagination": {"limit": 10}}), Paging::Offset).unwrap();
        assert_eq!(whole.advance(items(1..11), &Value::Null).unwrap().len(), 10);
        assert_eq!(whole.advance(items(10..20), &Value::Null).unwrap(), items(11..20));
        assert_eq!(whole.advance(items(19..22), &Value::Null).unwrap(), items(20..22));
        assert!(whole.done);
        let mut moved = list(json!({"pagination": {"limit": 10}}), Paging::Offset).unwrap();
        moved.advance(items(1..11), &Value::Null).unwrap();
        assert!(moved.advance(items(11..21), &Value::Null).is_err());
    }

    #[test]
    fn a_limit_that_was_cut_down_is_not_the_end() {
        let mut list = list(json!({"pagination": {"limit": 900}}), Paging::Offset).unwrap();
        list.advance(items(1..201), &Value::Null).unwrap();
        assert!(!list.done);
        list.advance(items(200..400), &Value::Null).unwrap();
        assert!(!list.done);
        assert!(list.advance(items(399..400), &Value::Null).unwrap().is_empty());
        assert!(list.done);
    }

    #[test]
    fn a_page_that_leads_back_is_no_loop() {
        let mut cursor = list(Value::Null, Paging::Cursor).unwrap();
        let answer = json!({"nextCursor": {"position": 5, "id": 5}});
        cursor.advance(items(1..6), &answer).unwrap();
        assert!(cursor.advance(items(1..6), &answer).is_err());
        let mut tail = list(Value::Null, Paging::Tail).unwrap();
        tail.advance(items(1..6), &Value::Null).unwrap();
        assert!(tail.advance(items(1..6), &Value::Null).is_err());
    }

    #[test]
    fn an_end_with_more_behind_it_is_none() {
        let more = json!({"hasMore": true});
        let mut offset = list(json!({"pagination": {"limit": 10}}), Paging::Offset).unwrap();
        offset.advance(items(1..11), &more).unwrap();
        assert!(offset.advance(items(10..14), &more).is_err());
        let mut tail = list(Value::Null, Paging::Tail).unwrap();
        tail.advance(items(1..6), &more).unwrap();
        assert!(tail.advance(items(6..8), &more).is_err());
        let mut cursor = list(Value::Null, Paging::Cursor).unwrap();
        assert!(cursor.advance(items(1..6), &more).is_err());
    }

    #[test]
    fn what_a_list_does_itself_is_refused() {
        for (params, paging) in [
            (json!({"pagination": {"page": 2}}), Paging::Offset),
            (json!({"pagination": {"limit": 0}}), Paging::Offset),
            (json!({"pagination": [1]}), Paging::Cursor),
            (json!({"cursor": 5}), Paging::Tail),
        ] {
            assert!(list(params.clone(), paging).is_err(), "{params}");
        }
    }
}
