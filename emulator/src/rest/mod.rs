//! REST methods: one table of names, one function each.

mod batch;
mod common;
mod crm;
mod error;
mod filter;
mod list;
mod reference;

pub(crate) use error::RestError;

use crate::config::Entity::{self, Contact, Deal, Lead};
use crate::params::Params;
use crate::world::World;

/// Who a call acts for.
pub(crate) struct Caller {
    pub(crate) user_id: u64,
    /// `false` for an incoming webhook.
    pub(crate) application: bool,
}

impl Caller {
    pub(crate) fn application(user_id: u64) -> Self {
        Self { user_id, application: true }
    }

    pub(crate) fn webhook(user_id: u64) -> Self {
        Self { user_id, application: false }
    }
}

/// One call of one method.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: &'a Caller,
    pub(crate) params: &'a Params,
    /// Index into [`METHODS`].
    pub(crate) method: usize,
}

/// What a list answers beside its rows.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) next: Option<usize>,
    pub(crate) total: Option<usize>,
}

/// What can be done with CRM rows.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Add,
    Delete,
    Fields,
    Get,
    List,
    Update,
}

#[derive(Clone, Copy)]
enum Run {
    AppInfo,
    Batch,
    Crm(Entity, Operation),
    Methods,
    Profile,
    Scope,
    ServerTime,
    UserCurrent,
}

/// An entry of the method table.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// `None`: every caller has it.
    pub(crate) scope: Option<&'static str>,
    run: Run,
}

const fn open(name: &'static str, run: Run) -> Method {
    Method { name, scope: None, run }
}

const fn scoped(scope: &'static str, name: &'static str, run: Run) -> Method {
    Method { name, scope: Some(scope), run }
}

/// All methods, sorted by name.
pub(crate) static METHODS: &[Method] = &[
    open("app.info", Run::AppInfo),
    open("batch", Run::Batch),
    scoped("crm", "crm.contact.add", Run::Crm(Contact, Operation::Add)),
    scoped("crm", "crm.contact.delete", Run::Crm(Contact, Operation::Delete)),
    scoped("crm", "crm.contact.fields", Run::Crm(Contact, Operation::Fields)),
    scoped("crm", "crm.contact.get", Run::Crm(Contact, Operation::Get)),
    scoped("crm", "crm.contact.list", Run::Crm(Contact, Operation::List)),
    scoped("crm", "crm.contact.update", Run::Crm(Contact, Operation::Update)),
    scoped("crm", "crm.deal.add", Run::Crm(Deal, Operation::Add)),
    scoped("crm", "crm.deal.delete", Run::Crm(Deal, Operation::Delete)),
    scoped("crm", "crm.deal.fields", Run::Crm(Deal, Operation::Fields)),
    scoped("crm", "crm.deal.get", Run::Crm(Deal, Operation::Get)),
    scoped("crm", "crm.deal.list", Run::Crm(Deal, Operation::List)),
    scoped("crm", "crm.deal.update", Run::Crm(Deal, Operation::Update)),
    scoped("crm", "crm.lead.add", Run::Crm(Lead, Operation::Add)),
    scoped("crm", "crm.lead.delete", Run::Crm(Lead, Operation::Delete)),
    scoped("crm", "crm.lead.fields", Run::Crm(Lead, Operation::Fields)),
    scoped("crm", "crm.lead.get", Run::Crm(Lead, Operation::Get)),
    scoped("crm", "crm.lead.list", Run::Crm(Lead, Operation::List)),
    scoped("crm", "crm.lead.update", Run::Crm(Lead, Operation::Update)),
    open("methods", Run::Methods),
    open("profile", Run::Profile),
    open("scope", Run::Scope),
    open("server.time", Run::ServerTime),
    scoped("user", "user.current", Run::UserCurrent),
];

/// Index of a method, whatever the case of its name.
pub(crate) fn find(name: &str) -> Option<usize> {
    let search = |name: &str| METHODS.binary_search_by(|method| method.name.cmp(name)).ok();
    search(name).or_else(|| search(&name.to_ascii_lowercase()))
}

/// Runs a method; it appends its result to `out`. After an error the caller throws `out` away.
pub(crate) fn run(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    call.world.counters.method(call.method);
    match METHODS[call.method].run {
        Run::AppInfo => common::app_info(call, out),
        Run::Batch => batch::run(call, out),
        Run::Crm(entity, operation) => crm::run(call, entity, operation, out),
        Run::Methods => common::methods(call, out),
        Run::Profile => common::profile(call, out),
        Run::Scope => common::scope(call, out),
        Run::ServerTime => common::server_time(call, out),
        Run::UserCurrent => common::user_current(call, out),
    }
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn the_table_is_sorted_because_it_is_searched_by_halves() {
        assert!(METHODS.is_sorted_by_key(|method| method.name));
    }
}
