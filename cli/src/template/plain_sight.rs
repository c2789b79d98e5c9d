//! What is a secret where everybody can read it, and what only looks like one.

/// Names whose values are secret. They come with a prefix as well, as in `new_refresh_token`.
const NAMES: [&str; 6] = [
    "client_secret",
    "access_token",
    "refresh_token",
    "alert_key",
    "application_token",
    "authorization",
];
/// As they are written in code and addresses.
const IN_TEXT: [(&str, &str); 7] = [
    ("client_secret", "client_secret"),
    ("clientsecret", "client_secret"),
    ("access_token", "access_token"),
    ("accesstoken", "access_token"),
    ("refresh_token", "refresh_token"),
    ("refreshtoken", "refresh_token"),
    ("code", "code"),
];
/// Words that stand where a value would, and are none.
const NO_VALUES: [&str; 14] = [
    "string",
    "number",
    "boolean",
    "object",
    "text",
    "secret",
    "undefined",
    "null",
    "true",
    "false",
    "none",
    "missing",
    "empty",
    "required",
];

/// The secret that a name is of, `code` among them.
pub(super) fn secret_named(name: &str) -> Option<&'static str> {
    // clientSecret, client-secret
    let mut plain = String::new();
    for c in name.rsplit('.').next().unwrap_or(name).chars() {
        if c.is_ascii_uppercase() && plain.ends_with(|before: char| before.is_ascii_lowercase()) {
            plain.push('_');
        }
        plain.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    let is_it = |secret: &&str| {
        plain.strip_suffix(*secret).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    NAMES.into_iter().find(is_it).or_else(|| (plain == "code").then_some("code"))
}

/// Whether the value of a secret's name is the secret itself: neither empty, nor a reference to what the
/// tool keeps (`{{...}}`, `${...}`), nor a word in its place.
pub(super) fn is_literal(name: &str, value: &str) -> bool {
    let value = value.trim();
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    if let Some(inside) = value.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
        let inside = inside.trim();
        let quoted = ['\'', '"', '`'].iter().find_map(|quote| {
            inside.strip_prefix(*quote)?.strip_suffix(*quote).filter(|text| !text.contains(*quote))
        });
        return quoted.is_some_and(|text| !text.contains("${") && is_value(name, text));
    }
    !["{{", "${", "$("].iter().any(|start| value.contains(start)) && is_value(name, value)
}

fn is_value(name: &str, value: &str) -> bool {
    let word = value.trim().to_ascii_lowercase();
    let word = word.strip_prefix("bearer").unwrap_or(&word).trim();
    let first = word.chars().find(|c| c.is_ascii_alphanumeric());
    let is_one_letter = |letter| word.chars().all(|c| c == letter || !c.is_ascii_alphanumeric());
    let in_brackets = word.starts_with('<') && word.ends_with('>');
    first.is_some_and(|first| first != 'x' || !is_one_letter(first))
        && !in_brackets
        && !word.starts_with("your")
        && word != name
        // `is_first ? 'code' : 'refresh_token'`
        && secret_named(word).is_none()
        && !NO_VALUES.contains(&word)
}

/// Whether a description holds a value: a word that is alone, or mixes letters and digits.
pub(super) fn is_described(name: &str, text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_mixed = |word: &&str| is_mixed(word, 6) && is_literal(name, word);
    match words.as_slice() {
        [only] => is_literal(name, only),
        _ => words.iter().any(is_mixed),
    }
}

fn is_mixed(word: &str, length: usize) -> bool {
    word.len() >= length
        && word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_alphabetic())
}

/// The secret that a longer text holds, such as code, JSON, an address or a header.
pub(super) fn secret_in(text: &str) -> Option<&'static str> {
    if text.split(|c: char| !c.is_ascii_hexdigit()).any(|word| word.len() == 70) {
        return Some("a token");
    }
    let small = text.to_ascii_lowercase();
    for (written, secret) in IN_TEXT {
        let mut places = small.match_indices(written).map(|(at, _)| at);
        if places.any(|at| is_given(secret, text, at, at + written.len())) {
            return Some(secret);
        }
    }
    small
        .match_indices("bearer ")
        .any(|(at, word)| is_bearer(&text[at + word.len()..]))
        .then_some("authorization")
}

fn is_bearer(rest: &str) -> bool {
    is_mixed(word(rest.trim_start()), 6)
}

/// Whether `name: "value"`, `name=value` or the like follows.
fn is_given(secret: &str, text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let in_address = matches!(before, Some('?' | '&'));
    let is_longer_name = before
        .is_some_and(|c| c.is_ascii_alphanumeric() || (secret == "code" && "_.$".contains(c)));
    let rest = text[end..].trim_start_matches(['\\', '"', '\'', '`', ']']).trim_start();
    let Some(rest) = rest.strip_prefix([':', '=']).filter(|_| !is_longer_name) else {
        return false;
    };
    // A comparison or an arrow gives nothing.
    if rest.starts_with(['=', '>']) {
        return false;
    }
    let rest = rest.trim_start().trim_start_matches(['\\', '=']);
    let Some(quote) = rest.chars().next().filter(|c| ['"', '\'', '`'].contains(c)) else {
        let value = word(rest);
        let is_expression = rest[value.len()..].starts_with(['.', '(', '[', '?', '$', '{']);
        return !is_expression && looks_secret(secret, value, in_address);
    };
    let quoted = rest[1..].split(quote).next().unwrap_or_default().trim_end_matches('\\');
    let is_sentence = quoted.contains(char::is_whitespace);
    !is_sentence && looks_secret(secret, quoted, true)
}

/// What stands alone between quotes or in an address is meant; elsewhere it may be a variable's name.
fn looks_secret(secret: &str, value: &str, is_text: bool) -> bool {
    let long_enough = match (secret, is_text) {
        ("code", _) => is_mixed(value, 16),
        (_, true) => value.len() >= 4,
        (_, false) => is_mixed(value, 6),
    };
    long_enough && is_literal(secret, value)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_~+/%=".contains(c)));
    &text[..end.unwrap_or(text.len())]
}
