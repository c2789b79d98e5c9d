//! One error type for every language: what happened, where, and what to do next.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use crate::redact::redact;

/// Result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What went wrong, coarsely. [`Kind::as_str`] is stable: every language shows the same word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds, for bindings that map each of them to a class.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The stable word, in snake_case.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $code,)* }
            }
        }
    };
}

kinds! {
    /// A value given by the caller cannot be used; the context names the `field`.
    InvalidInput = "invalid_input",
    /// The `state` of a redirect is not the one that was sent: treat the redirect as forged.
    StateMismatch = "state_mismatch",
    /// The store has no such grant.
    UnknownGrant = "unknown_grant",
    /// The grant cannot be renewed: a person has to consent again.
    NeedsReauthorization = "needs_reauthorization",
    /// The vendor wants payment before it renews; the refresh token is kept.
    Suspended = "suspended",
    /// The authorization server refused the code or refresh token that was sent.
    InvalidGrant = "invalid_grant",
    /// The authorization server refused the application: wrong id or secret, or not installed on the portal.
    InvalidClient = "invalid_client",
    /// The portal refused the credentials for a reason that a rotation does not cure.
    Unauthorized = "unauthorized",
    /// The user, scope or plan does not allow the method.
    AccessDenied = "access_denied",
    /// The portal has no such method.
    MethodNotFound = "method_not_found",
    /// Too many requests; nothing was executed.
    RateLimited = "rate_limited",
    /// The method used up its operating time; nothing was executed.
    OperatingLimit = "operating_limit",
    /// The vendor blocked the application by hand. Stop, and talk to the vendor.
    Blocked = "blocked",
    /// Any other error that the portal answered.
    Rest = "rest",
    /// The connection failed before anything was sent.
    Network = "network",
    /// No answer in time. The request may have been executed.
    Timeout = "timeout",
    /// Something was sent and no usable answer came back. It may have been executed.
    Ambiguous = "ambiguous",
    /// The answer is not what the protocol allows, such as a page of HTML.
    UnexpectedAnswer = "unexpected_answer",
    /// The store could not be read or written.
    Store = "store",
    /// The master key is missing, malformed, or not the one that sealed the store.
    Key = "key",
    /// The caller cancelled.
    Cancelled = "cancelled",
    /// A defect of ours.
    Internal = "internal",
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Retry {
    /// Sending it again gives the same answer.
    #[default]
    Never,
    /// It was certainly not executed: send it again after a pause.
    Safe,
    /// It may have been executed: send it again only if doing it twice is harmless.
    IfIdempotent,
    /// Only after a person has consented again.
    AfterReauthorization,
}

impl Retry {
    /// The stable word, in snake_case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Retry::Never => "never",
            Retry::Safe => "safe",
            Retry::IfIdempotent => "if_idempotent",
            Retry::AfterReauthorization => "after_reauthorization",
        }
    }
}

/// What happened, to which portal and method, and what to do next. Never holds a secret.
///
/// Cheap to clone: everybody who waited for one rotation gets the same error.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    advice: Option<Cow<'static, str>>,
    code: Option<String>,
    status: Option<u16>,
    retry: Retry,
    retry_after: Option<Duration>,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<Source>>,
}

impl Error {
    /// A new error. The message is redacted, so that it may quote what came from outside.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        let retry = match kind {
            Kind::RateLimited | Kind::OperatingLimit | Kind::Network => Retry::Safe,
            Kind::Timeout | Kind::Ambiguous | Kind::UnexpectedAnswer => Retry::IfIdempotent,
            Kind::NeedsReauthorization => Retry::AfterReauthorization,
            _ => Retry::Never,
        };
        Self(Arc::new(Inner {
            kind,
            message: redacted(message.into()),
            advice: None,
            code: None,
            status: None,
            retry,
            retry_after: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// [`Kind::InvalidInput`] for the named field.
    pub fn invalid_input(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::InvalidInput, message).with("field", field)
    }

    /// Adds a fact such as `portal`, `method`, `grant` or `field`; redacted.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl Into<String>) -> Self {
        let value = redact(&value.into()).into_owned();
        self.edit(|inner| {
            if !inner.context.iter().any(|(known, _)| *known == key) {
                inner.context.push((key, value));
            }
        })
    }

    /// Says what to do next.
    #[must_use]
    pub fn advise(self, advice: impl Into<Cow<'static, str>>) -> Self {
        let advice = redacted(advice.into());
        self.edit(|inner| inner.advice = Some(advice))
    }

    /// The vendor's own error code.
    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        let code = redact(&code.into()).into_owned();
        self.edit(|inner| inner.code = Some(code))
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.edit(|inner| inner.status = Some(status))
    }

    /// Overrides the retry advice that the kind implies.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.edit(|inner| inner.retry = retry)
    }

    /// How long to wait before the next try.
    #[must_use]
    pub fn with_retry_after(self, pause: Duration) -> Self {
        self.edit(|inner| inner.retry_after = Some(pause))
    }

    /// The error underneath. Its text is redacted when shown.
    #[must_use]
    pub fn with_source(self, source: impl Into<Source>) -> Self {
        let source = Arc::new(source.into());
        self.edit(|inner| inner.source = Some(source))
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence, without context and advice.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, where there is something to do.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The vendor's own code; `Some("")` where the vendor sent an empty one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Whether the same request may be sent again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// True if it may be sent again whatever it does.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retry == Retry::Safe
    }

    /// How long to wait before the next try, where known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Facts such as `portal`, `method`, `grant`, `field`, in the order they were added.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }
}

fn redacted(text: Cow<'static, str>) -> Cow<'static, str> {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => Cow::Owned(clean),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.message)?;
        let mut facts: Vec<String> =
            inner.context.iter().map(|(key, value)| format!("{key} {value}")).collect();
        facts.extend(
            inner.code.as_ref().filter(|code| !code.is_empty()).map(|code| format!("error {code}")),
        );
        facts.extend(inner.status.map(|status| format!("HTTP {status}")));
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        match &inner.advice {
            Some(advice) => write!(f, ". {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.as_str())?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, "\n  caused by: {}", redact(&error.to_string()))?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &***source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_and_what_to_do() {
        let error = Error::new(Kind::Rest, "the portal refused the call")
            .with("portal", "example.bitrix24.com")
            .with("method", "crm.lead.get")
            .with_code("ACCESS_DENIED")
            .with_status(403)
            .advise("Ask the portal's administrator for CRM rights.");
        assert_eq!(
            error.to_string(),
            "the portal refused the call (portal example.bitrix24.com, method crm.lead.get, \
             error ACCESS_DENIED, HTTP 403). Ask the portal's administrator for CRM rights."
        );
    }

    #[test]
    fn never_shows_a_secret() {
        let token = "0a".repeat(35);
        let error = Error::new(Kind::Rest, format!("bad token {token}"))
            .with("url", format!("https://x/rest/1/abcdefgh12345678/m?auth={token}"))
            .with_code(token.clone())
            .advise(format!("drop client_secret={token}x"))
            .with_source(format!("inner {token}"));
        for shown in [format!("{error}"), format!("{error:?}"), format!("{:?}", error.context())] {
            assert!(!shown.contains(&token) && !shown.contains("abcdefgh12345678"), "{shown}");
        }
    }

    #[test]
    fn words_of_kinds_are_unique() {
        let mut words: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Kind::ALL.len());
    }
}
