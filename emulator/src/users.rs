//! The portal's people. Any id in range is an employee, so that tests may ask for as many grants as they need;
//! what a test says about one of them lies over that.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::sync::Shared;

/// Ids of users: the token keeps four bytes for them.
pub(crate) const RANGE: RangeInclusive<u64> = 1..=u32::MAX as u64;
/// Said when a user id is refused.
pub(crate) const RULE: &str = "must be a user id between 1 and 4294967295";
/// Most people of one list.
const LISTED: usize = 56;
/// Longest name.
const NAME: usize = 100;

const PEOPLE: [(&str, &str, &str); 6] = [
    ("Анна", "Соколова", "Руководитель отдела продаж"),
    ("Michael", "Turner", "Sales manager"),
    ("Дмитрий", "Орлов", "Менеджер по работе с клиентами"),
    ("Laura", "Becker", "Account executive"),
    ("Екатерина", "Громова", "Маркетолог"),
    ("Thomas", "Rivera", "Support engineer"),
];

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Administers the portal: may pin events to others and use the offline queue.
    Admin,
    /// Somebody of the company.
    #[default]
    Employee,
    /// A guest: no department, no access to `crm.item.*`.
    Extranet,
}

/// What is said about a user at the start or with `POST /users`; what is left out stays as it was.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserConfig {
    /// The user.
    pub id: u64,
    /// First name.
    pub name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Position.
    pub position: Option<String>,
    /// Administrator (user 1 unless said otherwise), employee or extranet user.
    pub kind: Option<UserKind>,
    /// `false`: dismissed; tokens answer `authorization_error`, webhooks `INVALID_CREDENTIALS`.
    pub active: Option<bool>,
    /// `false`: not on the applications' access list; tokens answer `user_access_error`.
    pub access: Option<bool>,
    /// Secret of the user's own incoming webhook: digits and lower-case letters; empty removes it.
    pub webhook: Option<String>,
    /// Scopes of that webhook; without it, all that the first application has.
    pub scope: Option<Vec<String>>,
}

// By hand: the webhook is a secret.
impl std::fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserConfig")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("active", &self.active)
            .field("access", &self.access)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl UserConfig {
    /// The field that cannot work, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if !is_valid(self.id) {
            return Err(("id", RULE.to_owned()));
        }
        for (field, text) in
            [("name", &self.name), ("last_name", &self.last_name), ("position", &self.position)]
        {
            if text.as_ref().is_some_and(|text| text.len() > NAME) {
                return Err((field, format!("must be at most {NAME} bytes long")));
            }
        }
        let code = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        if self
            .webhook
            .as_ref()
            .is_some_and(|secret| secret.len() > 200 || !secret.bytes().all(code))
        {
            return Err((
                "webhook",
                "must be at most 200 digits and lower-case letters".to_owned(),
            ));
        }
        match &self.scope {
            Some(scope) => {
                crate::applications::check_scope(scope).map_err(|reason| ("scope", reason))
            }
            None => Ok(()),
        }
    }

    fn over(self, known: &mut Self) {
        fn put<T>(new: Option<T>, place: &mut Option<T>) {
            if new.is_some() {
                *place = new;
            }
        }
        put(self.name, &mut known.name);
        put(self.last_name, &mut known.last_name);
        put(self.position, &mut known.position);
        put(self.kind, &mut known.kind);
        put(self.active, &mut known.active);
        put(self.access, &mut known.access);
        put(self.webhook, &mut known.webhook);
        put(self.scope, &mut known.scope);
    }
}

/// Somebody of the portal.
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: Cow<'static, str>,
    pub(crate) last_name: Cow<'static, str>,
    pub(crate) position: Cow<'static, str>,
    pub(crate) admin: bool,
    pub(crate) kind: UserKind,
    pub(crate) active: bool,
    /// May use the applications.
    pub(crate) access: bool,
}

/// An incoming webhook.
pub(crate) struct Webhook {
    pub(crate) user_id: u64,
    /// `None`: everything.
    pub(crate) scope: Option<Vec<String>>,
    /// Whether its user still works here.
    pub(crate) active: bool,
}

/// Whether such a user can exist.
pub(crate) fn is_valid(id: u64) -> bool {
    RANGE.contains(&id)
}

/// The user with this id, as far as nobody has said anything else.
pub(crate) fn get(id: u64) -> User {
    let index = usize::try_from(id.saturating_sub(1) % PEOPLE.len() as u64).unwrap_or(0);
    let (name, last_name, position) = PEOPLE[index];
    let admin = id == 1;
    User {
        id,
        name: name.into(),
        last_name: last_name.into(),
        position: position.into(),
        admin,
        kind: if admin { UserKind::Admin } else { UserKind::Employee },
        active: true,
        access: true,
    }
}

/// The people of one portal.
pub(crate) struct People {
    start: Vec<UserConfig>,
    said: Shared<BTreeMap<u64, UserConfig>>,
}

impl People {
    pub(crate) fn new(start: Vec<UserConfig>) -> Self {
        let people = Self { start, said: Shared::default() };
        people.reset();
        people
    }

    pub(crate) fn reset(&self) {
        self.said.write().clear();
        self.start.iter().cloned().for_each(|user| self.say(user));
    }

    /// What was said so far, for a snapshot.
    pub(crate) fn copy(&self) -> BTreeMap<u64, UserConfig> {
        self.said.read().clone()
    }

    pub(crate) fn restore(&self, said: BTreeMap<u64, UserConfig>) {
        *self.said.write() = said;
    }

    /// Lays `user` over what is known.
    pub(crate) fn say(&self, user: UserConfig) {
        let mut said = self.said.write();
        let id = user.id;
        user.over(said.entry(id).or_insert_with(|| UserConfig { id, ..UserConfig::default() }));
    }

    pub(crate) fn get(&self, id: u64) -> User {
        let mut user = get(id);
        if let Some(said) = self.said.read().get(&id) {
            let text =
                |new: &Option<String>, old: Cow<'static, str>| new.clone().map_or(old, Cow::Owned);
            user.name = text(&said.name, user.name);
            user.last_name = text(&said.last_name, user.last_name);
            user.position = text(&said.position, user.position);
            user.kind = said.kind.unwrap_or(user.kind);
            user.admin = user.kind == UserKind::Admin;
            user.active = said.active.unwrap_or(true);
            user.access = said.access.unwrap_or(true);
        }
        user
    }

    /// Whether the user is active, and whether the applications are open to them: without building a [`User`].
    pub(crate) fn standing(&self, id: u64) -> (bool, bool) {
        self.said
            .read()
            .get(&id)
            .map_or((true, true), |said| (said.active.unwrap_or(true), said.access.unwrap_or(true)))
    }

    /// The webhook of a user (by id or by login) with this secret.
    pub(crate) fn webhook(&self, login: &str, secret: &str) -> Option<Webhook> {
        let user_id = match login.parse() {
            Ok(id) => id,
            Err(_) => login.strip_prefix("user")?.strip_suffix("@example.com")?.parse().ok()?,
        };
        let said = self.said.read();
        let user = said.get(&user_id)?;
        let fits = !secret.is_empty() && user.webhook.as_deref() == Some(secret);
        let active = user.active.unwrap_or(true);
        fits.then(|| Webhook { user_id, scope: user.scope.clone(), active })
    }

    /// The first six and everybody something was said about, dismissed or not.
    pub(crate) fn known(&self) -> Vec<User> {
        let first = 1..=PEOPLE.len() as u64;
        let said: Vec<u64> =
            self.said.read().keys().copied().filter(|id| !first.contains(id)).collect();
        first.chain(said).map(|id| self.get(id)).collect()
    }

    /// Those whom lists and the consent page offer: who works here, as far as that fits a page.
    pub(crate) fn listed(&self) -> Vec<User> {
        self.known().into_iter().filter(|user| user.active).take(LISTED).collect()
    }
}
