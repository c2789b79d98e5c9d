//! The portal's people. Any id in range is an employee, so that tests may ask for as many grants as they need.

use std::ops::RangeInclusive;

/// Ids of users: the token keeps four bytes for them.
pub(crate) const RANGE: RangeInclusive<u64> = 1..=u32::MAX as u64;
/// Said when a user id is refused.
pub(crate) const RULE: &str = "must be a user id between 1 and 4294967295";

const PEOPLE: [(&str, &str, &str); 6] = [
    ("Анна", "Соколова", "Руководитель отдела продаж"),
    ("Michael", "Turner", "Sales manager"),
    ("Дмитрий", "Орлов", "Менеджер по работе с клиентами"),
    ("Laura", "Becker", "Account executive"),
    ("Екатерина", "Громова", "Маркетолог"),
    ("Thomas", "Rivera", "Support engineer"),
];

/// An employee of the portal.
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) last_name: &'static str,
    pub(crate) position: &'static str,
    /// Only the first user administers the portal.
    pub(crate) admin: bool,
}

/// Whether such a user can exist.
pub(crate) fn is_valid(id: u64) -> bool {
    RANGE.contains(&id)
}

/// The user with this id.
pub(crate) fn get(id: u64) -> User {
    let index = usize::try_from(id.saturating_sub(1) % PEOPLE.len() as u64).unwrap_or(0);
    let (name, last_name, position) = PEOPLE[index];
    User { id, name, last_name, position, admin: id == 1 }
}

/// Those whom the consent page offers.
pub(crate) fn listed() -> impl Iterator<Item = User> {
    (1..=PEOPLE.len() as u64).map(get)
}
