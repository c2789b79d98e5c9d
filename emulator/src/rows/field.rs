//! A column of an entity.

use std::borrow::Cow;

use super::cell::{Cell, Kind};
use super::generator::Source;

/// Computes a generated row's value.
pub(crate) type Make = fn(&Source) -> Cell<'static>;

/// A column: name, type and how generated rows fill it.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) title: Cow<'static, str>,
    /// As `crm.*.fields` calls the type.
    pub(crate) type_name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) writable: bool,
    pub(crate) make: Make,
}

impl Field {
    pub(crate) const fn new(
        name: &'static str,
        title: &'static str,
        type_name: &'static str,
        kind: Kind,
        make: Make,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            title: Cow::Borrowed(title),
            type_name,
            kind,
            writable: true,
            make,
        }
    }

    /// A string that generated rows leave null.
    pub(crate) const fn blank(name: &'static str, title: &'static str) -> Self {
        Self::new(name, title, "string", Kind::Text, |_| Cell::Null)
    }

    pub(crate) const fn text(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "string", Kind::Text, make)
    }

    pub(crate) const fn status(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "crm_status", Kind::Text, make)
    }

    pub(crate) const fn flag(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "char", Kind::Flag, make)
    }

    pub(crate) const fn time(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "datetime", Kind::Time, make)
    }

    pub(crate) const fn user(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "user", Kind::Int, make)
    }

    pub(crate) const fn channel(name: &'static str, title: &'static str, make: Make) -> Self {
        Self::new(name, title, "crm_multifield", Kind::Multi, make)
    }

    pub(crate) const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// Calls the type something else in `crm.*.fields`.
    pub(crate) const fn typed(mut self, type_name: &'static str) -> Self {
        self.type_name = type_name;
        self
    }

    /// Channels that generated rows do not have.
    pub(crate) const fn no_channel(name: &'static str, title: &'static str) -> Self {
        Self::channel(name, title, |_| Cell::Multi(Vec::new()))
    }

    /// A column that only a data file knows.
    pub(crate) fn imported(name: String) -> Self {
        Self { name: Cow::Owned(name.clone()), title: Cow::Owned(name), ..Self::blank("", "") }
    }

    /// Fields of users' own making, which `select: ["*"]` leaves out.
    pub(crate) fn is_custom(&self) -> bool {
        self.name.starts_with("UF_")
    }
}
