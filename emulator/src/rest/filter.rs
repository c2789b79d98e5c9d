//! Filters with an operator before the field name: `>ID`, `!STATUS_ID`, `%TITLE`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::RestError;
use crate::clock;
use crate::params::{leading_integer, scalar};
use crate::rows::{Cell, Kind, Row, Table, parse_money};

/// Prefixes, longer ones first.
const OPERATORS: [(&str, Operator, bool); 14] = [
    ("!=%", Operator::Pattern, true),
    ("!%=", Operator::Pattern, true),
    ("!%", Operator::Contains, true),
    ("!@", Operator::Equal, true),
    ("!=", Operator::Equal, true),
    (">=", Operator::AtLeast, false),
    ("<=", Operator::AtMost, false),
    ("=%", Operator::Pattern, false),
    ("%=", Operator::Pattern, false),
    ("!", Operator::Equal, true),
    (">", Operator::Above, false),
    ("<", Operator::Below, false),
    ("%", Operator::Contains, false),
    ("@", Operator::Equal, false),
];

impl Condition {
    /// A condition that another syntax than prefixes has expressed.
    pub(crate) fn on(
        table: &Table,
        field: usize,
        operator: Operator,
        negated: bool,
        value: &Value,
    ) -> Self {
        let operands = operands(table.fields[field].kind, operator, value);
        Self::Field { field, operator, negated, operands }
    }
}

/// How a value is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// Any of the operands.
    Equal,
    Above,
    AtLeast,
    Below,
    AtMost,
    Contains,
    /// `%` and `_` as in SQL.
    Pattern,
}

/// What a value is compared with.
pub(crate) enum Operand {
    /// `""`, null and false.
    Empty,
    Number(i64),
    /// In lower case: the database compares without regard to case.
    Text(String),
    /// A date that is none matches nothing.
    Nothing,
}

/// What a row must satisfy.
pub(crate) enum Condition {
    /// One condition on one field.
    Field { field: usize, operator: Operator, negated: bool, operands: Vec<Operand> },
    /// At least one of these groups, each as a whole.
    Any(Vec<Vec<Condition>>),
    /// Not all of these together.
    Not(Vec<Condition>),
}

/// Conditions, with those on ID folded into a range where they can be.
pub(crate) struct Filter {
    pub(crate) range: RangeInclusive<u64>,
    pub(crate) conditions: Vec<Condition>,
}

impl Filter {
    pub(crate) fn everything() -> Self {
        Self { range: 1..=u64::MAX, conditions: Vec::new() }
    }

    /// Takes a condition in; a plain one on the id narrows the range.
    pub(crate) fn push(&mut self, condition: Condition, id: Option<usize>) {
        match id_range(&condition, id) {
            None => self.conditions.push(condition),
            Some(narrow) => {
                let (low, high) = (self.range.start(), self.range.end());
                self.range = *low.max(narrow.start())..=*high.min(narrow.end());
            }
        }
    }

    /// All of it as conditions, for use inside a group.
    fn into_conditions(self, id: Option<usize>) -> Vec<Condition> {
        let mut conditions = self.conditions;
        if let Some(field) = id {
            let bound = |operator, at: u64| Condition::Field {
                field,
                operator,
                negated: false,
                operands: vec![Operand::Number(i64::try_from(at).unwrap_or(i64::MAX))],
            };
            let (low, high) = self.range.into_inner();
            if low > 1 {
                conditions.push(bound(Operator::AtLeast, low));
            }
            if high < u64::MAX {
                conditions.push(bound(Operator::AtMost, high));
            }
        }
        conditions
    }
}

/// Which field a name means; `None` is ignored.
pub(crate) type Names<'n> = dyn Fn(&str) -> Result<Option<usize>, RestError> + 'n;

/// Groups inside groups that are still read.
const DEPTH: usize = 8;

/// Reads a map of operators and names. Numbered entries are groups; `logic: OR` makes them alternatives.
pub(crate) fn read(
    filter: &Map<String, Value>,
    table: &Table,
    names: &Names<'_>,
) -> Result<Filter, RestError> {
    group(filter, table, names, DEPTH)
}

fn group(
    filter: &Map<String, Value>,
    table: &Table,
    names: &Names<'_>,
    depth: usize,
) -> Result<Filter, RestError> {
    let id = table.field("ID");
    let mut whole = Filter::everything();
    let mut parts = Vec::new();
    let alternatives = filter
        .get("logic")
        .and_then(Value::as_str)
        .is_some_and(|logic| logic.eq_ignore_ascii_case("or"));
    for (name, value) in filter.iter().filter(|(name, _)| *name != "logic") {
        if let Some(inner) = inner_group(name, value) {
            if depth > 0 {
                let inner = group(&inner, table, names, depth - 1)?;
                parts.push(inner.into_conditions(id));
            }
            continue;
        }
        let (operator, negated, field) = split(name);
        let Some(field) = names(field)? else { continue };
        let kind = table.fields[field].kind;
        let operands = operands(kind, operator, value);
        let condition = Condition::Field { field, operator, negated, operands };
        if alternatives {
            parts.push(vec![condition]);
        } else {
            whole.push(condition, id);
        }
    }
    if alternatives {
        whole.conditions.push(Condition::Any(parts));
    } else {
        whole.conditions.extend(parts.into_iter().flatten());
    }
    Ok(whole)
}

/// A numbered entry that is a map or a list of maps.
fn inner_group(name: &str, value: &Value) -> Option<Map<String, Value>> {
    let numbered = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::Object(map) if numbered => Some(map.clone()),
        Value::Array(items) if numbered => {
            let entries = items.iter().enumerate();
            Some(entries.map(|(at, item)| (at.to_string(), item.clone())).collect())
        }
        _ => None,
    }
}

fn operands(kind: Kind, operator: Operator, value: &Value) -> Vec<Operand> {
    match value {
        Value::Array(items) => items.iter().map(|item| operand(kind, operator, item)).collect(),
        Value::Object(items) => items.values().map(|item| operand(kind, operator, item)).collect(),
        single => vec![operand(kind, operator, single)],
    }
}

/// The ids that a condition on the id alone leaves.
fn id_range(condition: &Condition, id: Option<usize>) -> Option<RangeInclusive<u64>> {
    let Condition::Field { field, operator, negated: false, operands } = condition else {
        return None;
    };
    let [Operand::Number(number)] = operands[..] else { return None };
    if Some(*field) != id {
        return None;
    }
    let at = u64::try_from(number).unwrap_or(0);
    match operator {
        Operator::Equal if number < 1 => Some(RangeInclusive::new(1, 0)),
        Operator::Equal => Some(at..=at),
        Operator::Above => Some(at.saturating_add(1)..=u64::MAX),
        Operator::AtLeast => Some(at..=u64::MAX),
        Operator::Below => Some(1..=at.saturating_sub(1)),
        Operator::AtMost => Some(1..=at),
        Operator::Contains | Operator::Pattern => None,
    }
}

fn split(name: &str) -> (Operator, bool, &str) {
    let name = name.trim();
    for (prefix, operator, negated) in OPERATORS {
        if let Some(field) = name.strip_prefix(prefix) {
            return (operator, negated, field);
        }
    }
    (Operator::Equal, false, name.strip_prefix('=').unwrap_or(name))
}

fn operand(kind: Kind, operator: Operator, value: &Value) -> Operand {
    let text = scalar(value).unwrap_or_default();
    if text.is_empty() {
        return Operand::Empty;
    }
    if matches!(operator, Operator::Contains | Operator::Pattern) {
        return Operand::Text(text.to_lowercase());
    }
    match kind {
        Kind::Int => Operand::Number(leading_integer(&text)),
        Kind::Money => Operand::Number(parse_money(&text).unwrap_or(0)),
        Kind::Flag => Operand::Number(i64::from(matches!(text.as_str(), "Y" | "y" | "1"))),
        Kind::Time => clock::parse(&text).map_or(Operand::Nothing, Operand::Number),
        Kind::Text | Kind::Multi => Operand::Text(text.to_lowercase()),
    }
}

impl Condition {
    /// Whether a row satisfies it.
    pub(crate) fn holds(&self, row: &Row<'_>) -> bool {
        match self {
            Self::Any(groups) => groups.iter().any(|group| group.iter().all(|one| one.holds(row))),
            Self::Not(group) => !group.iter().all(|one| one.holds(row)),
            Self::Field { field, operator, negated, operands } => {
                let any = |cell: &Cell<'_>| operands.iter().any(|to| operator.matches(cell, to));
                let found = match &row.cell(*field) {
                    Cell::Multi(channels) if channels.is_empty() => any(&Cell::Null),
                    Cell::Multi(channels) => channels
                        .iter()
                        .any(|channel| any(&Cell::Text(channel.value.as_str().into()))),
                    single => any(single),
                };
                found != *negated
            }
        }
    }
}

impl Operator {
    fn matches(self, cell: &Cell<'_>, operand: &Operand) -> bool {
        match (cell, operand) {
            (_, Operand::Nothing) => false,
            (cell, Operand::Empty) => is_empty(cell) && self == Self::Equal,
            (Cell::Int(left) | Cell::Money(left) | Cell::Time(left), Operand::Number(right)) => {
                self.compare(left.cmp(right))
            }
            (Cell::Flag(left), Operand::Number(right)) => self.compare(i64::from(*left).cmp(right)),
            (Cell::Text(left), Operand::Text(right)) => self.text(left, right),
            // Substrings of numbers: only on columns that are asked for in such a way.
            (Cell::Int(left), Operand::Text(right)) => self.text(&left.to_string(), right),
            _ => false,
        }
    }

    fn compare(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Above => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
            Self::Below => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Contains | Self::Pattern => false,
        }
    }

    fn text(self, left: &str, right: &str) -> bool {
        match self {
            Self::Equal => left.chars().flat_map(char::to_lowercase).eq(right.chars()),
            Self::Contains => left.to_lowercase().contains(right),
            Self::Pattern => like(&left.to_lowercase(), right),
            _ => self.compare(left.to_lowercase().as_str().cmp(right)),
        }
    }
}

fn is_empty(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => text.is_empty(),
        Cell::Int(number) => *number == 0,
        _ => false,
    }
}

/// SQL's LIKE: `%` is any run, `_` one character. Linear in practice: only the last `%` is ever gone back to.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut to) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(to) {
            Some('%') => {
                retry = Some((at, to));
                to += 1;
            }
            Some(&wanted) if wanted == '_' || wanted == text[at] => {
                at += 1;
                to += 1;
            }
            _ => {
                let Some((from, percent)) = retry else { return false };
                retry = Some((from + 1, percent));
                at = from + 1;
                to = percent + 1;
            }
        }
    }
    pattern[to..].iter().all(|&left| left == '%')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_is_like_in_sql() {
        assert!(like("website request", "web%"));
        assert!(like("website request", "%site%quest"));
        assert!(like("abc", "a_c"));
        assert!(!like("abc", "a_"));
        assert!(!like("website", "site%"));
        assert!(like("", "%"));
        assert!(!like(&"a".repeat(5_000), &format!("{}b", "%a".repeat(50))));
    }
}
