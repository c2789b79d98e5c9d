//! The caller's parameters, and the parameters of one page made of them.

use serde_json::{Map, Value, json};

use super::family::{self, Family, Order};
use crate::{Error, Result, rest::params};

/// Which way a list goes through the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Direction {
    /// As it is written, in either case.
    fn read(word: &Value) -> Option<Self> {
        let word = word.as_str()?.trim();
        [Self::Up, Self::Down].into_iter().find(|known| known.word().eq_ignore_ascii_case(word))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Up => "ASC",
            Self::Down => "DESC",
        }
    }

    /// Whether `next` comes after `last` in this direction.
    pub(super) fn follows(self, next: u64, last: u64) -> bool {
        match self {
            Self::Up => next > last,
            Self::Down => next < last,
        }
    }
}

/// Where a page begins, by id.
#[derive(Debug, Clone)]
pub(super) enum After {
    /// At the first row.
    Nothing,
    /// Behind this id.
    Id(u64),
    /// Behind an id that an earlier command of the batch brings.
    Reference(String),
}

/// What a caller asked for.
#[derive(Debug, Clone)]
pub(super) struct Query {
    params: Map<String, Value>,
    pub(super) family: &'static Family,
    /// Whether anything is known of the method.
    pub(super) known: bool,
    filter: String,
    select: String,
    pub(super) direction: Direction,
    /// Why the list cannot go by id, where it cannot: the parameter that is in the way.
    pub(super) obstacle: Option<&'static str>,
    /// Where the parameters have an empty list or object: then they fit into no batch.
    pub(super) empty: Option<String>,
    /// Whether the caller left the id out of `select`: rows come without it then.
    pub(super) strip: bool,
}

impl Query {
    pub(super) fn new(
        method: &str,
        params: Map<String, Value>,
        order: Option<Map<String, Value>>,
    ) -> Result<Self> {
        if let Some((name, _)) = entry(&params, "start") {
            return Err(Error::invalid_input("start", "a list pages by itself")
                .with("method", method)
                .with("parameter", name)
                .advise("Leave start out, or use call for a single page."));
        }
        let known = family::of(method);
        let family = known.unwrap_or(&family::UNKNOWN);
        let filter = name_in(&params, family.filter);
        let select = name_in(&params, family.select);
        let mut query = Self {
            params,
            family,
            known: known.is_some(),
            filter,
            select,
            direction: Direction::Up,
            obstacle: None,
            empty: None,
            strip: false,
        };
        query.take_order(order)?;
        query.empty = params::empty_place(&query.params);
        if query.empty.is_some() && query.obstacle.is_none() {
            query.obstacle = Some("params");
        }
        if query.params.get(&query.filter).is_some_and(|filter| !leaves_room(filter, family.id)) {
            query.obstacle = Some("filter");
        }
        if query.known {
            query.select_id();
        }
        Ok(query)
    }

    /// Takes the option in, and sees which way the list goes.
    fn take_order(&mut self, option: Option<Map<String, Value>>) -> Result<()> {
        for (field, word) in option.iter().flatten() {
            if Direction::read(word).is_none() {
                return Err(no_direction(field));
            }
        }
        let given = self.given_order(option)?;
        let Some(given) = given.filter(|order| !order.is_empty()) else { return Ok(()) };
        match given.iter().next() {
            Some((field, word))
                if given.len() == 1 && field.eq_ignore_ascii_case(self.family.id) =>
            {
                match Direction::read(word) {
                    Some(direction) => self.direction = direction,
                    None if self.known => return Err(no_direction(field)),
                    None => self.obstacle = Some("order"),
                }
            }
            _ => self.obstacle = Some("order"),
        }
        Ok(())
    }

    /// The order among the parameters, into which the option is put.
    fn given_order(
        &mut self,
        option: Option<Map<String, Value>>,
    ) -> Result<Option<Map<String, Value>>> {
        let unreadable = |name: &str| {
            Err(Error::invalid_input("order", "this is not an order")
                .with("parameter", name)
                .advise("An order is an object of fields, each with ASC or DESC."))
        };
        let twice = || {
            Err(Error::invalid_input("order", "the order is given twice")
                .advise("Give it among the parameters or among the options."))
        };
        Ok(match self.family.order {
            Order::Map(name) => {
                let name = name_in(&self.params, name);
                if let Some(order) = option {
                    if self.params.contains_key(&name) {
                        return twice();
                    }
                    self.params.insert(name.clone(), Value::Object(order));
                }
                match self.params.get(&name) {
                    Some(Value::Object(order)) => Some(order.clone()),
                    // Of a method that is not known it stays what it is.
                    None | Some(Value::Null) => None,
                    Some(Value::Array(fields)) if fields.is_empty() => None,
                    Some(_) if self.known => return unreadable(&name),
                    Some(_) => {
                        self.obstacle = Some("order");
                        None
                    }
                }
            }
            Order::Pair(sort, order) => {
                let (sort, order) = (name_in(&self.params, sort), name_in(&self.params, order));
                if let Some(option) = option {
                    if self.params.contains_key(&sort) {
                        return twice();
                    }
                    let mut fields = option.into_iter();
                    let (Some((field, direction)), None) = (fields.next(), fields.next()) else {
                        return Err(Error::invalid_input(
                            "order",
                            "this method orders by one field",
                        ));
                    };
                    self.params.insert(sort.clone(), field.into());
                    self.params.insert(order.clone(), direction);
                }
                let direction = self.params.get(&order).filter(|word| !word.is_null()).cloned();
                let field = match self.params.get(&sort) {
                    Some(Value::String(field)) => Some(field.as_str()),
                    // A direction without a field is the id's.
                    None | Some(Value::Null) => direction.is_some().then_some(self.family.id),
                    Some(_) => return unreadable(&sort),
                };
                let direction = direction.unwrap_or_else(|| Direction::Up.word().into());
                field.map(|field| Map::from_iter([(field.to_owned(), direction)]))
            }
        })
    }

    /// Lists need the id; a caller who did not ask for it does not get it.
    fn select_id(&mut self) {
        let id = self.family.id;
        let is_id = |name: &Value| {
            name.as_str().is_some_and(|name| name == "*" || name.eq_ignore_ascii_case(id))
        };
        self.strip = match self.params.get_mut(&self.select) {
            Some(Value::Array(names)) if !names.is_empty() && !names.iter().any(is_id) => {
                names.push(id.into());
                true
            }
            Some(Value::Object(names)) if !names.is_empty() && !names.values().any(is_id) => {
                names.insert(names.len().to_string(), id.into());
                true
            }
            Some(name @ Value::String(_)) if !is_id(name) => {
                *name = json!([name.take(), id]);
                true
            }
            _ => false,
        };
    }

    /// A page by offset. A known method is ordered by id where its caller has no wish: rows that are
    /// added meanwhile come at the end then.
    pub(super) fn at(&self, start: u64) -> Value {
        let mut params = self.params.clone();
        if self.known && self.obstacle != Some("order") {
            self.put_order(&mut params, self.direction);
        }
        params.insert("start".to_owned(), start.into());
        Value::Object(params)
    }

    /// A page by id, uncounted: behind `after`, and below `below`.
    pub(super) fn behind(&self, after: &After, below: Option<u64>) -> Value {
        let mut params = self.params.clone();
        let mut filter = match params.get(&self.filter) {
            Some(Value::Object(filter)) => filter.clone(),
            _ => Map::new(),
        };
        let operator = if self.direction == Direction::Up { ">" } else { "<" };
        let key = format!("{operator}{}", self.family.id);
        match after {
            After::Nothing => {}
            After::Id(id) => _ = filter.insert(key, (*id).into()),
            After::Reference(text) => _ = filter.insert(key, text.clone().into()),
        }
        if let Some(below) = below {
            filter.insert(format!("<{}", self.family.id), below.into());
        }
        if !filter.is_empty() {
            params.insert(self.filter.clone(), Value::Object(filter));
        }
        self.put_order(&mut params, self.direction);
        params.insert("start".to_owned(), (-1).into());
        Value::Object(params)
    }

    /// The ids at the far end, the last one first.
    pub(super) fn tail(&self, after: &After) -> Value {
        let Value::Object(mut params) = self.behind(after, None) else { return Value::Null };
        let back = match self.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        self.put_order(&mut params, back);
        params.insert(self.select.clone(), json!([self.family.id]));
        Value::Object(params)
    }

    /// One page of no more than ids, counted.
    pub(super) fn counted(&self) -> Value {
        let mut params = self.params.clone();
        if self.known {
            params.insert(self.select.clone(), json!([self.family.id]));
        }
        params.insert("start".to_owned(), 0.into());
        Value::Object(params)
    }

    /// The rows with these ids, fifty at most.
    pub(super) fn with_ids(&self, ids: &[u64]) -> Value {
        let mut params = self.params.clone();
        let mut filter = match params.get(&self.filter) {
            Some(Value::Object(filter)) => filter.clone(),
            _ => Map::new(),
        };
        filter.insert(format!("{}{}", self.family.any_of, self.family.id), json!(ids));
        params.insert(self.filter.clone(), Value::Object(filter));
        let start = if self.family.by_id { -1 } else { 0 };
        params.insert("start".to_owned(), start.into());
        Value::Object(params)
    }

    fn put_order(&self, params: &mut Map<String, Value>, direction: Direction) {
        let (id, word) = (self.family.id, direction.word());
        match self.family.order {
            Order::Map(order) => {
                params.insert(name_in(&self.params, order), json!({id: word}));
            }
            Order::Pair(sort, order) => {
                params.insert(name_in(&self.params, sort), id.into());
                params.insert(name_in(&self.params, order), word.into());
            }
        }
    }
}

fn no_direction(field: &str) -> Error {
    let field: String = field.chars().take(60).collect();
    Error::invalid_input("order", "this is not a direction to order in")
        .with("at", format!("order.{field}"))
        .advise("Use ASC or DESC.")
}

fn entry<'a>(params: &'a Map<String, Value>, name: &str) -> Option<(&'a String, &'a Value)> {
    params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))
}

/// The name a parameter has in the caller's hand; portals take either case, but not both at once.
fn name_in(params: &Map<String, Value>, name: &str) -> String {
    entry(params, name).map_or_else(|| name.to_owned(), |(key, _)| key.clone())
}

/// Whether a condition on the id can be put into a filter.
fn leaves_room(filter: &Value, id: &str) -> bool {
    match filter {
        Value::Object(_) => !mentions(filter, id),
        // What a portal sees of it is nothing.
        Value::Array(groups) => groups.is_empty(),
        other => other.is_null(),
    }
}

/// Whether a filter says anything about the id, in a group too.
fn mentions(filter: &Value, id: &str) -> bool {
    match filter {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let field = name.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
            field.eq_ignore_ascii_case(id)
                || (value.is_object() || value.is_array()) && mentions(value, id)
        }),
        Value::Array(groups) => groups.iter().any(|group| mentions(group, id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
