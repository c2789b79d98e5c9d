//! The words that settings take.

use std::fmt;
use std::str::FromStr;

use crate::tokens::Successor;

/// Declares an enum whose values are words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$item])* $value,)+
        }

        impl $name {
            pub(super) const WORDS: &[(&str, Self)] = &[$(($word, Self::$value),)+];
        }
    };
}

/// Which kind of installation a portal behaves like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// A cloud portal, as the documentation describes it.
    #[default]
    Cloud,
    /// A self-hosted portal, as its code has it.
    Box,
}

impl Profile {
    pub(super) const WORDS: &[(&str, Self)] = &[("cloud", Self::Cloud), ("box", Self::Box)];

    /// The word: `cloud` or `box`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Box => "box",
        }
    }

    /// Statuses that differ between the installations; other errors have one status everywhere.
    pub(crate) fn status(self, code: &str) -> Option<u16> {
        // Documented status, then the self-hosted one.
        let (cloud, own) = match code {
            "INVALID_REQUEST" => (400, 401),
            "INVALID_CREDENTIALS"
            | "insufficient_scope"
            | "user_access_error"
            | "ACCESS_DENIED_PLAN" => (403, 401),
            "OVERLOAD_LIMIT" => (503, 401),
            "PORTAL_DELETED" => (500, 403),
            _ => return None,
        };
        Some(match self {
            Self::Cloud => cloud,
            Self::Box => own,
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, profile)| *profile)
            .ok_or_else(|| format!("`{text}` is not a profile: use cloud or box"))
    }
}

words! {
    /// What becomes of an access token whose refresh token has been spent.
    OldAccess {
        /// It works until its own expiry.
        Lives = "lives",
        /// It is refused at once, by the authorization server and the portal.
        Dies = "dies",
    }
}

words! {
    /// What becomes of a refresh token that comes again.
    Rotation {
        Strict = "strict",
        Grace = "grace",
        Family = "family",
    }
}

/// What a repetition within the grace period gets.
pub(super) const SUCCESSORS: &[(&str, Successor)] =
    &[("same", Successor::Same), ("new", Successor::New), ("newest", Successor::Newest)];

words! {
    /// Where the bucket's size comes from.
    Bucket {
        Custom = "custom",
        Standard = "standard",
        Enterprise = "enterprise",
    }
}

words! {
    /// How costs pass.
    CostClock {
        Real = "real",
        Virtual = "virtual",
    }
}

words! {
    /// Which authorization server a portal belongs to.
    Region {
        First = "first",
        Second = "second",
    }
}

words! {
    /// The code for a scope that is too wide.
    ScopeError {
        Invalid = "invalid_scope",
        Insufficient = "insufficient_scope",
    }
}

words! {
    /// The code for an authorization code that is too old.
    StaleCode {
        InvalidGrant = "invalid_grant",
        ExpiredToken = "expired_token",
    }
}

words! {
    /// The code for a token that nobody knows.
    UnknownToken {
        Invalid = "invalid_token",
        NoAuth = "NO_AUTH_FOUND",
    }
}

words! {
    /// The code for a webhook that nobody knows.
    UnknownWebhook {
        NoAuth = "NO_AUTH_FOUND",
        Credentials = "INVALID_CREDENTIALS",
    }
}

words! {
    /// The code for an application that is not on the portal.
    NotInstalled {
        InvalidClient = "invalid_client",
        NotInstalled = "NOT_INSTALLED",
    }
}

words! {
    /// The total of a list that was not counted.
    Uncounted {
        Zero = "zero",
        Absent = "absent",
    }
}

words! {
    /// What a page of knowledge bases that is too long becomes.
    LongPage {
        Refuse = "refuse",
        Clamp = "clamp",
    }
}

words! {
    /// What an administrator said to the use of a method.
    Confirmation {
        /// Nothing yet.
        Waiting = "waiting",
        Denied = "denied",
    }
}

words! {
    /// Whom the operating time of a batch is billed to.
    BatchBill {
        Methods = "methods",
        Batch = "batch",
    }
}
