//! The events that this portal knows.

use crate::config::Entity;
use crate::rest::Operation;

/// Tells an application that its offline queue has something.
pub(crate) const OFFLINE: &str = "ONOFFLINEEVENT";

/// An administrator allowed or denied a method.
pub(super) const CONFIRM: &str = "ONAPPMETHODCONFIRM";

/// Names with their scope; `None` is open to every application.
#[rustfmt::skip] // A row for each object.
const EVENTS: &[(Option<&str>, &[&str])] = &[
    (None, &["ONAPPINSTALL", "ONAPPUPDATE", "ONAPPUNINSTALL", "ONAPPPAYMENT", CONFIRM, "ONAPPTEST", OFFLINE, "ONSUBSCRIPTIONRENEW"]),
    (Some("user"), &["ONUSERADD"]),
    (Some("crm"), &["ONCRMLEADADD", "ONCRMLEADUPDATE", "ONCRMLEADDELETE"]),
    (Some("crm"), &["ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE"]),
    (Some("crm"), &["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE", "ONCRMCONTACTDELETE"]),
    (Some("crm"), &["ONCRMCOMPANYADD", "ONCRMCOMPANYUPDATE", "ONCRMCOMPANYDELETE"]),
    (Some("crm"), &["ONCRMDYNAMICITEMADD", "ONCRMDYNAMICITEMUPDATE", "ONCRMDYNAMICITEMDELETE"]),
    (Some("task"), &["ONTASKADD", "ONTASKUPDATE", "ONTASKDELETE"]),
];

/// All names with their scopes.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    EVENTS.iter().flat_map(|(scope, names)| names.iter().map(|name| (*name, *scope)))
}

/// The scope of an event, if there is such an event.
pub(super) fn scope(event: &str) -> Option<Option<&'static str>> {
    all().find(|(name, _)| *name == event).map(|(_, scope)| scope)
}

/// What a change of a row is called.
pub(super) fn of_change(entity: Entity, operation: Operation) -> Option<&'static str> {
    let names: &[&str; 3] = match entity {
        Entity::Lead => &["ONCRMLEADADD", "ONCRMLEADUPDATE", "ONCRMLEADDELETE"],
        Entity::Deal => &["ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE"],
        Entity::Contact => &["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE", "ONCRMCONTACTDELETE"],
        Entity::Company => &["ONCRMCOMPANYADD", "ONCRMCOMPANYUPDATE", "ONCRMCOMPANYDELETE"],
        Entity::Task => &["ONTASKADD", "ONTASKUPDATE", "ONTASKDELETE"],
    };
    match operation {
        Operation::Add => Some(names[0]),
        Operation::Update => Some(names[1]),
        Operation::Delete => Some(names[2]),
        Operation::Fields | Operation::Get | Operation::List => None,
    }
}

/// Events that come with a refresh token, whatever the settings say.
pub(super) fn carries_refresh_token(event: &str) -> bool {
    matches!(event, "ONAPPINSTALL" | "ONAPPUPDATE" | "ONAPPTEST" | "ONSUBSCRIPTIONRENEW" | OFFLINE)
}
