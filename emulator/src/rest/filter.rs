//! Filters with an operator before the field name: `>ID`, `!STATUS_ID`, `%TITLE`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
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
enum Operand {
    /// `""`, null and false.
    Empty,
    Number(i64),
    /// In lower case: the database compares without regard to case.
    Text(String),
    /// A date that is none matches nothing.
    Nothing,
}

/// One condition on one field.
pub(crate) struct Condition {
    field: usize,
    operator: Operator,
    negated: bool,
    operands: Vec<Operand>,
}

/// Conditions of a filter, with those on ID folded into a range where they can be. Unknown fields are ignored.
pub(crate) fn read(
    filter: &Map<String, Value>,
    table: &Table,
) -> (RangeInclusive<u64>, Vec<Condition>) {
    let id = table.field("ID");
    let (mut low, mut high) = (1, u64::MAX);
    let mut conditions = Vec::new();
    for (name, value) in filter {
        let (operator, negated, field) = split(name);
        let Some(field) = table.field(field) else { continue };
        let kind = table.fields[field].kind;
        let operands: Vec<Operand> = match value {
            Value::Array(items) => items.iter().map(|item| operand(kind, operator, item)).collect(),
            Value::Object(items) => {
                items.values().map(|item| operand(kind, operator, item)).collect()
            }
            single => vec![operand(kind, operator, single)],
        };
        if Some(field) == id
            && !negated
            && let [Operand::Number(number)] = operands[..]
        {
            let at = u64::try_from(number).unwrap_or(0);
            let (from, to) = match operator {
                Operator::Equal if number < 1 => (1, 0),
                Operator::Equal => (at, at),
                Operator::Above => (at.saturating_add(1), u64::MAX),
                Operator::AtLeast => (at, u64::MAX),
                Operator::Below => (1, at.saturating_sub(1)),
                Operator::AtMost => (1, at),
                Operator::Contains | Operator::Pattern => (1, u64::MAX),
            };
            if !matches!(operator, Operator::Contains | Operator::Pattern) {
                (low, high) = (low.max(from), high.min(to));
                continue;
            }
        }
        conditions.push(Condition { field, operator, negated, operands });
    }
    (low..=high, conditions)
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
        let cell = row.cell(self.field);
        let found = match &cell {
            Cell::Multi(channels) if channels.is_empty() => self.any(&Cell::Null),
            Cell::Multi(channels) => {
                channels.iter().any(|channel| self.any(&Cell::Text(channel.value.as_str().into())))
            }
            single => self.any(single),
        };
        found != self.negated
    }

    fn any(&self, cell: &Cell<'_>) -> bool {
        self.operands.iter().any(|operand| self.matches(cell, operand))
    }

    fn matches(&self, cell: &Cell<'_>, operand: &Operand) -> bool {
        match (cell, operand) {
            (_, Operand::Nothing) => false,
            (cell, Operand::Empty) => is_empty(cell) && self.operator == Operator::Equal,
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

    fn compare(&self, ordering: std::cmp::Ordering) -> bool {
        match self.operator {
            Operator::Equal => ordering.is_eq(),
            Operator::Above => ordering.is_gt(),
            Operator::AtLeast => ordering.is_ge(),
            Operator::Below => ordering.is_lt(),
            Operator::AtMost => ordering.is_le(),
            Operator::Contains | Operator::Pattern => false,
        }
    }

    fn text(&self, left: &str, right: &str) -> bool {
        match self.operator {
            Operator::Equal => left.chars().flat_map(char::to_lowercase).eq(right.chars()),
            Operator::Contains => left.to_lowercase().contains(right),
            Operator::Pattern => like(&left.to_lowercase(), right),
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
