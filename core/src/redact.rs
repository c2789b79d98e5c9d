//! The one filter that cuts secrets out of text: errors pass through it, and so do log lines.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use once_cell::sync::Lazy;
use regex_lite::{Captures, Regex};

const CUT: &str = "***";

/// Names of form fields, JSON keys and query parameters whose value is a secret. `code` is one too:
/// for thirty seconds it is worth a grant.
const NAMES: &str = "access_token|refresh_token|client_secret|application_token|auth_id|refresh_id|auth|code|sessid|ap|token|password|authorization";

/// Bitrix24 tokens and codes: 70 hexadecimal digits.
static TOKEN: Lazy<Regex> = Lazy::new(|| pattern(r"(?i)(^|[^0-9a-f])[0-9a-f]{70}($|[^0-9a-f])"));
/// The secret in the path of an incoming webhook, `/rest/<user>/<secret>/`.
static WEBHOOK: Lazy<Regex> = Lazy::new(|| pattern(r"(?i)(/rest/(?:api/)?[0-9]+/)[^/\s?#]{4,}"));
/// `name=value` in a query or form, `"name":"value"` in JSON, `name: value` in a log.
static NAMED: Lazy<Regex> = Lazy::new(|| {
    pattern(&format!(
        r#"(?i)((?:^|[^a-z0-9_-]|%[0-9a-f]{{2}})(?:{NAMES})(?:\]|%5D)?\\?["']?\s?(?:=|:|%3D)\s?\\?["']?(?:bearer\s+)?)([^\s"'&,;}})\]\\]+)"#
    ))
});
/// `Bearer <token>` wherever it stands.
static BEARER: Lazy<Regex> = Lazy::new(|| pattern(r"(?i)(bearer\s+)([^\s,;]+)"));

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, compiled by every test of this module"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("constant pattern")
}

/// Replaces every token, webhook secret and named secret in `text` by `***`.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    let keep_prefix = |found: &Captures<'_>| format!("{}{CUT}", &found[1]);
    let keep_ends = |found: &Captures<'_>| format!("{}{CUT}{}", &found[1], &found[2]);
    // Twice: two tokens that share one separator do not both match in a single pass.
    for _ in 0..2 {
        apply(&mut clean, &TOKEN, keep_ends);
    }
    apply(&mut clean, &WEBHOOK, keep_prefix);
    apply(&mut clean, &NAMED, |found| match &found[2] {
        CUT => found[0].to_owned(),
        _ => format!("{}{CUT}", &found[1]),
    });
    apply(&mut clean, &BEARER, keep_prefix);
    clean
}

fn apply(text: &mut Cow<'_, str>, pattern: &Regex, replace: impl Fn(&Captures<'_>) -> String) {
    if let Cow::Owned(changed) = pattern.replace_all(text, replace) {
        *text = Cow::Owned(changed);
    }
}

/// A writer that redacts each line before it reaches `inner`: put it under a log subscriber.
pub struct Redacting<W: Write> {
    inner: W,
    line: Vec<u8>,
}

impl<W: Write> Redacting<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    fn emit(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.line);
        let result = self.inner.write_all(redact(&text).as_bytes());
        self.line.clear();
        result
    }
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.emit()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.emit()?;
        }
        self.inner.flush()
    }
}

impl<W: Write> Drop for Redacting<W> {
    fn drop(&mut self) {
        // A log line that cannot be written must not bring the program down.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "807ca26600631fce00007a4b00000001f0f107aabbccddeeff00112233445566778899";

    #[test]
    fn cuts_every_shape_that_carries_a_secret() {
        for text in [
            format!("token {TOKEN}."),
            format!("{TOKEN} {TOKEN}"),
            TOKEN.to_uppercase(),
            "https://p.example/rest/1/qwertyuiop123456/crm.lead.list.json".to_owned(),
            "https://p.example/rest/api/7/qwertyuiop123456/tasks.task.get".to_owned(),
            "grant_type=refresh_token&client_secret=qwertyuiop123456&x=1".to_owned(),
            r#"{"refresh_token":"qwertyuiop123456","x":1}"#.to_owned(),
            r#"{"refresh_token": "qwertyuiop123456"}"#.to_owned(),
            r#"\"client_secret\":\"qwertyuiop123456\""#.to_owned(),
            "AUTH_ID=qwertyuiop123456&REFRESH_ID=qwertyuiop123456".to_owned(),
            "auth[access_token]=qwertyuiop123456".to_owned(),
            "auth%5Bapplication_token%5D=qwertyuiop123456".to_owned(),
            "https://app.example/?code=qwertyuiop123456&state=s".to_owned(),
            "authorization: Bearer qwertyuiop123456".to_owned(),
            "download.json?auth=qwertyuiop123456&token=crm%7Cqwertyuiop123456".to_owned(),
        ] {
            let clean = redact(&text);
            assert!(!clean.contains("qwertyuiop123456"), "{text} -> {clean}");
            assert!(!clean.to_lowercase().contains(TOKEN), "{text} -> {clean}");
            assert!(clean.contains(CUT), "{text} -> {clean}");
        }
    }

    #[test]
    fn leaves_ordinary_text_alone() {
        for text in [
            "HTTP 401, error expired_token, portal example.bitrix24.com",
            "https://example.bitrix24.com/rest/crm.lead.list",
            r#"{"error":"invalid_grant","error_description":"The refresh token was spent"}"#,
            "10,000 leads in 1.2 s; generation 3; 40 hex 0123456789abcdef0123456789abcdef01234567",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_log_line_split_over_writes_is_still_cut() {
        let mut out = Vec::new();
        {
            let mut log = Redacting::new(&mut out);
            log.write_all(b"client_sec").unwrap();
            log.write_all(b"ret=qwertyuiop123456 done\nnext ").unwrap();
            log.write_all(b"line").unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "client_secret=*** done\nnext line");
    }

    proptest::proptest! {
        #[test]
        fn no_token_survives_any_neighbourhood(before in "[^0-9a-fA-F]{0,12}", after in "([^0-9a-fA-F].{0,12})?") {
            let text = format!("{before}{TOKEN}{after}");
            proptest::prop_assert!(!redact(&text).contains(TOKEN));
        }
    }
}
