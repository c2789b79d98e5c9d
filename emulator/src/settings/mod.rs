//! What can be changed while the emulator runs, for each portal on its own.
//!
//! Where the papers about the real servers disagree there is a setting; its comment names its default.

mod choice;
mod rule;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use choice::Profile;
pub(crate) use choice::{
    BatchBill, Bucket, Confirmation, CostClock, LongPage, NotInstalled, OldAccess, Region,
    Rotation, ScopeError, StaleCode, Uncounted, UnknownToken, UnknownWebhook,
};
use rule::{Each, Flag, Maybe, Number, Rule, Several, Text, Whole, Word};

use crate::config::Config;
use crate::rest::{Overflow, TimeShape};
use crate::tokens::{Reuse, Rules, Successor};
use crate::users;

/// The keys of a token answer; each may be left out of it.
pub(crate) const ANSWER_KEYS: [&str; 11] = [
    "access_token",
    "client_endpoint",
    "domain",
    "expires",
    "expires_in",
    "member_id",
    "refresh_token",
    "scope",
    "server_endpoint",
    "status",
    "user_id",
];

/// What a plan may lack, as `feature.get` calls it.
pub(crate) const FEATURES: [&str; 2] = [AUTH_CONNECTOR, OFFLINE_EXTENDED];
/// Changes that name their source.
pub(crate) const AUTH_CONNECTOR: &str = "rest_auth_connector";
/// Offline events that are kept until they were dealt with.
pub(crate) const OFFLINE_EXTENDED: &str = "rest_offline_extended";

/// A refused setting: its name and what is allowed.
pub(crate) type Refused = (String, String);

/// Declares the settings once: their type, their default (from the portal's [`Config`]) and the rule of their values.
macro_rules! settings {
    ($config:ident; $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $rule:expr;)+) => {
        /// The present settings of one portal.
        #[derive(Clone)]
        pub(crate) struct Settings {
            $($(#[doc = $doc])+ pub(crate) $name: $type,)+
        }

        impl Settings {
            /// The settings at the start, before the ones that [`Config::settings`] names.
            fn plain($config: &Config) -> Self {
                Self { $($name: $default,)+ }
            }

            /// All settings by name.
            pub(crate) fn to_json(&self) -> Value {
                let mut map = Map::new();
                $(map.insert(stringify!($name).to_owned(), Rule::<$type>::show(&$rule, &self.$name));)+
                Value::Object(map)
            }

            /// What each setting takes, as a JSON Schema with its comment and its default.
            pub(crate) fn schema() -> Map<String, Value> {
                let mut map = Map::new();
                let $config = &Config::default();
                let usual = Self::plain($config);
                $(map.insert(stringify!($name).to_owned(), json!({
                    "description": concat!($($doc),+).trim(),
                    "default": Rule::<$type>::show(&$rule, &usual.$name),
                    "anyOf": [Rule::<$type>::schema(&$rule), {"type": "null"}],
                }));)+
                map
            }

            /// Changes one setting; null is its value in `fresh`.
            fn put(&mut self, name: &str, value: &Value, fresh: &Self) -> Result<(), String> {
                match name {
                    $(stringify!($name) => {
                        self.$name = match value {
                            Value::Null => fresh.$name.clone(),
                            value => Rule::<$type>::read(&$rule, value)?,
                        };
                    })+
                    _ => return Err("is not known here".to_owned()),
                }
                Ok(())
            }
        }
    };
}

/// A day in milliseconds: the most that a cost may be.
const DAY_MS: f64 = 86_400_000.0;

settings! { config;
    // Consent.
    /// The user who consents at once, without a page. Default: nobody. Null is nobody.
    auto_consent: Option<u64> = config.auto_consent, Maybe(UserId);

    // Token answers.
    /// What becomes of an access token whose refresh token was spent: `lives` (default) until its own expiry, or `dies`.
    old_access: OldAccess = OldAccess::Lives, Word(OldAccess::WORDS);
    /// Keys left out of token answers. Default: none.
    omit: Vec<&'static str> = Vec::new(), Several(&ANSWER_KEYS);
    /// The application's letter. Default: the application's own (`L` local, `F` mass-market).
    status: Option<String> = None, Letter;

    // The leaky bucket.
    /// Threshold of a `custom` bucket, in requests; 0 is no limit. Default: `--burst`, 50.
    burst: u32 = config.burst, Whole(0..=u64::from(u32::MAX));
    /// What leaks from a `custom` bucket, in requests a second. Default: `--leak`, 2.
    leak_per_second: f64 = config.leak_per_second, Number(0.0..=1e9);

    // Claims.
    /// Claimed in token answers instead of the authorization server's own host. Default: null.
    server_domain: Option<String> = None, Maybe(Text);
    /// Claimed in token answers instead of the portal's own endpoint. Default: null.
    client_endpoint: Option<String> = None, Maybe(Text);

    // Profile.
    /// `cloud` (default): statuses, limits and headers of a cloud portal; `box`: those of a self-hosted one.
    profile: Profile = config.profile, Word(Profile::WORDS);
    /// Whether the cloud's front with its bucket and its 60 s cut stands before the portal. Default: null, by profile.
    front: Option<bool> = None, Maybe(Flag);
    /// HTTP statuses by error code, over those of the profile, at both servers. Default: none.
    statuses: BTreeMap<String, u16> = BTreeMap::new(), Each(Whole(200..=599));

    // Limits.
    /// `custom` (default) is `burst` and `leak_per_second`, `standard` 50 and 2, `enterprise` 250 and 5.
    bucket: Bucket = Bucket::Custom, Word(Bucket::WORDS);
    /// Whether buckets start full of other people's requests. Default: false.
    drained: bool = false, Flag;
    /// Operating seconds of one method in ten minutes; 0 is no limit. Default: null, 480 in the cloud, none on a box.
    operating_limit: Option<u32> = None, Maybe(Whole(0..=1_000_000));
    /// Operating seconds that one call of a method costs, by method (with `api/` before those of
    /// REST 3.0). Default: none; then what the call took.
    operating_cost: BTreeMap<String, f64> = BTreeMap::new(), Each(Number(0.0..=86_400.0));
    /// Which part of a call's time counts as operating time. Default: 1. A self-hosted portal was measured at 0.5.
    operating_share: f64 = 1.0, Number(0.0..=1.0);
    /// Whether a batch is billed to its inner `methods` (default, as documented) or to `batch` (as measured on a box).
    operating_batch: BatchBill = BatchBill::Methods, Word(BatchBill::WORDS);
    /// Seconds after which the front cuts a request; 0 is never. Default: 60.
    cut_after: f64 = 60.0, Number(0.0..=86_400.0);

    // Costs.
    /// Milliseconds that the way to the portal and back takes. Default: 0.
    round_trip_ms: f64 = 0.0, Number(0.0..=DAY_MS);
    /// Milliseconds that one command takes, alone or inside a batch. Default: 0.
    command_ms: f64 = 0.0, Number(0.0..=DAY_MS);
    /// Milliseconds that counting takes, for a list whose `start` is not negative. Default: 0.
    count_ms: f64 = 0.0, Number(0.0..=DAY_MS);
    /// `real` (default): costs are waited for; `virtual`: the clock is turned by them instead.
    cost_clock: CostClock = CostClock::Real, Word(CostClock::WORDS);

    // Rotation.
    /// What a spent refresh token does: `strict` (default) is refused, `grace` works for a while, `family` ends its chain.
    rotation: Rotation = Rotation::Strict, Word(Rotation::WORDS);
    /// What it gets within the grace period: the `same` pair (default), a `new` one, or the `newest` that ends the others.
    grace_successor: Successor = Successor::Same, Word(choice::SUCCESSORS);
    /// Seconds of grace. Default: 60.
    grace_window: u32 = 60, Whole(0..=31_536_000);
    /// Days a refresh token lives. Default: 30, as the expiry inside live tokens says; the documentation says 180.
    refresh_days: u32 = 30, Whole(1..=3650);
    /// Refreshes of one application on this portal in an hour before `OVERLOAD_LIMIT`; 0 (default) is no limit.
    refreshes_per_hour: u32 = 0, Whole(0..=1_000_000_000);

    // The authorization server.
    /// Which authorization server the portal belongs to: the `first` (default) or the `second`.
    region: Region = Region::First, Word(Region::WORDS);
    /// The code for a `scope` wider than the card: `invalid_scope` (default) or `insufficient_scope`.
    scope_error: ScopeError = ScopeError::Invalid, Word(ScopeError::WORDS);
    /// The code for a code older than 30 s: `invalid_grant` (default) or `expired_token`, which was seen too.
    stale_code: StaleCode = StaleCode::InvalidGrant, Word(StaleCode::WORDS);
    /// The code for an application that is not on the portal: `invalid_client` or `NOT_INSTALLED`. Default: null,
    /// `NOT_INSTALLED` on a box.
    not_installed: Option<NotInstalled> = None, Maybe(Word(NotInstalled::WORDS));
    /// Whether the portal passes `/oauth/token/` on. Default: true.
    proxy_token: bool = true, Flag;

    // The portal's state.
    /// Whether the portal is deleted (`PORTAL_DELETED` at both servers). Default: false.
    deleted: bool = false, Flag;
    /// Whether the application is paid for (else `PAYMENT_REQUIRED`, and `ACCESS_DENIED` for REST). Default: true.
    paid: bool = true, Flag;
    /// Whether REST is blocked by hand (`OVERLOAD_LIMIT`). Default: false.
    blocked: bool = false, Flag;

    // Permissions.
    /// Methods (with `api/` before those of REST 3.0) that an administrator has to confirm: `waiting` (`METHOD_CONFIRM_WAITING`) or `denied`
    /// (`METHOD_CONFIRM_DENIED`). Default: none; real portals ask for `voximplant.user.get` alone.
    confirm: BTreeMap<String, Confirmation> = BTreeMap::new(), Each(Word(Confirmation::WORDS));
    /// Features that the plan does not include (`WRONG_LICENSE`), by their codes at `feature.get`. Default: none.
    missing_features: Vec<&'static str> = Vec::new(), Several(&FEATURES);

    // Credentials.
    /// Whether `Authorization: Bearer` is read, before `auth`. Default: true, as the server's code has it: a batch of REST
    /// 3.0 has no other place for a token.
    bearer: bool = true, Flag;
    /// Whether webhooks may come over plain http; without it they answer `INVALID_REQUEST`. Default: true.
    http_webhooks: bool = true, Flag;
    /// What an unknown token answers: `invalid_token` (default), as live portals do, or `NO_AUTH_FOUND`, as the
    /// documentation's table has it.
    unknown_token: UnknownToken = UnknownToken::Invalid, Word(UnknownToken::WORDS);
    /// What an unknown webhook answers: `NO_AUTH_FOUND` or `INVALID_CREDENTIALS`. Default: null, the latter on a box.
    unknown_webhook: Option<UnknownWebhook> = None, Maybe(Word(UnknownWebhook::WORDS));
    /// Seconds for which the portal keeps the authorization server's word on a token. Default: null, 3600 on a box, else 0.
    verdict_cache: Option<u32> = None, Maybe(Whole(0..=31_536_000));

    // Shapes.
    /// The time block: `integer_start` (default), `full` (start and processing with fractions), `without_reset`,
    /// `without_operating` or `absent`.
    time: TimeShape = TimeShape::IntegerStart, Word(&TimeShape::WORDS);
    /// More than 50 commands: an error for each (`command`) or for the whole `request`. Default: null, `command` on a box.
    batch_overflow: Option<Overflow> = None, Maybe(Word(&Overflow::WORDS));
    /// A `limit` over 200 at `note.collection.list`: `refuse` (default) it or `clamp` it to 200.
    long_page: LongPage = LongPage::Refuse, Word(LongPage::WORDS);
    /// The total of a list that was not counted: `zero` (default) or `absent`.
    uncounted_total: Uncounted = Uncounted::Zero, Word(Uncounted::WORDS);
    /// Whether ordinary events carry a refresh token. Default: false.
    event_refresh_token: bool = false, Flag;
}

impl Settings {
    /// The settings at the start.
    pub(crate) fn new(config: &Config) -> Self {
        let mut settings = Self::plain(config);
        // Checked before the start; what were wrong would be the default.
        let _ = settings.change(&config.settings, &Self::plain(config));
        settings
    }

    /// Whether the settings that the configuration names can be.
    pub(crate) fn check(config: &Config) -> Result<(), Refused> {
        let plain = Self::plain(config);
        plain.clone().change(&config.settings, &plain)
    }

    /// Changes all of `changes` or nothing.
    pub(crate) fn change(
        &mut self,
        changes: &Map<String, Value>,
        fresh: &Self,
    ) -> Result<(), Refused> {
        let mut changed = self.clone();
        for (name, value) in changes {
            let done = match (name.as_str(), value) {
                // Null is nobody, even if somebody consented at the start.
                ("auto_consent", Value::Null) => {
                    changed.auto_consent = None;
                    Ok(())
                }
                _ => changed.put(name, value, fresh),
            };
            done.map_err(|reason| (name.chars().take(60).collect(), reason))?;
        }
        *self = changed;
        Ok(())
    }

    /// The cloud's or the box's, whichever the portal behaves like.
    fn by_profile<T>(&self, cloud: T, own: T) -> T {
        match self.profile {
            Profile::Cloud => cloud,
            Profile::Box => own,
        }
    }

    /// Whether the cloud's front stands before the portal.
    pub(crate) fn has_front(&self) -> bool {
        self.front.unwrap_or(self.by_profile(true, false))
    }

    /// What becomes of a batch with more than fifty commands.
    pub(crate) fn batch_overflow(&self) -> Overflow {
        self.batch_overflow.unwrap_or(self.by_profile(Overflow::Request, Overflow::Command))
    }

    /// What an unknown webhook is told.
    pub(crate) fn unknown_webhook(&self) -> UnknownWebhook {
        let usual = self.by_profile(UnknownWebhook::NoAuth, UnknownWebhook::Credentials);
        self.unknown_webhook.unwrap_or(usual)
    }

    /// What the authorization server says of an application that is not on the portal.
    pub(crate) fn not_installed(&self) -> NotInstalled {
        let usual = self.by_profile(NotInstalled::InvalidClient, NotInstalled::NotInstalled);
        self.not_installed.unwrap_or(usual)
    }

    /// Seconds after which a row of the offline queue is gone, claimed or not.
    pub(crate) fn offline_life(&self) -> i64 {
        self.by_profile(30 * 86_400, 2_952_000)
    }

    /// Whether the plan lacks a feature.
    pub(crate) fn lacks(&self, feature: &str) -> bool {
        self.missing_features.contains(&feature)
    }

    /// Threshold and leak of the bucket; a threshold of 0 is no limit.
    pub(crate) fn bucket(&self) -> (u32, f64) {
        match self.bucket {
            _ if !self.has_front() => (0, 0.0),
            Bucket::Custom => (self.burst, self.leak_per_second),
            Bucket::Standard => (50, 2.0),
            Bucket::Enterprise => (250, 5.0),
        }
    }

    /// Operating seconds of one method in ten minutes; 0 is no limit.
    pub(crate) fn operating_limit(&self) -> u32 {
        self.operating_limit.unwrap_or(self.by_profile(480, 0))
    }

    /// Seconds for which the portal keeps the authorization server's word on a token.
    pub(crate) fn verdict_cache(&self) -> i64 {
        self.verdict_cache.map_or(self.by_profile(0, 3600), i64::from)
    }

    /// How refresh tokens rotate.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            reuse: match self.rotation {
                Rotation::Strict => Reuse::Strict,
                Rotation::Grace => Reuse::Grace(self.grace_successor),
                Rotation::Family => Reuse::Family,
            },
            window: i64::from(self.grace_window),
            old_dies: self.old_access == OldAccess::Dies,
            refresh_life: i64::from(self.refresh_days) * 86_400,
        }
    }

    /// The status of an error: the setting's, else the profile's, else `usual`.
    pub(crate) fn error_status(&self, code: &str, usual: u16) -> u16 {
        self.statuses.get(code).copied().or_else(|| self.profile.status(code)).unwrap_or(usual)
    }
}

/// A user id.
struct UserId;

impl Rule<u64> for UserId {
    fn read(&self, value: &Value) -> Result<u64, String> {
        value.as_u64().filter(|&id| users::is_valid(id)).ok_or_else(|| users::RULE.to_owned())
    }

    fn show(&self, value: &u64) -> Value {
        (*value).into()
    }

    fn schema(&self) -> Value {
        json!({"type": "integer", "minimum": users::RANGE.start(), "maximum": users::RANGE.end()})
    }
}

/// An application's letter.
struct Letter;

impl Rule<Option<String>> for Letter {
    fn read(&self, value: &Value) -> Result<Option<String>, String> {
        Text.read(value).map(Some)
    }

    fn show(&self, value: &Option<String>) -> Value {
        // What local applications have of themselves.
        value.as_deref().unwrap_or("L").into()
    }

    fn schema(&self) -> Value {
        Text.schema()
    }
}
