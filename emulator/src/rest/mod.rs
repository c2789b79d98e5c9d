//! REST methods: one table of names, one function each.

mod batch;
mod common;
mod crm;
mod department;
mod disk;
mod error;
mod filter;
mod find;
mod im;
mod item;
mod list;
mod methods;
mod notify;
mod option;
mod paged;
mod reference;
mod settings;
mod small;
mod state;
mod status;
mod task;
mod user;
pub(crate) mod v3;
pub(crate) mod xml;

pub(crate) use error::RestError;
pub(crate) use methods::{METHODS, V3, find};
pub(crate) use settings::{Overflow, TimeShape};
pub(crate) use state::{State, StateCopy};

use crate::applications::covers;
use crate::config::Entity;
use crate::params::Params;
pub(crate) use crate::portal::Caller;
use crate::portal::{Reading, Stint};
use crate::settings::{AUTH_CONNECTOR, Confirmation, Profile, Uncounted};
use crate::users::UserKind;
use crate::world::World;

/// One call of one method.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: &'a Caller,
    pub(crate) params: &'a Params,
    /// Index into [`METHODS`].
    pub(crate) method: usize,
}

impl Call<'_> {
    /// Whether the caller's grant covers a scope; `None` is covered by any.
    pub(crate) fn covers(&self, scope: Option<&str>) -> bool {
        covers(self.caller.scope(), scope)
    }

    /// The scopes of the caller's grant.
    pub(crate) fn scopes(&self) -> Vec<String> {
        self.caller.scope().to_vec()
    }

    /// A user of the portal.
    pub(crate) fn user(&self, id: u64) -> crate::users::User {
        self.world.user(id)
    }

    /// The users that lists show.
    pub(crate) fn users(&self) -> Vec<crate::users::User> {
        self.world.people.listed()
    }

    /// Whether the caller administers the portal.
    pub(crate) fn is_admin(&self) -> bool {
        self.user(self.caller.user_id).admin
    }

    /// Whether the caller is a guest of the company.
    pub(crate) fn is_extranet(&self) -> bool {
        self.user(self.caller.user_id).kind == UserKind::Extranet
    }

    /// A call with a `token` is one of a signed link, and no method but these two has any.
    pub(crate) fn check_link(&self) -> Result<(), RestError> {
        let linked = matches!(METHODS[self.method].name, "download" | "upload");
        match self.params.exact("token") {
            Some(token) if !token.is_null() && !linked => Err(RestError::broken_link()),
            _ => Ok(()),
        }
    }

    /// The portal's address, without a slash at the end.
    pub(crate) fn base(&self) -> String {
        format!("{}://{}", self.caller.scheme, self.world.portal_host())
    }

    /// The `total` of a list: of one that was not counted a null, which is 0 on its way out, or nothing.
    pub(crate) fn total(&self, counted: Option<usize>) -> Option<usize> {
        match self.world.settings.read().uncounted_total {
            _ if counted.is_some() => counted,
            Uncounted::Zero => Some(0),
            Uncounted::Absent => None,
        }
    }

    /// Whether the portal is a boxed one.
    pub(crate) fn is_box(&self) -> bool {
        self.world.settings.read().profile == Profile::Box
    }

    /// Who keeps options and idempotency keys: the application, or the webhook of one user.
    pub(crate) fn principal(&self) -> String {
        self.caller.principal()
    }
}

/// What a method answers beside its result.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) next: Option<usize>,
    pub(crate) total: Option<usize>,
    /// The list never counts, and says -1.
    pub(crate) countless: bool,
    /// The caller's operating time, where there is such a limit.
    pub(crate) operating: Option<Reading>,
    /// Microseconds that the client will wait for and the clock has not shown.
    pub(crate) waited: i64,
    /// Sent instead of JSON.
    pub(crate) file: Option<state::File>,
}

impl Page {
    /// The `total` of the answer.
    pub(crate) fn told_total(&self) -> Option<i64> {
        if self.countless {
            Some(-1)
        } else {
            self.total.and_then(|total| i64::try_from(total).ok())
        }
    }
}

/// What can be done with rows.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Add,
    Delete,
    Fields,
    Get,
    List,
    Update,
}

/// What an administrator has not confirmed, and what the plan does not include.
fn permit(call: &Call<'_>, name: &str) -> Result<(), RestError> {
    let settings = call.world.settings.read();
    match settings.confirm.get(name) {
        Some(Confirmation::Waiting) => return Err(RestError::confirmation(false)),
        Some(Confirmation::Denied) => return Err(RestError::confirmation(true)),
        None => {}
    }
    if settings.lacks(AUTH_CONNECTOR)
        && call.params.text("auth_connector").is_some_and(|source| !source.is_empty())
    {
        return Err(RestError::license("auth_connector"));
    }
    Ok(())
}

type Handler = fn(&Call<'_>, &mut Vec<u8>) -> Result<Page, RestError>;

#[derive(Clone, Copy)]
enum Run {
    Crm(Entity, Operation),
    Item(Operation),
    Plain(Handler),
}

/// An entry of the method table.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// `None`: every caller has it.
    pub(crate) scope: Option<&'static str>,
    run: Run,
}

/// Runs a method after a look at the caller's scopes; it appends its result to `out`. After an error the caller
/// throws `out` away.
pub(crate) fn run(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    if !call.covers(METHODS[call.method].scope) {
        return Err(RestError::insufficient_scope(call));
    }
    dispatch(call, out)
}

fn dispatch(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Page, RestError> {
    let Method { name, run, .. } = &METHODS[call.method];
    permit(call, name)?;
    let stint = Stint::begin(call.world, call.caller, name, call.params)?;
    call.world.counters.method(call.method);
    let page = match *run {
        Run::Crm(entity, operation) => crm::run(call, entity, operation, out),
        Run::Item(operation) => item::run(call, operation, out),
        Run::Plain(handler) => handler(call, out),
    }?;
    Ok(Page { waited: stint.waited(), operating: stint.end(), ..page })
}
