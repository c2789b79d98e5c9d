//! Cuts secrets out of what the log shows.

use serde_json::Value;

use crate::sync::Shared;

const CUT: &str = "***";
/// Parameters whose value is a secret, whatever it looks like.
const SECRET: [&str; 13] = [
    "auth",
    "access_token",
    "refresh_token",
    "client_secret",
    "code",
    "token",
    "ap",
    "auth_id",
    "refresh_id",
    "application_token",
    "password",
    "csrf",
    "secret",
];
/// What the `auth` part of an event holds beside secrets.
const TOLD: [&str; 9] = [
    "client_endpoint",
    "domain",
    "expires",
    "expires_in",
    "member_id",
    "scope",
    "server_endpoint",
    "status",
    "user_id",
];
/// Length of a Bitrix24 token in hexadecimal digits.
const TOKEN: usize = 70;

/// Knows the fixed secrets of this run.
#[derive(Default)]
pub(crate) struct Redactor {
    known: Shared<Vec<String>>,
}

impl Redactor {
    /// Remembers a secret.
    pub(crate) fn learn(&self, secret: &str) {
        let mut known = self.known.write();
        if !secret.is_empty() && !known.iter().any(|old| old == secret) {
            known.push(secret.to_owned());
        }
    }

    /// A path: the secret of `/rest/<user>/<secret>/<method>` goes, right or wrong.
    pub(crate) fn path(&self, path: &str) -> String {
        let mut parts: Vec<&str> = path.split('/').collect();
        let filled: Vec<usize> =
            (0..parts.len()).filter(|&index| !parts[index].is_empty()).collect();
        if let [first, _, secret, _, ..] = filled[..]
            && parts[first] == "rest"
        {
            parts[secret] = CUT;
        }
        self.literals(&parts.join("/"))
    }

    /// A query, a form or any other text.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        // Pairs end at & or at the ? of a batch command.
        while !rest.is_empty() {
            let end = rest.find(['&', '?']).map_or(rest.len(), |at| at + 1);
            let (pair, tail) = rest.split_at(end);
            out.push_str(&cut_pair(pair));
            rest = tail;
        }
        self.literals(&out)
    }

    /// A body: JSON is read as such, anything else as text.
    pub(crate) fn body(&self, body: &[u8]) -> String {
        if let Ok(mut tree) = serde_json::from_slice::<Value>(body) {
            self.tree(&mut tree);
            return tree.to_string();
        }
        self.text(&String::from_utf8_lossy(body))
    }

    fn tree(&self, tree: &mut Value) {
        match tree {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.tree(item)),
            Value::Object(map) => {
                for (name, item) in map.iter_mut() {
                    if is_secret(name) && !item.is_null() {
                        *item = CUT.into();
                    } else {
                        self.tree(item);
                    }
                }
            }
            _ => {}
        }
    }

    /// Known secrets, and everything that looks like a token.
    fn literals(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.known.read().iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), CUT);
            }
        }
        cut_tokens(&text)
    }
}

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// `key=value&` with the value cut if the key (or its last bracket) names a secret.
fn cut_pair(pair: &str) -> String {
    let Some((key, value)) = pair.split_once('=') else { return pair.to_owned() };
    let decoded = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    let name = decoded.trim_end_matches(']').rsplit('[').next().unwrap_or("");
    let whole = decoded.split('[').next().unwrap_or("").trim();
    let inside = is_secret(whole) && !TOLD.contains(&name.trim());
    if !is_secret(name.trim()) && !inside {
        return pair.to_owned();
    }
    let end = value.strip_suffix(['&', '?']).map_or("", |kept| &value[kept.len()..]);
    format!("{key}={CUT}{end}")
}

fn cut_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().map(Some).chain([None]) {
        if let Some(digit) = character.filter(char::is_ascii_hexdigit) {
            run.push(digit);
            continue;
        }
        out.push_str(if run.len() >= TOKEN { CUT } else { &run });
        run.clear();
        out.extend(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_token_is_shown_to_the_letter() {
        let token = "0a".repeat(TOKEN / 2);
        let shown = Redactor::default().text(&format!("\0 before {token}\0after \u{1f600}\0"));
        assert_eq!(shown, "\0 before ***\0after \u{1f600}\0");
    }
}
